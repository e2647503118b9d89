# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a float32 model and frames to its int8 form, and the judgement of that."""

import pathlib

import torch

from .. import check, timing
from ..errors import DisagreementError, ExportError
from . import ENGINE, build, calibrate, held_out, plan, report


class Int8:
    """Quantises on construction; judge() compares the file that came of it with the original."""

    def __init__(self, model, model_input, clips, judges, options, batch, say):
        """`model`: with pads and batch norms folded. `judges`: (Clip, the original's output for its frames)."""
        if ENGINE not in torch.backends.quantized.supported_engines:
            raise ExportError(f"--int8 needs the quantised engine {ENGINE}, which this torch has not")
        torch.backends.quantized.engine = ENGINE
        self._options = options
        self._say = say
        self._batch = batch
        self._frames, self._held = held_out.split(clips, [clip for clip, _ in judges], options.frames)
        if not self._held:
            raise ExportError("--int8: no frame is left to judge by; give a longer clip, or others with --check-with")
        self._before = timing.Prepared(model, model_input.noise(1))
        outputs = [output for _, output in judges] or [
            check.run(model, model_input, frames, batch == 1) for _, frames in self._held
        ]
        self._expected = [report.scores(output, options.activation) for output in outputs]

        layers = plan.Plan(model, model_input.noise(1))
        found = calibrate.calibrate(layers, self._frames, model_input, batch, _progress)
        self.module = build.build(layers, found, model_input)
        self.model_input = model_input.of_bytes()
        names = ", ".join(clip.name for clip in clips)
        say("int8", f"calibrated on {len(self._frames)} frames of {names}")
        say("", describe(layers, found))
        if not _has_vnni():
            say("", "this CPU has no VNNI: int8 gains little here, and sums of large products may overflow")

    def judge(self, load):
        """Compares what was saved, which `load` reads, with the original on the held-out frames; a DisagreementError if
        it is too far off, so that nothing gets written."""
        after = timing.Prepared(load(), self.model_input.noise(1))
        first, second = timing.race(self._before, after)
        if first and second:
            self._say("speed", f"{first / second:.2f} x float32: forward {first:.1f} -> {second:.1f} ms on one thread")
        module = load()
        outputs = [check.run(module, self.model_input, frames, self._batch == 1) for _, frames in self._held]
        found = [report.scores(output, self._options.activation) for output in outputs]
        parts = [report.compare(name, a, b) for (name, _), a, b in zip(self._held, self._expected, found)]
        for part in parts:
            self._say("held out", part.text())
        whole = report.together("all of them", parts)
        if len(parts) > 1:
            self._say("", whole.text())
        least = self._options.min_agreement
        if least > 0 and whole.rate is None:
            raise DisagreementError(
                f"for none of the {whole.frames} held-out frames the original's best score is above {report.SURE}, so "
                "its agreement with int8 cannot be judged.\nGive clips of what the model knows with --check-with (and "
                "--calibrate), or --min-agreement 0 to write the file all the same."
            )
        if whole.rate is not None and whole.rate < least:
            raise DisagreementError(
                f"int8 has the original's best class for {whole.sure_top1} of the {whole.sure} held-out frames whose "
                f"score is above {report.SURE}, which is less than --min-agreement, {least:g}.\n"
                "More clips to calibrate on, more like what the model will see, may help; nothing is written."
            )


def describe(layers, found):
    """What became 8-bit and what did not."""
    convolutions = [layer for layer in layers.layers.values() if layer.conv is not None]
    every = sum(isinstance(module, torch.nn.Conv2d) for module in layers.modules.values())
    inside = sum(layer.summand is not None for layer in convolutions)
    alone = len(layers.layers) - len(convolutions)
    plain = [
        node.target.rpartition(".")[2] if isinstance(node.target, str) else node.target.__name__
        for node in layers.nodes
        if node.op.startswith("call") and not layers.inside(node) and node not in layers.quantised
    ]
    text = f"{len(convolutions)} of {every} convolutions in 8 bits"
    if inside or alone:
        text += f", {inside + alone} sums ({inside} inside a convolution)"
    text += f", weights of {found.rounded_together} layers rounded together"
    if plain:
        text += "; float32: " + ", ".join(dict.fromkeys(plain))
    return text


def _progress(done, of):
    import sys

    if sys.stderr.isatty():
        print(f"\rint8     layer {done} of {of}" + ("\n" if done == of else ""), end="", file=sys.stderr, flush=True)


def _has_vnni():
    try:
        flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return True
    return any(flag in flags for flag in ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp"))
