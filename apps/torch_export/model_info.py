# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a model's user must know and its graph does not say, in GStreamer's .modelinfo format (docs/models.md)."""

import dataclasses
import re

import torch

from .errors import ExportError

INFO_FILE = "modelinfo"  # the names of the extra files inside the archive
LABELS_FILE = "labels.txt"

RESIZE_POLICIES = ("short-side", "squash", "letterbox")
INTERPOLATIONS = ("bilinear", "bicubic")
COLOR_ORDERS = ("rgb", "bgr", "gray")
LAYOUTS = ("nchw", "nhwc")
ACTIVATIONS = ("softmax", "sigmoid", "none")


@dataclasses.dataclass
class Input:
    """The tensor that the model takes, and how a frame becomes one."""

    height: int
    width: int
    layout: str
    color_order: str
    resize: str
    resize_size: int  # pixels; short-side only
    interpolation: str
    pad_value: int  # 0..255; letterbox only
    mean: list  # per channel, of values scaled to 0..1
    std: list
    dtype: str = "float32"  # float16, bfloat16; uint8: the model scales the bytes itself

    @property
    def channels(self):
        return 1 if self.color_order == "gray" else 3

    def dims(self, batch):
        image = (self.height, self.width)
        return (batch, self.channels, *image) if self.layout == "nchw" else (batch, *image, self.channels)

    def ranges(self):
        """What 0 and 255 of an 8-bit channel become: [(min, max)] per channel."""
        return [((0 - mean) / std, (1 - mean) / std) for mean, std in zip(self.mean, self.std)]

    def noise(self, batch, seed=0):
        """A tensor of the range that the model will see, the same at every call."""
        generator = torch.Generator().manual_seed(seed)
        if self.dtype == "uint8":
            return torch.randint(0, 256, self.dims(batch), generator=generator, dtype=torch.uint8)
        values = torch.rand(self.dims(batch), generator=generator)
        low, high = self._ends()
        return (low + values * (high - low)).to(getattr(torch, self.dtype))

    def of_bytes(self):
        """The same for a model that takes bytes, [N, height, width, channels]."""
        return dataclasses.replace(self, dtype="uint8", layout="nhwc")

    def from_bytes(self, frames):
        """What the model takes for the bytes of frames, [N, height, width, channels]."""
        image = frames.permute(0, 3, 1, 2) if self.layout == "nchw" else frames
        if self.dtype == "uint8":
            return image
        low, high = self._ends()
        return (image.float() * ((high - low) / 255) + low).to(getattr(torch, self.dtype))

    def pixel_map(self):
        """For each channel, as tensors: what one step of a pixel is worth, and which pixel value becomes zero."""
        low, high = (torch.tensor(ends) for ends in zip(*self.ranges()))
        factor = (high - low) / 255
        return factor, -low / factor

    def _ends(self):
        channel = (1, -1, 1, 1) if self.layout == "nchw" else (1, 1, 1, -1)
        return (torch.tensor(ends).reshape(channel) for ends in zip(*self.ranges()))


def to_value(text):
    """As key files want a text: one line, in which a backslash is no escape."""
    return "".join(char if char.isprintable() else "?" for char in text).strip().replace("\\", "\\\\")


def from_value(value):
    """Of what to_value() made."""
    return re.sub(r"\\([\\s])", lambda found: " " if found[1] == "s" else found[1], value)


def text(name, model_input, classes, activation, any_batch, quantised_engine=""):
    """The key file. `any_batch`: whether the model takes batches of any size, or one frame at a time.
    `quantised_engine`: libtorch's, that packed 8-bit weights."""
    batch = -1 if any_batch else 1
    lines = [
        "[modelinfo]",
        "version=1.0",
        f"producer=gst-torch-export, torch {torch.__version__}",
        "",
    ]
    ranges = [(0, 255)] if model_input.dtype == "uint8" else model_input.ranges()
    lines += ["[input_0]", "dir=input", f"type={model_input.dtype}"]
    lines += ["dims=" + ",".join(str(size) for size in model_input.dims(batch))]
    lines += ["ranges=" + ";".join(f"{low!r},{high!r}" for low, high in ranges), ""]
    lines += ["[output_0]", "dir=output", "type=float32", f"dims={batch},{classes}", ""]
    lines += [
        "[torchinference]",
        f"name={to_value(name)}",
        "task=classification",
        f"resize={model_input.resize}",
    ]
    if model_input.resize == "short-side":
        lines += [f"resize-size={model_input.resize_size}"]
    if model_input.resize == "letterbox":
        lines += [f"pad-value={model_input.pad_value}"]
    lines += [
        f"interpolation={model_input.interpolation}",
        f"color-order={model_input.color_order}",
    ]
    lines += [f"layout={model_input.layout}", f"activation={activation}"]
    if quantised_engine:
        lines += [f"quantized-engine={quantised_engine}"]
    return "\n".join(lines) + "\n"


def imagenet_labels():
    import torchvision

    return list(torchvision.models.ResNet18_Weights.DEFAULT.meta["categories"])


def read_labels(path):
    """One label a line, class 0 first."""
    try:
        with open(path, encoding="utf-8") as file:
            labels = file.read().split("\n")
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror} (--labels)") from error
    except UnicodeDecodeError as error:
        raise ExportError(f"{path} is not UTF-8: {error.reason} at byte {error.start} (--labels)") from error
    if labels[-1] == "":
        labels.pop()
    for number, label in enumerate(labels, start=1):
        if not label.strip():
            raise ExportError(f"{path}, line {number}: an empty line; each line is one class's label")
    if not labels:
        raise ExportError(f"{path} is empty; one label a line is wanted, class 0 first")
    return labels
