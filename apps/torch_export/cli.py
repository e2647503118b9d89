# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-torch-export's course, from the command line to the file."""

import pathlib
import sys
import traceback

from . import arguments
from .errors import DifferenceError, ExportError


def main(argv=None):
    parser = arguments.parser()
    options = parser.parse_args(argv)
    if not options.list and (not options.name or not options.output):
        swallowed = (options.calibrate or options.check_with) and not options.name
        parser.error(
            "NAME and --output FILE are needed; --list prints torchvision's names"
            + ("; write NAME first, --calibrate and --check-with take all words that follow" if swallowed else "")
        )
    if options.int8 != bool(options.calibrate):
        parser.error("--int8 and --calibrate go together")
    if options.int8 and (options.precision != "fp32" or options.channels_last or options.keep_batch_norms):
        parser.error("--int8 goes with none of --precision, --channels-last and --keep-batch-norms")
    try:
        if options.list:
            from . import sources

            _print("\n".join(sources.torchvision_names()))
        else:
            _export(options)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torchvision"):
            raise
        print(
            f"gst-torch-export: this python3, {sys.executable}, has no {error.name}; in the source tree run "
            "tools/env gst-torch-export ...",
            file=sys.stderr,
        )
        return 1
    except ExportError as error:
        print(f"gst-torch-export: {error}", file=sys.stderr)
        if options.verbose:
            traceback.print_exc()
        return 3 if isinstance(error, DifferenceError) else 1
    return 0


def _say(what, text):
    _print(f"{what:<8} {text}")


def _print(text):
    try:
        print(text, flush=True)
    except BrokenPipeError:  # who read it has had enough
        raise
    except OSError as error:
        raise ExportError(f"standard output cannot be written: {error.strerror}") from error


def _export(options):
    # torch takes seconds to import, and --help does not need it.
    from . import check, convert, frames, inputs, model_info, optimise, sources, weights, writing

    output = pathlib.Path(options.output)
    writing.check(output, [options.weights, options.labels, *options.calibrate, *options.check_with])
    convert.set_up_torch()

    given = [sources.parse_argument(text) for text in options.arg]
    model, recipe = sources.build(options.name, given, options.python_path)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    _say("model", f"{options.name} ({sources.kind_of(model)}, {parameters:,} parameters)")
    if options.weights:
        _say("weights", f"{options.weights}, all {weights.load(model, options.weights)} tensors fit")
    elif not sources.is_torchscript(model):
        _say("weights", "as made: no --weights given" + ("" if ":" in options.name else ", so they are RANDOM"))

    model_input = inputs.of(options, recipe)
    options.activation = options.activation or recipe.activation or "softmax"
    original = check.answers(model, model_input, as_bytes=options.bytes and not options.int8)
    labels = inputs.labels(options, recipe, original.classes)
    clips = frames.read(options.calibrate, model_input, 8 * options.frames)
    judges = frames.read(options.check_with, model_input, options.frames if not options.int8 else 8 * options.frames)
    check.answer_clips(original, model, model_input, judges)

    changed = optimise.optimise(model, model_input, options, original, clips, _say)
    module, doubts = convert.convert(changed.model, changed.method, changed.model_input.noise(1))
    _say("method", f"{changed.method}, torch {convert.torch.__version__}")
    for text in doubts:
        _say("", text)

    only_one = check.compare(module, changed.original, changed.tolerance).only_one
    if only_one:
        _say("", f"batches fail ({only_one}): torchinference will give it one frame at a time")

    name = options.model_name or recipe.name or options.name
    engine = changed.quantised_engine or recipe.quantised_engine
    info = model_info.text(name, changed.model_input, original.classes, options.activation, not only_one, engine)
    extra = {model_info.INFO_FILE: info}
    if labels:
        extra[model_info.LABELS_FILE] = "\n".join(labels) + "\n"
    _say("input", inputs.describe(changed.model_input))
    _say(
        "output",
        f"{original.classes} classes, {options.activation}, {'labels inside' if labels else 'no labels'}",
    )
    if options.verbose:
        _print(extra[model_info.INFO_FILE].rstrip())
    writing.write(output, convert.to_bytes(module, extra), extra, changed, labels, _say)
