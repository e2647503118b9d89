# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares an int8 model with the float32 model that it was made of, on frames that it was not calibrated on."""

import dataclasses

SURE = 0.3  # above this score of the original's a frame counts for --min-agreement


@dataclasses.dataclass
class Agreement:
    """Over the frames of one clip, or of all."""

    name: str
    frames: int
    top1: int  # frames where both have the same best class
    top5: int  # where the original's best class is among the five best
    sure: int  # frames where the original's best score is above SURE
    sure_top1: int  # where both have the same best class, of these
    largest: float  # difference of any class's score
    mean: float  # over frames, of each one's largest difference

    @property
    def rate(self):
        """Of the frames that count; None if there are none."""
        return self.sure_top1 / self.sure if self.sure else None

    def text(self):
        sure = f"{self.sure_top1 / self.sure:.3f} of {self.sure}" if self.sure else "none"
        return (
            f"{self.name}: {self.frames} frames, top-1 {self.top1 / self.frames:.3f} "
            f"(above {SURE}: {sure}), in the top-5 {self.top5 / self.frames:.3f}, "
            f"scores differ by {self.mean:.3f} on average, {self.largest:.3f} at most"
        )


def scores(output, activation):
    if activation == "softmax":
        return output.softmax(1)
    return output.sigmoid() if activation == "sigmoid" else output


def compare(name, expected, found):
    """`expected` and `found` are scores [frames, classes]."""
    best = expected.max(1)
    same = found.argmax(1) == best.indices
    five = found.topk(min(5, found.shape[1])).indices
    sure = best.values > SURE
    differences = (expected - found).abs().amax(1)
    return Agreement(
        name,
        len(expected),
        int(same.sum()),
        int((five == best.indices[:, None]).any(1).sum()),
        int(sure.sum()),
        int((same & sure).sum()),
        float(differences.max()),
        float(differences.mean()),
    )


def together(name, parts):
    frames = sum(part.frames for part in parts)
    added = {key: sum(getattr(part, key) for part in parts) for key in ("top1", "top5", "sure", "sure_top1")}
    mean = sum(part.mean * part.frames for part in parts) / frames
    return Agreement(name, frames, largest=max(part.largest for part in parts), mean=mean, **added)
