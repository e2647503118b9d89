# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-torch-inspect from outside: pages, JSON, exit status, and files that are not what they should be."""

import fcntl
import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import unittest

import media

MODELS = pathlib.Path(os.environ["TEST_MODELS"]).resolve()


def inspect(*arguments, timeout=120):
    """Exit status, standard output, standard error."""
    done = subprocess.run(
        ["gst-torch-inspect", *[str(argument) for argument in arguments]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def model(name):
    return MODELS / f"{name}.pt"


class Pages(unittest.TestCase):
    def printed(self, *arguments):
        status, out, err = inspect(*arguments)
        self.assertEqual((status, err), (0, ""))
        return out

    def test_the_page_says_what_the_model_is(self):
        page = self.printed(model("classifier"))
        for text in (
            "SHA-256",
            "TorchScript, format",
            "forward(input: Tensor) -> Tensor",
            "torch.nn.modules.conv.Conv2d",
            "float32, NCHW, 3x32x32",
            "10: ant ... jay",
            "warnings    none",
        ):
            self.assertIn(text, page)

    def test_json_says_all_of_it(self):
        report = json.loads(self.printed(model("classifier"), "--json", "--graph", "--code", "--dot", "--probe"))
        self.assertEqual(report["file"]["bytes"], model("classifier").stat().st_size)
        self.assertEqual(report["model_info"]["labels"][1], "bee")
        self.assertEqual(report["probe"]["outputs"], [{"name": "output_0", "dtype": "float32", "dims": [10]}])
        self.assertEqual(report["probe"]["largest_batch"], 3)
        self.assertTrue(report["graph"].startswith("graph("))
        self.assertTrue(report["code"].startswith("def forward(self,"))
        self.assertTrue(report["dot"].startswith("digraph"))
        self.assertEqual(report["warnings"], [])
        self.assertEqual(report["modules"][0]["path"], "")

    def test_parts_alone_are_printed_alone(self):
        self.assertTrue(self.printed(model("classifier"), "--code").startswith("def forward(self,"))
        self.assertTrue(self.printed(model("classifier"), "--dot").startswith("digraph"))
        tree = self.printed(model("classifier"), "--tree").splitlines()
        self.assertEqual(len(tree), 14)
        self.assertRegex(tree[1], r"^  0 +432  torch\.nn\.modules\.conv\.Conv2d$")

    def test_a_profile_is_a_table_json_and_a_chart(self):
        with tempfile.TemporaryDirectory() as folder:
            chart = pathlib.Path(folder, "profile.png")
            drawn = ["--chart", chart] if os.environ["HAVE_CHARTS"] else []
            table = self.printed(model("traced_classifier"), "--profile", "--runs", "3", *drawn)
            if drawn:
                self.assertEqual(chart.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertIn("as loaded: ", table)
        self.assertIn("optimize_for_inference: ", table)
        self.assertRegex(table, r"aten::_convolution +3\.0 ")
        report = json.loads(self.printed(model("traced_classifier"), "--profile", "--runs", "3", "--json"))
        form = report["profile"]["forms"][0]
        self.assertAlmostEqual(
            sum(line["self_ms"] for line in form["operators"]), form["observed_ms"], delta=0.02 * form["observed_ms"]
        )

    def test_a_profile_runs_on_the_frames_of_a_clip(self):
        clip = media.assets() / "clips" / "carphone.mp4"
        command = (model("classifier"), "--profile", "--runs", "2", "--frames", clip, "--json")
        # Every second of its 120 frames, since at most 64 are kept.
        self.assertEqual(json.loads(self.printed(*command))["profile"]["frames"], 60)

    def test_the_system_page_names_versions_module_and_devices(self):
        page = self.printed("--system")
        for text in ("GStreamer 1.", "libtorch  ", "CPU capability", "libtorchinfer-torch.so", "build id"):
            self.assertIn(text, page)
        self.assertRegex(page, r"device cpu +can be used")
        self.assertRegex(page, r"device cuda +no: this build has no CUDA support")
        system = json.loads(self.printed("--system", "--json"))["system"]
        self.assertIn("libtorch", system["facts"])
        self.assertRegex(system["facts"]["plugin"], r"^\d+\.\d+\.\d+, .*libgsttorch\.so$")

    def test_texts_of_a_model_do_not_steer_the_terminal(self):
        with tempfile.TemporaryDirectory() as folder:
            labels = pathlib.Path(folder, "labels.txt")
            lines = ["\x1b[2Jant", *"bcdefgh", "i", "j\x9b31mj"]
            labels.write_text("\n".join(lines), encoding="utf-8")
            page = self.printed(model("classifier"), "--label-file", labels)
            self.assertIn("10: ?[2Jant ... j?31mj", page)
            report = json.loads(self.printed(model("classifier"), "--label-file", labels, "--json"))
            self.assertEqual(report["model_info"]["labels"], lines)


class Refusals(unittest.TestCase):
    def fails(self, *arguments, status=1):
        """The one line that says why."""
        result, out, err = inspect(*arguments)
        self.assertEqual((result, out), (status, ""), err)
        lines = err.splitlines()
        self.assertEqual(len(lines), 1, err)
        self.assertTrue(lines[0].startswith("gst-torch-inspect: "), err)
        return lines[0]

    def test_wrong_usage_is_status_2(self):
        for arguments in (
            [],
            [""],
            ["a", "b"],
            ["--nonsense"],
            ["a", "--chart", "b.png"],
            ["a", "--profile", "--chart", ""],
            ["a", "--runs", "0"],
            ["a", "--module", "layer1"],
            ["a", "--method", "forward"],
        ):
            with self.subTest(arguments):
                self.fails(*arguments, status=2)

    def test_a_broken_file_is_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "net.pt")
            self.assertIn("net.pt", self.fails(file))
            whole = model("classifier").read_bytes()
            for content in (b"", b"no model", whole[:-100], whole[:100], whole[:3000] + b"\0" * 500 + whole[3500:]):
                file.write_bytes(content)
                self.assertIn("net.pt", self.fails(file))
            self.fails(folder)

    def test_a_hostile_file_is_one_line(self):
        for name in ("writes_file_at_load", "reads_file", "deep_calls", "unpack_bomb", "version_bomb", "deep_types"):
            with self.subTest(name):
                self.assertIn(name, self.fails(model(name), "--time-limit", "60"))

    def test_time_is_bounded(self):
        self.assertIn("not done after 2 s", self.fails(model("hangs_at_load"), "--time-limit", "2"))

    def test_memory_is_bounded(self):
        if os.environ.get("VARIANT"):
            return  # sanitizers need more memory than any limit allows
        self.assertIn("memory", self.fails(model("grows_at_load"), "--memory-limit", "1500"))

    def test_what_is_printed_is_bounded(self):
        self.assertIn("it prints more than 256 MiB", self.fails(model("prints_at_load")))

    def test_a_chart_that_cannot_be_drawn_is_refused_before_the_model_is_run(self):
        if os.environ["HAVE_CHARTS"]:
            self.assertIn("no picture format", self.fails(model("throws"), "--profile", "--chart", "bars.txt"))

    def test_a_chart_takes_the_place_of_nothing_that_is_read(self):
        if not os.environ["HAVE_CHARTS"]:
            return
        with tempfile.TemporaryDirectory() as folder:
            net = pathlib.Path(folder, "net.png")
            net.write_bytes(model("classifier").read_bytes())
            chart = pathlib.Path(folder, "chart.png")
            chart.symlink_to(net)
            for name in (net, chart):
                said = self.fails(net, "--profile", "--runs", "1", "--chart", name)
                self.assertIn("is read and would be lost", said)
            self.assertEqual(net.read_bytes(), model("classifier").read_bytes())

    def test_a_clip_that_is_not_there_or_holds_no_video(self):
        profile = (model("classifier"), "--profile", "--runs", "1", "--frames")
        self.assertIn(": no such file", self.fails(*profile, os.fsdecode(b"/no/caf\xe9.mp4")))
        with tempfile.TemporaryDirectory() as folder:
            sound = pathlib.Path(folder, "sound.wav")
            media.launch("audiotestsrc", "num-buffers=9", "!", "wavenc", "!", "filesink", f"location={sound}")
            self.assertIn("Does it hold video?", self.fails(*profile, sound))

    def test_what_is_not_there_is_named_with_what_is(self):
        for what in ("--tree", "--profile"):
            said = self.fails(model("classifier"), "--module", "layér1", what, "--json")
            self.assertIn('there is no module "layér1"', said)
        self.assertIn("it has 0, 1, 2", self.fails(model("classifier"), "--module", "layer1", "--code"))
        self.assertIn("no method", self.fails(model("classifier"), "--method", "train", "--code"))
        self.assertIn("throws", self.fails(model("throws"), "--probe"))

    def test_a_model_that_lacks_operators_has_a_page_and_status_1(self):
        status, out, err = inspect(model("unknown_operator"))
        self.assertEqual((status, err), (1, ""))
        self.assertIn("gst_torch_test::twice is no operator of this libtorch", out)
        self.assertIn("cannot be loaded", self.fails(model("unknown_operator"), "--tree"))


class Readers(unittest.TestCase):
    """Who reads the output, and who started the program."""

    COMMAND = ("gst-torch-inspect", model("classifier"), "--json", "--graph")

    def start(self):
        """With a pipe that holds less than there is to say."""
        program = subprocess.Popen(self.COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(program.communicate)
        self.addCleanup(program.kill)
        fcntl.fcntl(program.stdout, fcntl.F_SETPIPE_SZ, 4096)
        select.select([program.stdout], [], [])
        return program

    def test_nothing_that_is_bounded_waits_for_the_reader(self):
        program = self.start()
        self.assertEqual(pathlib.Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text(), "")
        output = program.communicate()[0]
        self.assertGreater(len(output), 4096)
        self.assertTrue(json.loads(output)["graph"].startswith("graph("))
        self.assertEqual(program.returncode, 0)

    def test_one_that_goes_away_ends_the_program_quietly(self):
        program = self.start()
        program.stdout.close()
        self.assertEqual((program.wait(), program.stderr.read()), (-signal.SIGPIPE, ""))

    def test_a_full_disk_is_said(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(self.COMMAND, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^gst-torch-inspect: .*: what was found cannot be written: No space left.*\n$")

    def test_a_parent_that_ignores_its_children_changes_nothing(self):
        done = subprocess.run(
            [*self.COMMAND, "--time-limit", "600"],
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
            timeout=300,
            check=False,
        )
        self.assertEqual(done.returncode, 0)
