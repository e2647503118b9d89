# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of gst-torch-export: from a PyTorch model to a TorchScript file that torchinference runs as it is.

sources builds the model and weights fills it; passes.* change it, each exactly; convert turns it into TorchScript;
model_info writes what the graph does not say; check compares what was saved with what came in; cli joins them.
"""
