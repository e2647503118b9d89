# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a model on frames beside itself in 8 bits, layer by layer, and corrects each layer by what it sees.

Each layer gets steps for its values, weights on a grid of 8 bits, and a bias that gives the mean that the original has;
where a layer sees many more positions than it has weights, these are rounded so that they make up for each other. The
next layer then sees what this one really gives. Nothing else is fitted to the frames: weights that also made up for the
errors of the layers before were better on the same clips and worse on others.
"""

import dataclasses
import math

import torch
from torch import fx
from torch.nn import functional

from . import rounding

# The least number of positions for each weight of a channel: with fewer, the fit would be to these frames alone.
_POSITIONS_PER_WEIGHT = 100
_MOST_WEIGHTS = 1024  # more take too long
_ENOUGH_POSITIONS = 10_000  # at least; of more not all are looked at


@dataclasses.dataclass
class Quantised:
    """What build needs of one layer."""

    steps: rounding.Steps
    weight: torch.Tensor | None = None  # on the grid; of values centred about what becomes zero, where it takes bytes
    scales: torch.Tensor | None = None
    bias: torch.Tensor | None = None


@dataclasses.dataclass
class Calibration:
    layers: dict  # Quantised by the layer's output node
    inputs: dict  # Steps of float32 values that go into a layer, by node
    linear_biases: dict  # corrected ones by module name
    rounded_together: int = 0  # layers


class _Pair:
    """Values of one node: of the original and of the 8-bit model, each a list of chunks."""

    def __init__(self, original, bits):
        self.original = original
        self.bits = bits


@torch.no_grad()
def calibrate(plan, frames, model_input, batch, say=lambda done, of: None):
    """`frames` are bytes [N, H, W, C], run `batch` at a time; model_input says what float32 values they stand for.
    `say` is told how many layers of how many are done."""
    return _Walk(plan, frames.split(batch), model_input, say).run()


class _Walk:
    def __init__(self, plan, chunks, model_input, say):
        self.plan = plan
        self.chunks = len(chunks)
        self.found = Calibration({}, {}, {})
        self.say = say
        self.interpreter = fx.Interpreter(plan.graph_module)
        self.factor, zero = model_input.pixel_map()
        if plan.takes_bytes():  # centred about the pixel value that the model sees as zero
            values = [chunk.permute(0, 3, 1, 2).float() - zero[None, :, None, None] for chunk in chunks]
        else:
            values = [model_input.from_bytes(chunk) for chunk in chunks]
        # Where anything but a convolution takes them, it may write to them.
        bits = values if plan.takes_bytes() else [chunk.clone() for chunk in values]
        self.values = {plan.input: _Pair(values, bits)}

    def run(self):
        last = self.plan.last_users()
        done = 0
        for number, node in enumerate(self.plan.nodes):
            if node in self.plan.layers:
                self.values[node] = self._layer(node, self.plan.layers[node])
                done += 1
                self.say(done, len(self.plan.layers))
            elif node.op not in ("placeholder", "output") and not self.plan.inside(node):
                self.values[node] = self._plain(node)
            for other in [other for other in self.values if last[other] <= number]:
                del self.values[other]
        return self.found

    def _plain(self, node):
        """A node that runs as it is, in both."""

        def run(which):
            results = []
            for i in range(self.chunks):

                def value(item, i=i):
                    return getattr(self.values[item], which)[i]

                args, kwargs = fx.node.map_arg((node.args, node.kwargs), value)
                results.append(getattr(self.interpreter, node.op)(node.target, args, kwargs))
            return results

        pair = _Pair(run("original"), run("bits"))
        module = self.plan.modules.get(node.target) if node.op == "call_module" else None
        if isinstance(module, torch.nn.Linear) and module.bias is not None:
            shift = torch.cat(pair.original).mean(0) - torch.cat(pair.bits).mean(0)
            self.found.linear_biases[node.target] = module.bias + shift
            pair.bits = [chunk + shift for chunk in pair.bits]
        return pair

    def _layer(self, node, layer):
        source = self._as_bits(layer.source)
        if layer.conv is None:
            quantised = Quantised(None)
            before = source
        else:
            quantised, before = self._convolution(layer, source)
        if layer.summand is not None:
            summand = self._as_bits(layer.summand)
            before = _Pair(
                [a + b for a, b in zip(before.original, summand.original)],
                [a + b for a, b in zip(before.bits, summand.bits)],
            )
        if quantised.bias is not None:
            shift = _mean_shift(before, layer.activation)
            quantised.bias = quantised.bias + shift
            before.bits = [chunk + shift[None, :, None, None] for chunk in before.bits]
        original = [_activate(chunk, layer.activation) for chunk in before.original]
        quantised.steps = rounding.steps_for(original, layer.activation)
        self.found.layers[node] = quantised
        return _Pair(original, [quantised.steps.round(_activate(chunk, layer.activation)) for chunk in before.bits])

    def _as_bits(self, node):
        """Its values; those that are float32 there are quantised here."""
        pair = self.values[node]
        if node in self.plan.quantised or (node is self.plan.input and self.plan.takes_bytes()):
            return pair
        if node not in self.found.inputs:
            self.found.inputs[node] = rounding.steps_for(pair.original, "")
        steps = self.found.inputs[node]
        return _Pair(pair.original, [steps.round(chunk) for chunk in pair.bits])

    def _input_scale(self, node):
        if node is self.plan.input and self.plan.takes_bytes():
            return 1.0
        while self.plan.passes_through(node):
            node = node.all_input_nodes[0]
        return self.found.layers[node].steps.scale if node in self.found.layers else self.found.inputs[node].scale

    def _convolution(self, layer, source):
        """The layer's weights, and what they give before the sum and the activation."""
        conv = layer.conv
        weight = conv.weight
        bias = conv.bias if conv.bias is not None else torch.zeros(conv.out_channels)
        if layer.source is self.plan.input and self.plan.takes_bytes():
            weight = weight * self.factor[None, :, None, None]
        original = [_convolve(conv, chunk, weight, bias) for chunk in source.original]
        scales = rounding.weight_scales(weight, bias, self._input_scale(layer.source))
        positions = sum(chunk.shape[0] * chunk.shape[2] * chunk.shape[3] for chunk in original)
        size = weight[0].numel()
        if size <= _MOST_WEIGHTS and positions >= _POSITIONS_PER_WEIGHT * size:
            enough = max(_ENOUGH_POSITIONS, 2 * _POSITIONS_PER_WEIGHT * size)
            statistics = rounding.Statistics(max(1, math.isqrt(positions // enough)))
            for chunk in source.bits:
                statistics.add(conv, chunk)
            weight = rounding.round_together(weight, conv.groups, scales, statistics)
            self.found.rounded_together += 1
        else:
            weight = rounding.to_grid(weight, scales)
        bits = [_convolve(conv, chunk, weight, bias) for chunk in source.bits]
        return Quantised(None, weight, scales, bias), _Pair(original, bits)


def _convolve(conv, values, weight, bias):
    return functional.conv2d(values, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def _activate(values, activation):
    if activation == "relu6":
        return values.clamp(0, rounding.SIX)
    return values.clamp_min(0) if activation == "relu" else values


def _mean_shift(before, activation):
    """What to add to each channel of the 8-bit model's so that its mean behind the activation is the original's."""

    def mean(chunks, function):
        return torch.cat([function(chunk).mean((2, 3)) for chunk in chunks]).mean(0)

    if not activation:
        return mean(before.original, lambda chunk: chunk) - mean(before.bits, lambda chunk: chunk)
    wanted = mean(before.original, lambda chunk: _activate(chunk, activation))
    shift = torch.zeros_like(wanted)
    for _ in range(3):
        # A value that is cut off does not move with the bias.
        found, alive = [], []
        for chunk in before.bits:
            moved = chunk + shift[None, :, None, None]
            passed = _activate(moved, activation)
            found.append(passed.mean((2, 3)))
            alive.append(((passed == moved) & (moved > 0)).float().mean((2, 3)))
        found, alive = torch.cat(found).mean(0), torch.cat(alive).mean(0)
        shift += torch.where(alive > 0.02, (wanted - found) / alive.clamp_min(0.1), torch.zeros_like(found))
    return shift
