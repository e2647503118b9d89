# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a module to the bytes of a TorchScript archive, and back."""

import io
import warnings

import torch

from .errors import ExportError

METHODS = ("trace", "script")


def set_up_torch():
    """Before anything runs: with libtorch's default executor, forward of some optimised graphs never returns."""
    torch._C._jit_set_profiling_mode(False)
    torch._C._jit_set_texpr_fuser_enabled(False)
    # From Python 3.14 on, torch recommends torch.export whenever TorchScript is used; whoever comes here has chosen.
    for category in (DeprecationWarning, FutureWarning):
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=category)


def convert(model, method, example):
    """The TorchScript module, and the texts of what the tracer warned of."""
    if isinstance(model, torch.jit.ScriptModule):
        return model, []
    with warnings.catch_warnings(record=True) as caught, torch.no_grad():
        warnings.simplefilter("always")
        try:
            if method == "trace":
                # check_trace would run the model again on the same input; check.py does more.
                module = torch.jit.trace(model, example, check_trace=False)
            else:
                module = torch.jit.script(model)
        except Exception as error:
            other = "script" if method == "trace" else "trace"
            raise ExportError(
                f"torch.jit.{method} failed: {type(error).__name__}: {_first_line(error)}\n"
                f"--method {other} may work; --verbose shows where it failed."
            ) from error
    texts = [_first_line(item.message) for item in caught if issubclass(item.category, torch.jit.TracerWarning)]
    return module, list(dict.fromkeys(texts))


def to_bytes(module, extra_files):
    buffer = io.BytesIO()
    torch.jit.save(
        module,
        buffer,
        _extra_files={name: text.encode("utf-8") for name, text in extra_files.items()},
    )
    return buffer.getvalue()


def from_file(path, extra_names):
    """Reads what to_bytes() made: the module and {name: text}."""
    extra_files = dict.fromkeys(extra_names, "")
    with open(path, "rb") as file:  # torch takes no name that is not UTF-8
        module = torch.jit.load(file, map_location="cpu", _extra_files=extra_files)
    return module, {name: data.decode("utf-8") for name, data in extra_files.items()}


def extra_files(path, names):
    """{name: text} of a TorchScript file's extra files, "" for those that it has not; its code is not read."""
    with open(path, "rb") as file:
        reader = torch._C.PyTorchFileReader(file)
        found = reader.get_all_records()
        return {
            name: reader.get_record(f"extra/{name}").decode("utf-8") if f"extra/{name}" in found else ""
            for name in names
        }


def _first_line(error):
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""
