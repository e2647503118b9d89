# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replaces convolutions of a class of their own that compute what nn.Conv2d does by nn.Conv2d.

Networks with explicit padding often have such a class, and it remains where there is nothing to pad. Other passes know
nn.Conv2d.
"""

import torch
from torch import nn
from torch.nn import functional

from .modules import replace
from .watch import Watch, tensors_in

_CONVOLUTIONS = (functional.conv2d, torch.conv2d)
_PARAMETERS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def replace_all(model, example):
    """Changes `model` in place; `example` is an input that it takes. Returns how many were replaced."""
    watch = Watch(model)
    watch.run(example)
    own = {run.module for run in watch.runs if isinstance(run.module, nn.Conv2d) and type(run.module) is not nn.Conv2d}
    count = 0
    for module in own:
        runs = [run for run in watch.runs if run.module is module]
        if set(module._parameters) == {"weight", "bias"} and all(_is_plain(watch, run) for run in runs):
            replace(model, module, _plain(module))
            count += 1
    return count


def _is_plain(watch, run):
    made = [call for call in watch.calls_within(run) if next(tensors_in(call.result), None) is not None]
    if len(made) != 1 or made[0].function not in _CONVOLUTIONS or made[0].result is not run.result:
        return False
    given = dict(zip(_PARAMETERS, made[0].args)) | made[0].kwargs
    module = run.module
    same = all(
        _pair(given.get(name, usual)) == _pair(getattr(module, name))
        for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1))
    )
    return (
        same
        and module.padding_mode == "zeros"
        and given["input"] is run.args[0]
        and given["weight"] is module.weight
        and given.get("bias") is module.bias
    )


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _plain(module):
    made = nn.Conv2d(
        module.in_channels,
        module.out_channels,
        module.kernel_size,
        stride=module.stride,
        padding=module.padding,
        dilation=module.dilation,
        groups=module.groups,
        bias=module.bias is not None,
        dtype=module.weight.dtype,
    ).eval()
    made.weight = module.weight
    made.bias = module.bias
    return made
