# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs clang-tidy over what the build compiles for users, remembering what was clean. Tests are left out: a page of
gtest's macros takes as long as three sources, and tests prove themselves by running under the sanitizers."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

# The build may be gcc's.
OPTIONS = ["--quiet", "--extra-arg=-Wno-unknown-warning-option"]


def digest(*parts):
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part if isinstance(part, bytes) else str(part).encode())
        sha.update(b"\0")
    return sha.hexdigest()


def common_digest(root, build, files):
    """What every result depends on: the program, its settings, the system's headers and the project's. Any change to a
    header makes all results void; finding out who includes it would cost what is to be saved."""
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    environment = build / "environment"
    parts = [version, environment.read_bytes() if environment.exists() else b"", *OPTIONS]
    shared = [root / path for path in files if path.suffix == ".h" or path.name == ".clang-tidy"]
    for path in [*shared, *sorted(build.glob("src/*.h"))]:
        parts += [path, path.read_bytes()]
    return digest(*parts)


def jobs_of(root, build, files):
    """One compile command for each source of the project that users run."""
    wanted = {root / path for path in files if path.suffix == ".cpp" and path.parts[0] != "tests"}
    jobs = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(os.path.normpath(os.path.join(entry["directory"], entry["file"])))
        if path in wanted:
            jobs[path] = entry["command"]
    return jobs


def tidy_one(root, build, path):
    command = ["clang-tidy", "-p", build, *OPTIONS, path]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Its standard error counts suppressed warnings; it matters only where there is nothing else.
    return done.returncode == 0, done.stdout or done.stderr


def check(root, build, files):
    """Whether clang-tidy is content with each source, and what it says of the others."""
    if not shutil.which("clang-tidy"):
        return False, "clang-tidy is not there; tools/packages.txt names its package"
    stamps = build / "lint"
    stamps.mkdir(exist_ok=True)
    common = common_digest(root, build, files)
    jobs = jobs_of(root, build, files)
    if not jobs:
        return False, f"{build}/compile_commands.json names no source of the project"
    stamp_of = {path: stamps / digest(common, command, path, path.read_bytes()) for path, command in jobs.items()}
    for old in set(stamps.iterdir()) - set(stamp_of.values()):
        old.unlink()
    # libtorch's headers take longest, so they go first.
    todo = [path for path in sorted(jobs, key=lambda path: "torch" not in path.parts) if not stamp_of[path].exists()]
    texts = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (good, text) in zip(todo, pool.map(lambda path: tidy_one(root, build, path), todo)):
            if good:
                stamp_of[path].touch()
            else:
                texts.append(text)
    return not texts, "\n".join(texts)
