# SPDX-License-Identifier: LGPL-2.1-or-later
"""What PyTorch and torchvision say of a decoded frame: written for clearness, shares nothing with the element.

The frame becomes a Pillow image by the exact matrix of its colorimetry, in double precision, with chroma interpolated
linearly between the places where its samples sit; torchvision's transforms resize, crop and normalise it, as they do
with any picture; the network runs as published.
"""

import dataclasses
import sys

import torch
from torchvision.transforms import InterpolationMode, functional

# Red's and blue's share of luma, by the names and numbers that GStreamer's caps use.
_SHARES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
_MATRIX_NUMBERS = {"3": "bt709", "4": "bt601", "6": "bt2020"}


@dataclasses.dataclass
class Frames:
    """The format of I420 frames that lie one after another in a file without padding."""

    width: int
    height: int
    matrix: str
    full_range: bool
    cosited: tuple  # whether chroma sits on luma samples, across and down

    @property
    def size(self):
        """Bytes of one frame."""
        return self.width * self.height + 2 * ((self.width + 1) // 2) * ((self.height + 1) // 2)


def frames_from_caps(caps):
    """Reads what GStreamer prints of a pad's caps. Caps without colorimetry mean BT.709 above 576 rows, else BT.601."""
    fields = {}
    for field in caps.split(", ")[1:]:
        key, _, value = field.partition("=")
        fields[key.strip()] = value.rpartition(")")[2].strip()
    width, height = int(fields["width"]), int(fields["height"])
    colorimetry = fields.get("colorimetry", "bt709" if height > 576 else "bt601")
    parts = colorimetry.split(":")
    full_range = parts[0] == "1"
    matrix = _MATRIX_NUMBERS[parts[1]] if len(parts) > 1 else colorimetry
    site = fields["chroma-site"]
    cosited = {"mpeg2": (True, False), "jpeg": (False, False), "cosited": (True, True)}[site]
    return Frames(width, height, matrix, full_range, cosited)


def _upsample(plane, size, dim, cosited):
    """Chroma of half resolution along `dim`, linearly to `size`; beyond the outermost samples these are repeated."""
    place = torch.arange(size, dtype=torch.float64) / 2 - (0 if cosited else 0.25)
    place = place.clamp(0, plane.shape[dim] - 1)
    first = place.floor().long()
    second = (first + 1).clamp(max=plane.shape[dim] - 1)
    share = (place - first).reshape([-1 if axis == dim else 1 for axis in range(2)])
    return plane.index_select(dim, first) * (1 - share) + plane.index_select(dim, second) * share


def rgb(data, frames):
    """One frame's bytes as a Pillow image."""
    width, height = frames.width, frames.height
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    values = torch.frombuffer(bytearray(data), dtype=torch.uint8).double()
    y, u, v = values.split([width * height, half_width * half_height, half_width * half_height])
    y = y.reshape(height, width)
    if not frames.full_range:
        y = (y - 16) * (255 / 219)
    chroma = []
    for plane in (u, v):
        plane = (plane.reshape(half_height, half_width) - 128) * (1 if frames.full_range else 255 / 224)
        plane = _upsample(plane, width, 1, frames.cosited[0])
        chroma.append(_upsample(plane, height, 0, frames.cosited[1]))
    red, blue = _SHARES[frames.matrix]
    r = y + 2 * (1 - red) * chroma[1]
    b = y + 2 * (1 - blue) * chroma[0]
    g = (y - red * r - blue * b) / (1 - red - blue)
    return functional.to_pil_image(torch.stack([r, g, b]).round().clamp(0, 255).byte())


def preprocess(image):
    """EfficientNet-Lite0's recipe: a Pillow image to a tensor [3, 224, 224]."""
    image = functional.resize(image, [256], InterpolationMode.BICUBIC)
    image = functional.center_crop(image, [224, 224])
    return functional.normalize(functional.to_tensor(image), [127 / 255] * 3, [128 / 255] * 3)


class Reference:
    """The network as published, with its explicit pads, in PyTorch."""

    def __init__(self, assets):
        # One thread: other tests run beside this one, and threads that wait for each other would get little done.
        torch.set_num_threads(1)
        sys.path.insert(0, str(assets / "python"))
        from efficientnet_lite_pytorch import EfficientNet

        self._network = EfficientNet.from_name("efficientnet-lite0").eval()
        weights = torch.load(assets / "weights" / "efficientnet-lite0.pth", weights_only=True)
        self._network.load_state_dict(weights)

    def scores(self, batch, frames):
        """The 1000 classes' scores for each of some frames, given as bytes: a tensor [N, 1000]."""
        with torch.inference_mode():
            images = torch.stack([preprocess(rgb(data, frames)) for data in batch])
            return self._network(images).softmax(1)
