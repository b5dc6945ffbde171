"""The metric: how alike two texts are, by their n-grams."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from acme_textgan import NgramOptions
from acme_textgan.data import one_hot
from ganzoo.plugin import Case, DataInfo, UsageError


class NgramJS:
    """JSD(P, Q) = H((P + Q) / 2) - (H(P) + H(Q)) / 2 of n-gram frequencies, in bits (Lin 1991, eq. 4.1).

    It is 0 if real and generated samples have the same n-grams equally often, and 1 if they have none in common. Of
    samples ``[N, V, L]`` the most probable characters count, and an n-gram is always inside one sample.

    Raises:
        UsageError: The samples are not text, or are shorter than the n-grams.
    """

    def __init__(self, options: NgramOptions, data: DataInfo) -> None:
        self.orders = options.orders
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.reals: list[Tensor] = []
        self.fakes: list[Tensor] = []

    def real(self, batch: Tensor) -> None:
        """Take real samples."""
        self.reals.append(find_characters(batch))

    def fake(self, batch: Tensor) -> None:
        """Take generated samples."""
        self.fakes.append(find_characters(batch))

    def compute(self) -> dict[str, float]:
        """Return the divergence for each n, under ``2-gram`` and so on."""
        real, fake = torch.cat(self.reals), torch.cat(self.fakes)
        if max(self.orders) > real.shape[1]:
            raise UsageError(
                f"metric.ngram-js.orders: samples of {real.shape[1]} characters have no {max(self.orders)}-grams: "
                "choose shorter ones"
            )
        return {f"{n}-gram": compute_divergence(extract_ngrams(real, n), extract_ngrams(fake, n)) for n in self.orders}


def find_characters(batch: Tensor) -> Tensor:
    """Return the most probable characters of samples ``[N, V, L]``, ``[N, L]`` on the CPU."""
    if batch.dim() != 3:
        raise UsageError(
            f"ngram-js compares text, samples [N, V, L]; these are {list(batch.shape)}: choose another metric"
        )
    return batch.argmax(1).cpu()


def extract_ngrams(codes: Tensor, n: int) -> Tensor:
    """Return all n-grams ``[N * (L - n + 1), n]`` of texts ``[N, L]``."""
    return codes.unfold(1, n, 1).reshape(-1, n)


def compute_divergence(one: Tensor, other: Tensor) -> float:
    """Return the Jensen-Shannon divergence of two bags of rows ``[num, n]``, in bits."""
    kinds, which = torch.unique(torch.cat([one, other]), dim=0, return_inverse=True)
    p, q = (torch.bincount(part, minlength=len(kinds)).double() for part in which.split([len(one), len(other)]))
    p, q = p / p.sum(), q / q.sum()
    return float(compute_entropy((p + q) / 2) - (compute_entropy(p) + compute_entropy(q)) / 2)


def compute_entropy(p: Tensor) -> Tensor:
    """Return the entropy of a distribution ``[K]``, in bits."""
    return -torch.xlogy(p, p).sum() / torch.log(torch.tensor(2.0, dtype=p.dtype))


def cases() -> Iterator[Case]:
    """Yield texts and the exact divergences that `ganzoo check` expects for them."""
    same, other, half = (one_hot(torch.tensor([text]), 4) for text in ([0, 1, 0, 1], [2, 3, 2, 3], [0, 1, 2, 3]))
    orders = {"orders": (2,)}
    yield Case(name="the same text", options=orders, given={"real": same, "fake": same}, expected={"2-gram": 0.0})
    yield Case(name="nothing in common", options=orders, given={"real": same, "fake": other}, expected={"2-gram": 1.0})
    # P = (2/3, 1/3, 0, 0) over 01, 10, 12, 23; Q = (1/3, 0, 1/3, 1/3)
    yield Case(
        name="one of three in common",
        options=orders,
        given={"real": same, "fake": half},
        expected={"2-gram": 0.540852083},
    )
