# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-torch-export's course, from the command line to the file."""

import hashlib
import os
import pathlib
import sys
import traceback

from . import arguments
from .errors import DifferenceError, ExportError


def main(argv=None):
    parser = arguments.parser()
    options = parser.parse_args(argv)
    if not options.list and (not options.name or not options.output):
        parser.error("NAME and --output FILE are needed; --help explains, --list prints torchvision's names")
    try:
        if options.list:
            from . import sources

            print("\n".join(sources.torchvision_names()))
        else:
            _export(options)
    except ExportError as error:
        print(f"gst-torch-export: {error}", file=sys.stderr)
        if options.verbose:
            traceback.print_exc()
        return 3 if isinstance(error, DifferenceError) else 1
    return 0


def _say(what, text):
    print(f"{what:<8} {text}", flush=True)


def _export(options):
    # torch takes seconds to import, and --help does not need it.
    from . import check, convert, model_info, sources, weights

    output = pathlib.Path(options.output)
    if not output.parent.is_dir():
        raise ExportError(f"{output.parent}: no such folder (--output)")
    convert.set_up_torch()

    given = [sources.parse_argument(text) for text in options.arg]
    model, recipe = sources.build(options.name, given, options.python_path)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    _say("model", f"{options.name} ({type(model).__name__}, {parameters:,} parameters)")
    if options.weights:
        _say("weights", f"{options.weights}, all {weights.load(model, options.weights)} tensors fit")
    else:
        _say(
            "weights",
            "as made: no --weights given" + ("" if ":" in options.name else ", so they are RANDOM"),
        )

    model_input = _input(options, recipe)
    original = check.answers(model, model_input)
    labels = _labels(options, recipe, original.classes)
    example = model_input.noise(1)

    if not options.keep_pads:
        _fold_pads(model, example, options.verbose)

    module, doubts = convert.convert(model, options.method, example)
    _say("method", f"{options.method}, torch {convert.torch.__version__}")
    for text in doubts:
        _say("", text)

    only_one = check.compare(module, original, options.tolerance).only_one
    if only_one:
        _say("", f"batches fail ({only_one}): torchinference will give it one frame at a time")

    name = options.model_name or options.name
    info = model_info.text(name, model_input, original.classes, options.activation, not only_one)
    extra = {model_info.INFO_FILE: info}
    if labels:
        extra[model_info.LABELS_FILE] = "\n".join(labels) + "\n"
    _say("input", _describe(model_input))
    _say(
        "output",
        f"{original.classes} classes, {options.activation}, {'labels inside' if labels else 'no labels'}",
    )
    if options.verbose:
        print(extra[model_info.INFO_FILE], end="")
    _write(output, convert.to_bytes(module, extra), extra, original, options.tolerance)


def _fold_pads(model, example, verbose):
    from . import check
    from .passes.fold_pads import Pads

    pads = Pads(model, example)
    names = pads.convolutions()
    if names:
        before = check.forward_ms(model, example)
        pads.fold()
        after = check.forward_ms(model, example)
        gain = f", forward {before:.1f} -> {after:.1f} ms on one thread" if before and after else ""
        _say("pads", f"{len(names)} folded into convolutions{gain}: {_some(names, verbose)}")
    if pads.left:
        _say("pads", f"{len(pads.left)} left: {_some(pads.left, verbose)}")


def _some(names, all_of_them, count=3):
    if all_of_them or len(names) <= count:
        return ", ".join(names)
    return ", ".join(names[:count]) + ", ..."


def _input(options, recipe):
    from .model_info import Input

    height, width = options.input_size or recipe.input_size or (224, 224)
    policy, short_side = options.resize or arguments.resize(recipe.resize or "short-side")
    longest = max(height, width)
    if policy == "short-side" and short_side is None:
        short_side = round(longest * 8 / 7)
    if policy == "short-side" and short_side < longest:
        raise ExportError(f"--resize short-side:{short_side}: a crop of {height}x{width} does not fit into it")
    channels = 1 if options.color_order == "gray" else 3
    scale = {}
    for what in ("mean", "std"):
        values = getattr(options, what) or getattr(recipe, what)
        if values is None:
            raise ExportError(f"--{what} is needed: nobody but the model's author knows it (of values scaled to 0..1)")
        if len(values) not in (1, channels):
            raise ExportError(f"--{what} has {len(values)} numbers, the model has {channels} channels")
        scale[what] = values * (channels // len(values))
    if min(scale["std"]) <= 0:
        raise ExportError("--std must be greater than 0")
    interpolation = options.interpolation or recipe.interpolation or "bilinear"
    return Input(
        height,
        width,
        options.layout,
        options.color_order,
        policy,
        short_side,
        interpolation,
        options.pad_value,
        **scale,
    )


def _labels(options, recipe, classes):
    from . import model_info

    if options.labels is None:
        known = recipe.labels or []
        return known if len(known) == classes else None
    if options.labels == "none":
        return None
    labels = model_info.imagenet_labels() if options.labels == "imagenet" else model_info.read_labels(options.labels)
    if len(labels) != classes:
        raise ExportError(f"--labels {options.labels}: {len(labels)} labels, but the model has {classes} classes")
    return labels


def _describe(model_input):
    resize = model_input.resize.replace("-", " ")
    if model_input.resize == "short-side":
        resize += f" {model_input.resize_size}, centre crop"
    low, high = zip(*model_input.ranges())
    dims = "x".join(str(size) for size in model_input.dims(1)[1:])
    return (
        f"{model_input.layout.upper()} {dims} {model_input.color_order}, {resize}, {model_input.interpolation}, "
        f"values {min(low):.3f} to {max(high):.3f}"
    )


def _write(output, data, extra, original, tolerance):
    from . import check, convert

    part = output.with_name(f".{output.name}.part")
    try:
        part.write_bytes(data)
        module, found = convert.from_file(str(part), list(extra))
        if found != extra:
            raise DifferenceError("the saved file does not hold the model info and labels that went in")
        verdict = check.compare(module, original, tolerance)
        sizes = " and ".join(str(size) for size in verdict.batch_sizes)
        _say(
            "check",
            f"loaded again and run beside the original in batches of {sizes}: largest difference "
            f"{verdict.difference:.2g} of {verdict.largest:.4g} (allowed: {tolerance * verdict.largest:.2g})",
        )
        os.replace(part, output)
    except OSError as error:
        raise ExportError(f"{error.filename or output}: {error.strerror} (--output)") from error
    finally:
        part.unlink(missing_ok=True)
    _say("written", f"{output}, {len(data) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(data).hexdigest()}")
