# SPDX-License-Identifier: LGPL-2.1-or-later
"""The frames that calibrate, and those that judge."""

import torch

# Of a clip that has to do for both: its end, since neighbours in time look alike.
_KEPT_BACK = 5


def split(clips, judges, most):
    """Bytes to calibrate on, `most` at most and evenly spread over `clips`, and (name, bytes) of frames to judge by:
    those of the Clips `judges`, or the last fifth of each clip."""
    held = [(clip.name, clip.frames) for clip in judges]
    parts = [clip.frames for clip in clips]
    if not judges:
        ends = [max(1, len(part) - len(part) // _KEPT_BACK) for part in parts]
        held = [(f"end of {clip.name}", part[end:]) for clip, part, end in zip(clips, parts, ends) if end < len(part)]
        parts = [part[:end] for part, end in zip(parts, ends)]
    return torch.cat([_spread(part, share) for part, share in zip(parts, _shares(parts, most))]), held


def _shares(parts, most):
    """How many frames of each: alike, but of a short one no more than it has."""
    shares = [0] * len(parts)
    for place in sorted(range(len(parts)), key=lambda place: len(parts[place])):
        left = sum(1 for share in shares if share == 0)
        shares[place] = min(len(parts[place]), max(1, (most - sum(shares)) // left))
    return shares


def _spread(frames, count):
    return frames[[i * len(frames) // count for i in range(count)]]
