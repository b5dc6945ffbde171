"""Numbers of parameters of CTGAN's networks, for `ganzoo check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ganzoo.plugin import Case, DataInfo
from ganzoo_tabular import EXAMPLE


def networks() -> Iterator[Case]:
    """Yield the counts of the paper's sizes, with and without conditions.

    A row of the example has D = 1 + 2 + 1 (a number of two modes, which may be missing) + 3 (a category) = 7 numbers.
    """
    for name, data in (("conditional", EXAMPLE), ("unconditional", replace(EXAMPLE, num_classes=0))):
        generator, discriminator = count_parameters(data, 128, 256, 10)
        yield Case(
            name=name,
            options={"pack": 10},
            given={"data": data},
            expected={"generator": generator, "discriminator": discriminator},
        )


def count_parameters(data: DataInfo, z: int, w: int, pack: int) -> tuple[int, int]:
    """Return the numbers of both networks' parameters, layer by layer (section 4.4).

    A layer from A to B units has A B weights and B biases, batch normalisation of B units 2 B.
    """
    rows, conditions = data.shape[0], data.num_classes
    inputs = z + conditions
    hidden = (inputs + 1) * w + 2 * w + (inputs + w + 1) * w + 2 * w
    generator = hidden + (inputs + 2 * w + 1) * rows
    return generator, (pack * (rows + conditions) + 1) * w + (w + 1) * w + w + 1
