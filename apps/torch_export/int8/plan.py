# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of a model becomes 8-bit: its graph, with convolutions and what follows them taken together.

A convolution whose result is quantised to the steps from 0 to 6 saturates at both ends, and that is ReLU6; from 0
upwards it is ReLU. So an activation costs nothing and is never an operator of its own, and what is quantised is the
range after it. A sum behind a convolution is computed inside it. Whatever this page does not know runs in float32,
between a conversion back and the next convolution.
"""

import dataclasses
import operator

import torch
from torch import fx, nn
from torch.nn import functional

from ..errors import ExportError

_RELU = {functional.relu, torch.relu, torch.relu_}
_ADD = {operator.add, operator.iadd, torch.add}
_MAX_POOL = {functional.max_pool2d, functional.max_pool2d_with_indices, torch.max_pool2d}


@dataclasses.dataclass
class Layer:
    """One quantised operator and the nodes of the graph that it stands for."""

    output: fx.Node  # it gives this node's value
    nodes: list
    source: fx.Node  # what is convolved; the first summand of a sum
    conv: nn.Conv2d | None = None  # None: a sum alone
    name: str = ""
    summand: fx.Node | None = None
    activation: str = ""  # "", "relu", "relu6"


class Plan:
    """`graph_module` computes what the model does; `layers` are by the node of their output."""

    def __init__(self, model, example):
        """`example`: an input that the float32 model takes. Batch norms should have been folded."""
        try:
            self.graph_module = fx.symbolic_trace(model)
        except Exception as error:
            raise ExportError(
                f"--int8: the model's Python code cannot be followed ({type(error).__name__}: "
                f"{str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}); "
                "its forward must not depend on the values of tensors"
            ) from error
        _drop_identities(self.graph_module)
        self.modules = dict(self.graph_module.named_modules())
        self.nodes = list(self.graph_module.graph.nodes)
        self.input = next(node for node in self.nodes if node.op == "placeholder")
        self._shapes = _shapes(self.graph_module, example)
        self._index = {node: number for number, node in enumerate(self.nodes)}
        self.quantised = set()  # nodes whose value is 8-bit
        for node in self.nodes:
            if self._gives_bytes(node):
                self.quantised.add(node)
        self.layers = {}
        self._taken = {}  # node -> the output of the layer that it is part of
        for node in reversed(self.nodes):  # so that the later of two convolutions takes the sum of both
            if node not in self._taken and node in self.quantised:
                if self._is_convolution(node):
                    self._add(self._convolution(node))
        for node in self.nodes:
            if node not in self._taken and node in self.quantised and self._is_sum(node):
                self._add(self._sum(node))
        convolutions = [layer for layer in self.layers.values() if layer.conv is not None]
        if not convolutions:
            raise ExportError("--int8: the model has no convolution that can be quantised")

    def takes_bytes(self):
        """Whether a frame's bytes go into a convolution and nowhere else; how many frames they are may be asked."""
        users = [user for user in self.input.users if not _is_batch_size(user)]
        layers = [layer for layer in self.layers.values() if layer.source is self.input]
        return len(users) == len(layers) == 1 and layers[0].conv is not None and layers[0].conv.groups == 1

    def inside(self, node):
        """Whether `node` is part of a layer without being what the layer gives."""
        return node in self._taken and node not in self.layers

    def passes_through(self, node):
        """Whether `node`, no layer, works on 8-bit values as they are and keeps their steps."""
        return node in self.quantised and node not in self._taken

    def last_users(self):
        """For each node, the number of the node after which its value is not needed any more."""
        return {node: max([self._when(user) for user in node.users], default=-1) for node in self.nodes}

    # What a node is ----------------------------------------------------------------------------------------------

    def _module_of(self, node):
        return self.modules.get(node.target) if node.op == "call_module" else None

    def _is_convolution(self, node):
        conv = self._module_of(node)
        return (
            type(conv) is nn.Conv2d
            and conv.padding_mode == "zeros"
            and not isinstance(conv.padding, str)
            and len(node.args) == 1
            and self._shapes[node][-1] * self._shapes[node][-2] > 1  # of one pixel it costs nothing
            and sum(other.target == node.target for other in self.nodes if other.op == "call_module") == 1
        )

    def _activation(self, node):
        """ "relu", "relu6" or "" for anything else."""
        module = self._module_of(node)
        if isinstance(module, nn.ReLU6) or (isinstance(module, nn.Hardtanh) and _to_six(module)):
            return "relu6"
        if isinstance(module, nn.ReLU):
            return "relu"
        if node.op == "call_method" and node.target in ("relu", "relu_"):
            return "relu"
        if node.op != "call_function":
            return ""
        if node.target in _RELU:
            return "relu"
        if node.target is functional.relu6:
            return "relu6"
        limits = [*node.args[1:], *(node.kwargs.get(key) for key in ("min", "max", "min_val", "max_val"))]
        if node.target in (torch.clamp, functional.hardtanh) and [v for v in limits if v is not None][:2] == [0, 6]:
            return "relu6"
        return ""

    def _is_sum(self, node):
        function = node.op == "call_function" and node.target in _ADD
        method = node.op == "call_method" and node.target in ("add", "add_")
        if not (function or method) or len(node.args) != 2 or any(node.kwargs.get(k, 1) != 1 for k in ("alpha",)):
            return False
        both = node.args
        return (
            all(isinstance(item, fx.Node) for item in both)
            and both[0] is not both[1]
            and self._shapes.get(both[0]) == self._shapes.get(both[1]) is not None
        )

    def _is_max_pool(self, node):
        if isinstance(self._module_of(node), nn.MaxPool2d):
            return not self._module_of(node).return_indices
        return node.op == "call_function" and node.target in _MAX_POOL

    def _gives_bytes(self, node):
        """Whether its value is 8-bit, given that those of the nodes before it are known."""
        if self._is_convolution(node):
            return True
        sources = node.all_input_nodes
        if not sources or any(source not in self.quantised for source in sources):
            return False
        activation = self._activation(node)
        if activation == "relu6":
            return self._is_convolution(sources[0]) and len(sources[0].users) == 1
        return activation == "relu" or self._is_max_pool(node) or self._is_sum(node)

    # Layers ------------------------------------------------------------------------------------------------------

    def _only_user(self, node):
        users = list(node.users)
        return users[0] if len(users) == 1 else None

    def _convolution(self, node):
        layer = Layer(node, [node], node.args[0], self._module_of(node), node.target)
        user = self._only_user(node)
        if user is not None and self._is_sum(user) and user in self.quantised and user not in self._taken:
            summand = user.args[1] if user.args[0] is node else user.args[0]
            behind = self._only_user(user)
            rectified = behind if behind is not None and self._activation(behind) == "relu" else None
            output = rectified or user
            # oneDNN adds in place: nothing may read the summand afterwards.
            last = (
                max(self._when(other) for other in summand.users if other is not user) if len(summand.users) > 1 else -1
            )
            if summand is not self.input and last < self._index[output]:
                layer.summand, layer.output = summand, output
                layer.nodes += [user] + ([rectified] if rectified else [])
                layer.activation = "relu" if rectified else ""
                return layer
        if user is not None and self._activation(user) and user in self.quantised:
            layer.activation, layer.output = self._activation(user), user
            layer.nodes.append(user)
        return layer

    def _sum(self, node):
        layer = Layer(node, [node], node.args[0], name=node.name, summand=node.args[1])
        user = self._only_user(node)
        if user is not None and self._activation(user) == "relu":
            layer.activation, layer.output = "relu", user
            layer.nodes.append(user)
        return layer

    def _add(self, layer):
        self.layers[layer.output] = layer
        for node in layer.nodes:
            self._taken[node] = layer.output

    def _when(self, node):
        """The number of the node at which `node` is computed: a layer is, at its output."""
        return self._index[self._taken.get(node, node)]


def _is_batch_size(node):
    return node.op == "call_method" and node.target == "size" and node.args[1:] == (0,)


def _to_six(module):
    return (module.min_val, module.max_val) == (0, 6)


def _drop_identities(graph_module):
    """Dropout and what folding has left behind do nothing in evaluation."""
    modules = dict(graph_module.named_modules())
    for node in list(graph_module.graph.nodes):
        module = modules.get(node.target) if node.op == "call_module" else None
        function = node.op == "call_function" and node.target in (functional.dropout, functional.dropout2d)
        if isinstance(module, (nn.Identity, nn.Dropout, nn.Dropout2d)) or function:
            node.replace_all_uses_with(node.args[0])
            graph_module.graph.erase_node(node)
    graph_module.graph.eliminate_dead_code()
    graph_module.recompile()


def _shapes(graph_module, example):
    """Shapes of the tensors that the nodes give for `example`."""

    class Shapes(fx.Interpreter):
        def run_node(self, n):
            value = super().run_node(n)
            if isinstance(value, torch.Tensor):
                found[n] = tuple(value.shape)
            return value

    found = {}
    with torch.no_grad():
        Shapes(graph_module).run(example)
    return found
