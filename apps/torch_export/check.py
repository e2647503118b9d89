# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares a model that was saved and loaded again with the one that came in. A model may write to its input, so each
gets one of its own."""

import dataclasses
import re

import torch

from .errors import DifferenceError, ExportError

BATCH_SIZES = (1, 3)


@dataclasses.dataclass
class Answers:
    """What the original gives for noise, by batch size; made before anything is changed."""

    inputs: dict
    outputs: dict
    classes: int
    only_one: str = ""  # why larger batches do not run, where they do not
    clips: list = dataclasses.field(default_factory=list)  # (Clip, output for its frames)


@dataclasses.dataclass
class Verdict:
    difference: float  # the largest
    largest: float  # the original's largest output, by magnitude
    batch_sizes: list  # those that agree
    only_one: str = ""  # why larger batches do not run, where they do not


def answers(model, model_input, as_bytes=False):
    """Runs the original. A model that is no classifier, or that does not take the input, is an error. `as_bytes`: what
    is asked later takes bytes where `model` takes float32."""
    outside = model_input.of_bytes() if as_bytes else model_input
    inputs = {size: outside.noise(size) for size in BATCH_SIZES}
    outputs = {}
    only_one = ""
    for size, tensor in inputs.items():
        try:
            with torch.no_grad():
                outputs[size] = model(model_input.from_bytes(tensor) if as_bytes else tensor.clone())
        except Exception as error:
            if size > 1:  # it is made for one frame at a time
                only_one = _reason(error)
                break
            several = re.search("missing .*argument|missing value for argument", str(error))
            raise ExportError(
                f"the model does not take a {model_input.dtype} tensor of {list(tensor.shape)}: "
                f"{type(error).__name__}: {error}\n"
                + (
                    "Models of one image tensor are supported: put it into a module that fills in the others."
                    if several
                    else "--input-size, --color-order and --layout say what it takes."
                )
            ) from error
    one = outputs[1]
    if not isinstance(one, torch.Tensor):
        raise ExportError(f"the model returns a {type(one).__name__}; a classifier returns one tensor [N, classes]")
    if one.dim() != 2 or one.shape[0] != 1:
        raise ExportError(f"the model returns {list(one.shape)} for one frame; a classifier returns [1, classes]")
    if not torch.isfinite(one).all():
        raise ExportError(
            "the model's output is not finite: its weights are broken, or --mean and --std are not its own"
        )
    return Answers(inputs, outputs, one.shape[1], only_one)


def answer_clips(original, model, model_input, clips):
    """Adds what the original gives for frames."""
    original.clips = [(clip, run(model, model_input, clip.frames, original.only_one)) for clip in clips]


def run(module, model_input, frames, only_one):
    """The output for bytes of frames, however the model takes them."""
    with torch.no_grad():
        batches = frames.split(1 if only_one else 8)
        return torch.cat([module(model_input.from_bytes(batch).clone()) for batch in batches])


def compare_clips(module, changed, labels, only_one):
    """The same for frames of clips; gives a line of text for each. `only_one`: the module's, as in Verdict."""
    model_input, original = changed.model_input, changed.original
    for clip, expected in original.clips:
        found = run(module, model_input, clip.frames, only_one)
        largest = float(expected.abs().max())
        difference = float((found - expected).abs().max())
        if not difference <= changed.tolerance * largest:
            raise DifferenceError(
                f"for frames of {clip.name} the converted model's output differs from the original's by "
                f"{difference:.3g}, more than {changed.tolerance:g} of its largest value, {largest:.4g}"
            )
        best = found.argmax(1).bincount(minlength=original.classes)
        named = labels[int(best.argmax())] if labels else f"class {int(best.argmax())}"
        frames = f"{len(found)} frames" if len(found) > 1 else "1 frame"
        yield f"{clip.name}: {frames}, largest difference {difference:.2g} of {largest:.4g}, mostly {named}"


def compare(module, original, tolerance):
    """`tolerance` is relative to the original's largest output. More than that is a DifferenceError."""
    largest = max(float(out.abs().max()) for out in original.outputs.values())
    verdict = Verdict(0.0, largest, [], original.only_one)
    for size, expected in original.outputs.items():
        try:
            with torch.no_grad():
                found = module(original.inputs[size].clone())
        except Exception as error:
            if size == 1:
                raise DifferenceError(f"the converted model does not run: {_reason(error)}") from error
            verdict.only_one = _reason(error)
            continue
        if not isinstance(found, torch.Tensor):
            raise DifferenceError(
                f"converted, the model returns a {type(found).__name__} where the original returns a tensor; "
                "try the other --method"
            )
        if found.shape != expected.shape:
            raise DifferenceError(
                f"for a batch of {size} the converted model returns {list(found.shape)}, "
                f"the original {list(expected.shape)}"
            )
        difference = float((found - expected).abs().max())
        if not difference <= tolerance * verdict.largest:
            raise DifferenceError(
                f"for a batch of {size} the converted model's output differs from the original's by {difference:.3g}, "
                f"more than {tolerance:g} of its largest value, {verdict.largest:.4g}.\n"
                "The model may behave differently from run to run or depend on its input in a way that a trace does "
                "not keep: try --method script."
            )
        verdict.difference = max(verdict.difference, difference)
        verdict.batch_sizes.append(size)
    return verdict


def _reason(error):
    text = str(error).strip() or "no message"
    return f"{type(error).__name__}: {text.splitlines()[-1]}"
