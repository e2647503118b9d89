# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a model's source knows of it."""

import dataclasses


@dataclasses.dataclass
class Recipe:
    """What a source knows of the preprocessing its model was trained with; None where it knows nothing."""

    input_size: tuple | None = None  # height, width
    resize: str | None = None
    interpolation: str | None = None
    mean: list | None = None
    std: list | None = None
    labels: list | None = None
    color_order: str | None = None
    layout: str | None = None
    pad_value: int | None = None
    activation: str | None = None
    dtype: str | None = None
    name: str | None = None  # for people
    quantised_engine: str = ""
