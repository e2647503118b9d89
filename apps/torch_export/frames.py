# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames of clips and pictures as a model gets them from torchinference: gst-torch-frames makes them, by the element's
own kernels, as bytes in the model's size and order of colours."""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import torch

from . import model_info
from .errors import ExportError

PROGRAM = "gst-torch-frames"
_MOST = 65536  # frames that it hands over


@dataclasses.dataclass
class Clip:
    path: str
    frames: torch.Tensor  # bytes [N, height, width, channels]
    every: int  # they are the frames 0, every, 2 * every, ...

    @property
    def name(self):
        return pathlib.Path(self.path).name


def read(paths, model_input, most):
    """A Clip for each path, of at most `most` frames, evenly spread."""
    program = _program()
    shape = (-1, model_input.height, model_input.width, model_input.channels)
    with tempfile.TemporaryDirectory() as folder:
        info = pathlib.Path(folder) / "modelinfo"
        info.write_text(model_info.text("frames", model_input.of_bytes(), 1, "none", True), encoding="utf-8")
        output = pathlib.Path(folder) / "frames"
        clips = []
        for path in paths:
            if not pathlib.Path(path).is_file():
                what = "is a folder; name clips or pictures in it" if pathlib.Path(path).is_dir() else "no such file"
                raise ExportError(f"{path}: {what}")
            count = min(max(2, most), _MOST)
            command = [program, "--model-info", info, "--output", output, "--most", count, "--", path]
            command = [str(word) for word in command]
            # What it says may hold a name that is no UTF-8.
            done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
            if done.returncode != 0:
                raise ExportError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{program} failed")
            said = json.loads(done.stdout.splitlines()[-1])
            frames = torch.frombuffer(bytearray(output.read_bytes()), dtype=torch.uint8).view(shape)
            clips.append(Clip(str(path), frames, said["every"]))
    return clips


def _program():
    """It lies beside gst-torch-export, built or installed, or in the PATH."""
    beside = pathlib.Path(sys.argv[0]).absolute().parent / PROGRAM
    found = str(beside) if beside.is_file() else shutil.which(PROGRAM)
    if not found:
        raise ExportError(f"{PROGRAM} is not built, or not in the PATH; frames of clips are read with it")
    return found
