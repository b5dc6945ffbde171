"""Numbers of parameters of CTGAN's networks, and exact values of the metrics of tables, for `ganzoo check`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

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


# ----------------------------------------------------------------------------
# Metrics.


def encode(ages: list[float], plans: list[int]) -> Tensor:
    """Return rows of the example: ages in the mode of 30 years, NaN if missing, and numbers of plans."""
    rows = torch.zeros(len(ages), 7)
    for row, age, plan in zip(rows, ages, plans, strict=True):
        row[0] = 0 if math.isnan(age) else (age - 30) / 32
        row[3 if math.isnan(age) else 1] = 1
        row[4 + plan] = 1
    return rows


REAL = encode([10, 20, 30, 40], [0, 0, 1, 2])
FAKE = encode([20, 30, 40, 40.4, math.nan], [0, 1, 1, 1, 1])


def marginals() -> Iterator[Case]:
    """Yield a case by hand.

    The shares of the plans are (1/2, 1/4, 1/4) and (1/5, 4/5, 0). Of the ages, where 40.4 is rounded to 40, F is 0,
    1/4, 2/4, 3/4, 1 and 1/5, 1/5, 2/5, 3/5, 1 at a missing one, which is before all others, and at 10, 20, 30 and 40.
    """
    tv, ks = (0.3 + 0.55 + 0.25) / 2, 0.2
    expected = {"tv": tv, "ks": ks, "worst": tv, "tv/plan": tv, "ks/age": ks}
    yield Case(name="a missing number", given={"real": REAL, "fake": FAKE, "data": EXAMPLE}, expected=expected)


def associations() -> Iterator[Case]:
    """Yield a case by hand: of five fake rows, (20, basic) and (30, plus) are also two of four real ones.

    All real ages are in other bins; two fake ages are in the bin of 40. The joint shares differ by 1/4 in (10, basic),
    1/20 in (20, basic), 1/20 in (30, plus), 1/4 in (40, pro), 2/5 in (40, plus) and 1/5 in (missing, plus).
    """
    yield Case(
        name="a number and a category",
        given={"real": REAL, "fake": FAKE, "data": EXAMPLE},
        expected={"mixed": (0.25 + 0.05 + 0.05 + 0.25 + 0.4 + 0.2) / 2},
    )
