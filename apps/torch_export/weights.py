# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fills a model from a state dict file."""

import pickle
import re
import warnings
import zipfile

import torch

from .errors import ExportError

# Under which names training scripts keep the state dict inside a checkpoint.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
TORCHSCRIPT = "an exported TorchScript model"
_REMEDY = "write one with torch.save(model.state_dict(), FILE)"


def load(model, path):
    """Loads every tensor of the file at `path` into `model`; a single one missing or left over is an error."""
    state = _read(path)
    for name in _WRAPPERS:
        if isinstance(state.get(name), dict):
            state = state[name]
            break
    # DataParallel puts this before every name.
    if state and all(key.startswith("module.") for key in state):
        state = {key[len("module.") :]: value for key, value in state.items()}
    wanted = model.state_dict()
    missing = [key for key in wanted if key not in state]
    unknown = [key for key in state if key not in wanted]
    differing = [
        f"{key} is {list(state[key].shape)}, the model wants {list(wanted[key].shape)}"
        for key in wanted
        if key in state and getattr(state[key], "shape", None) != wanted[key].shape
    ]
    if missing or unknown or differing:
        raise ExportError(
            f"{path} does not fit {type(model).__name__}:"
            + _first("missing in the file", missing)
            + _first("unknown to the model", unknown)
            + _first("of another shape", differing)
            + "\nThe weights are of another model or variant, or --arg must say how it was built (num_classes=...)."
        )
    model.load_state_dict(state)
    return len(wanted)


def _read(path):
    try:
        what = what_else(path)
        if what is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # weights_only: a checkpoint is a pickle, and this keeps it from running code.
                state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ExportError(f"{path}: no such file (--weights)") from None
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror or error} (--weights)") from None
    except (RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise ExportError(f"{path} {_why_not(error)}; {_REMEDY}") from error
    if what is not None:
        raise ExportError(f"{path} is {what}, not a state dict; {_REMEDY}")
    if not isinstance(state, dict):
        raise ExportError(f"{path} holds a {type(state).__name__}, not a state dict; {_REMEDY}")
    return state


def what_else(path):
    """What the file at `path` is if not something that torch.load() is for, or None."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if not head:
        return "an empty file"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.endswith("/constants.pkl") for name in names):
            return TORCHSCRIPT
        return None if any(name.endswith("/data.pkl") for name in names) else "a zip file of something else"
    # Pickles have control characters near their beginning. The end of `head` may cut a character in two.
    text = head.decode("utf-8", errors="ignore")
    if len(text.encode()) > len(head) - 4 and all(char.isprintable() or char.isspace() for char in text):
        return "a text file"
    return None


def _why_not(error):
    """What stops torch.load(), in words of our own: its message advises to load the file with its code."""
    code = re.search(r"GLOBAL (\S+) was not an allowed global", str(error))
    if code:
        return f"holds an object of {code[1]}, whose code would run to load it"
    return "is damaged, or was not written by torch.save()"


def _first(what, names, count=5):
    if not names:
        return ""
    rest = f" and {len(names) - count} more" if len(names) > count else ""
    return f"\n  {what}: {', '.join(names[:count])}{rest}"
