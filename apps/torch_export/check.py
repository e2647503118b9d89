# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares a model that was saved and loaded again with the one that came in."""

import dataclasses
import time
import warnings

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


@dataclasses.dataclass
class Verdict:
    difference: float  # the largest
    largest: float  # the original's largest output, by magnitude
    batch_sizes: list  # those that agree
    only_one: str = ""  # why larger batches do not run, where they do not


def answers(model, model_input):
    """Runs the original. A model that is no classifier, or that does not take the input, is an error."""
    inputs = {size: model_input.noise(size) for size in BATCH_SIZES}
    outputs = {}
    only_one = ""
    for size, tensor in inputs.items():
        try:
            with torch.no_grad():
                outputs[size] = model(tensor)
        except Exception as error:
            if size > 1:  # it is made for one frame at a time
                only_one = _reason(error)
                break
            raise ExportError(
                f"the model does not take a float32 tensor of {list(tensor.shape)}: {type(error).__name__}: {error}\n"
                "--input-size, --color-order and --layout say what it takes."
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


def compare(module, original, tolerance):
    """`tolerance` is relative to the original's largest output. More than that is a DifferenceError."""
    largest = max(float(out.abs().max()) for out in original.outputs.values())
    verdict = Verdict(0.0, largest, [], original.only_one)
    for size, expected in original.outputs.items():
        try:
            with torch.no_grad():
                found = module(original.inputs[size])
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


def forward_ms(model, example, runs=7):
    """The shortest of some forwards on one thread, in milliseconds, traced and optimised as torchinference would do it;
    None if that fails."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimised = torch.jit.optimize_for_inference(torch.jit.trace(model, example, check_trace=False))
            times = []
            for _ in range(runs):
                start = time.perf_counter()
                optimised(example)
                times.append(time.perf_counter() - start)
    except Exception:  # a figure for the user to read, no more
        return None
    finally:
        torch.set_num_threads(threads)
    return 1e3 * min(times)
