# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a model comes from: torchvision by name, a function of the user's own, or a TorchScript file."""

import ast
import difflib
import importlib
import os
import sys

import torch

from . import torchscript
from .errors import ExportError
from .recipe import Recipe


def parse_argument(text):
    """`KEY=VALUE` or `VALUE`, where VALUE is a Python literal or else a string, to (key or None, value)."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        key, value = None, text
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def build(name, arguments, python_path):
    """The module that `name` stands for, in evaluation mode, and its Recipe. `arguments` are (key, value) pairs."""
    positional = [value for key, value in arguments if key is None]
    named = {key: value for key, value in arguments if key is not None}
    if _is_file(name):
        if arguments:
            raise ExportError(f"{name} is a model already; --arg is for functions that make one")
        return torchscript.read(name)
    if ":" in name:
        model, recipe = _from_factory(name, positional, named, python_path), Recipe()
    else:
        model, recipe = _from_torchvision(name, positional, named)
    if not isinstance(model, torch.nn.Module):
        raise ExportError(f"{name} returned a {type(model).__name__}, not a torch.nn.Module")
    return model.eval(), recipe


def _is_file(name):
    """Whether `name` means a file: a function has a colon and torchvision's names neither dot nor slash."""
    return os.path.isfile(name) or (":" not in name and ("/" in name or "." in name))


def is_torchscript(model):
    return isinstance(model, torch.jit.ScriptModule)


def kind_of(model):
    return "TorchScript" if is_torchscript(model) else type(model).__name__


def torchvision_names():
    import torchvision

    return torchvision.models.list_models(module=torchvision.models)


def _call(function, name, positional, named):
    try:
        return function(*positional, **named)
    except (Exception, SystemExit) as error:
        given = ", ".join([repr(value) for value in positional] + [f"{k}={v!r}" for k, v in named.items()])
        raise ExportError(
            f"{name}({given}) failed: {type(error).__name__}: {error}\n"
            "Arguments are given with --arg VALUE or --arg KEY=VALUE, as often as needed."
        ) from error


def _from_factory(name, positional, named, python_path):
    sys.path[:0] = [os.path.abspath(folder) for folder in python_path]
    module_name, _, attributes = name.partition(":")
    try:
        found = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ExportError(
            f"cannot import {module_name!r}: {type(error).__name__}: {error}\n"
            "Name the folder that holds it with --python-path FOLDER."
        ) from error
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise ExportError(f"{module_name!r} has no {attributes!r} (looked for {attribute!r})")
        found = getattr(found, attribute)
    if not callable(found):
        raise ExportError(f"{name} is a {type(found).__name__}; a function or class that makes the model is needed")
    return _call(found, name, positional, named)


def _from_torchvision(name, positional, named):
    import torchvision

    names = torchvision_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3)
        raise ExportError(
            f"torchvision {torchvision.__version__} has no classification model {name!r}"
            + (f"; close to it: {', '.join(near)}" if near else "")
            + "\n--list prints all names; a model of your own is named as package.module:function."
        )
    # weights=None: what torchvision would fetch from the network is for the user to bring with --weights.
    model = _call(torchvision.models.get_model_builder(name), name, positional, {"weights": None, **named})
    return model, _torchvision_recipe(torchvision.models.get_model_weights(name).DEFAULT)


def _torchvision_recipe(weights):
    preset = weights.transforms()
    return Recipe(
        input_size=(preset.crop_size[0], preset.crop_size[0]),
        resize=f"short-side:{preset.resize_size[0]}",
        interpolation=preset.interpolation.value,
        mean=list(preset.mean),
        std=list(preset.std),
        labels=list(weights.meta["categories"]),
    )
