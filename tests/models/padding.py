# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test models that pad by hand before their convolutions."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from model_files import LABELS, SIZE, model, model_info, save, script


class SamePad(nn.Module):
    """A convolution of stride 2 with TensorFlow's SAME padding: more below and to the right."""

    def __init__(self, inputs: int, outputs: int, size: int, groups: int = 1):
        super().__init__()
        self.before, self.after = (size - 2) // 2, (size - 1) // 2
        self.conv = nn.Conv2d(inputs, outputs, size, stride=2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.act = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pad(x, (self.before, self.after, self.before, self.after))
        return self.act(self.norm(self.conv(x)))


def padded_net():
    """Three pads whose sides differ, and a symmetric one."""
    torch.manual_seed(13)
    net = nn.Sequential(
        SamePad(3, 16, 3),
        SamePad(16, 16, 5, groups=16),
        nn.ZeroPad2d(1),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        SamePad(32, 32, 3, groups=32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, len(LABELS)),
    )
    with torch.no_grad():
        net.train()
        for _ in range(4):
            net(torch.randn(8, 3, SIZE, SIZE))
    return net.eval()


@model
def padded_classifier(path):
    script(padded_net(), path, info=model_info(len(LABELS)), labels=LABELS)


@model
def traced_padded_classifier(path):
    traced = torch.jit.trace(padded_net(), torch.zeros(1, 3, SIZE, SIZE))
    save(traced, path, info=model_info(len(LABELS)), labels=LABELS)


@model
def frozen_padded_classifier(path):
    frozen = torch.jit.freeze(torch.jit.script(padded_net()))
    save(frozen, path, info=model_info(len(LABELS)), labels=LABELS)


class PadsOfAllKinds(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(17)
        self.left_top = nn.Conv2d(3, 4, 3, stride=2)
        self.dilated = nn.Conv2d(3, 4, 3, dilation=2)
        self.own_too = nn.Conv2d(3, 4, 3, padding=(1, 2))
        self.one_side = nn.Conv2d(3, 4, (3, 5))
        self.grouped = nn.Conv2d(3, 6, 3, groups=3)
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 5, stride=3)

    def forward(self, x: Tensor) -> Tensor:
        shared = functional.pad(x, (1, 2, 2, 1))
        if x.dim() == 4:  # a block of its own
            grouped = self.grouped(functional.pad(x, (0, 1, 1, 0)))
        else:
            grouped = x
        maps = [
            self.left_top(functional.pad(x, (1, 0, 1, 0))),
            self.dilated(functional.pad(x, (1, 3, 2, 0))),
            self.own_too(torch.constant_pad_nd(x, (0, 1, 1, 0), 0)),
            self.one_side(functional.pad(x, (2, 3))),
            self.first(shared),
            self.second(shared),
            grouped,
        ]
        # Not only means: a row too many at an edge would hardly change them.
        return torch.cat([m.amax(dim=(2, 3)) + m[:, :, -1, -1] - m[:, :, 0, 0] for m in maps], dim=1)


@model
def pads_of_all_kinds(path):
    """Six pads, all of which convolutions can take; one is shared by two."""
    script(PadsOfAllKinds(), path)


class PadsThatStay(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(19)
        self.one = nn.Conv2d(3, 4, 3)
        self.point = nn.Conv2d(3, 4, 1)
        self.dilated = nn.Conv2d(3, 4, 3, dilation=2)
        self.same = nn.Conv2d(3, 4, 3, padding="same")
        self.reflecting = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")
        self.transposed = nn.ConvTranspose2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        ones = functional.pad(x, (1, 1, 1, 1), value=1.0)
        crops = functional.pad(x, (-1, 1, 1, 1))
        channels = functional.pad(x, (0, 0, 0, 0, 0, 1))[:, 1:]
        larger = functional.pad(x, (0, 1, 1, 0))
        twice = functional.pad(x, (0, 1, 0, 1))
        scratch = x * 0.5
        before = functional.pad(scratch, (0, 1, 0, 1))
        scratch.mul_(3.0)
        written = functional.pad(x, (1, 0, 1, 0))
        written.add_(1.0)
        maps = [
            self.one(functional.pad(x, (1, 2, 1, 2))),
            self.one(ones),
            self.one(crops),
            self.one(channels),
            self.point(larger),
            self.one(twice) + twice.mean(),
            functional.relu(functional.pad(x, (1, 1, 0, 1))),
            self.one(before),
            self.one(written),
            self.dilated(functional.pad(x, (0, 1, 1, 2))),
            self.same(functional.pad(x, (1, 1, 1, 1))),
            self.reflecting(x),
            self.transposed(functional.pad(x, (2, 2, 2, 2))),
        ]
        return torch.cat(
            [m.amax(dim=(2, 3)) + m[:, :, -1, -1] - m[:, :, 0, 0] for m in maps] + [scratch.mean((2, 3))], dim=1
        )


@model
def pads_that_stay(path):
    """Twelve pads that no convolution can take, or should, and one that can be folded. No two are alike: freezing would
    make them one."""
    script(PadsThatStay(), path)
