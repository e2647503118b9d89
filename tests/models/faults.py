# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test models that fail, lie or attack, and files that are no models."""

import os
import zipfile
from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn

from model_files import SIZE, model, model_info, rewrite, script
from nets import Identity, Sum, convnet


# Trouble ----------------------------------------------------------------------------------------


class Throws(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("this model always fails")


@model
def throws(path):
    script(Throws(), path, info=model_info(3))


class ThrowsWhenBright(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3))
        if bool((means > 0.9).any()):
            raise ValueError("too bright")
        return means * 10.0


@model
def throws_when_bright(path):
    """Fails the whole batch when one of its images has a channel above 0.9 on average."""
    script(ThrowsWhenBright(), path, info=model_info(3), labels=["red", "green", "blue"])


class ExhaustsMemoryWhenBright(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3))
        if bool((means > 0.9).any()):
            means = means + torch.zeros(1 << 48)[:3]
        return means


@model
def exhausts_memory_when_bright(path):
    script(ExhaustsMemoryWhenBright(), path)


class FewerOutputsWhenBright(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        means = x.mean(dim=(2, 3))
        return [means] if bool((means > 0.9).any()) else [means, means + 1]


@model
def fewer_outputs_when_bright(path):
    script(FewerOutputsWhenBright(), path)


class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.weight = nn.Parameter(torch.randn(256, 256) / 16.0)

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(1)[:, :256]
        for _ in range(400):
            y = (y[0:1].expand(256, 256) @ self.weight)[: x.size(0)].tanh()
        return x.mean(dim=(2, 3)) * 10.0 + 0.0 * y.sum()


@model
def slow(path):
    """The colour model, after a few hundred matrix products: some 0.1 s for each batch."""
    script(Slow(), path, info=model_info(3), labels=["red", "green", "blue"])


class Random(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, 0.5, training=True).mean(dim=(2, 3))


@model
def random(path):
    script(Random(), path)


class Remembers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("last", torch.zeros(1, 3))

    def forward(self, x: Tensor) -> Tensor:
        self.last.copy_(x.mean(dim=(2, 3)))
        return self.last


@model
def remembers(path):
    """Hands out a buffer that its next forward overwrites."""
    script(Remembers(), path)


class OnCuda(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) + torch.arange(3, device=torch.device("cuda:0"))


@model
def pinned_to_cuda(path):
    script(OnCuda(), path)


# Refused ----------------------------------------------------------------------------------------


class WritesFile(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, "written-by-model")
        return x


@model
def writes_file(path):
    script(WritesFile(), path)


class Saver(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2.0
        if bool(y.sum() > 0):
            torch.save(y, "written-by-model")
        return y


class WritesFileDeepInside(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([Identity(), nn.Sequential(Saver(), Identity())])

    def forward(self, x: Tensor) -> Tensor:
        futures: List[torch.jit.Future[Tensor]] = []
        for stage in self.stages:
            futures.append(torch.jit.fork(stage, x))
        return torch.jit.wait(futures[0])


@model
def writes_file_deep_inside(path):
    """In a branch of a submodule's submodule that a forked task runs."""
    script(WritesFileDeepInside(), path)


class WritesFileAtLoad(nn.Module):
    @torch.jit.export
    def __getstate__(self) -> Tuple[Tensor, bool]:
        return torch.zeros(1), self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[Tensor, bool]) -> None:
        torch.save(state[0], "written-by-model")
        self.training = state[1]

    def forward(self, x: Tensor) -> Tensor:
        return x


@model
def writes_file_at_load(path):
    """libtorch runs __setstate__ while it loads, before anyone can look at the graph."""
    script(WritesFileAtLoad(), path)


@model
def writes_file_at_load_hidden(path):
    """The same, spelt in a way that only TorchScript's own parser reads."""

    def change(target, entries, folder):
        for name, data in entries.items():
            if name.endswith(".py"):
                data = data.replace(b"torch.save(", b'getattr(torch, "sa" "v\\145")(')
            target.writestr(name, data)

    rewrite(WritesFileAtLoad(), path, change)


SAVES = """
def saves() -> int:
  torch.save(torch.zeros([1]), "written-by-model")
  return 1
"""


def rewrite_code(module, path, old, new, more=""):
    """Exporting a module evaluates its defaults and constants; an attacker writes them himself."""

    def change(target, entries, folder):
        name = f"{folder}/code/__torch__/{module.__module__}.py"
        code = entries[name].decode()
        assert old in code, code
        entries[name] = (code.replace(old, new) + more).encode()
        for name, data in entries.items():
            target.writestr(name, data)

    rewrite(module, path, change)


@model
def writes_file_by_default_argument(path):
    """libtorch evaluates default arguments while it loads."""
    rewrite_code(Identity(), path, "x: Tensor)", "x: Tensor,\n    y: int=__torch__.nets.saves())", more=SAVES)


@model
def writes_file_by_class_constant(path):
    """The same for the constants of a class."""
    attribute = "  training : bool\n"
    constant = "  answer : Final[int] = __torch__.nets.saves()\n"
    rewrite_code(Identity(), path, attribute, attribute + constant, more=SAVES)


@model
def writes_file_by_upper_case(path):
    """Its code is in a record that libtorch finds only because it does not look at the case."""

    def change(target, entries, folder):
        for name, data in entries.items():
            if name.endswith(".py"):
                target.writestr(f"{folder}/code/harmless.py", "")
                name = f"{folder}/CODE/{name.split('/code/')[1].upper()}"
                data = data.replace(b"x: Tensor)", b"x: Tensor,\n    y: int=__torch__.nets.saves())")
                data += SAVES.encode()
            target.writestr(name, data)

    rewrite(Identity(), path, change)


def rename_code(path, new_names):
    """Writes the code of the identity model to records of other names."""

    def change(target, entries, folder):
        for name, data in entries.items():
            names = new_names(name.split("/", 1)[1]) if name.endswith(".py") else [name.split("/", 1)[1]]
            for new in names:
                target.writestr(f"{folder}/{new}", data)

    rewrite(Identity(), path, change)


@model
def record_twice(path):
    rename_code(path, lambda name: [name, name])


@model
def record_in_two_cases(path):
    rename_code(path, lambda name: [name, name.upper()])


@model
def long_record_name(path):
    """libtorch's reader lists it cut off, without its .py, and yet loads it."""
    rename_code(path, lambda name: [name, f"code/{500 * 'a'}/b.py"])


@model
def both_formats(path):
    """Also an archive as before PyTorch 1.2, whose index may name any record as code."""
    rename_code(path, lambda name: [name, "Model.json"])


@model
def writes_file_by_alias(path):
    """The operator's name is a literal, and what looks it up has another name."""
    hidden = SAVES.replace("  torch.save(", '  find = getattr\n  (find)(torch, "sa" "v\\145")(')
    rewrite_code(Identity(), path, "x: Tensor)", "x: Tensor,\n    y: int=__torch__.nets.saves())", more=hidden)


def add_function(path, body):
    rewrite_code(Identity(), path, "x: Tensor)", "x: Tensor)", more=f"\ndef deep(x: int) -> int:\n{body}")


DEEP = 20000  # libtorch's parser ends with the stack at some 3000


@model
def deep_brackets(path):
    add_function(path, f"  return {DEEP * '('}x{DEEP * ')'}\n")


@model
def deep_unclosed(path):
    add_function(path, f"  return {DEEP * '('}")


@model
def deep_types(path):
    add_function(path, f"  y: {DEEP * 'List['}int{DEEP * ']'} = []\n  return x\n")


@model
def deep_prefixes(path):
    add_function(path, f"  return {DEEP * '-'}x\n")


@model
def deep_conditions(path):
    add_function(path, f"  return {DEEP * 'x if x > 0 else '}x\n")


@model
def deep_operators(path):
    add_function(path, f"  return {DEEP * 'x + '}x\n")


@model
def deep_calls(path):
    add_function(path, f"  return x{DEEP * '.f(x)'}\n")


@model
def deep_elifs(path):
    add_function(path, "  if x > 0:\n    pass\n" + DEEP * "  elif x > 0:\n    pass\n" + "  return x\n")


@model
def deep_blocks(path):
    lines = [depth * " " + "if x > 0:\n" for depth in range(2, 2002)]
    add_function(path, "".join(lines) + 2002 * " " + "pass\n  return x\n")


@model
def deep_in_sum(path):
    """No bracket, and no chain between brackets, is deep alone."""
    add_function(path, f"  return {200 * '('}x{200 * (20 * ' + x' + ')')}\n")


@model
def wide_code(path):
    """Long, and no deeper than the code of models is."""
    elements = ", ".join(DEEP * ["x"])
    lines = 2000 * "  x = max(x, (x + 1) * 2)\n"
    add_function(path, f"  y = [{elements}]\n{lines}  return {50 * '('}x{50 * ')'}\n")


@model
def names_forbidden_class(path):
    """A class for remote calls, which none of the graphs that run would make."""
    unused = "\ndef name(worker: __torch__.torch.classes.dist_rpc.WorkerInfo) -> int:\n  return 1\n"
    rewrite_code(Identity(), path, "x: Tensor)", "x: Tensor)", more=unused)


class SpeaksOfSave(nn.Module):
    def forward(self, x: Tensor, save: bool = False) -> Tensor:
        """Does not save anything."""
        mode = "save" if save else "load"
        kept: Dict[str, Tensor] = {"save": x.mean(dim=(2, 3)), "from_file": x.amax(dim=(2, 3))}
        from_file = kept["from_file"]
        if mode == "save":
            save2 = from_file
        else:
            save2 = kept["save"] * 10.0
        return save2


@model
def speaks_of_save(path):
    """The colour model with variables, arguments, keys and labels that are called as operators are."""
    script(SpeaksOfSave(), path, info=model_info(3), labels=["save", "from_file", "c10d"])


class ReadsFile(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.from_file("/proc/self/environ", size=4, dtype=torch.uint8).sum()


@model
def reads_file(path):
    script(ReadsFile(), path)


@model
def unknown_operator(path):
    library = torch.library.Library("gst_torch_test", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x * 2, "CompositeImplicitAutograd")

    class Uses(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.ops.gst_torch_test.twice(x)

    script(Uses(), path)


def zeros_into(target, name, mebibytes):
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    with target.open(info, "w", force_zip64=True) as out:
        for _ in range(mebibytes):
            out.write(bytes(1 << 20))


def add_zeros(path, record, mebibytes):
    """The identity model with another record, or another one in its place."""

    def change(target, entries, folder):
        for name, data in entries.items():
            if name != f"{folder}/{record}":
                target.writestr(name, data)
        zeros_into(target, f"{folder}/{record}", mebibytes)

    rewrite(Identity(), path, change)


@model
def unpack_bomb(path):
    """Half a megabyte whose labels.txt unpacks to 512 MiB."""
    add_zeros(path, "extra/labels.txt", 512)


@model
def version_bomb(path):
    """The same in the record that libtorch's reader unpacks as soon as it is made."""
    add_zeros(path, "version", 512)


@model
def compressed_weights(path):
    """Far below the cap of the sum, and a thousand times what the file has."""
    add_zeros(path, "data/0", 65)


@model
def large_code(path):
    add_zeros(path, "code/__torch__/large.py", 17)


@model
def large_labels(path):
    add_zeros(path, "extra/labels.txt", 17)


@model
def state_dict(path):
    """Weights without code, as torch.save() writes them."""
    torch.save(convnet().state_dict(), path)


@model
def exported_program(path):
    """A torch.export archive under TorchScript's usual name."""
    program = torch.export.export(Sum(), (torch.zeros(2, 3, SIZE, SIZE),))
    torch.export.save(program, path + "2")  # the name must end in .pt2
    os.replace(path + "2", path)


@model
def plain_zip(path):
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("holiday/beach.txt", "sun\n")
