# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the file: under another name first, and under its own when what was written has been checked."""

import hashlib
import os

from . import check as checks
from . import convert
from .errors import DifferenceError, ExportError


def check(output, inputs):
    """Before anything is computed: whether the file can be there, and is none of those that are read."""
    if not output.parent.is_dir():
        raise ExportError(f"{output.parent}: no such folder (--output)")
    if output.is_dir():
        raise ExportError(f"{output} is a folder; name the file to write in it (--output)")
    if output.exists() and not output.is_file():
        raise ExportError(f"{output} is no regular file (--output)")
    if not os.access(output.parent, os.W_OK):
        raise ExportError(f"{output.parent}: nothing can be written into this folder (--output)")
    for path in inputs:
        if path and output.exists() and os.path.exists(path) and output.samefile(path):
            raise ExportError(f"{output} is read and would be lost; give --output another name")


def write(output, data, extra, changed, labels, say):
    part = output.with_name(f".{output.name}.part")
    try:
        part.write_bytes(data)
        module, found = convert.from_file(str(part), list(extra))
        if found != extra:
            raise DifferenceError("the saved file does not hold the model info and labels that went in")
        verdict = checks.compare(module, changed.original, changed.tolerance)
        sizes = " and ".join(str(size) for size in verdict.batch_sizes)
        say(
            "check",
            f"loaded again and run beside the {'module' if changed.judge else 'original'} in batches of {sizes}: "
            f"largest difference {verdict.difference:.2g} of {verdict.largest:.4g} "
            f"(allowed: {changed.tolerance * verdict.largest:.2g})",
        )
        if changed.judge:
            changed.judge(lambda: convert.from_file(str(part), list(extra))[0])
        else:
            for line in checks.compare_clips(module, changed, labels, verdict.only_one):
                say("", line)
        os.replace(part, output)
    except BrokenPipeError:  # of what was said, not of the file
        raise
    except OSError as error:
        raise ExportError(f"{error.filename or output}: {error.strerror} (--output)") from error
    finally:
        part.unlink(missing_ok=True)
    say("written", f"{output}, {len(data) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(data).hexdigest()}")
