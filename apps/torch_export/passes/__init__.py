# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes to a model before it is converted. Each keeps the answers, within what check.py allows."""
