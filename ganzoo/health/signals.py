"""Statistics of updates, averaged on the device until they are fetched, and the checks that stop a diverged run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.plugin import Networks


class Diverged(GanzooError):
    """A loss, a statistic or a weight is not a finite number; the last good checkpoint is kept."""


class Averages:
    """Means of the updates' statistics since the last fetch, kept on the device until the next."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], list[Tensor]] = {}  # sums over the updates with these statistics
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, stats: Mapping[str, Tensor]) -> None:
        """Add the statistics of one update, 0-dim tensors by name."""
        names = tuple(stats)
        if names in self._sums:
            torch._foreach_add_(self._sums[names], list(stats.values()))
            self._counts[names] += 1
        elif stats:
            self._sums[names] = [value.clone() for value in stats.values()]
            self._counts[names] = 1

    def fetch(self) -> dict[str, float]:
        """Return the means, with one transfer from the device, and start anew."""
        if not self._sums:
            return {}
        sums, counts = dict[str, Tensor](), dict[str, int]()
        for names, values in self._sums.items():
            for name, value in zip(names, values, strict=True):
                sums[name] = sums.get(name, 0) + value.float()
                counts[name] = counts.get(name, 0) + self._counts[names]
        means = torch.stack([sums[name] / counts[name] for name in sums]).tolist()
        self.__init__()  # type: ignore[misc]
        return dict(zip(sums, means, strict=True))


def signals(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Return the signals of an update: the means of D's logits ``[n, P]`` of real and of generated samples."""
    return {"real": real.mean(), "fake": fake.mean()}


def check_stats(stats: Mapping[str, float], images: int) -> None:
    """Raise Diverged where a statistic is not a finite number."""
    names = {
        "loss_d": "the discriminator's loss",
        "loss_g": "the generator's loss",
        "real": "D's mean logit of real samples",
    }
    for name, value in stats.items():
        if not math.isfinite(value):
            _raise_diverged(f"{names.get(name, name)} is {value}", images)


def check_weights(networks: Networks, images: int) -> None:
    """Raise Diverged where a weight of either network is not a finite number, so that it is never saved."""
    for title, network in (("generator", networks.generator), ("discriminator", networks.discriminator)):
        weights = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
        if weights and not bool(torch.stack([tensor.isfinite().all() for tensor in weights]).all()):
            _raise_diverged(f"a weight of the {title} is not finite", images)


def _raise_diverged(what: str, images: int) -> None:
    raise Diverged(
        f"training diverged before {images:,} images: {what}; try smaller learning rates (optim.g.lr=, optim.d.lr=) "
        "or another loss; this state was not saved"
    )
