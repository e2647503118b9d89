# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the command line and the model's source together say of its input and output."""

from . import arguments, model_info
from .errors import ExportError


def of(options, recipe):
    """The model's Input: options first, then what its source knows, then the usual."""
    height, width = options.input_size or recipe.input_size or (224, 224)
    policy, short_side = options.resize or arguments.resize(recipe.resize or "short-side")
    longest = max(height, width)
    if policy == "short-side" and short_side is None:
        short_side = round(longest * 8 / 7)
    if policy == "short-side" and short_side < longest:
        raise ExportError(f"--resize short-side:{short_side}: a crop of {height}x{width} does not fit into it")
    color_order = options.color_order or recipe.color_order or "rgb"
    channels = 1 if color_order == "gray" else 3
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
    pad_value = next(value for value in (options.pad_value, recipe.pad_value, 114) if value is not None)
    return model_info.Input(
        height,
        width,
        options.layout or recipe.layout or "nchw",
        color_order,
        policy,
        short_side,
        options.interpolation or recipe.interpolation or "bilinear",
        pad_value,
        dtype=recipe.dtype or "float32",
        **scale,
    )


def labels(options, recipe, classes):
    if options.labels is None:
        known = recipe.labels or []
        return known if len(known) == classes else None
    if options.labels == "none":
        return None
    found = model_info.imagenet_labels() if options.labels == "imagenet" else model_info.read_labels(options.labels)
    if len(found) != classes:
        raise ExportError(f"--labels {options.labels}: {len(found)} labels, but the model has {classes} classes")
    return found


def describe(model_input):
    resize = model_input.resize.replace("-", " ")
    if model_input.resize == "short-side":
        resize += f" {model_input.resize_size}, centre crop"
    low, high = zip(*model_input.ranges())
    values = "bytes" if model_input.dtype == "uint8" else f"values {min(low):.3f} to {max(high):.3f}"
    dims = "x".join(str(size) for size in model_input.dims(1)[1:])
    return (
        f"{model_input.layout.upper()} {dims} {model_input.color_order}, {resize}, {model_input.interpolation}, "
        + values
    )
