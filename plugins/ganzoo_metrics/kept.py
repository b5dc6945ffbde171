"""What several metrics share: rows of features that are kept until the end, and distances between rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

NUMBERS = 1 << 23  # distances that are in memory at the same time: 64 MB in float64


class KeptFeatures:
    """A metric that keeps the features of all samples, as they come, and computes its values from both sides."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.kept: dict[str, list[Tensor]] = {"real": [], "fake": []}

    def real(self, batch: Mapping[str, Tensor]) -> None:
        """Add features of real samples, ``[n, F]``."""
        self.kept["real"].append(batch["features"].detach())

    def fake(self, batch: Mapping[str, Tensor]) -> None:
        """Add features of generated samples, ``[n, F]``."""
        self.kept["fake"].append(batch["features"].detach())

    def join_sides(self, at_least: int) -> tuple[Tensor, Tensor]:
        """Return the features of the real and of the generated samples, float64 ``[N, F]`` and ``[M, F]``.

        Raises:
            ValueError: A side has fewer than `at_least` samples.
        """
        real, fake = (torch.cat(rows).double() if rows else torch.zeros(0, 1) for rows in self.kept.values())
        if min(len(real), len(fake)) < at_least:
            raise ValueError(
                f"it needs at least {at_least} real and {at_least} generated samples, not {len(real)} and {len(fake)}"
            )
        return real, fake


def iterate_square_distances(rows: Tensor, others: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield the squared Euclidean distances of rows ``[N, F]`` to others ``[M, F]`` in blocks that fit into memory.

    Yields:
        The index of the block's first row, and the block's distances ``[n, M]``.
    """
    size, norms = max(1, NUMBERS // max(1, len(others))), others.square().sum(1)
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        products = torch.addmm(norms, block, others.T, alpha=-2)
        yield start, products.add_(block.square().sum(1)[:, None]).clamp_(min=0)


def compute_square_radii(rows: Tensor, neighbours: int) -> Tensor:
    """Return the squared distance of each row of ``[N, F]`` to its k-th nearest other row, ``[N]``."""
    blocks = iterate_square_distances(rows, rows)
    nearest = [block.topk(neighbours + 1, dim=1, largest=False).values for _, block in blocks]  # itself, then others
    return torch.cat(nearest)[:, -1]
