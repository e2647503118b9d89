# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files are the project's own."""

import os
import pathlib
import re
import subprocess

SKIPPED_FOLDERS = {".git", "build", "out", "__pycache__"}


def project_files(root):
    """All files under `root` that git has or would take, as sorted paths relative to it; without git, all that do not
    lie in a folder of products."""
    root = pathlib.Path(root)
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = []
        for folder, names, files in os.walk(root):
            names[:] = [name for name in names if name not in SKIPPED_FOLDERS]
            listed += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    # What is deleted but not yet committed is still listed; links are checked where they lead.
    paths = {pathlib.PurePosixPath(name) for name in listed if name}
    return sorted(path for path in paths if (root / path).is_file() and not (root / path).is_symlink())


def language_of(root, path):
    """cpp, python, shell, meson, make, or an empty text for anything else."""
    by_suffix = {".cpp": "cpp", ".h": "cpp", ".cu": "cpp", ".py": "python", ".sh": "shell"}
    by_name = {"meson.build": "meson", "meson.options": "meson", "Makefile": "make"}
    known = by_suffix.get(path.suffix) or by_name.get(path.name)
    if known:
        return known
    with open(pathlib.Path(root) / path, "rb") as file:
        first = file.readline(200)
    if re.match(rb"#!.*\b(ba|da)?sh\b", first):
        return "shell"
    return "python" if re.match(rb"#!.*\bpython3?\b", first) else ""
