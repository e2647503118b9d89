# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed works where it was installed to, with nothing of the build left."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import media


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        command = [os.environ["MESON"], "install", "-C", os.environ["BUILD"], "--no-rebuild", "--destdir", folder.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stdout)
        cls.plugins = cls.only("libgsttorch.so").parent
        cls.programs = cls.only("gst-torch-export").parent
        build = os.environ["BUILD"]
        paths = [path for path in os.environ["PATH"].split(":") if not path.startswith(build)]
        cls.environment = {
            **os.environ,
            "PATH": ":".join([str(cls.programs), *paths]),
            "GST_PLUGIN_PATH": str(cls.plugins),
            "GST_REGISTRY": str(cls.root / "registry.bin"),
        }

    @classmethod
    def only(cls, name):
        found = list(cls.root.rglob(name))
        if len(found) != 1:
            raise RuntimeError(f"{name} was installed as {found}")
        return found[0]

    def run_installed(self, *command):
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_the_plugin_folder_holds_the_plugin_alone(self):
        self.assertEqual([path.name for path in self.plugins.iterdir()], ["libgsttorch.so"])
        for element in ("torchinference", "classificationoverlay", "analyticsjson"):
            self.assertIn(str(self.plugins / "libgsttorch.so"), self.run_installed("gst-inspect-1.0", element))

    def test_a_scan_of_the_plugins_opens_no_module(self):
        registry = str(self.root / "scanned.bin")
        loader = ("env", "LD_DEBUG=files", f"GST_REGISTRY={registry}", "gst-inspect-1.0", "torchinference")
        opened = re.findall(r"file=(\S+)", self.run_installed(*loader))
        self.assertIn(str(self.plugins / "libgsttorch.so"), opened)
        self.assertEqual([name for name in opened if "libtorch" in name and "libtorchinfer.so" not in name], [])

    def test_an_installed_plugin_runs_a_model_with_the_installed_module(self):
        lines = self.root / "lines.jsonl"
        model = ("torchinference", f"model-file={media.demo_model()}")
        sink = ("analyticsjson", "!", "filesink", f"location={lines}")
        self.run_installed("gst-launch-1.0", "videotestsrc", "num-buffers=2", "!", *model, "!", *sink)
        self.assertEqual([json.loads(line)["analysed"] for line in lines.read_text().splitlines()], [True, True])

    def test_the_installed_programs_start(self):
        self.assertIn("usage: gst-torch-export", self.run_installed(self.programs / "gst-torch-export", "--help"))
        self.assertIn("MODEL", self.run_installed(self.programs / "gst-torch-inspect", "--help"))
        self.assertIn("device cpu", self.run_installed(self.programs / "gst-torch-inspect", "--system"))
        self.assertEqual((self.programs / "gst-torch-report").exists(), bool(os.environ["HAVE_REPORT"]))
        if os.environ["HAVE_REPORT"]:
            self.assertIn("JSONL", self.run_installed(self.programs / "gst-torch-report", "--help"))
            self.assertIn("MODEL", self.run_installed(self.programs / "gst-torch-bench", "--help"))

    def test_the_schema_of_the_lines_is_there_and_no_test_is(self):
        schema = json.loads(self.only("analytics-frame.schema.json").read_text())
        self.assertIn("schema_version", schema["required"])
        names = [path.name for path in self.root.rglob("*") if path.is_file() and "lines" not in path.name]
        self.assertEqual([name for name in names if "test" in name or "fake" in name or name.endswith(".pyc")], [])
