"""Metrics of tables: how far generated rows are from real ones, column by column and pair by pair, after decoding."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from torch import Tensor

from ganzoo.plugin import DataInfo, NoOptions
from ganzoo_tabular.columns import Array, Category, Column, list_blocks, read_columns

BINS = 10  # of a number beside a category, with as many real rows in each


class Pair(NamedTuple):
    """A column with its real and generated values: codes, or numbers of which missing ones are -inf."""

    column: Column
    real: Array
    fake: Array


class Rows:
    """The real and generated rows that a metric got.

    Args:
        options: There are no options.
        data: The info of the rows, whose meta describes the columns.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.columns: list[Column] = read_columns(data)
        self.reset()

    def reset(self) -> None:
        """Forget all rows."""
        self.reals, self.fakes = list[Array](), list[Array]()

    def real(self, batch: Tensor) -> None:
        """Take real rows ``[n, D]``."""
        self.reals.append(batch.detach().cpu().numpy())

    def fake(self, batch: Tensor) -> None:
        """Take generated rows ``[n, D]``."""
        self.fakes.append(batch.detach().cpu().numpy())

    def decode(self) -> list[Pair]:
        """Return each column with its values, for all rows since `reset`."""
        real, fake = np.concatenate(self.reals), np.concatenate(self.fakes)
        return [
            Pair(column, *(np.nan_to_num(column.decode(rows[:, part]), nan=-np.inf) for rows in (real, fake)))
            for column, part in list_blocks(self.columns)
        ]


class Marginals(Rows):
    """The distance of each column of generated rows to that of real rows, from 0 (equal) to 1.

    ``tv/NAME`` is the total variation of a column of categories: half the sum of the differences of all shares.
    ``ks/NAME`` is the two-sample Kolmogorov-Smirnov distance of a column of numbers: the largest difference of the two
    distribution functions. ``tv`` and ``ks`` are their means over columns, and ``worst`` the largest of all.
    """

    def compute(self) -> dict[str, float]:
        """Return the distances by name, for all rows since `reset`."""
        found: dict[str, float] = {}
        for column, real, fake in self.decode():
            if isinstance(column, Category):
                found[f"tv/{column.name}"] = compute_total_variation(real, fake)
            else:
                found[f"ks/{column.name}"] = compute_kolmogorov_smirnov(real, fake)
        means = {
            kind: float(np.mean(values))
            for kind in ("tv", "ks")
            if (values := [value for key, value in found.items() if key.startswith(kind + "/")])
        }
        return means | {"worst": max(found.values())} | found


class Associations(Rows):
    """The distance of how columns of generated rows depend on each other, from that of real rows; means over pairs.

    - ``correlation``: the difference of the correlations of the ranks of two numbers (Spearman), from 0 to 2;
    - ``contingency``: the total variation of the joint shares of two categories, from 0 to 1;
    - ``mixed``: the same of a category and a number, whose values are in ten bins with as many real rows in each.

    A key is missing if the table has no such pair.
    """

    def compute(self) -> dict[str, float]:
        """Return the distances by name, for all rows since `reset`."""
        found: dict[str, list[float]] = {}
        for one, other in combinations(self.decode(), 2):
            kinds = [isinstance(each.column, Category) for each in (one, other)]
            if not any(kinds):
                real, fake = correlate_ranks(one.real, other.real), correlate_ranks(one.fake, other.fake)
                found.setdefault("correlation", []).append(abs(real - fake))
                continue
            first, second = (_bin(*each) for each in (one, other))
            num = 1 + max(int(side.max()) for side in second)
            joint = [a * num + b for a, b in zip(first, second, strict=True)]
            found.setdefault("contingency" if all(kinds) else "mixed", []).append(compute_total_variation(*joint))
        if not found:
            raise ValueError("it compares pairs of columns, and this table has one column")
        return {key: float(np.mean(values)) for key, values in found.items()}


def _bin(column: Column, real: Array, fake: Array) -> tuple[Array, Array]:
    """Return codes of both sides: those of categories, or the bins of numbers."""
    if isinstance(column, Category):
        return real, fake
    known = real[np.isfinite(real)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    edges = np.concatenate([[np.finfo(np.float64).min], edges])  # missing numbers have a bin
    return np.searchsorted(edges, real, side="right"), np.searchsorted(edges, fake, side="right")


def compute_total_variation(a: Array, b: Array) -> float:
    """Return half the sum of |share in a - share in b| over all codes, for codes `a` ``[N]`` and `b` ``[M]``."""
    _, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    one, other = (
        np.bincount(part, minlength=codes.max() + 1) / len(part) for part in (codes[: len(a)], codes[len(a) :])
    )
    return float(np.abs(one - other).sum() / 2)


def compute_kolmogorov_smirnov(a: Array, b: Array) -> float:
    """Return the largest |F_a(x) - F_b(x)|, where F(x) is the share of values up to x, for `a` ``[N]``, `b` ``[M]``."""
    at = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def correlate_ranks(a: Array, b: Array) -> float:
    """Return Spearman's correlation of `a` ``[N]`` and `b` ``[N]``; 0 if one of them has one value alone."""
    one, other = _rank(a), _rank(b)
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float(one @ other) / scale if scale else 0.0


def _rank(values: Array) -> Array:
    """Return the rank of each value; equal values have the mean of their ranks."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return ranks
