#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the tiny TorchScript models of the tests: generate_models.py FOLDER NAME...

Each model is a function in one of the modules beside this file, named after the FOLDER/NAME.pt that it
writes. Unless its text says otherwise a model takes float32 images of 3 x 32 x 32, batch first.
"""

import os
import sys
import tempfile
import warnings

import torch

import faults  # noqa: F401, they register their models
import inspected  # noqa: F401
import interfaces  # noqa: F401
import nets  # noqa: F401
import padding  # noqa: F401
from model_files import MODELS

warnings.filterwarnings("ignore")  # newer versions announce TorchScript's retirement at each call


def main():
    folder, names = sys.argv[1], sys.argv[2:]
    unlisted = sorted(set(MODELS) - set(names))
    if unlisted:
        sys.exit("models that no build rule asks for: " + " ".join(unlisted))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=folder) as new:
        for name in names:
            path = os.path.join(new, name + ".pt")
            MODELS[name](path)
            os.replace(path, os.path.join(folder, name + ".pt"))
    with open(os.path.join(folder, "test_models.h"), "w", encoding="utf-8") as header:
        header.write(
            "#pragma once\n"
            "/// The folder that holds the generated models, as NAME.pt.\n"
            f'#define TEST_MODELS_DIR "{os.path.abspath(folder)}"\n'
        )


if __name__ == "__main__":
    main()
