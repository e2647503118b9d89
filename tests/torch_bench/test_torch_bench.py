# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-torch-bench as a user runs it: what it prints can be copied, and what dump-inputs saved is replayed."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest

import media
import numpy

MODELS = pathlib.Path(os.environ["TEST_MODELS"])
QUICK = ("--seconds", "0.2", "--size", "64x48", "--workers", "1", "--threads", "1")


class TorchBench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def bench(self, *arguments, status=0):
        """Runs the program; returns what it printed and what it said besides."""
        done = subprocess.run(
            ["gst-torch-bench", *[str(word) for word in arguments]],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=240,
            check=False,
        )
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def refused(self, *arguments, status):
        """Its one line of complaint."""
        printed, said = self.bench("--quiet", *arguments, status=status)
        self.assertEqual(printed, "")
        self.assertEqual(said.count("\n"), 1, said)
        self.assertTrue(said.startswith("gst-torch-bench: "), said)
        return said

    def test_what_it_recommends_plays(self):
        model = self.folder / "it's a net.pt"
        shutil.copy(MODELS / "classifier.pt", model)
        chart, report = self.folder / "chart.png", self.folder / "bench.json"
        printed, said = self.bench(*QUICK, "-b", "1,4", "-s", "2", "--chart", chart, "--json", report, model)
        lines = [line.strip() for line in printed.splitlines() if line.startswith("  torchinference ")]
        self.assertEqual(len(lines), 1, printed)
        # Copied into a shell, as it stands.
        words = shlex.split(f"videotestsrc num-buffers=20 ! {lines[0]} ! fakesink")
        self.assertIn("batch-size", lines[0])
        media.launch(*words)

        self.assertEqual(chart.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        result = json.loads(report.read_text(encoding="utf-8"))
        self.assertEqual(result["recommended"]["launch"], lines[0])
        self.assertEqual([row["batch_size"] for row in result["settings"]], [1, 4])
        for row in result["settings"]:
            self.assertTrue(row["measured"])
            self.assertGreater(row["as_files"]["frames"], 0)
            self.assertLessEqual(row["as_files"]["latency_ms"]["p50"], row["as_files"]["latency_ms"]["p99"])
            self.assertEqual(row["optimisation"], "optimize_for_inference")
        self.assertEqual(len(result["model"]["sha256"]), 64)
        self.assertIn("[1/2] batch-size=1 workers=1 threads=1: loading", said)

    def test_what_the_element_dumped_is_replayed_with_its_answers(self):
        model, dump, lines = MODELS / "classifier.pt", self.folder / "inputs.npy", self.folder / "lines.jsonl"
        media.launch(
            *("videotestsrc", "num-buffers=12", "pattern=smpte", "!", "video/x-raw,format=RGB,width=64,height=48", "!"),
            *("torchinference", f"model-file={model}", f"dump-inputs={dump}", "top-k=1", "!"),
            *("analyticsjson", "!", "filesink", f"location={lines}"),
        )
        inputs = numpy.load(dump)
        self.assertEqual((inputs.shape, inputs.dtype), ((12, 3, 32, 32), numpy.float32))
        self.assertGreaterEqual(inputs.min(), 0.0)
        self.assertLessEqual(inputs.max(), 1.0)
        self.assertGreater(inputs.std(), 0.1)

        report = self.folder / "bench.json"
        printed, _ = self.bench(*QUICK[:2], *QUICK[4:], "-b", "1,8", "--replay", dump, "--json", report, model)
        self.assertIn(f"12 inputs of {dump}, float32[3,32,32]", printed)
        self.assertIn("100.0 %", printed)
        answers = json.loads(report.read_text(encoding="utf-8"))["answers"]
        seen = [line["analyses"][0]["classes"][0] for line in media.json_lines(lines)]
        self.assertEqual([answer["label"] for answer in answers], [entry["label"] for entry in seen])
        for answer, entry in zip(answers, seen):
            self.assertAlmostEqual(answer["score"], entry["score"], places=5)

    def test_what_numpy_wrote_is_replayed_too(self):
        dump = self.folder / "noise.npy"
        numpy.save(dump, numpy.random.default_rng(1).random((3, 3, 32, 32), dtype=numpy.float32))
        printed, _ = self.bench(*QUICK[:2], *QUICK[4:], "-b", "1", "--replay", dump, MODELS / "classifier.pt")
        self.assertIn("3 inputs of", printed)
        numpy.save(dump, numpy.zeros((3, 3, 32, 32)))
        self.assertIn("<f8", self.refused("--replay", dump, MODELS / "classifier.pt", status=1))

    def test_what_cannot_be_done_is_said_in_one_line(self):
        model = MODELS / "classifier.pt"
        self.assertIn("none.pt", self.refused(self.folder / "none.pt", status=1))
        self.assertIn("plain_zip.pt", self.refused(MODELS / "plain_zip.pt", status=1))
        self.assertIn("a.json", self.refused("--json", self.folder / "no" / "a.json", model, status=1))
        self.assertIn(".png", self.refused("--chart", self.folder / "chart.txt", model, status=1))
        self.assertIn("none.npy", self.refused("--replay", self.folder / "none.npy", model, status=1))
        self.assertFalse(list(self.folder.iterdir()), "a failed run leaves files behind")

    def test_nothing_that_is_read_is_written(self):
        model = self.folder / "net.pt"
        shutil.copy(MODELS / "classifier.pt", model)
        (self.folder / "report.json").symlink_to(model)
        for report in (model, self.folder / "report.json"):
            self.assertIn("is read and would be lost", self.refused("--json", report, model, status=1))
        self.assertEqual(model.read_bytes(), (MODELS / "classifier.pt").read_bytes())

    def test_a_full_disk_behind_the_output_is_said(self):
        with open("/dev/full", "wb") as full:
            command = ["gst-torch-bench", "--quiet", *QUICK, "-b", "1", MODELS / "classifier.pt"]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^gst-torch-bench: standard output cannot be written.*\n$")

    def test_wrong_usage_is_2(self):
        model = MODELS / "classifier.pt"
        for arguments in (
            (),
            ("",),
            (model, model),
            ("--batch-sizes", "0", model),
            ("--nonsense", model),
            ("--json", "", model),
            ("--fps", "0.001", model),  # none would come within --seconds
        ):
            self.assertIn("--help explains", self.refused(*arguments, status=2))
        self.assertIn("gst-torch-bench", self.bench("--help")[0])
