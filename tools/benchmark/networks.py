# SPDX-License-Identifier: LGPL-2.1-or-later
"""The networks that are measured, each as a TorchScript and as an ONNX file, made once and kept beside the assets."""

import dataclasses
import hashlib
import os
import pathlib
import sys
import tempfile

from . import programs


@dataclasses.dataclass(frozen=True)
class Network:
    name: str
    filter: str  # of its preprocessing
    over_onnx: float | None  # the goal: how many times as fast as onnxinference
    int8: bool = False  # whether it is measured in 8 bits as well
    int8_over_onnx: float | None = None  # the goal for that, over onnxinference in float32


NETWORKS = (
    Network("resnet18", "bilinear", 1.3, int8=True, int8_over_onnx=3.0),
    Network("mobilenet_v3_small", "bilinear", 1.6),
    Network("efficientnet-lite0", "bicubic", None, int8=True),
)


# What onnxinference reads beside a model from GStreamer 1.28 on, in place of the properties that it had before.
MODEL_INFO = """[modelinfo]
version=1.0
group-id=classification-generic-out

[input]
dir=input
type=float32
dims=1,3,224,224
ranges=-2.017,2.379;-2.017,2.379;-2.017,2.379

[output]
dir=output
type=float32
dims=1,1000
id=classification-generic-out
"""


@dataclasses.dataclass(frozen=True)
class Files:
    torchscript: pathlib.Path
    onnx: pathlib.Path
    int8: pathlib.Path | None = None


def files(assets, network):
    """Both files of a network, made where this exporter and this torch have not yet done so."""
    if network.name == "efficientnet-lite0":
        torchscript = pathlib.Path(programs.output_of(programs.ROOT / "tools" / "demo-model").strip())
    else:
        # Random weights: they cost what trained ones do.
        torchscript = _made(
            assets / "bench" / _key() / f"{network.name}.pt",
            lambda new: (programs.ROOT / "apps" / "gst-torch-export", network.name, "--output", new),
        )
    converter = pathlib.Path(__file__).parent / "onnx_file.py"
    onnx = _made(
        assets / "bench" / _key(torchscript) / f"{network.name}.onnx",
        lambda new: (sys.executable, converter, torchscript, new),
    )
    onnx.with_name(onnx.name + ".modelinfo").write_text(MODEL_INFO, encoding="utf-8")
    return Files(torchscript, onnx, _int8(assets, network) if network.int8 else None)


def _int8(assets, network):
    """Calibrated on the clips of the assets. How well it agrees is not asked of random weights, nor for a speed."""
    model = (network.name,)
    if network.name == "efficientnet-lite0":
        model = ("efficientnet_lite_pytorch:EfficientNet.from_name", "--arg", network.name)
        model += ("--python-path", assets / "python", "--weights", assets / "weights" / "efficientnet-lite0.pth")
        model += ("--resize", "short-side:256", "--interpolation", "bicubic", "--mean", "127/255", "--std", "128/255")
    clips = [assets / "clips" / f"{name}.mp4" for name in ("bikes", "carphone")]
    options = ("--int8", "--frames", 16, "--calibrate", *clips, "--min-agreement", 0)
    return _made(
        assets / "bench" / _key() / f"{network.name}-int8.pt",
        lambda new: (programs.ROOT / "apps" / "gst-torch-export", *model, *options, "--output", new),
    )


def _made(path, command):
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            new = pathlib.Path(folder) / path.name
            programs.output_of(*command(new))
            os.replace(new, path)
    return path


def _key(*inputs):
    """What the files depend on."""
    digest = hashlib.sha256()
    sources = sorted((programs.ROOT / "apps" / "torch_export").rglob("*.py"))
    for source in [*sources, *sorted(pathlib.Path(__file__).parent.glob("*_file.py")), *inputs]:
        digest.update(source.read_bytes())
    digest.update(torch_version().encode())
    return digest.hexdigest()[:12]


def torch_version():
    return programs.output_of(sys.executable, "-c", "import torch; print(torch.__version__)").strip()
