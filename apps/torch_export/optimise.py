# SPDX-License-Identifier: LGPL-2.1-or-later
"""Applies the passes that were asked for, in their order, and says what each gains."""

import dataclasses

from . import check, timing
from .errors import ExportError

TOLERANCE = 1e-4
HALF_TOLERANCE = 5e-2
# Channels last is kept where it takes this part of the time, or less.
_WORTH_IT = 0.95


@dataclasses.dataclass
class Changed:
    """What is converted and written."""

    model: object
    method: str  # trace, script, or how the file was packed again
    model_input: object
    original: check.Answers  # what it must give
    tolerance: float
    quantised_engine: str = ""
    judge: object = None  # called with a function that loads the file again; raises if it is not good enough


def optimise(model, model_input, options, original, clips, say):
    """`clips` are those to calibrate on. Changes `model` in place."""
    from . import sources

    tolerance = options.tolerance
    if tolerance is None:
        tolerance = TOLERANCE if options.precision == "fp32" else HALF_TOLERANCE
    changed = Changed(model, options.method, model_input, original, tolerance)
    if sources.is_torchscript(model):
        _refuse_for_torchscript(options)
        changed.method = "as it was"
        return changed

    from .passes import plain_convolutions

    example = model_input.noise(1)
    if not options.keep_pads:
        _fold(_pads(model, example), "pads", "into convolutions", model, example, options.verbose, say)
    plain_convolutions.replace_all(model, example)
    if not options.keep_batch_norms:
        _fold(_norms(model, example), "norms", "into convolutions", model, example, options.verbose, say)
    if options.int8:
        return _int8(changed, options, clips, say)
    if options.channels_last:
        _channels_last(changed, say)
    if options.precision != "fp32":
        _half(changed, options.precision, say)
    if options.bytes:
        _take_bytes(changed, say)
    return changed


def _pads(model, example):
    from .passes.fold_pads import Pads

    return Pads(model, example)


def _norms(model, example):
    from .passes.fold_batch_norms import BatchNorms

    return BatchNorms(model, example)


def _fold(found, what, where, model, example, verbose, say):
    names = found.names()
    if names:
        before = timing.Prepared(model, example)
        found.fold()
        gain = timing.gain(before, timing.Prepared(model, example))
        say(what, f"{len(names)} folded {where}{gain}: {_some(names, verbose)}")
    if found.left:
        say(what, f"{len(found.left)} left: {_some(found.left, verbose)}")


def _channels_last(changed, say):
    from .passes.precision import ChannelsLast

    example = changed.model_input.noise(1)
    last = ChannelsLast(changed.model)
    before, after = timing.race(timing.Prepared(changed.model, example), timing.Prepared(last, example))
    if before and after and after <= _WORTH_IT * before:
        changed.model = last
        say("layout", f"channels last, forward {before:.1f} -> {after:.1f} ms on one thread")
    elif before and after:
        say("layout", f"channels first as before: {before:.1f} ms, channels last would take {after:.1f} ms")
    else:
        say("layout", "channels first as before: channels last does not run")


def _half(changed, name, say):
    from .passes.precision import Half

    example = changed.model_input.noise(1)
    before = timing.Prepared(changed.model, example)
    try:
        half = Half(changed.model, name)
        after = timing.Prepared(half, example)
    except Exception as error:
        raise ExportError(f"--precision {name}: {type(error).__name__}: {error}") from error
    changed.model = half
    say(name, f"weights and what is between the layers{timing.gain(before, after)}")


def _take_bytes(changed, say):
    from .passes.take_bytes import TakesBytes

    before = timing.Prepared(changed.model, changed.model_input.noise(1))
    changed.model = TakesBytes(changed.model, changed.model_input).eval()
    changed.model_input = changed.model_input.of_bytes()
    say("bytes", f"go in{timing.gain(before, timing.Prepared(changed.model, changed.model_input.noise(1)))}")


def _int8(changed, options, clips, say):
    from .int8 import ENGINE
    from .int8.quantise import Int8

    batch = 1 if changed.original.only_one else 8
    int8 = Int8(changed.model, changed.model_input, clips, changed.original.clips, options, batch, say)
    changed.model, changed.model_input = int8.module, int8.model_input
    changed.method, changed.quantised_engine, changed.judge = "trace", ENGINE, int8.judge
    changed.original = check.answers(int8.module, int8.model_input)
    return changed


def _refuse_for_torchscript(options):
    for name in ("int8", "bytes", "channels_last"):
        if getattr(options, name):
            raise ExportError(f"--{name.replace('_', '-')} needs the model's Python code, not its TorchScript file")
    if options.precision != "fp32":
        raise ExportError("--precision needs the model's Python code, not its TorchScript file")


def _some(names, all_of_them, count=3):
    if all_of_them or len(names) <= count:
        return ", ".join(names)
    return ", ".join(names[:count]) + ", ..."
