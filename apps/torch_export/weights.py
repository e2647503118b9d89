# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fills a model from a state dict file."""

import pickle

import torch

from .errors import ExportError

# Under which names training scripts keep the state dict inside a checkpoint.
_WRAPPERS = ("state_dict", "model_state_dict", "model")


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
        # weights_only: a checkpoint is a pickle, and this keeps it from running code.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ExportError(f"{path}: no such file (--weights)") from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise ExportError(
            f"{path}: not a state dict that can be read: {reason}\n"
            "Save it with torch.save(model.state_dict(), FILE)."
        ) from error
    if not isinstance(state, dict):
        raise ExportError(f"{path} holds a {type(state).__name__}, not a state dict")
    return state


def _first(what, names, count=5):
    if not names:
        return ""
    rest = f" and {len(names) - count} more" if len(names) > count else ""
    return f"\n  {what}: {', '.join(names[:count])}{rest}"
