# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tools/bench does: it measures how fast the elements are, beside what the machine allows."""
