# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory formats and half precision: a model's weights and the values between its layers in another form, float32 on
its outside."""

import copy

import torch
from torch import nn

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class ChannelsLast(nn.Module):
    """`model` with its channels last in memory, where its tensors' order of dimensions stays the same."""

    def __init__(self, model):
        super().__init__()
        self.model = copy.deepcopy(model).to(memory_format=torch.channels_last)

    def forward(self, x):
        return self.model(x.contiguous(memory_format=torch.channels_last))


class Half(nn.Module):
    """`model` in half precision."""

    def __init__(self, model, name):
        super().__init__()
        self.dtype = HALVES[name]
        self.model = copy.deepcopy(model).to(self.dtype)

    def forward(self, x):
        return self.model(x.to(self.dtype)).float()
