# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test models with what a look into a model should find."""

from typing import Tuple

import torch
from torch import Tensor, nn

from model_files import LABELS, SIZE, model, model_info, save, script
from nets import convnet


@model
def traced_in_training(path):
    """Dropout and batch norm in training mode, written into the code."""
    traced = torch.jit.trace(convnet().train(), torch.rand(1, 3, SIZE, SIZE), check_trace=False)
    save(traced, path, info=model_info(len(LABELS)), labels=LABELS)


@model
def frozen_with_norms(path):
    """Frozen without the numerics, so that batch norms stand behind their convolutions."""
    save(torch.jit.freeze(torch.jit.script(convnet()), optimize_numerics=False), path)


@model
def half_folded(path):
    """Of three convolutions two have a bias in place of their batch norm."""
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    script(net, path)


@model
def quantized_with_norm(path):
    """A batch norm was left where it was when the convolution before it became int8."""
    torch.backends.quantized.engine = "onednn"
    net = nn.Sequential(
        torch.ao.quantization.QuantStub(),
        nn.Conv2d(3, 4, 3),
        torch.ao.quantization.DeQuantStub(),
        nn.BatchNorm2d(4),
    ).eval()
    net.qconfig = torch.ao.quantization.get_default_qconfig("onednn")
    net[3].qconfig = None
    torch.ao.quantization.prepare(net, inplace=True)
    with torch.no_grad():
        net(torch.randn(4, 3, SIZE, SIZE))
    torch.ao.quantization.convert(net, inplace=True)
    script(net, path)


class HangsAtLoad(nn.Module):
    @torch.jit.export
    def __getstate__(self) -> Tuple[int, bool]:
        return 1, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[int, bool]) -> None:
        count = state[0]
        while count != 0:
            count = 3 - count
        self.training = state[1]

    def forward(self, x: Tensor) -> Tensor:
        return x


@model
def hangs_at_load(path):
    script(HangsAtLoad(), path)


class GrowsAtLoad(nn.Module):
    @torch.jit.export
    def __getstate__(self) -> Tuple[int, bool]:
        return 1 << 24, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[int, bool]) -> None:
        kept = [torch.ones(state[0])]
        while len(kept) > 0:
            kept.append(torch.ones(state[0]))
        self.training = state[1]

    def forward(self, x: Tensor) -> Tensor:
        return x


@model
def grows_at_load(path):
    """Takes 64 MiB after 64 MiB until there are no more."""
    script(GrowsAtLoad(), path)


@model
def depthwise_stem(path):
    """Its first convolution has a group for each of three channels."""
    script(nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), path)


@model
def transposed_stem(path):
    script(nn.Sequential(nn.ConvTranspose2d(3, 4, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()), path)


@model
def reflecting_pad(path):
    script(nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), path)


class PrintsAtLoad(nn.Module):
    @torch.jit.export
    def __getstate__(self) -> Tuple[int, bool]:
        return 1, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[int, bool]) -> None:
        text = "and on "
        for _ in range(12):
            text = text + text
        count = state[0]
        while count != 0:
            print(text)
            count = 3 - count
        self.training = state[1]

    def forward(self, x: Tensor) -> Tensor:
        return x


@model
def prints_at_load(path):
    script(PrintsAtLoad(), path)


class Conditional(nn.Module):
    """Two ways, and a loop, so that its graph has blocks in blocks."""

    def forward(self, x: Tensor) -> Tensor:
        if x.size(0) > 1:
            y = torch.relu(x)
        else:
            y = torch.sigmoid(x)
        for _ in range(x.size(1)):
            y = y + x
        return y.mean(dim=(2, 3))


@model
def conditional(path):
    script(Conditional(), path, info=model_info(3), labels=["a", "b", "c"])
