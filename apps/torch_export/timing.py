# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a change to a model gains: forwards on one thread, in the form in which torchinference would run them."""

import contextlib
import time
import warnings

import torch

ROUNDS = 6
IN_A_ROW = 4  # the first of them finds the caches full of another model


@contextlib.contextmanager
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Prepared:
    """A model as it is now, optimised; changes that replace its parts afterwards do not reach it. A quantised one must
    not have run before: its layers keep what they compute with for the first batch size and thread count they see."""

    def __init__(self, model, example):
        self.example = example
        self.module = None
        try:
            with one_thread(), torch.inference_mode(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = model
                if not isinstance(model, torch.jit.ScriptModule):
                    module = torch.jit.trace(model, example, check_trace=False)
                self.module = _optimised(module, example)
        except Exception:  # its times are for the user to read, no more
            self.module = None


def _optimised(module, example):
    """What torchinference's self-test would choose."""
    expected = module(example.clone())
    largest = float(expected.abs().max())
    for form in (torch.jit.optimize_for_inference, torch.jit.freeze):
        try:
            found = form(module.eval())
            if float((found(example.clone()) - expected).abs().max()) <= 1e-3 * largest:
                return found
        except Exception:
            continue
    return module


def race(*prepared, rounds=ROUNDS):
    """The shortest forward of each in milliseconds; None for what does not run. They run in turn, so that whatever else
    the machine does disturbs all alike."""
    best = [None] * len(prepared)
    with one_thread(), torch.inference_mode():
        for _ in range(rounds):
            for number, one in enumerate(prepared):
                for _ in range(IN_A_ROW if one.module is not None else 0):
                    start = time.perf_counter()
                    one.module(one.example)
                    taken = 1e3 * (time.perf_counter() - start)
                    best[number] = min(best[number] or taken, taken)
    return best


def gain(before, after):
    """ ", forward 33.3 -> 9.3 ms on one thread", or nothing where one of them does not run."""
    first, second = race(before, after)
    return f", forward {first:.1f} -> {second:.1f} ms on one thread" if first and second else ""
