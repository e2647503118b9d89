# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Python tests do with pipelines, clips and JSON lines."""

import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def output_of(*command):
    """Standard output of a command that must succeed, without the line's end."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def assets():
    return pathlib.Path(output_of(str(ROOT / "tools" / "assets")))


def demo_model():
    return pathlib.Path(output_of(str(ROOT / "tools" / "demo-model")))


def launch(*pipeline, timeout=300):
    """Runs a gst-launch line; returns what -v printed. A pipeline that fails is an error with its output."""
    command = ["gst-launch-1.0", "-v", "--no-position", *[str(word) for word in pipeline]]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def raw_caps(printed, video_format):
    """The last caps of raw video of that format in what launch() returned. The pipeline must preroll: beside sinks
    that are all async=false, gst-launch 1.26 can miss what elements say while it starts."""
    found = re.findall(rf"caps = (video/x-raw, format=\(string\){video_format}, .*)", printed)
    if not found:
        raise RuntimeError(f"no pad got caps of {video_format}:\n{printed}")
    return found[-1]


def json_lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]
