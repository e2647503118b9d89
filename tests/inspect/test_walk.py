# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/torchscript.md: every command in it runs and prints what it says, and the listings have their structure."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import media

DOCUMENT = media.ROOT / "docs" / "torchscript.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps():
    """Each block of commands with what it shall print, or None."""
    found = []
    for language, text in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")):
        if language == "sh":
            found.append([text.replace("tools/env ", ""), None])
        else:
            found[-1][1] = text
    return found


def plain(text):
    """Without what differs from run to run: values are numbered as they come, and types of one name look alike."""
    names = {}
    text = re.sub(r"%[\w.]+", lambda name: names.setdefault(name.group(), f"%{len(names)}"), text)
    return re.sub(r"___torch_mangle_\d+\.", "", text)


def pattern(expected):
    """A line of dots is any number of lines, dots in a line are any text."""
    lines = []
    for line in plain(expected).splitlines():
        if line == "...":
            lines.append(r"(?:.*\n)*?")
        else:
            parts = [re.escape(re.sub(" +", " ", part)).replace(r"\ ", " +") for part in line.split("...")]
            lines.append(".*".join(parts) + r"\n")
    return "".join(lines)


def operators(code):
    """What a listing of code calls of libtorch, in order."""
    return re.findall(r"torch\.(\w+)\(", code)


class Walk(unittest.TestCase):
    """One folder for all: the document's commands build on each other."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "docs").symlink_to(media.ROOT / "docs")
        cls.printed = {}
        for commands, expected in steps():
            done = subprocess.run(
                ["bash", "-eu", "-c", commands],
                cwd=cls.folder,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                timeout=300,
                check=False,
            )
            if done.returncode != 0:
                raise RuntimeError(f"{commands}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
            cls.printed[commands] = (done.stdout, expected)

    def output(self, *words):
        """What the command that has all these words has printed."""
        found = [text for commands, (text, _) in self.printed.items() if all(word in commands for word in words)]
        self.assertEqual(len(found), 1, words)
        return found[0]

    def test_every_command_prints_what_the_document_says(self):
        compared = 0
        for commands, (text, expected) in self.printed.items():
            if expected is None:
                continue
            compared += 1
            with self.subTest(commands):
                self.assertRegex(plain(text), rf"\A{pattern(expected)}\Z")
        self.assertGreater(compared, 8)

    def test_the_graph_of_layer1_has_seven_lines(self):
        for text in (
            self.output("out/resnet18.pt --module layer1 --graph"),
            self.output("trace_resnet18.py out").split("\n\n")[0],
        ):
            lines = text.strip().splitlines()
            self.assertEqual(len(lines), 7, text)
            self.assertEqual(re.findall(r'GetAttr\[name="(\w)"\]', text), ["1", "0"])
            self.assertEqual(text.count('prim::CallMethod[name="forward"]'), 2)
            self.assertRegex(lines[6], r"^  return \(%[\w.]+\)$")

    def test_its_code_calls_its_two_blocks(self):
        for text in (self.output("--module layer1 --code"), self.output("trace_resnet18.py out")):
            self.assertIn('  _1 = getattr(self, "1")\n  _0 = getattr(self, "0")\n', text)
            self.assertIn("(_1).forward((_0).forward(argument_1, ), )", text)

    def test_inlined_it_is_the_sequence_of_its_operators(self):
        block = ["_convolution", "batch_norm", "relu_", "_convolution", "batch_norm", "add_", "relu_"]
        inlined = self.output("--module layer1 --inline\n")
        self.assertEqual(operators(inlined), block * 2)
        self.assertNotIn(".forward(", inlined)
        self.assertEqual(operators(self.output("trace_resnet18.py out").split("-----\n")[-1]), block * 2)

    def test_python_and_cpp_compute_the_same(self):
        in_python = self.output("torch.jit.load")
        in_cpp = self.output("run_model.cpp")
        self.assertRegex(in_python, r"^shape \[1, 1000\], best class \d+, value \d")
        number = r"class (\d+), value (\S+)"
        (class_a, value_a), (class_b, value_b) = (re.search(number, text).groups() for text in (in_python, in_cpp))
        self.assertEqual(class_a, class_b)
        self.assertAlmostEqual(float(value_a), float(value_b), delta=1e-3 * abs(float(value_a)))

    def test_the_element_runs_the_file(self):
        lines = media.json_lines(self.folder / "out" / "resnet18.jsonl")
        self.assertEqual([line["analysed"] for line in lines], [True] * 8)

    def test_the_drawing_names_the_operators(self):
        drawing = (self.folder / "out" / "layer1.dot").read_text(encoding="utf-8")
        self.assertEqual(drawing.count('label="_convolution'), 4)
        self.assertIn("1.conv2", drawing)
