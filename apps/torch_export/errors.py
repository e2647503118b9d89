# SPDX-License-Identifier: LGPL-2.1-or-later
"""The errors that are answers to the user and not faults of this tool."""


class ExportError(Exception):
    """The export is impossible: the text says what, where, and what to do."""


class DifferenceError(ExportError):
    """What was saved does not compute what the original computes, so nothing was written."""


class DisagreementError(DifferenceError):
    """The int8 model's answers are not the original's often enough."""
