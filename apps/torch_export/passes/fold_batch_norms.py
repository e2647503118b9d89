# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folds batch norms into the convolutions before them.

In evaluation a batch norm multiplies each channel by a constant and adds another, so a convolution with scaled kernels
and a bias computes the same. torchinference does that too when it loads a model whose graph lets it; folded here, the
file is smaller and the model can be quantised.
"""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .modules import names_of, replace
from .watch import Watch

_CONVOLUTIONS = (functional.conv2d, torch.conv2d)
_NORMS = (functional.batch_norm, torch.batch_norm)


class BatchNorms:
    """The batch norms of a model: found when made, folded by fold()."""

    def __init__(self, model, example):
        """`example` is an input that `model` takes."""
        watch = Watch(model)
        watch.run(example)
        self._model = model
        self._names = names_of(model)
        self._pairs = []
        self.left = []  # "where: why" of each that stays
        for run in watch.runs:
            if isinstance(run.module, nn.BatchNorm2d):
                conv = _convolution_before(watch, run)
                if isinstance(conv, nn.Module):
                    self._pairs.append((conv, run.module))
                else:
                    self.left.append(f"{self._names[run.module]}: {conv}")

    def names(self):
        """Names of the batch norms that fold() changes."""
        return [self._names[norm] for _, norm in self._pairs]

    def fold(self):
        """Changes the model in place."""
        for conv, norm in self._pairs:
            replace(self._model, conv, fuse_conv_bn_eval(conv, norm))
            replace(self._model, norm, nn.Identity())


def _convolution_before(watch, run):
    """The convolution that alone feeds this run of a batch norm, or why there is none to fold into."""
    norm = run.module
    if norm.training or norm.running_mean is None or sum(other.module is norm for other in watch.runs) != 1:
        return "has no statistics of its own, or runs several times"
    calls = [call for call in watch.calls_within(run) if call.function in _NORMS]
    if len(calls) != 1 or calls[0].args[0] is not run.args[0] or calls[0].result is not run.result:
        return "does more than to normalise"
    made = [call for call in watch.calls if call.result is run.args[0] and call.function in _CONVOLUTIONS]
    conv_runs = [other for other in watch.runs if other.result is run.args[0] and isinstance(other.module, nn.Conv2d)]
    if not made or not conv_runs:
        return "does not follow a convolution"
    conv = conv_runs[-1].module
    if set(conv._parameters) != {"weight", "bias"} or made[0].args[1] is not conv.weight:
        return "follows a convolution that computes its weight"
    if sum(other.module is conv for other in watch.runs) != 1 or _shared(watch.model, conv):
        return "follows a convolution that is used several times"
    users = [call for call in watch.users_of(run.args[0]) if isinstance(call.result, torch.Tensor)]
    if len(users) != 1:
        return "is not alone in using the convolution"
    return conv


def _shared(model, conv):
    return any(
        other is not conv and getattr(other, "_parameters", {}).get("weight") is conv.weight
        for other in model.modules()
    )
