# SPDX-License-Identifier: LGPL-2.1-or-later
"""Traces and scripts torchvision's resnet18, looks into it, saves it and loads it again; PyTorch alone."""

import sys
import warnings

import torch
from torchvision.models import resnet18

for kind in (DeprecationWarning, FutureWarning):  # newer versions advise torch.export
    warnings.filterwarnings("ignore", category=kind)
folder = sys.argv[1]

torch.manual_seed(0)
model = resnet18()  # random weights
model.eval()
dummy_input = torch.rand(1, 3, 224, 224)

# Two ways to an intermediate representation: record what one input does, or compile the code.
with torch.no_grad():
    traced = torch.jit.trace(model, dummy_input)
scripted = torch.jit.script(model)

# The graph of a submodule, and its code read back as Python.
layer1 = traced.layer1
print(layer1.graph)
print("----------------------------")
print(layer1.code)

# To a file and back; both ways compute what the model computes.
traced.save(f"{folder}/traced.pt")
scripted.save(f"{folder}/scripted.pt")
with torch.no_grad():
    expected = model(dummy_input)
    for name in ("traced", "scripted"):
        loaded = torch.jit.load(f"{folder}/{name}.pt")
        torch.testing.assert_close(loaded(dummy_input), expected)

# The inline pass changes the graph in place: calls are replaced by what they call.
torch._C._jit_pass_inline(layer1.graph)
print("----------------------------")
print(layer1.code)
