# SPDX-License-Identifier: LGPL-2.1-or-later
"""An existing TorchScript file, to be packed again: the module as it is, and what it says of itself."""

import configparser
import os
import zipfile

import torch

from . import convert, model_info, weights
from .errors import ExportError
from .recipe import Recipe


def read(path):
    """The module, in evaluation mode, and the Recipe of the model info and labels that lie in it or beside it."""
    if os.path.isdir(path):
        raise ExportError(f"{path} is a folder; name a TorchScript file in it")
    if not os.path.isfile(path):
        raise ExportError(f"{path}: no such file")
    recipe = Recipe()
    try:
        _refuse_other_files(path)
        # A quantised model can be read by the engine that packed its weights alone, which its info names.
        extra = convert.extra_files(path, (model_info.INFO_FILE, model_info.LABELS_FILE))
        info = extra[model_info.INFO_FILE] or _sidecar(path)
        if info:
            recipe = _recipe(info, path)
        if recipe.quantised_engine:
            torch.backends.quantized.engine = recipe.quantised_engine
        module = convert.from_file(path, ())[0]
    except (RuntimeError, ValueError, OSError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ExportError(f"{path} is no TorchScript file that this torch can read: {first}") from error
    recipe.labels = extra[model_info.LABELS_FILE].splitlines() or None
    if hasattr(module, "training"):  # one that was saved frozen has no such flag
        module.eval()
    return module, recipe


def _refuse_other_files(path):
    what = weights.what_else(path)
    if what is None and zipfile.is_zipfile(path):
        raise ExportError(
            f"{path} was written by torch.save() and holds weights or a pickled model, no TorchScript; NAME is the "
            f"model that they are of, and they are given with --weights"
        )
    if what not in (None, weights.TORCHSCRIPT):
        raise ExportError(f"{path} is no TorchScript file but {what}; write one with torch.jit.save(model, FILE)")


def _sidecar(path):
    for name in (f"{path}.modelinfo", os.path.splitext(path)[0] + ".modelinfo"):
        if os.path.isfile(name):
            with open(name, encoding="utf-8") as file:
                return file.read()
    return ""


def _recipe(text, path):
    """What a model info says; torchinference checks it closely when it reads it, so this only takes what it knows."""
    parser = configparser.ConfigParser(delimiters="=", interpolation=None)
    try:
        parser.read_string(text)
        sections = [parser[name] for name in parser.sections()]
        given = next(section for section in sections if section.get("dir") == "input")
        ours = parser["torchinference"] if "torchinference" in parser else {}
        dims = [int(size) for size in given["dims"].split(",")][1:]
        layout = ours.get("layout") or ("nchw" if dims[0] in (1, 3) else "nhwc")
        channels, height, width = dims if layout == "nchw" else (dims[2], dims[0], dims[1])
        dtype = given.get("type", "float32")
        mean = std = None
        if dtype == "uint8":
            mean, std = [0.0] * channels, [1 / 255] * channels
        elif "ranges" in given:
            ends = [tuple(float(end) for end in pair.split(",")) for pair in given["ranges"].split(";")]
            std = [1 / (high - low) for low, high in ends]
            mean = [-low * each for (low, _), each in zip(ends, std)]
        resize = ours.get("resize")
        if resize == "short-side":
            resize += f":{ours['resize-size']}"
        return Recipe(
            input_size=(height, width),
            resize=resize,
            interpolation=ours.get("interpolation"),
            mean=mean,
            std=std,
            color_order="gray" if channels == 1 else ours.get("color-order"),
            layout=layout,
            pad_value=int(ours["pad-value"]) if "pad-value" in ours else None,
            activation=ours.get("activation"),
            dtype=dtype,
            name=model_info.from_value(ours["name"]) if "name" in ours else None,
            quantised_engine=ours.get("quantized-engine", ""),
        )
    except (configparser.Error, KeyError, ValueError, ZeroDivisionError, StopIteration, IndexError) as error:
        raise ExportError(f"the model info of {path} cannot be used: {type(error).__name__}: {error}") from error
