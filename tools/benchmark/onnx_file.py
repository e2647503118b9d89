# SPDX-License-Identifier: LGPL-2.1-or-later
"""Converts a TorchScript classifier to an ONNX file that onnxinference takes: onnx_file.py MODEL.pt MODEL.onnx"""

import importlib.util
import io
import sys

import torch
import torch.onnx


def without_package_onnx():
    """The exporter needs the package `onnx` for one step, which looks for functions that were written in onnxscript.
    There are none in these networks, so where the package is not there the step is left out."""
    if importlib.util.find_spec("onnx") is not None:
        return
    for name in ("torch.onnx._internal.onnx_proto_utils", "torch.onnx._internal.torchscript_exporter.onnx_proto_utils"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        module._add_onnxscript_fn = lambda model, opsets: model


def field(number, content):
    """A field of a protocol buffer message whose content is shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def main():
    source, target = sys.argv[1:]
    without_package_onnx()
    model = torch.jit.load(source).eval()
    buffer = io.BytesIO()
    torch.onnx.export(
        model,
        torch.zeros(1, 3, 224, 224),
        buffer,
        opset_version=17,
        dynamo=False,
        input_names=["input"],
        output_names=["output"],
    )
    # onnxinference 1.26 refuses to link unless the model's metadata (field 14 of ModelProto: key 1, value 2) has an
    # entry for each output. What follows a protocol buffer message is read as more fields of it.
    entry = field(14, field(1, b"output") + field(2, b"class-scores"))
    with open(target, "wb") as file:
        file.write(buffer.getvalue() + entry)


if __name__ == "__main__":
    main()
