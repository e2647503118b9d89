# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-torch-export --int8: calibrated on clips, judged on others, run by torchinference."""

import contextlib
import io
import pathlib
import subprocess
import tempfile
import unittest

import media
import toy_models
import torch
from torch_export import cli, frames
from torch_export.int8 import build, calibrate, held_out, plan, report
from torch_export.model_info import Input
from torch_export.model_info import text as model_text
from torch_export.passes.fold_batch_norms import BatchNorms

HERE = pathlib.Path(__file__).resolve().parent
SIZE = 48


def model_input(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)):
    return Input(SIZE, SIZE, "nchw", "rgb", "squash", None, "bilinear", 114, list(mean), list(std))


def pictures(count, seed=0):
    """Smooth ones, as bytes: noise has nothing that a convolution could find."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    large = torch.nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bicubic").clamp(0, 1)
    return (large * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def folded(model, outside):
    model = model.eval()
    BatchNorms(model, outside.noise(1)).fold()
    return model


def quantised(model, outside, count=32):
    """The plan of `model` and its int8 module."""
    layers = plan.Plan(folded(model, outside), outside.noise(1))
    found = calibrate.calibrate(layers, pictures(count), outside, 8)
    return layers, build.build(layers, found, outside)


def signal_to_noise(expected, found):
    """In decibels."""
    return float(10 * torch.log10(expected.square().sum() / (expected - found).square().sum()))


class Plan(unittest.TestCase):
    def setUp(self):
        torch.backends.quantized.engine = "onednn"

    def test_activations_and_sums_are_inside_the_convolutions(self):
        layers, module = quantised(toy_models.residual(), model_input())
        self.assertEqual(len(layers.layers), 4)
        kinds = [type(part).__name__ for part in module.modules()]
        self.assertEqual((kinds.count("Conv2d"), kinds.count("ConvAdd2d")), (3, 1))
        self.assertEqual([layer.activation for layer in layers.layers.values()].count("relu6"), 1)
        called = {node.target for node in module.graph.nodes if node.op != "call_module"}
        self.assertEqual([name for name in map(str, called) if "relu" in name or "add" in name], [])

    def test_weights_are_quantised_for_each_channel(self):
        _, module = quantised(toy_models.residual(), model_input())
        convolutions = [part for part in module.modules() if hasattr(part, "weight") and callable(part.weight)]
        self.assertEqual(len(convolutions), 4)
        for conv in convolutions:
            self.assertEqual(conv.weight().qscheme(), torch.per_channel_affine)
            self.assertGreater(len(set(conv.weight().q_per_channel_scales().tolist())), 1)

    def test_a_summand_that_is_read_later_is_not_overwritten(self):
        class Twice(toy_models.Residual):
            def forward(self, x):
                x = self.pool(self.stem(x))
                y = self.depthwise(self.wide(self.narrow(x))) + x
                return self.fc((y + x).mean((2, 3)))

        torch.manual_seed(1)
        model = Twice().eval()
        expected = model(model_input().from_bytes(pictures(8, seed=9)))
        layers, module = quantised(model, model_input())
        sums = [layer for layer in layers.layers.values() if layer.summand is not None]
        self.assertEqual([layer.conv is None for layer in sums], [True, True])
        self.assertGreater(signal_to_noise(expected, module(pictures(8, seed=9))), 25)

    def test_what_is_not_known_stays_as_it_is(self):
        class Gated(toy_models.Residual):
            def forward(self, x):
                x = self.stem(x)
                x = torch.nn.functional.silu(self.narrow(x))
                return self.fc(self.wide(x).mean((2, 3)))

        torch.manual_seed(1)
        model = Gated().eval()
        expected = model(model_input().from_bytes(pictures(8, seed=9)))
        _, module = quantised(model, model_input())
        self.assertGreater(signal_to_noise(expected, module(pictures(8, seed=9))), 25)
        self.assertIn(torch.nn.functional.silu, [node.target for node in module.graph.nodes])


class Answers(unittest.TestCase):
    def setUp(self):
        torch.backends.quantized.engine = "onednn"

    def test_they_are_near_the_originals_on_pictures_that_it_was_not_calibrated_on(self):
        for name, outside in (
            ("one zero for all channels", model_input((127 / 255,) * 3, (0.5,) * 3)),
            ("a zero of its own for each, as ImageNet's", model_input((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))),
        ):
            with self.subTest(name):
                model = toy_models.residual().eval()
                expected = model(outside.from_bytes(pictures(16, seed=3)))
                _, module = quantised(model, outside)
                self.assertGreater(signal_to_noise(expected, module(pictures(16, seed=3))), 28)

    def test_so_are_those_of_a_model_that_writes_to_its_input(self):
        torch.manual_seed(5)
        model, outside = toy_models.WritesInput().eval(), model_input()
        expected = model(outside.from_bytes(pictures(16, seed=3)))
        _, module = quantised(model, outside)
        self.assertGreater(signal_to_noise(expected, module(pictures(16, seed=3))), 45)

    def test_a_batch_gives_each_frame_what_it_gets_alone(self):
        _, module = quantised(toy_models.residual(), model_input())
        frames_in = pictures(5, seed=4)
        together = module(frames_in)
        for i in range(5):
            torch.testing.assert_close(module(frames_in[i : i + 1]), together[i : i + 1], rtol=0, atol=1e-4)


class Report(unittest.TestCase):
    def test_agreement_counts_the_frames_of_which_the_original_is_sure(self):
        expected = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.25, 0.2], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]])
        found = torch.tensor([[0.8, 0.2, 0.0], [0.25, 0.2, 0.2], [0.6, 0.3, 0.1], [0.5, 0.3, 0.2]])
        seen = report.compare("clip", expected, found)
        self.assertEqual((seen.frames, seen.top1, seen.sure, seen.sure_top1), (4, 2, 3, 2))
        self.assertAlmostEqual(seen.rate, 2 / 3)
        self.assertAlmostEqual(seen.largest, 0.5, places=6)
        both = report.together("both", [seen, report.compare("same", expected, expected)])
        self.assertEqual((both.frames, both.top1, both.sure, both.sure_top1), (8, 6, 6, 5))

    def test_of_a_clip_that_does_for_both_the_end_judges(self):
        clips = [frames.Clip("a.mp4", torch.arange(20), 1), frames.Clip("b.mp4", torch.arange(100, 200), 1)]
        used, held = held_out.split(clips, [], 24)
        self.assertEqual([name for name, _ in held], ["end of a.mp4", "end of b.mp4"])
        self.assertEqual(held[0][1].tolist(), [16, 17, 18, 19])
        self.assertEqual(held[1][1].tolist(), list(range(180, 200)))
        self.assertEqual(len(used), 24)
        self.assertFalse(set(used.tolist()) & set(torch.cat([part for _, part in held]).tolist()))

    def test_a_short_clip_gives_what_it_has_and_the_others_more(self):
        clips = [frames.Clip("a", torch.arange(100, 200), 1), frames.Clip("b", torch.arange(3), 1)]
        used, _ = held_out.split(clips, clips[:1], 20)
        self.assertEqual((len(used), [value for value in used.tolist() if value < 3]), (20, [0, 1, 2]))


class CommandLine(unittest.TestCase):
    """On clips of moving patterns, made here."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for pattern in ("smpte", "ball", "circular"):
            caps = "video/x-raw,format=I420,width=160,height=120,framerate=25/1"
            source = ("videotestsrc", f"pattern={pattern}", "num-buffers=30", "!", caps)
            sink = ("filesink", f"location={cls.folder / pattern}.mp4")
            media.launch(*source, "!", "x264enc", "tune=zerolatency", "!", "mp4mux", "!", *sink)

    def setUp(self):
        self.file = self.folder / "int8.pt"
        self.file.unlink(missing_ok=True)

    def clip(self, name):
        return str(self.folder / f"{name}.mp4")

    def export(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        shape = ("--input-size", str(SIZE), "--resize", "squash", "--mean", "0.485,0.456,0.406", "--std", "0.225")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(["toy_models:residual", *shape, "--output", str(self.file), *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_the_element_runs_the_file_and_gives_the_originals_classes(self):
        labels = self.folder / "labels.txt"
        labels.write_text("\n".join("012345"))
        options = ("--labels", str(labels), "--calibrate", self.clip("smpte"), self.clip("circular"))
        status, out, err = self.export("--int8", *options, "--check-with", self.clip("ball"))
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"held out ball.mp4: 30 frames, top-1 [01]\.\d+ \(above 0\.3: [01]\.\d+ of \d+\)")
        self.assertRegex(out, r"speed +\d+\.\d+ x float32")
        extra = {"modelinfo": ""}
        torch.jit.load(str(self.file), _extra_files=extra)
        info = extra["modelinfo"].decode()
        for line in ("type=uint8", f"dims=-1,{SIZE},{SIZE},3", "ranges=0,255", "quantized-engine=onednn"):
            self.assertIn(line, info.splitlines())

        lines = self.folder / "lines.jsonl"
        inference = ("torchinference", f"model-file={self.file}", "top-k=1")
        source = ("filesrc", f"location={self.clip('ball')}", "!", "decodebin", "!", "videoconvert")
        media.launch(*source, "!", *inference, "!", "analyticsjson", "!", "filesink", f"location={lines}")
        seen = [int(line["analyses"][0]["classes"][0]["label"]) for line in media.json_lines(lines)]
        outside = model_input((0.485, 0.456, 0.406), (0.225,) * 3)
        model = toy_models.residual().eval()
        (clip,) = frames.read([self.clip("ball")], outside, 64)
        expected = model(outside.from_bytes(clip.frames)).argmax(1).tolist()
        self.assertEqual(len(seen), len(expected))
        same = sum(a == b for a, b in zip(seen, expected))
        self.assertGreaterEqual(same, 0.9 * len(expected))

    def test_below_the_agreement_that_was_asked_for_nothing_is_written(self):
        self.file.write_bytes(b"what was there before")
        arguments = ("--int8", "--calibrate", self.clip("smpte"), "--check-with", self.clip("ball"))
        # Of a model that is nowhere sure nothing can be said.
        status, _, err = self.export("--arg", "sharpness=0.001", *arguments)
        self.assertEqual((status, self.file.read_bytes()), (3, b"what was there before"))
        self.assertIn("cannot be judged", err)
        status, _, err = self.export("--arg", "sharpness=0.001", *arguments, "--min-agreement", "0")
        self.assertEqual((status, err), (0, ""))

    def test_what_does_not_go_together_is_wrong_usage(self):
        for arguments in (("--int8",), ("--calibrate", "x"), ("--int8", "--calibrate", "x", "--precision", "bf16")):
            with self.subTest(arguments), self.assertRaises(SystemExit) as caught:
                self.export(*arguments)
            self.assertEqual(caught.exception.code, 2)

    def test_clips_that_are_none_are_named(self):
        status, _, err = self.export("--int8", "--calibrate", "/no/such.mp4")
        self.assertEqual(status, 1)
        self.assertIn("/no/such.mp4: no such file", err)
        text = self.folder / "text.mp4"
        text.write_text("no clip")
        status, _, err = self.export("--int8", "--calibrate", str(text))
        self.assertEqual(status, 1)
        self.assertIn("text.mp4 cannot be decoded", err)


class Frames(unittest.TestCase):
    def test_a_long_clip_gives_frames_from_its_beginning_to_its_end(self):
        with tempfile.TemporaryDirectory() as folder:
            clip = pathlib.Path(folder) / "clip.mp4"
            caps = "video/x-raw,format=I420,width=64,height=64,framerate=25/1"
            source = ("videotestsrc", "num-buffers=50", "pattern=ball", "!", caps)
            sink = ("mp4mux", "!", "filesink", f"location={clip}")
            media.launch(*source, "!", "x264enc", "tune=zerolatency", "!", *sink)
            (few,) = frames.read([clip], model_input(), 16)
            (all_of_them,) = frames.read([clip], model_input(), 64)
        self.assertEqual((few.every, len(few.frames)), (4, 13))
        self.assertTrue(torch.equal(few.frames, all_of_them.frames[::4]))

    def test_wrong_usage_and_broken_files_have_their_exit_status(self):
        done = subprocess.run(["gst-torch-frames", "a", "b"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        done = subprocess.run(
            ["gst-torch-frames", "-m", "/no/info", "-o", "/no/out", "a"], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/info", done.stderr)

    def test_a_full_disk_is_said(self):
        clip = media.assets() / "clips" / "carphone.mp4"
        with tempfile.TemporaryDirectory() as folder, open("/dev/full", "wb") as full:
            info = pathlib.Path(folder) / "modelinfo"
            info.write_text(model_text("frames", model_input(), 1, "none", True), encoding="utf-8")
            command = ["gst-torch-frames", "-m", info, "-n", "2", "-o"]
            done = subprocess.run([*command, "/dev/full", clip], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("/dev/full cannot be written", done.stderr)
            done = subprocess.run(
                [*command, f"{folder}/frames", clip], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
            self.assertEqual(done.returncode, 1)
            self.assertIn("gst-torch-frames: standard output cannot be written", done.stderr)

    def test_what_is_read_is_not_written(self):
        with tempfile.TemporaryDirectory() as folder:
            clip, info = pathlib.Path(folder, "clip.mp4"), pathlib.Path(folder, "net.modelinfo")
            for lost in (clip, info):
                clip.write_text("clip")
                info.write_text("info")
                command = ["gst-torch-frames", "-m", info, "-o", lost, clip]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("is read and would be lost", done.stderr)
                self.assertEqual((clip.read_text(), info.read_text()), ("clip", "info"))
