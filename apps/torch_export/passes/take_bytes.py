# SPDX-License-Identifier: LGPL-2.1-or-later
"""Gives a model bytes to take: the preprocessing then writes a quarter of the memory, and the model scales them."""

from torch import nn


class TakesBytes(nn.Module):
    """[N, height, width, channels] of bytes to what `model` takes."""

    def __init__(self, model, model_input):
        super().__init__()
        self.model = model
        self.channels_first = model_input.layout == "nchw"
        factor, zero = model_input.pixel_map()
        shape = (1, -1, 1, 1) if self.channels_first else (1, 1, 1, -1)
        self.register_buffer("factor", factor.view(shape))
        self.register_buffer("low", (-zero * factor).view(shape))

    def forward(self, frames):
        image = frames.permute(0, 3, 1, 2) if self.channels_first else frames
        return self.model(image.float() * self.factor + self.low)
