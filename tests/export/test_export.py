# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-torch-export from its command line to the file it writes, and each way in which it says no."""

import configparser
import contextlib
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import media
import toy_models
import torch
from torch_export import cli

HERE = pathlib.Path(__file__).resolve().parent
TOOL = HERE.parents[1] / "apps" / "gst-torch-export"
SCALE = ["--mean", "0.5", "--std", "0.25,0.5,1"]


class ExportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "model.pt"

    def export(self, *arguments):
        """Runs the tool in this process: exit status, standard output, standard error."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main([*arguments, "--output", str(self.file)])
        return status, out.getvalue(), err.getvalue()

    def load(self):
        extra = {"modelinfo": "", "labels.txt": ""}
        module = torch.jit.load(str(self.file), _extra_files=extra)
        info = configparser.ConfigParser(delimiters="=", interpolation=None)
        info.read_string(extra["modelinfo"].decode())
        return module, info, extra["labels.txt"].decode()


class Writes(ExportTest):
    def test_the_file_computes_what_the_model_computes_and_says_how_to_feed_it(self):
        labels = self.folder / "labels.txt"
        labels.write_text("apple\nchat à neuf queues\nblack & gold\nd\ne\n", encoding="utf-8")
        status, out, err = self.export(
            "toy_models:net",
            *SCALE,
            "--input-size",
            "32x48",
            "--resize",
            "letterbox",
            "--labels",
            str(labels),
        )
        self.assertEqual((status, err), (0, ""))
        module, info, text = self.load()
        image = torch.randn(3, 3, 32, 48)
        with torch.no_grad():
            torch.testing.assert_close(module(image), toy_models.net().eval()(image))
        self.assertFalse(module.training)
        self.assertEqual(text, labels.read_text(encoding="utf-8"))
        self.assertEqual(info["modelinfo"]["version"], "1.0")
        self.assertEqual(
            dict(info["input_0"]),
            {
                "dir": "input",
                "type": "float32",
                "dims": "-1,3,32,48",
                "ranges": "-2.0,2.0;-1.0,1.0;-0.5,0.5",
            },
        )
        self.assertEqual(dict(info["output_0"]), {"dir": "output", "type": "float32", "dims": "-1,5"})
        self.assertEqual(
            dict(info["torchinference"]),
            {
                "name": "toy_models:net",
                "task": "classification",
                "resize": "letterbox",
                "pad-value": "114",
                "interpolation": "bilinear",
                "color-order": "rgb",
                "layout": "nchw",
                "activation": "softmax",
            },
        )
        self.assertIn("1 folded into convolutions", out)
        self.assertIn("largest difference", out)

    def test_torchvisions_models_bring_their_own_recipe_and_labels(self):
        status, out, _ = self.export("mobilenet_v3_small")
        self.assertEqual(status, 0)
        _, info, labels = self.load()
        self.assertEqual(info["torchinference"]["resize-size"], "256")
        self.assertEqual(info["input_0"]["dims"], "-1,3,224,224")
        first = [float(number) for number in info["input_0"]["ranges"].split(";")[0].split(",")]
        self.assertAlmostEqual(first[0], -0.485 / 0.229)
        self.assertAlmostEqual(first[1], (1 - 0.485) / 0.229)
        self.assertEqual(labels.splitlines()[0], "tench")
        self.assertEqual(len(labels.splitlines()), 1000)
        self.assertIn("RANDOM", out)

    def test_scripting_keeps_what_depends_on_the_input(self):
        status, _, _ = self.export("toy_models:Branching", *SCALE, "--input-size", "32", "--method", "script")
        self.assertEqual(status, 0)
        module, _, _ = self.load()
        image = torch.randn(1, 3, 32, 32)
        torch.testing.assert_close(module(image) * 2, module(torch.cat([image, image]))[:1])

    def test_weights_are_loaded_from_a_checkpoint_however_wrapped(self):
        trained = toy_models.Net(4)
        checkpoint = self.folder / "checkpoint.pth"
        torch.save(
            {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in trained.state_dict().items()}},
            checkpoint,
        )
        status, _, err = self.export(
            "toy_models:net",
            "--arg",
            "num_classes=4",
            *SCALE,
            "--input-size",
            "32",
            "--weights",
            str(checkpoint),
        )
        self.assertEqual((status, err), (0, ""))
        image = torch.randn(1, 3, 32, 32)
        torch.testing.assert_close(self.load()[0](image), trained.eval()(image))

    def test_grey_and_channels_last_are_said_in_the_model_info(self):
        status, _, err = self.export(
            "toy_models:net",
            "--arg",
            "channels=1",
            "--mean",
            "0",
            "--std",
            "1/255",
            "--color-order",
            "gray",
            "--input-size",
            "16x32",
            "--resize",
            "squash",
            "--activation",
            "sigmoid",
        )
        self.assertEqual((status, err), (0, ""))
        info = self.load()[1]
        self.assertEqual(info["input_0"]["dims"], "-1,1,16,32")
        self.assertEqual(info["input_0"]["ranges"], "0.0,255.0")
        self.assertEqual(info["torchinference"]["color-order"], "gray")
        self.assertEqual(info["torchinference"]["activation"], "sigmoid")
        self.assertNotIn("resize-size", info["torchinference"])

    def test_a_model_for_one_frame_at_a_time_is_marked_so(self):
        status, out, _ = self.export("toy_models:OneAtATime", *SCALE, "--input-size", "32")
        self.assertEqual(status, 0)
        self.assertEqual(self.load()[1]["input_0"]["dims"], "1,3,32,32")
        self.assertIn("one frame at a time", out)

    def test_a_trace_for_one_frame_at_a_time_is_checked_with_single_frames(self):
        clip = media.assets() / "clips" / "carphone.mp4"
        arguments = ("--input-size", "32", "--frames", "12", "--check-with", str(clip))
        status, out, err = self.export("toy_models:FixedByTracing", *SCALE, *arguments)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self.load()[1]["input_0"]["dims"], "1,3,32,32")
        self.assertRegex(out, r"carphone\.mp4: \d+ frames, largest difference")

    def test_a_model_that_writes_to_its_input_is_compared_on_the_same_input(self):
        status, _, err = self.export("toy_models:WritesInput", *SCALE, "--input-size", "48")
        self.assertEqual((status, err), (0, ""))

    def test_names_are_written_so_that_they_can_be_read(self):
        name = "a\\b ; # = ü"
        self.file = self.folder / os.fsdecode(b"caf\xe9.pt")
        arguments = (*SCALE, "--input-size", "32")
        self.assertEqual(self.export("toy_models:net", *arguments, "--model-name", name)[0], 0)
        facts = self.inspected(self.file)
        self.assertEqual(facts["model_info"]["name"], name)
        again, self.file = self.file, self.folder / "again.pt"
        self.assertEqual(self.export(str(again))[0], 0)
        self.assertEqual(self.inspected(self.file)["model_info"]["name"], name)

    def inspected(self, path):
        command = ["gst-torch-inspect", "--json", path]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    def test_the_same_export_gives_the_same_bytes(self):
        files = []
        for _ in range(2):
            arguments = ["toy_models:net", "--python-path", str(HERE), *SCALE, "--input-size", "32"]
            command = [str(TOOL), *arguments, "--output", str(self.file)]
            done = subprocess.run(command, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            files.append(self.file.read_bytes())
        self.assertEqual(files[0], files[1])

    def test_pads_stay_when_asked_to(self):
        self.export("toy_models:net", *SCALE, "--input-size", "32", "--keep-pads")
        self.assertIsInstance(self.load()[0].conv.weight, torch.Tensor)
        self.assertEqual(list(self.load()[0].conv.weight.shape), [8, 3, 3, 3])
        self.export("toy_models:net", *SCALE, "--input-size", "32")
        self.assertEqual(list(self.load()[0].conv.weight.shape), [8, 3, 4, 4])


class Refuses(ExportTest):
    def refuses(self, *arguments, says, status=1):
        self.file.write_bytes(b"what was there before")
        found, _, err = self.export(*arguments)
        self.assertEqual(found, status, err)
        for text in (says,) if isinstance(says, str) else says:
            self.assertIn(text, err)
        self.assertEqual(self.file.read_bytes(), b"what was there before")
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name.endswith(".part")], [])

    def test_a_model_that_answers_differently_each_time(self):
        self.refuses(
            "toy_models:Wavering",
            *SCALE,
            "--input-size",
            "32",
            says="differs from the original",
            status=3,
        )

    def test_a_trace_that_lost_a_branch(self):
        self.refuses("toy_models:Branching", *SCALE, "--input-size", "32", says="--method script", status=3)

    def test_outputs_that_are_no_classes(self):
        self.refuses("toy_models:Pair", *SCALE, "--input-size", "32", says="returns a tuple")
        self.refuses("toy_models:FeatureMap", *SCALE, "--input-size", "32", says="[1, 8, 16, 16]")
        self.refuses("toy_models:NotFinite", *SCALE, "--input-size", "32", says="not finite")

    def test_inputs_that_the_model_does_not_take(self):
        self.refuses("toy_models:net", *SCALE, "--layout", "nhwc", says=("[1, 224, 224, 3]", "--layout"))

    def test_mean_and_std_that_nobody_gave(self):
        self.refuses("toy_models:net", says="--mean is needed")
        self.refuses(
            "toy_models:net",
            "--mean",
            "0.5",
            "--std",
            "1,2",
            says="2 numbers, the model has 3 channels",
        )
        self.refuses("toy_models:net", "--mean", "0.5", "--std", "0", says="--std must be greater than 0")

    def test_a_crop_larger_than_the_resized_frame(self):
        self.refuses("toy_models:net", *SCALE, "--resize", "short-side:200", says="224x224 does not fit")

    def test_names_that_mean_nothing(self):
        self.refuses("resnet19", says=("no classification model 'resnet19'", "resnet18"))
        self.refuses("no_such_package:net", says=("cannot import 'no_such_package'", "--python-path"))
        self.refuses("toy_models:no_such_net", says="has no 'no_such_net'")
        self.refuses("toy_models:answer", says="is a int")
        self.refuses("toy_models:raises", says=("KeyError", "no such backbone", "--arg"))
        self.refuses("toy_models:nothing", says="returned a NoneType")

    def test_weights_that_do_not_fit(self):
        weights = self.folder / "w.pth"
        torch.save(toy_models.Net(7).state_dict(), weights)
        self.refuses(
            "toy_models:net",
            *SCALE,
            "--weights",
            str(weights),
            says="fc.weight is [7, 8], the model wants [5, 8]",
        )
        torch.save({"conv.weight": torch.zeros(1)}, weights)
        self.refuses(
            "toy_models:net",
            *SCALE,
            "--weights",
            str(weights),
            says="missing in the file: conv.bias",
        )
        weights.write_bytes(weights.read_bytes()[:-100])
        self.refuses("toy_models:net", *SCALE, "--weights", str(weights), says="w.pth is damaged")
        self.refuses("toy_models:net", *SCALE, "--weights", "/no/such.pth", says="/no/such.pth: no such file")

    def test_weights_that_would_run_code(self):
        weights = self.folder / "w.pth"
        torch.save(toy_models.Net(5), weights)
        self.refuses(
            "toy_models:net",
            *SCALE,
            "--weights",
            str(weights),
            says="holds an object of toy_models.Net, whose code would run to load it",
        )

    def test_weights_that_are_something_else_are_named_for_what_they_are(self):
        weights = self.folder / "w.pth"
        torch.jit.script(toy_models.Net(5)).save(weights)
        script = weights.read_bytes()
        torch.save([1, 2], weights)
        numbers = weights.read_bytes()
        for content, what in (
            ("# A résumé\n".encode() * 1000, "is a text file, not a state dict"),
            (b"", "is an empty file, not a state dict"),
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is damaged, or was not written by torch.save()"),
            (script, "is an exported TorchScript model, not a state dict"),
            (numbers, "holds a list, not a state dict"),
        ):
            with self.subTest(what=what):
                weights.write_bytes(content)
                command = ("toy_models:net", *SCALE, "--weights", str(weights))
                self.refuses(*command, says=(f"{weights} {what}", "torch.save(model.state_dict(), FILE)"))

    def test_labels_that_do_not_fit(self):
        labels = self.folder / "labels.txt"
        labels.write_text("a\nb\n")
        self.refuses(
            "toy_models:net",
            *SCALE,
            "--labels",
            str(labels),
            says="2 labels, but the model has 5 classes",
        )
        labels.write_text("a\n\nb\n")
        self.refuses("toy_models:net", *SCALE, "--labels", str(labels), says="line 2: an empty line")
        labels.write_bytes(b"caf\xe9\n")
        self.refuses("toy_models:net", *SCALE, "--labels", str(labels), says="is not UTF-8")
        self.refuses(
            "toy_models:net",
            *SCALE,
            "--labels",
            "imagenet",
            says="1000 labels, but the model has 5",
        )
        self.refuses("toy_models:net", *SCALE, "--labels", "/no/such.txt", says="/no/such.txt")

    def test_an_output_that_is_read_and_would_be_lost(self):
        precious = self.folder / "precious"
        torch.save(toy_models.Net(5).state_dict(), precious)
        content = precious.read_bytes()
        (self.folder / "link").symlink_to(precious)
        for option in ("--weights", "--labels", "--check-with"):
            for self.file in (precious, self.folder / "link"):
                with self.subTest(option=option, output=self.file.name):
                    status, out, err = self.export("toy_models:net", *SCALE, option, str(precious))
                    self.assertEqual((status, out), (1, ""))
                    self.assertIn("is read and would be lost", err)
                    self.assertEqual(precious.read_bytes(), content)

    def test_a_file_that_is_no_torchscript(self):
        net = self.folder / "net.pt"
        torch.save(toy_models.Net(5).state_dict(), net)
        self.refuses(str(net), *SCALE, says="they are given with --weights")
        net.write_text("hello\n")
        self.refuses(str(net), *SCALE, says="net.pt is no TorchScript file but a text file")
        self.refuses(f"{self.folder}/", *SCALE, says="is a folder")

    def test_a_model_of_two_inputs(self):
        self.refuses("toy_models:TwoInputs", *SCALE, "--input-size", "32", says="Models of one image tensor")

    def test_a_function_that_ends_the_program(self):
        self.refuses("toy_models:leaves", *SCALE, says="SystemExit")

    def test_a_folder_in_place_of_a_clip(self):
        self.refuses("toy_models:net", *SCALE, "--check-with", str(self.folder), says="is a folder")

    def test_a_place_that_cannot_be_written(self):
        self.file = self.folder
        status, out, err = self.export("toy_models:net", *SCALE)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("is a folder; name the file", err)
        self.file = self.folder / "no" / "model.pt"
        status, _, err = self.export("toy_models:net", *SCALE)
        self.assertEqual(status, 1)
        self.assertIn("no such folder (--output)", err)


class Ends(ExportTest):
    """What stays behind of an export that does not come to its end: nothing."""

    def test_who_reads_the_output_goes_away(self):
        class Reader(io.StringIO):
            def write(self, text):
                if "check" in text:
                    raise BrokenPipeError
                return super().write(text)

        with self.assertRaises(BrokenPipeError), contextlib.redirect_stdout(Reader()):
            cli.main(["toy_models:net", *SCALE, "--input-size", "32", "--output", str(self.file)])
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_that_is_told_by_the_exit_status_alone(self):
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, str(TOOL), "--list"]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr), (128 + signal.SIGPIPE, ""))

    def test_it_is_ended_while_it_writes(self):
        arguments = ["toy_models:net", "--python-path", str(HERE), *SCALE, "--input-size", "1024"]
        command = [sys.executable, str(TOOL), *arguments, "--output", str(self.file)]
        program = subprocess.Popen(command, stdout=subprocess.PIPE)
        while program.poll() is None and not any(self.folder.iterdir()):
            time.sleep(0.001)
        program.terminate()
        program.communicate()
        self.assertEqual([path for path in self.folder.iterdir() if path != self.file], [])


class CommandLine(unittest.TestCase):
    def test_help_and_wrong_usage_have_their_exit_status(self):
        def run(*arguments):
            return subprocess.run([sys.executable, str(TOOL), *arguments], capture_output=True, text=True, check=False)

        shown = run("--help")
        self.assertEqual(shown.returncode, 0)
        self.assertIn("examples:", shown.stdout)
        for arguments in (
            (),
            ("resnet18",),
            ("resnet18", "-o", "x", "--mean", "a"),
            ("x:y", "-o", "x", "--resize", "crop"),
            ("x:y", "-o", "x", "--mean", "1e400"),
            ("x:y", "-o", "x", "--input-size", "20000"),
            ("x:y", "-o", "x", "--min-agreement", "1.1"),
            ("x:y", "-o", "x", "--model-name", "a\nb=c"),
            ("x:y", "-o", "x", "--weights", ""),
            ("x:y", "-o", "x", "--int8"),
            ("x:y", "-o", "x", "--nonsense"),
        ):
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn("--help explains", done.stderr)
        self.assertIn("write NAME first", run("--calibrate", "a.mp4", "resnet18", "-o", "x").stderr)

    def test_a_python_without_torch_is_said_in_one_line(self):
        script = (
            "import sys; sys.modules['torch'] = None; from torch_export import cli; "
            "sys.exit(cli.main(['resnet18', '-o', 'x']))"
        )
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "apps")}
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^gst-torch-export: .* has no torch; .*\n$")

    def test_a_full_disk_behind_the_output_is_said(self):
        with open("/dev/full", "wb") as full:
            command = [sys.executable, str(TOOL), "--list"]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^gst-torch-export: standard output cannot be written: .*\n$")
