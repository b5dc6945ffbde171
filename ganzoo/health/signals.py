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

    reason = ""  # what is not finite


COMPARED = 64  # samples of each kind whose logits are looked at
EVERY = 8  # updates of D from one look at its logits to the next; more in a long tick, see `Averages.add`


class LastLogits:
    """D's logits of some real and some generated samples of its last update, on the device.

    An update that is run eagerly leaves its tensors here. One that is recorded copies them to a tensor that keeps its
    memory. The mean of a sample's logits counts where D has several.
    """

    def __init__(self) -> None:
        self.buffer: Tensor | None = None  # [2, COMPARED], of updates that are recorded
        self._num = 0
        self._real: Tensor | None = None
        self._fake: Tensor | None = None

    def make_recordable(self, device: torch.device) -> None:
        """Copy the logits of every update from now on, so that it can be recorded."""
        self.buffer = torch.zeros(2, COMPARED, device=device)

    def make_eager(self) -> None:
        """Keep the tensors of an update again."""
        self.buffer = None

    def keep(self, real: Tensor, fake: Tensor) -> None:
        """Keep logits ``[n, P]`` of an update. It is part of the update."""
        if self.buffer is None:
            self._real, self._fake = real, fake
            return
        self._num = min(len(real), COMPARED)
        for row, each in zip(self.buffer, (real, fake), strict=True):
            row[: self._num].copy_(_average(each))

    def read(self) -> tuple[Tensor, Tensor] | None:
        """Return one logit of each sample, ``[n]`` of real and of generated ones; None before D's first update."""
        if self.buffer is not None:
            return (self.buffer[0, : self._num], self.buffer[1, : self._num]) if self._num else None
        if self._real is None or self._fake is None:
            return None
        return _average(self._real), _average(self._fake)


def _average(logits: Tensor) -> Tensor:
    """Return the mean logit of each of the first samples, ``[n]``."""
    logits = logits[:COMPARED]
    return logits[:, 0] if logits.shape[1] == 1 else logits.mean(1)


class Averages:
    """Means of the updates' statistics since the last fetch, kept on the device until the next.

    Args:
        logits: D's logits in its last update, whose signals are statistics too; None for no signals.
        share: The share of the total batch that this process trains on.
    """

    def __init__(self, logits: LastLogits | None = None, share: float = 1.0) -> None:
        self.logits, self.share = logits, share
        self._sums: dict[tuple[str, ...], list[Tensor]] = {}  # sums over the updates with these statistics
        self._counts: dict[tuple[str, ...], int] = {}
        self._num = 0  # updates of D

    def add(self, stats: Mapping[str, Tensor]) -> None:
        """Add the statistics of one update, 0-dim tensors by name; after some updates of D, the signals as well.

        They come from every eighth update at first, and from eight more each time that the number of updates doubles.
        """
        self._add(stats)
        if self.logits is not None and "loss_d" in stats:
            every = max(EVERY, (1 << self._num.bit_length()) // 16)  # a look is a tenth of an update of tiny networks
            if self._num % every == 0:
                self.look(self.logits)
            self._num += 1

    def look(self, logits: LastLogits) -> None:
        """Add the signals of D's last update, if it had one."""
        if seen := logits.read():
            self._add({name: self.share * value for name, value in signals(*seen).items()})

    def _add(self, stats: Mapping[str, Tensor]) -> None:
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
        self.__init__(self.logits, self.share)  # type: ignore[misc]
        return dict(zip(sums, means, strict=True))


@torch.no_grad()
def signals(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Return the signals of an update from D's logits ``[n]`` of real and ``[m]`` of generated samples: 0-dim tensors.

    Returns:
        ``auc``, the probability that D(real) > D(fake), which depends neither on the loss nor on the scale of the
        logits; ``sign_real``, the mean of the signs of D(real) (Karras et al. 2020, arXiv:2006.06676, section 3.1:
        r_t); and ``real_std`` and ``fake_std``, the standard deviations of the logits.
    """
    real, fake = real.double(), fake.double()  # the square of a huge logit is still finite
    return {
        "auc": compute_auc(real, fake),
        "sign_real": real.sign().mean(),
        "real_std": real.std(correction=0),
        "fake_std": fake.std(correction=0),
    }


def compute_auc(real: Tensor, fake: Tensor) -> Tensor:
    """Return the share of pairs with a larger first number, a 0-dim tensor; an equal pair counts half.

    Args:
        real: The numbers that should be larger, such as D's logits of real samples, ``[n]``.
        fake: The numbers that they are compared with, ``[m]``.
    """
    return 0.5 + 0.5 * (real[:, None] - fake).sign().mean()


def check_stats(stats: Mapping[str, float], images: int) -> None:
    """Raise Diverged where a statistic is not a finite number."""
    names = {
        "loss_d": "the discriminator's loss",
        "loss_g": "the generator's loss",
        "real": "D's mean logit of real samples",
    }
    for name, value in stats.items():
        if not math.isfinite(value):
            raise make_diverged(f"{names.get(name, name)} is {value}", images)


def find_bad_weight(networks: Networks) -> str:
    """Return in words which network has a weight that is not a finite number; empty if neither has."""
    for title, network in (("generator", networks.generator), ("discriminator", networks.discriminator)):
        weights = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
        if weights and not bool(torch.stack([tensor.isfinite().all() for tensor in weights]).all()):
            return f"a weight of the {title} is not finite"
    return ""


def make_diverged(reason: str, images: int) -> Diverged:
    """Return the error of a run that diverged: what is not finite, and what to type."""
    error = Diverged(
        f"training diverged before {images:,} images: {reason}; try smaller learning rates (optim.g.lr=, optim.d.lr=) "
        "or another loss; this state was not saved"
    )
    error.reason = reason
    return error
