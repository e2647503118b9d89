# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/bench: it measures all that it says, computes from it what it says, and says what went wrong. No test looks at
how fast anything is."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import media

sys.path.insert(0, str(media.ROOT / "tools"))
from benchmark import results, show  # noqa: E402  the path above comes first
from benchmark.plan import BATCHES  # noqa: E402
from benchmark.samples import Samples  # noqa: E402

BUILD = pathlib.Path(os.environ["BENCH_BUILD"])
PROGRAMS = BUILD / "tests" / "bench"


def bench(*arguments, **variables):
    environment = os.environ | {"QUICK": "1"} | variables
    command = [str(media.ROOT / "tools" / "bench"), "--inside", *[str(word) for word in arguments]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def samples_of(values, cores=4):
    samples = Samples()
    samples.values = values
    samples.facts["cores"] = cores
    return samples


def row_of(samples, name):
    return next(row for row in results.rows_of(samples) if row.id == name)


class QuickRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.done = bench("--out", cls.folder)
        if cls.done.returncode != 0:
            raise RuntimeError(f"tools/bench ended with {cls.done.returncode}:\n{cls.done.stdout}{cls.done.stderr}")
        cls.found = json.loads((cls.folder / "bench.json").read_text())

    def test_every_row_has_values_or_says_what_this_system_lacks(self):
        expected = [row.id for row in results.rows_of(Samples())]
        self.assertEqual([row["id"] for row in self.found["rows"]], expected)
        for row in self.found["rows"]:
            if not row["values"]:
                self.assertIn("onnx", row["id"])
                self.assertEqual(row["note"], "this GStreamer has no onnxinference")
            for value in row["values"]:
                self.assertIsInstance(value, (int, float))

    def test_what_it_computes_follows_from_what_it_measured(self):
        samples = samples_of(self.found["samples"], self.found["machine"]["cores"])
        for row in self.found["rows"]:
            self.assertEqual(row["values"], row_of(samples, row["id"]).values, row["id"])
        self.assertGreater(samples.values["decode/fps"][0], 0)
        self.assertEqual(samples.values["overload/lost"], [0])
        self.assertEqual(samples.values["overload/not-counted"], [0])

    def test_it_prints_the_table_and_draws_the_chart(self):
        for row in self.found["rows"]:
            self.assertIn(row["title"], self.done.stdout)
        self.assertTrue((self.folder / "bench.png").read_bytes().startswith(b"\x89PNG"))

    def test_markdown_is_the_table_of_the_last_run_and_the_document_has_its_rows(self):
        printed = bench("--markdown", "--out", self.folder)
        self.assertEqual((printed.returncode, printed.stderr), (0, ""))
        document = (media.ROOT / "docs" / "performance.md").read_text()
        for row in self.found["rows"]:
            self.assertIn(f"| {row['title']} |", printed.stdout)
            self.assertIn(f"| {row['title']} |", document)


class Failures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_a_step_that_breaks_is_named_and_the_others_go_on(self):
        broken = self.folder / "tests" / "bench"
        broken.mkdir(parents=True)
        for program in ("preprocess_bench", "command_cost"):
            (broken / program).symlink_to(PROGRAMS / program)
        (broken / "pipeline_bench").write_text("#!/bin/sh\necho no decoder here >&2\nexit 3\n")
        (broken / "pipeline_bench").chmod(0o755)
        done = bench("--out", self.folder, "--only", "decode alone", BENCH_BUILD=str(self.folder))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("decode alone failed: pipeline_bench ended with 3: no decoder here", done.stderr)
        rows = {row["id"]: row for row in json.loads((self.folder / "bench.json").read_text())["rows"]}
        self.assertIn("no decoder here", rows["decode"]["note"])
        self.assertEqual(len(rows["preprocess-bilinear"]["values"]), 1)

    def test_wrong_settings_and_a_missing_run_are_told(self):
        for arguments, variables, text in (
            ((), {"BENCH_ROUNDS": "many"}, "BENCH_ROUNDS is 'many'; it is a whole number above 0"),
            (("--markdown",), {}, "there is no earlier run"),
        ):
            done = bench(*arguments, "--out", self.folder, **variables)
            self.assertEqual(done.returncode, 1)
            self.assertIn(text, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_the_measuring_programs_say_why_they_cannot(self):
        for program, arguments, text in (
            ("pipeline_bench", ("0", "10", "videotestsrc num-buffers=5 ! fakesink"), "ended after 5 of the 10"),
            ("pipeline_bench", ("0", "10", "nosuchelement ! fakesink"), "nosuchelement"),
            ("pipeline_bench", ("0", "10", "filesrc location=/no/such ! fakesink"), "/no/such"),
            ("pipeline_bench", ("live", "1", "videotestsrc ! fakesink"), "no element"),
            ("flush_bench", ("1", "videotestsrc ! fakesink"), "no element"),
            ("forward_bench", ("1", "1", "1", "/no/such.pt", "1"), "/no/such.pt"),
            ("command_cost", ("/no/such",), "/no/such"),
        ):
            with self.subTest(program=program, arguments=arguments):
                command = [str(PROGRAMS / program), *arguments]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertIn(text, done.stderr)


class Results(unittest.TestCase):
    def test_the_bound_is_all_cores_busy_with_the_stages_alone(self):
        values = {"decode/cpu-ms": [8.0, 10.0], "preprocess/bilinear/cpu-ms": [2.0, 2.0]}
        # Batch 4 is the fastest of the two that there are.
        values |= {"forward/resnet18/4/fps": [60, 50], "forward/resnet18/8/fps": [50, 52]}
        values |= {"forward/resnet18/4/cpu-ms": [30.0, 28.0], "forward/resnet18/8/cpu-ms": [1.0, 1.0]}
        values |= {"end-to-end/resnet18/fps": [95.0, 90.0], "onnx/resnet18/fps": [50.0, 60.0]}
        samples = samples_of(values, cores=4)
        self.assertEqual(row_of(samples, "bound-resnet18").values, [100.0, 100.0])
        of_bound = row_of(samples, "of-bound-resnet18")
        self.assertEqual(of_bound.values, [0.95, 0.9])
        self.assertFalse(of_bound.met)
        over = row_of(samples, "over-onnx-resnet18")
        self.assertEqual(over.values, [1.9, 1.5])
        self.assertTrue(over.met)
        self.assertIn(8, BATCHES)

    def test_median_quartiles_and_goals(self):
        row = results.Row("a", "g", "t", "ms", [5, 1, 2, 4, 3], results.Goal(results.AT_MOST, 3))
        self.assertEqual((row.median, row.quartiles, row.met), (3, (2, 4), True))
        row = results.Row("a", "g", "t", "ms", [5, 1, 2, 4, 3], results.Goal(results.AT_LEAST, 3.5), digits=1)
        self.assertFalse(row.met)
        self.assertEqual(show.cells(row), ("t", "3.0 ms", "2.0 - 4.0", ">= 3.5 ms", "missed", ""))

    def test_what_could_not_be_measured_is_neither_met_nor_missed(self):
        samples = Samples()
        samples.absent["onnxinference, resnet18"] = "this GStreamer has no onnxinference"
        row = row_of(samples, "over-onnx-resnet18")
        self.assertIsNone(row.met)
        self.assertEqual(show.cells(row)[-1], "this GStreamer has no onnxinference")
        self.assertEqual(results.row_of(json.loads(json.dumps(show.as_json({}, samples, [row])))["rows"][0]), row)
