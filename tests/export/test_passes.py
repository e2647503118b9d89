# SPDX-License-Identifier: LGPL-2.1-or-later
"""The passes besides pads: what each changes, and that the answers stay."""

import contextlib
import io
import pathlib
import tempfile
import unittest

import media
import torch
from torch import nn
from torch_export import cli
from torch_export.passes import plain_convolutions
from torch_export.passes.fold_batch_norms import BatchNorms

SCALE = ["--mean", "0.485,0.456,0.406", "--std", "0.225", "--input-size", "48"]


def with_statistics(model):
    """As after training: batch norms that do something."""
    torch.manual_seed(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
    return model.eval()


class BatchNormTest(unittest.TestCase):
    image = torch.rand(2, 4, 12, 12)

    def fold(self, model):
        """Folded names, reasons of those left, and by how much the answers moved."""
        model = with_statistics(model)
        with torch.no_grad():
            before = model(self.image)
            norms = BatchNorms(model, self.image)
            names = norms.names()
            norms.fold()
            return names, norms.left, float((model(self.image) - before).abs().max())

    def test_each_goes_into_the_convolution_before_it(self):
        model = nn.Sequential(
            nn.Conv2d(4, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1, groups=8)
        )
        model.append(nn.BatchNorm2d(8))
        names, left, moved = self.fold(model)
        self.assertEqual((names, left), (["1", "4"], []))
        self.assertLess(moved, 1e-5)
        self.assertFalse([part for part in model.modules() if isinstance(part, nn.BatchNorm2d)])

    def left_alone(self, model, why):
        names, left, moved = self.fold(model)
        self.assertEqual((names, moved), ([], 0.0))
        self.assertTrue(any(why in text for text in left), left)

    def test_one_before_a_convolution_stays(self):
        self.left_alone(nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3)), "does not follow")

    def test_one_behind_an_activation_stays(self):
        self.left_alone(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)), "does not follow")

    def test_a_convolution_with_a_second_user_stays_as_it_is(self):
        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.norm = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)

            def forward(self, x):
                y = self.conv(x)
                return self.norm(y) + y

        self.left_alone(Two(), "not alone")

    def test_a_convolution_that_runs_twice_stays_as_it_is(self):
        conv = nn.Conv2d(4, 4, 3)
        self.left_alone(nn.Sequential(conv, nn.BatchNorm2d(4), conv, nn.BatchNorm2d(4)), "several times")

    def test_a_weight_that_two_share_stays_as_it_is(self):
        first, second = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)
        second.weight = first.weight
        self.left_alone(nn.Sequential(first, nn.BatchNorm2d(4), second, nn.ReLU()), "several times")


class OwnConvolution(nn.Conv2d):
    def forward(self, x):
        return nn.functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Doubling(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


class PlainConvolutionTest(unittest.TestCase):
    def test_a_class_that_only_convolves_becomes_the_usual_one(self):
        model = nn.Sequential(OwnConvolution(4, 4, 3, 2, 1), nn.ReLU()).eval()
        image = torch.rand(1, 4, 9, 9)
        before = model(image)
        self.assertEqual(plain_convolutions.replace_all(model, image), 1)
        self.assertIs(type(model[0]), nn.Conv2d)
        self.assertTrue(torch.equal(model(image), before))

    def test_a_class_that_does_more_stays(self):
        model = nn.Sequential(Doubling(4, 4, 3)).eval()
        self.assertEqual(plain_convolutions.replace_all(model, torch.rand(1, 4, 9, 9)), 0)
        self.assertIs(type(model[0]), Doubling)


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "model.pt"

    def export(self, *arguments, name="toy_models:residual"):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main([str(name), *arguments, "--output", str(self.file)])
        self.assertEqual((status, err.getvalue()), (0, ""))
        return out.getvalue()

    def info(self):
        extra = {"modelinfo": "", "labels.txt": ""}
        module = torch.jit.load(str(self.file), _extra_files=extra)
        return module, extra["modelinfo"].decode().splitlines(), extra["labels.txt"].decode()

    def test_batch_norms_are_folded_unless_they_shall_stay(self):
        self.assertRegex(
            self.export(*SCALE), r"norms +4 folded into convolutions, forward .* ms on one thread: stem\.1"
        )
        self.assertNotIn("batch_norm", str(self.info()[0].inlined_graph))
        self.export(*SCALE, "--keep-batch-norms")
        self.assertIn("batch_norm", str(self.info()[0].inlined_graph))

    def test_a_model_that_takes_bytes_gives_what_the_original_gives_for_the_values(self):
        self.export(*SCALE)
        plain, _, _ = self.info()
        for method in ("trace", "script"):
            with self.subTest(method):
                self.assertRegex(self.export(*SCALE, "--bytes", "--method", method), r"bytes +go in")
                module, info, _ = self.info()
                for line in ("type=uint8", "dims=-1,48,48,3", "ranges=0,255", "layout=nhwc"):
                    self.assertIn(line, info)
                frames = torch.randint(0, 256, (2, 48, 48, 3), dtype=torch.uint8)
                mean = torch.tensor([0.485, 0.456, 0.406])
                values = ((frames / 255 - mean) / 0.225).permute(0, 3, 1, 2)
                with torch.no_grad():
                    torch.testing.assert_close(module(frames), plain(values), rtol=1e-4, atol=1e-3)

    def test_half_precision_halves_the_file_and_keeps_float32_outside(self):
        self.export(*SCALE)
        size = self.file.stat().st_size
        self.assertRegex(self.export(*SCALE, "--precision", "bf16"), r"bf16 +weights")
        module, info, _ = self.info()
        self.assertIn("type=float32", info)
        self.assertEqual(module(torch.rand(2, 3, 48, 48)).dtype, torch.float32)
        self.assertEqual({parameter.dtype for parameter in module.parameters()}, {torch.bfloat16})
        self.assertLess(self.file.stat().st_size, size)

    def test_channels_last_is_tried_and_both_times_are_said(self):
        self.assertRegex(self.export(*SCALE, "--channels-last"), r"layout +channels (last|first).* \d+\.\d.* ms")

    def test_pictures_and_clips_are_checked_with(self):
        picture = self.folder / "picture.png"
        caps = "video/x-raw,width=80,height=60"
        media.launch("videotestsrc", "num-buffers=1", "!", caps, "!", "pngenc", "!", "filesink", f"location={picture}")
        labels = self.folder / "labels.txt"
        labels.write_text("a\nb\nc\nd\ne\nf\n")
        said = self.export(*SCALE, "--labels", str(labels), "--check-with", str(picture))
        self.assertRegex(said, r"picture\.png: 1 frame, largest difference \S+ of \S+, mostly [a-f]\n")

    def test_a_torchscript_file_is_packed_again_with_what_it_lacks(self):
        bare = self.folder / "bare.pt"
        self.export(*SCALE)
        self.info()[0].save(str(bare))
        labels = self.folder / "labels.txt"
        labels.write_text("a\nb\nc\nd\ne\nf\n")
        said = self.export(*SCALE, "--resize", "letterbox", "--labels", str(labels), name=bare)
        self.assertIn("as it was", said)
        module, info, text = self.info()
        self.assertEqual(text, labels.read_text())
        for line in ("resize=letterbox", "dims=-1,3,48,48"):
            self.assertIn(line, info)
        image = torch.rand(2, 3, 48, 48)
        self.assertTrue(torch.equal(module(image), torch.jit.load(str(bare))(image)))

    def test_what_a_torchscript_file_says_of_itself_stays(self):
        first = self.folder / "first.pt"
        labels = self.folder / "labels.txt"
        labels.write_text("a\nb\nc\nd\ne\nf\n")
        self.export(*SCALE, "--labels", str(labels), "--resize", "squash", "--activation", "sigmoid")
        info = self.info()[1]
        self.file.rename(first)
        self.export("--model-name", "another", name=first)
        _, again, text = self.info()
        self.assertEqual(text, labels.read_text())
        changed = [line for line in info if line not in again]
        self.assertEqual([line.partition("=")[0] for line in changed if not line.startswith("ranges")], ["name"])

    def test_what_needs_the_python_code_is_refused_for_a_torchscript_file(self):
        first = self.folder / "first.pt"
        self.export(*SCALE)
        self.file.rename(first)
        err = io.StringIO()
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(cli.main([str(first), "--bytes", "--output", str(self.file)]), 1)
            self.assertEqual(cli.main(["/no/such.pt", "--output", str(self.file)]), 1)
            labels = self.folder / "labels.pt"
            labels.write_text("no model")
            self.assertEqual(cli.main([str(labels), "--output", str(self.file)]), 1)
        self.assertIn("--bytes needs the model's Python code", err.getvalue())
        self.assertIn("/no/such.pt: no such file", err.getvalue())
        self.assertIn("labels.pt is no TorchScript file", err.getvalue())
