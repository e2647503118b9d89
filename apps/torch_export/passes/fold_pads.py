# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folds explicit zero pads into the convolutions behind them.

Networks converted from TensorFlow pad by hand, since its SAME padding may differ from side to side. libtorch runs such
a pad as a copy of the whole tensor and the convolution off its fast path. The same numbers come out without it: a
symmetric pad is the convolution's own padding; for one that is n wider after than before, n rows (or columns) of zeros
go in front of the kernel and the wider pad goes to both sides. Nothing but products with zero is added, so the fold
is exact.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional

from .modules import names_of, replace
from .watch import Watch, tensors_in

_PADS = (functional.pad, torch._C._nn.pad, torch.constant_pad_nd)
_CONVOLUTIONS = (functional.conv2d, torch.conv2d)


@dataclasses.dataclass
class _Site:
    """One pad and the convolution that alone uses what it gives."""

    pad: object
    conv: object
    pad_run: object
    conv_run: object
    amounts: tuple  # left, right, top, bottom


class Pads:
    """The explicit pads of a model: found when made, folded by fold()."""

    def __init__(self, model, example):
        """`example` is an input that `model` takes."""
        watch = Watch(model)
        watch.run(example)
        self._model = model
        self._names = names_of(model)
        self._sites = {}  # by convolution
        self.left = []  # "where: why" of each pad that stays
        found = []
        for call in watch.calls:
            if call.function in _PADS:
                site = _site(watch, call)
                if isinstance(site, _Site):
                    found.append(site)
                else:
                    self.left.append(f"{self._names[call.modules[-1]] or 'the model itself'}: {site}")
        for module in dict.fromkeys(site.conv_run.module for site in found):
            of_module = [site for site in found if site.conv_run.module is module]
            reason = _why_not_all(watch, module, of_module, found)
            if reason:
                self.left += [f"{self._names[module]}: {reason}"] * len(of_module)
            else:
                self._sites[module] = of_module

    def names(self):
        """Names of the convolutions that fold() changes."""
        return [self._names[module] for module in self._sites]

    def fold(self):
        """Changes the model in place."""
        for module, sites in self._sites.items():
            for site in sites:
                if site.pad_run is not site.conv_run:
                    replace(self._model, site.pad_run.module, nn.Identity())
            replace(self._model, module, _folded_convolution(module, sites[0]))


def _site(watch, call):
    """The _Site of a pad's call, or why it cannot be folded."""
    arguments = dict(zip(("input", "pad", "mode", "value"), call.args)) | call.kwargs
    if call.function is torch.constant_pad_nd:
        arguments["value"] = arguments.pop("mode", arguments.get("value"))
        arguments["mode"] = "constant"
    if arguments.get("mode", "constant") != "constant" or float(arguments.get("value") or 0.0) != 0.0:
        return "pads with something else than zeros"
    amounts = [int(amount) for amount in arguments["pad"]]
    amounts += [0] * (4 - len(amounts))
    if min(amounts) < 0 or any(amounts[4:]):
        return "crops, or pads other sides than height and width"
    users = watch.users_of(call.result)
    if len(users) != 1 or users[0].function not in _CONVOLUTIONS or _input_of(users[0]) is not call.result:
        return "is used by something else than one convolution"
    conv_run = watch.runs[users[0].run]
    # The pad sits in the convolution's own forward, or in a module of its own just before it.
    inside = [call, users[0]] if call in watch.calls_within(conv_run) else [users[0]]
    pad_run = conv_run if len(inside) == 2 else watch.runs[call.run]
    for run, calls in ((conv_run, inside), (pad_run, inside if pad_run is conv_run else [call])):
        if not _does_only(watch, run, calls):
            return "is in a forward that does more than to pad and convolve"
    if type(pad_run.module) in (nn.ZeroPad2d, nn.ConstantPad2d) or pad_run is conv_run:
        return _Site(call, users[0], pad_run, conv_run, tuple(amounts[:4]))
    return "is in a module of unknown kind"


def _input_of(call):
    return call.args[0] if call.args else call.kwargs.get("input")


def _does_only(watch, run, calls):
    """Whether `run` computes exactly the chain of `calls` from its one input to its result."""
    computed = [call for call in watch.calls_within(run) if next(tensors_in(call.result), None) is not None]
    # Reading a parameter's or the input's size gives no tensor and is harmless.
    return (
        [id(call) for call in computed] == [id(call) for call in calls]
        and len(run.args) == 1
        and _input_of(calls[0]) is run.args[0]
        and run.result is calls[-1].result
    )


def _why_not_all(watch, module, of_module, sites):
    """What keeps the convolution `module` from being folded for each of its runs, or None."""
    if not isinstance(module, nn.Conv2d) or set(module._parameters) != {"weight", "bias"}:
        return "is not a plain convolution"
    if any(site.conv.args[1] is not module.weight for site in of_module if len(site.conv.args) > 1):
        return "computes its weight"
    runs = [run for run in watch.runs if run.module is module]
    if len(runs) != len(of_module) or len({site.amounts for site in of_module}) != 1:
        return "runs several times with different pads"
    pad_modules = [site.pad_run.module for site in of_module if site.pad_run is not site.conv_run]
    users = {site.conv_run.module for site in sites if site.pad_run.module in pad_modules}
    if pad_modules and (users != {module} or sum(r.module in pad_modules for r in watch.runs) != len(of_module)):
        return "shares its pad with others"
    if sum(1 for other in watch.model.modules() if other is not module and _shares(other, module)):
        return "shares its weight with others"
    if module.padding_mode != "zeros" or module.padding == "same":
        return "has padding of another kind itself"
    left, right, top, bottom = of_module[0].amounts
    if (bottom - top) % module.dilation[0] or (right - left) % module.dilation[1]:
        return "is dilated, and its pad is no multiple of that"
    return None


def _shares(other, module):
    return getattr(other, "_parameters", {}).get("weight") is module.weight


def _folded_convolution(module, site):
    own = (0, 0) if module.padding == "valid" else module.padding
    left, right, top, bottom = site.amounts
    before_w, before_h = (right - left) // module.dilation[1], (bottom - top) // module.dilation[0]
    grow = (max(before_w, 0), max(-before_w, 0), max(before_h, 0), max(-before_h, 0))
    weight = functional.pad(module.weight.detach(), grow)
    folded = nn.Conv2d(
        module.in_channels,
        module.out_channels,
        tuple(weight.shape[2:]),
        stride=tuple(module.stride),
        padding=(own[0] + max(top, bottom), own[1] + max(left, right)),
        dilation=tuple(module.dilation),
        groups=module.groups,
        bias=module.bias is not None,
        dtype=weight.dtype,
    ).eval()
    folded.weight = nn.Parameter(weight)
    if module.bias is not None:
        folded.bias = module.bias
    return folded
