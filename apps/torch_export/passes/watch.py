# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a model once and notes which torch functions were called, on which tensors and inside which modules."""

import dataclasses

import torch
from torch.overrides import TorchFunctionMode


@dataclasses.dataclass
class Call:
    """One call of a torch function. Tensors are compared by identity and kept alive so that it stays unique."""

    function: object
    args: tuple
    kwargs: dict
    result: object
    modules: tuple  # those being run, outermost first
    run: int  # number of the innermost module's run


@dataclasses.dataclass
class Run:
    """One run of a module: what went in and came out."""

    module: torch.nn.Module
    args: tuple
    result: object = None
    number: int = 0
    parents: tuple = ()  # numbers of the runs around it


class Watch(TorchFunctionMode):
    """Use as `watch = Watch(model); watch.run(example)`, then read `calls` and `runs`."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.calls = []
        self.runs = []
        self._stack = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if self._stack:
            modules = tuple(run.module for run in self._stack)
            self.calls.append(Call(func, args, kwargs, result, modules, self._stack[-1].number))
        return result

    def run(self, example):
        handles = []
        for module in self.model.modules():
            handles.append(module.register_forward_pre_hook(self._enter))
            handles.append(module.register_forward_hook(self._leave))
        try:
            with torch.no_grad(), self:
                self.model(example)
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module, args):
        parents = tuple(run.number for run in self._stack)
        run = Run(module, args, number=len(self.runs), parents=parents)
        self.runs.append(run)
        self._stack.append(run)

    def _leave(self, module, args, result):
        self._stack.pop().result = result

    def calls_within(self, run):
        """The calls of `run` and of the runs inside it."""
        inside = {run.number} | {other.number for other in self.runs if run.number in other.parents}
        return [call for call in self.calls if call.run in inside]

    def users_of(self, tensor):
        """The calls that were given `tensor`, however deep in their arguments."""
        return [call for call in self.calls if any(item is tensor for item in tensors_in((call.args, call.kwargs)))]


def tensors_in(value):
    """Every tensor inside nested tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
