# SPDX-License-Identifier: LGPL-2.1-or-later
"""The modules of a model: their names, and others in their places."""


def names_of(model):
    """Each module's name; of several places the first."""
    return {module: name for name, module in model.named_modules()}


def replace(model, old, new):
    """Puts `new` where `old` stands, at each of its places."""
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, new)
