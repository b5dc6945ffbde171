"""What updates measure, averaged on the device until it is fetched, and the sentences that stop a run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.plugin import Networks


class Diverged(GanzooError):
    """The numbers are no numbers any more; the last good checkpoint is kept."""


class Averages:
    """Means of what updates measured since the last fetch, kept on the device until then."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], list[Tensor]] = {}  # of updates that measure the same
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, stats: Mapping[str, Tensor]) -> None:
        """Add one update's 0-dim tensors."""
        names = tuple(stats)
        if names in self._sums:
            torch._foreach_add_(self._sums[names], list(stats.values()))
            self._counts[names] += 1
        elif stats:
            self._sums[names] = [value.clone() for value in stats.values()]
            self._counts[names] = 1

    def fetch(self) -> dict[str, float]:
        """Return the means and start anew: one transfer from the device."""
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
    """Return what D's logits ``[n, P]`` of an update show: the means of those of real and of generated samples."""
    return {"real": real.mean(), "fake": fake.mean()}


def check_stats(stats: Mapping[str, float], images: int) -> None:
    """Raise Diverged where something measured is no finite number."""
    names = {
        "loss_d": "the discriminator's loss",
        "loss_g": "the generator's loss",
        "real": "D's answer to real samples",
    }
    for name, value in stats.items():
        if not math.isfinite(value):
            _diverged(f"{names.get(name, name)} is {value}", images)


def check_weights(networks: Networks, images: int) -> None:
    """Raise Diverged where a weight of either network is not a finite number, so that no checkpoint ever holds one."""
    for title, network in (("generator", networks.generator), ("discriminator", networks.discriminator)):
        weights = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
        if weights and not bool(torch.stack([tensor.isfinite().all() for tensor in weights]).all()):
            _diverged(f"a weight of the {title} is not finite", images)


def _diverged(what: str, images: int) -> None:
    raise Diverged(
        f"training diverged before {images:,} images: {what}; try smaller learning rates (optim.g.lr=, optim.d.lr=) "
        "or another loss; no checkpoint was written since"
    )
