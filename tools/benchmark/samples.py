# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the steps of a run have found so far."""


class Samples:
    """Values by name, one a round, and texts that explain them."""

    def __init__(self):
        self.values = {}
        self.facts = {}
        self.failures = {}  # by step, in words
        self.absent = {}  # likewise, where this system lacks what the step is about

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)
