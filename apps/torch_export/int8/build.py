# SPDX-License-Identifier: LGPL-2.1-or-later
"""The quantised module: takes bytes, [N, height, width, channels], and gives what the model gives."""

import torch
import torch.ao.nn.intrinsic.quantized as nniq
import torch.ao.nn.quantized as nnq
from torch import fx, nn

from ..passes.take_bytes import TakesBytes


class Border(nn.Module):
    """Puts frames into a border of the pixel that the model sees as zero, where that is another in each channel and so
    cannot be the convolution's own padding."""

    def __init__(self, height, width, padding, pixel):
        super().__init__()
        self.top, self.left = padding
        size = (1, height + 2 * self.top, width + 2 * self.left, 1)
        self.register_buffer("empty", torch.tensor(pixel, dtype=torch.uint8).repeat(size))

    def forward(self, frames):
        bordered = self.empty.expand(frames.shape[0], -1, -1, -1).clone(memory_format=torch.contiguous_format)
        bordered[:, self.top : self.top + frames.shape[1], self.left : self.left + frames.shape[2]] = frames
        return bordered


class Pixels(nn.Module):
    """Bytes to the 8-bit values of one pixel a step."""

    def __init__(self, zero):
        super().__init__()
        self.zero = zero

    def forward(self, frames):
        return torch._make_per_tensor_quantized_tensor(frames.permute(0, 3, 1, 2), 1.0, self.zero)


def build(plan, calibration, model_input):
    """A module for torch.jit.trace."""
    return _Builder(plan, calibration, model_input).build()


class _Builder:
    def __init__(self, plan, calibration, model_input):
        self.plan = plan
        self.found = calibration
        self.model_input = model_input
        self.root = nn.Module()
        self.graph = fx.Graph()
        self.bits = {}  # nodes of the new graph by those of the old
        self.floats = {}
        self.count = 0

    def build(self):
        for name, bias in self.found.linear_biases.items():
            self.plan.graph_module.get_submodule(name).bias = nn.Parameter(bias)
        for node in self.plan.nodes:
            if node.op == "placeholder":
                self._input(node)
            elif node in self.plan.layers:
                self.bits[node] = self._layer(node, self.plan.layers[node])
            elif self.plan.inside(node):
                continue
            elif self.plan.passes_through(node):
                self.bits[node] = self._copy(node, self._as_bits)
            elif node.op == "output":
                self.graph.output(fx.node.map_arg(node.args[0], self._as_float))
            else:
                self.floats[node] = self._copy(node, self._as_float)
        self.graph.lint()
        return fx.GraphModule(self.root, self.graph).eval()

    def _copy(self, node, of):
        if node.op in ("call_module", "get_attr"):
            self._keep(node.target)
        return self.graph.node_copy(node, of)

    def _keep(self, target):
        """Takes what the old module has under this name into the new one, under the same."""
        *parents, name = target.split(".")
        place = self.root
        for parent in parents:
            if not hasattr(place, parent):
                place.add_module(parent, nn.Module())
            place = getattr(place, parent)
        owner = self.plan.graph_module.get_submodule(".".join(parents))
        value = getattr(owner, name)
        if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
            place.register_buffer(name, value)
        else:
            setattr(place, name, value)

    def _call(self, module, *args, name=None):
        self.count += 1
        target = f"int8_{self.count}_{(name or type(module).__name__).replace('.', '_')}"
        self.root.add_module(target, module)
        return self.graph.call_module(target, args)

    def _as_float(self, node):
        if node not in self.floats:
            self.floats[node] = self.graph.call_method("dequantize", (self.bits[node],))
        return self.floats[node]

    def _as_bits(self, node):
        if node not in self.bits:
            steps = self.found.inputs[node]
            quantise = nnq.Quantize(steps.scale, steps.zero, torch.quint8)
            self.bits[node] = self._call(quantise, self.floats[node])
        return self.bits[node]

    def _input(self, node):
        frames = self.graph.placeholder("frames")
        if not self.plan.takes_bytes():
            self.floats[node] = self._call(TakesBytes(nn.Identity(), self.model_input), frames)
            return
        self.stem = next(layer for layer in self.plan.layers.values() if layer.source is node)
        _, zeros = self.model_input.pixel_map()
        rounded = [max(0, min(255, round(float(zero)))) for zero in zeros]
        self.zero, self.padding = 0, tuple(self.stem.conv.padding)
        if any(self.padding) and len(set(rounded)) == 1:
            self.zero = rounded[0]
        elif any(self.padding):
            height, width = self.model_input.height, self.model_input.width
            frames = self._call(Border(height, width, self.padding, rounded), frames)
            self.padding = (0, 0)
        self.bits[node] = self._call(Pixels(self.zero), frames)
        self.floats[node] = frames  # for its batch size; nothing else asks

    def _layer(self, node, layer):
        found = self.found.layers[node]
        source = self._as_bits(layer.source)
        if layer.conv is None:
            add = nnq.QFunctional()
            add.scale, add.zero_point = found.steps.scale, found.steps.zero
            return self._call(_Sum(add), source, self._as_bits(layer.summand), name=layer.name)
        padding, bias = tuple(layer.conv.padding), found.bias
        if layer.source is self.plan.input and self.plan.takes_bytes():
            # The weights are for values centred about what becomes zero; here they are centred about self.zero.
            _, zeros = self.model_input.pixel_map()
            padding = self.padding
            bias = bias + torch.einsum("oihw,i->o", found.weight, self.zero - zeros)
        kind = nnq.Conv2d if layer.summand is None else nniq.ConvAdd2d
        conv = layer.conv
        made = kind(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            stride=conv.stride,
            padding=padding,
            dilation=conv.dilation,
            groups=conv.groups,
        )
        scales, zeros = found.scales.double(), torch.zeros(len(found.scales), dtype=torch.long)
        made.set_weight_bias(torch.quantize_per_channel(found.weight, scales, zeros, 0, torch.qint8), bias)
        made.scale, made.zero_point = found.steps.scale, found.steps.zero
        summands = () if layer.summand is None else (self._as_bits(layer.summand),)
        return self._call(made, source, *summands, name=layer.name)


class _Sum(nn.Module):
    def __init__(self, add):
        super().__init__()
        self.add = add

    def forward(self, a, b):
        return self.add.add(a, b)
