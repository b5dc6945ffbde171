"""The metric: the distance of each column's distribution to that of real rows."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from acme_tabular.columns import Array, Category, Column, list_blocks, read_columns
from ganzoo.plugin import DataInfo, NoOptions


class TableFidelity:
    """The distance of each column of generated rows to that of real rows, from 0 (equal) to 1, after rounding.

    ``tv/NAME`` is the total variation of a categorical column: half the sum of the differences of all shares.
    ``ks/NAME`` is the two-sample Kolmogorov-Smirnov distance of a numeric column: the largest difference of the two
    distribution functions. ``tv`` and ``ks`` are the largest of each kind, if there are such columns.

    Args:
        options: There are no options.
        data: The info of the rows, whose meta describes the columns.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.columns: list[Column] = read_columns(data)
        self.reset()

    def reset(self) -> None:
        """Forget all rows."""
        self.reals: list[Array] = []
        self.fakes: list[Array] = []

    def real(self, batch: Tensor) -> None:
        """Take real rows ``[N, D]``."""
        self.reals.append(batch.detach().cpu().numpy())

    def fake(self, batch: Tensor) -> None:
        """Take generated rows ``[N, D]``."""
        self.fakes.append(batch.detach().cpu().numpy())

    def compute(self) -> dict[str, float]:
        """Return the distances by name, for all rows since `reset`."""
        real, fake = np.concatenate(self.reals), np.concatenate(self.fakes)
        found: dict[str, dict[str, float]] = {"tv": {}, "ks": {}}
        for column, part in list_blocks(self.columns):
            a, b = column.decode(real[:, part]), column.decode(fake[:, part])
            if isinstance(column, Category):
                found["tv"][column.name] = total_variation(a, b)
            else:
                found["ks"][column.name] = kolmogorov_smirnov(a, b)
        worst = {kind: max(distances.values()) for kind, distances in found.items() if distances}
        return worst | {f"{kind}/{name}": value for kind, each in found.items() for name, value in each.items()}


def total_variation(a: Array, b: Array) -> float:
    """Return half the sum of |share in a - share in b| over all codes, for codes `a` ``[N]`` and `b` ``[M]``."""
    size = int(max(a.max(), b.max())) + 1
    shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (a, b)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def kolmogorov_smirnov(a: Array, b: Array) -> float:
    """Return the largest |F_a(x) - F_b(x)|, where F(x) is the share of values up to x, for `a` ``[N]``, `b` ``[M]``."""
    at = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (a, b)]
    return float(np.abs(below[0] - below[1]).max())
