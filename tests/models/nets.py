# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test models by what they compute."""

import torch
from torch import Tensor, nn

from model_files import LABELS, SIZE, model, model_info, save, script


class Identity(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


@model
def identity(path):
    """Hands its input's own memory out."""
    script(Identity(), path, info=model_info(3 * SIZE * SIZE))


class Sum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).sum(1, keepdim=True)


@model
def sum(path):
    script(Sum(), path, info=model_info(1), labels=["sum"])


class Colour(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) * 10.0


@model
def colour(path):
    """Which of red, green and blue a frame has most of: what it answers can be told beforehand."""
    script(Colour(), path, info=model_info(3), labels=["red", "green", "blue"])


def convnet(channels=3):
    """What real networks are made of: convolutions, batch norms, depthwise ones, pooling, dropout."""
    torch.manual_seed(7)
    net = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
        nn.BatchNorm2d(16),
        nn.Hardswish(),
        nn.Conv2d(16, 32, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(32, len(LABELS)),
    )
    with torch.no_grad():
        net.train()
        for _ in range(4):  # running statistics other than 0 and 1
            net(torch.randn(8, channels, SIZE, SIZE))
    return net.eval()


@model
def classifier(path):
    script(convnet(), path, info=model_info(len(LABELS)), labels=LABELS)


@model
def traced_classifier(path):
    traced = torch.jit.trace(convnet(), torch.zeros(1, 3, SIZE, SIZE))
    save(traced, path, info=model_info(len(LABELS)), labels=LABELS)


@model
def frozen_classifier(path):
    """Frozen before it was saved, so that its modules have no training flag."""
    frozen = torch.jit.freeze(torch.jit.script(convnet()))
    save(frozen, path, info=model_info(len(LABELS)), labels=LABELS)


@model
def gray_classifier(path):
    script(convnet(1), path, info=model_info(len(LABELS), channels=1), labels=LABELS)


@model
def training_mode(path):
    """Saved in training mode: dropout would throw dice, batch norm would mix the batch."""
    net = convnet().train()
    save(torch.jit.script(net), path, info=model_info(len(LABELS)), labels=LABELS)


@model
def quantized_classifier(path):
    """int8, packed for oneDNN, with a float fully connected layer."""
    torch.backends.quantized.engine = "onednn"
    net = convnet()
    net = torch.ao.quantization.fuse_modules(net, [["0", "1", "2"], ["4", "5"]])
    net = nn.Sequential(
        torch.ao.quantization.QuantStub(), *net[:10], torch.ao.quantization.DeQuantStub(), *net[10:]
    ).eval()
    net.qconfig = torch.ao.quantization.get_default_qconfig("onednn")
    net[-1].qconfig = None
    torch.ao.quantization.prepare(net, inplace=True)
    with torch.no_grad():
        net(torch.randn(16, 3, SIZE, SIZE))
    torch.ao.quantization.convert(net, inplace=True)
    info = model_info(len(LABELS), extra="quantized-engine=onednn\n")
    script(net, path, info=info, labels=LABELS)


class UnderflowingNorm(nn.Module):
    """A convolution whose large bias a batch norm takes away again: one by one both round, folded into
    one they do not, so the folded form gives other (better) results."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8, eps=0.0)
        with torch.no_grad():
            self.conv.weight.mul_(1e-3)
            self.conv.bias.fill_(1e4)
            self.norm.running_mean.fill_(1e4)
            self.norm.running_var.fill_(1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)).mean(dim=(2, 3))


@model
def ill_conditioned(path):
    script(UnderflowingNorm(), path)


class Shuffled(nn.Module):
    """Looks its input up in a table of places, none of which bfloat16 could name exactly."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(11)
        places = torch.arange(2049, 3 * SIZE * SIZE, 2)
        self.register_buffer("places", places[torch.randperm(len(places))])
        self.norm = nn.BatchNorm1d(len(places))  # has a counter
        self.fc = nn.Linear(len(places), len(LABELS))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(x.flatten(1)[:, self.places]))


@model
def index_table(path):
    script(Shuffled(), path, info=model_info(len(LABELS)), labels=LABELS)
