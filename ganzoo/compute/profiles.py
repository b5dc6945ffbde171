"""Power-function profiles of averages (Karras et al. 2024, EDM2, arXiv:2312.02696, section 3 and appendix C).

The average of width sigma_rel after t updates weights the network after update j by the integral of the power function
of exponent gamma from j - 1 to j, scaled to a sum of 1:

    w_t(j) = (j^(gamma + 1) - (j - 1)^(gamma + 1)) / t^(gamma + 1)    for j = 1 ... t

This is what the running average ``beta(t) = (1 - 1 / t)^(gamma + 1)`` gives (section 3.1). The width is the standard
deviation of the profile, relative to t. Averages that were stored during the training span a space of profiles. For any
other profile the nearest one in that space is taken (section 3.2). Here sums over the updates replace the integrals of
the paper, so a profile that is in the space is found exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

LARGEST = 1 / math.sqrt(12)  # the width at which all updates count alike, about 0.289
CHUNK = 1 << 16  # updates whose weights are in memory at once
NEGLIGIBLE = 1e-10  # directions of the space that are so much weaker than the strongest one are left out


class Profile(NamedTuple):
    """The profile of an average.

    Args:
        updates: The number of updates that were averaged, t.
        exponent: The exponent of the power function, gamma.
    """

    updates: int
    exponent: float


def find_exponent(width: float) -> float:
    """Return the exponent gamma of a profile of a width sigma_rel (appendix C).

    It solves ``sigma_rel^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3))``, whose right side falls for gamma above 0.

    Raises:
        ValueError: The width is not between 0 and `LARGEST`.
    """
    if not 0 < width <= LARGEST:
        raise ValueError(f"width {width} is not between 0 and {LARGEST:.3f}")
    low, high = 0.0, 2 / width  # the square of the width is below 1 / (gamma + 2)^2
    for _ in range(200):
        middle = (low + high) / 2
        wider = (middle + 1) / ((middle + 2) ** 2 * (middle + 3)) > width**2
        low, high = (middle, high) if wider else (low, middle)
    return (low + high) / 2


def compute_weight(profile: Profile) -> float:
    """Return the weight of the newest network in a running average, ``1 - beta(t)``."""
    return float(1 - (1 - 1 / profile.updates) ** (profile.exponent + 1))


def find_coefficients(stored: Sequence[Profile], wanted: Profile) -> list[float]:
    """Return the factors, with a sum of 1, of stored averages whose sum is nearest to the average of another profile.

    Args:
        stored: The profiles of the stored averages.
        wanted: The profile that is approximated by least squares over all updates.
    """
    num = len(stored) - 1
    reduced = torch.zeros(0, num + 1, dtype=torch.float64)
    for weights in _list_weights([*stored, wanted]):  # the last stored one gets what is missing to a sum of 1
        apart = torch.cat([weights[:, :num], weights[:, -1:]], 1) - weights[:, num : num + 1]
        reduced = torch.linalg.qr(torch.cat([reduced, apart]), mode="r").R
    found = torch.linalg.lstsq(reduced[:, :num], reduced[:, num:], rcond=NEGLIGIBLE, driver="gelsd").solution[:, 0]
    return [*found.tolist(), 1 - float(found.sum())]


def _list_weights(profiles: Sequence[Profile]) -> Iterator[Tensor]:
    """Yield the weights ``[n, K]`` of all updates in K profiles, in order, a chunk of updates at a time."""
    counts = torch.tensor([profile.updates for profile in profiles], dtype=torch.float64)
    powers = torch.tensor([profile.exponent + 1 for profile in profiles], dtype=torch.float64)
    for first in range(0, int(counts.max()), CHUNK):
        ends = torch.arange(first, min(first + CHUNK, int(counts.max())) + 1, dtype=torch.float64)[:, None]
        yield (ends / counts).clamp(max=1).pow(powers).diff(dim=0)
