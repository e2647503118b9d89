# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the test models are registered, described and saved."""

import zipfile

import torch

SIZE = 32
LABELS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay"]
MODELS = {}


def model(write):
    MODELS[write.__name__] = write
    return write


def model_info(outputs, *, channels=3, dtype="float32", dims=None, ranges="0,1", extra=""):
    dims = dims or f"-1,{channels},{SIZE},{SIZE}"
    ranges = f"ranges={ranges}\n" if ranges else ""
    order = "rgb" if channels == 3 else "gray"
    return f"""[modelinfo]
version=1.0

[image]
dir=input
type={dtype}
dims={dims}
{ranges}
[logits]
dir=output
type=float32
dims=-1,{outputs}

[torchinference]
task=classification
activation=softmax
resize=squash
interpolation=bilinear
color-order={order}
{extra}"""


def save(module, path, labels=None, info=None):
    extra = {}
    if info:
        extra["modelinfo"] = info
    if labels:
        extra["labels.txt"] = "\n".join(labels) + "\n"
    torch.jit.save(module, path, _extra_files=extra)


def script(module, path, **files):
    save(torch.jit.script(module.eval()), path, **files)


def rewrite(module, path, change):
    """Saves a module and writes the archive's entries again, as `change` wants them."""
    script(module, path)
    with zipfile.ZipFile(path) as source:
        entries = {info.filename: source.read(info) for info in source.infolist()}
    folder = next(iter(entries)).split("/")[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        change(target, entries, folder)
