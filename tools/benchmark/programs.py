# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts the programs that measure, and others, and says what went wrong with them."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


class BenchError(Exception):
    """What could not be measured or made, and why: one text for the user."""


def folder():
    """Where this build's measuring programs lie."""
    return pathlib.Path(os.environ["BENCH_BUILD"]) / "tests" / "bench"


def output_of(*command, **options):
    """Standard output of a command that must succeed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    except OSError as error:
        raise BenchError(f"{words[0]}: {error.strerror}") from error
    if done.returncode != 0:
        # Debian's libtorch and ONNX Runtime complain in hundreds of lines of each other's schemas.
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("Schema error")]
        lines = lines or ["it said nothing"]
        raise BenchError(f"{pathlib.Path(words[0]).name} ended with {done.returncode}: " + "\n  ".join(lines[:5]))
    return done.stdout


def measure(program, *arguments):
    """What one of the measuring programs found: its line of JSON."""
    printed = output_of(folder() / program, *arguments)
    try:
        return json.loads(printed.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise BenchError(f"{program} printed no JSON but {printed!r}") from error
