"""What a run measures as it goes, and the sentences that stop it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.engine.gan import Gan
from ganzoo.errors import GanzooError


class Diverged(GanzooError):
    """The numbers are no numbers any more; the last good checkpoint is kept."""


class Averages:
    """Means of what updates measured since the last fetch, kept on the device until then."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, stats: Mapping[str, Tensor]) -> None:
        """Add one update's 0-dim tensors."""
        for name, value in stats.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def fetch(self) -> dict[str, float]:
        """Return the means and start anew: one transfer from the device."""
        if not self._sums:
            return {}
        values = torch.stack([self._sums[name].float() / self._counts[name] for name in self._sums]).tolist()
        result = dict(zip(self._sums, values, strict=True))
        self.__init__()  # type: ignore[misc]
        return result


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


def check_weights(gan: Gan, images: int) -> None:
    """Raise Diverged where a weight is no finite number, so that no checkpoint ever holds one."""
    for title, network in (("generator", gan.generator), ("discriminator", gan.discriminator)):
        weights = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
        if weights and not bool(torch.stack([tensor.isfinite().all() for tensor in weights]).all()):
            _diverged(f"a weight of the {title} is not finite", images)


def _diverged(what: str, images: int) -> None:
    raise Diverged(
        f"training diverged before {images:,} images: {what}; try smaller learning rates (optim.g.lr=, optim.d.lr=) "
        "or another loss; no checkpoint was written since"
    )
