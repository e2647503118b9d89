# SPDX-License-Identifier: LGPL-2.1-or-later
"""Post-training quantisation to 8 bits for libtorch's oneDNN engine.

plan reads a model's graph and says what becomes 8-bit; rounding turns weights and values into steps; calibrate runs the
model on frames beside itself in 8 bits, layer by layer, and corrects each; build makes the quantised module; report
compares it with the original on frames that it has not seen.
"""

ENGINE = "onednn"
