# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test models by what they take and give, and by the batches that they allow."""

from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

from model_files import LABELS, SIZE, model, model_info, save, script
from nets import convnet


# What models take -------------------------------------------------------------------------------


class Bytes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.uint8, "bytes are wanted"
        assert x.size(3) == 3, "channels last are wanted"
        return x.to(torch.float32).mean(dim=(1, 2)) / 25.5


@model
def uint8_nhwc(path):
    """The colour model on bytes, N x 32 x 32 x 3."""
    info = model_info(3, dtype="uint8", dims=f"-1,{SIZE},{SIZE},3", ranges=None)
    script(Bytes(), path, info=info, labels=["red", "green", "blue"])


class Wide(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.size(3) == 2 * x.size(2), "twice as wide as high is wanted"
        light = x.flatten(1).mean(1, keepdim=True)
        return torch.cat([1.0 - light, light], dim=1) * 10.0


@model
def wide(path):
    """Whether a frame is dark or bright; takes images of 3 x 32 x 64."""
    info = model_info(2, dims=f"-1,3,{SIZE},{2 * SIZE}")
    script(Wide(), path, info=info, labels=["dark", "bright"])


class Halves(nn.Module):
    def __init__(self, dtype: torch.dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        assert x.dtype == self.dtype
        return (x.float().flatten(1).mean(1, keepdim=True)).to(self.dtype)


@model
def float16_input(path):
    script(Halves(torch.float16), path)


@model
def bfloat16_input(path):
    script(Halves(torch.bfloat16), path)


class FourChannels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).mean(dim=(2, 3))


@model
def wrong_channels(path):
    """Its model info says 3 channels, its first convolution takes 4."""
    script(FourChannels(), path, info=model_info(8))


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask


@model
def two_inputs(path):
    script(TwoInputs(), path)


class ListInput(nn.Module):
    def forward(self, images: List[Tensor]) -> Tensor:
        return torch.stack(images).flatten(1)


@model
def list_input(path):
    script(ListInput(), path)


class NoForward(nn.Module):
    @torch.jit.export
    def predict(self, x: Tensor) -> Tensor:
        return x


@model
def no_forward(path):
    script(NoForward(), path)


class WritesInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x.sub_(1.0)
        return x.flatten(1).sum(1, keepdim=True)


@model
def writes_input(path):
    script(WritesInput(), path)


class HalvesBrightInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x.mul_(torch.where(x > 3.0, 0.5, 1.0))
        return x.mean(dim=(2, 3))


@model
def halves_bright_input(path):
    """Writes to its input in any case, but changes it only where it is above 3."""
    script(HalvesBrightInput(), path)


# What models give -------------------------------------------------------------------------------


class Pixels(nn.Module):
    def __init__(self, dtype: torch.dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(1)
        if self.dtype != torch.float32:
            y = y.round()
        return y.to(self.dtype)


@model
def pixels(path):
    """Gives back what it gets, whatever its shape, a class for each value."""
    script(Pixels(torch.float32), path)


@model
def pixels_float64(path):
    script(Pixels(torch.float64), path)


@model
def pixels_int32(path):
    script(Pixels(torch.int32), path)


@model
def pixels_int8(path):
    script(Pixels(torch.int8), path)


@model
def pixels_uint8(path):
    script(Pixels(torch.uint8), path)


class PixelsOfBytes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.uint8, "bytes are wanted"
        return x.flatten(1).to(torch.float32) / 25.5


@model
def pixels_of_bytes(path):
    """The same for bytes, 0 to 255 as 0 to 10."""
    script(PixelsOfBytes(), path)


class PixelsAndPlanes(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return x.flatten(1), -x.flatten(2)


@model
def pixels_and_planes(path):
    script(PixelsAndPlanes(), path)


class PlanesAndPixels(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return -x.flatten(2), x.flatten(1)


@model
def planes_and_pixels(path):
    """Its first output is not one number for each class."""
    script(PlanesAndPixels(), path)


class IntOutput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)).argmax(1, keepdim=True).to(torch.int32)


@model
def int_output(path):
    script(IntOutput(), path)


class BoolOutput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) > 0


@model
def bool_output(path):
    script(BoolOutput(), path)


class TupleOutput(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return x.mean(dim=(2, 3)), x.amax(dim=(2, 3)).to(torch.float64)


@model
def tuple_output(path):
    script(TupleOutput(), path)


class ListOutput(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [x[:, 0], x.permute(0, 2, 3, 1)]


@model
def list_output(path):
    """Views of the input, the second one not contiguous."""
    script(ListOutput(), path)


class DictOutput(nn.Module):
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        return {"scores": x.mean(dim=(2, 3)), "boxes": x[:, :, :2, :2].flatten(1)}


@model
def dict_output(path):
    script(DictOutput(), path)


class Heads(NamedTuple):
    logits: Tensor
    aux: Optional[Tensor]


class NamedOutput(nn.Module):
    def forward(self, x: Tensor) -> Heads:
        return Heads(x.mean(dim=(2, 3)), None)


@model
def named_tuple_output(path):
    """As torchvision's GoogLeNet: a field that is None outside training."""
    script(NamedOutput(), path)


class NestedOutput(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        return x, (x, x)


@model
def nested_output(path):
    script(NestedOutput(), path)


class StringOutput(nn.Module):
    def forward(self, x: Tensor) -> str:
        return "a picture"


@model
def string_output(path):
    script(StringOutput(), path)


class ScalarOutput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean()


@model
def scalar_output(path):
    script(ScalarOutput(), path)


class ComplexOutput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.complex(x, x)


@model
def complex_output(path):
    script(ComplexOutput(), path)


class NaNWhenBright(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3))
        return torch.where(means > 0.9, torch.full_like(means, float("nan")), means)


@model
def nan_when_bright(path):
    """A row whose channels are above 0.9 on average comes out as NaN."""
    script(NaNWhenBright(), path, info=model_info(3), labels=["red", "green", "blue"])


class AlwaysNaN(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) * float("nan")


@model
def always_nan(path):
    script(AlwaysNaN(), path, info=model_info(3), labels=["red", "green", "blue"])


@model
def wrong_labels(path):
    """Two labels for ten classes."""
    script(convnet(), path, info=model_info(len(LABELS)), labels=LABELS[:2])


@model
def no_model_info(path):
    script(convnet(), path)


@model
def bad_model_info(path):
    script(convnet(), path, info="[modelinfo\nversion 1.0\n", labels=LABELS)


# Batches ----------------------------------------------------------------------------------------


class FixedBatch(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.fc = nn.Linear(3 * SIZE * SIZE, len(LABELS))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.reshape(1, 3 * SIZE * SIZE))


@model
def fixed_batch(path):
    """Traced with its batch of 1 baked in: it throws at every other."""
    traced = torch.jit.trace(FixedBatch().eval(), torch.zeros(1, 3, SIZE, SIZE))
    save(traced, path, info=model_info(len(LABELS)), labels=LABELS)


class UpToFour(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.size(0) > 4:
            raise RuntimeError("at most four images")
        return x.flatten(1).sum(1, keepdim=True)


@model
def up_to_four(path):
    script(UpToFour(), path)


class FirstRowOnly(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:1].flatten(1).sum(1, keepdim=True)


@model
def first_row_only(path):
    script(FirstRowOnly(), path)


class MixesBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).softmax(0)[:, :8]


@model
def mixes_batch(path):
    """A softmax over the wrong dimension: what an image gets depends on its neighbours."""
    script(MixesBatch(), path)
