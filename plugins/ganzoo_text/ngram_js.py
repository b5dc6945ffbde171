"""`ngram-js`: how far apart two texts are, by the frequencies of their n-grams."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_text import MAX_CHARACTERS, NgramOptions


class NgramJS:
    """JSD(P, Q) = H((P + Q) / 2) - (H(P) + H(Q)) / 2 of the frequencies of n-grams, in bits (Lin 1991, eq. 4.1).

    It is 0 if real and generated samples have the same n-grams equally often, and 1 if they have none in common. Of
    samples ``[N, V, L]`` the most probable characters count, and each n-gram is inside one sample. Two finite sets of
    samples of one text are above 0, and the more so the longer the n-grams are.

    Args:
        options: The lengths of the n-grams.
        data: The info of the text.

    Raises:
        UsageError: The samples are shorter than the n-grams, or have too many characters.
    """

    def __init__(self, options: NgramOptions, data: DataInfo) -> None:
        size, length = data.shape
        if max(options.orders) > length:
            raise UsageError(
                f"metric.ngram-js.orders: samples of {length} characters have no {max(options.orders)}-grams: choose "
                "shorter ones"
            )
        if size > MAX_CHARACTERS:
            raise UsageError(f"ngram-js counts at most {MAX_CHARACTERS} characters: these samples have {size}")
        self._orders, self._size = options.orders, size
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._reals, self._fakes = list[Tensor](), list[Tensor]()

    def real(self, batch: Tensor) -> None:
        """Take real samples ``[n, V, L]``."""
        self._reals.append(batch.argmax(1).to("cpu", torch.int16))

    def fake(self, batch: Tensor) -> None:
        """Take generated samples ``[n, V, L]``."""
        self._fakes.append(batch.argmax(1).to("cpu", torch.int16))

    def compute(self) -> dict[str, float]:
        """Return the divergence for each n, under ``2-gram`` and so on."""
        real, fake = torch.cat(self._reals), torch.cat(self._fakes)
        return {
            f"{n}-gram": compute_divergence(*(number_ngrams(codes, n, self._size) for codes in (real, fake)))
            for n in self._orders
        }


def number_ngrams(codes: Tensor, n: int, size: int) -> Tensor:
    """Return the n-grams of texts ``[N, L]`` as numbers in base `size`, int64 ``[N * (L - n + 1)]``."""
    places = size ** torch.arange(n)
    return (codes.long().unfold(1, n, 1) * places).sum(2).flatten()


def compute_divergence(one: Tensor, other: Tensor) -> float:
    """Return the Jensen-Shannon divergence of two bags of numbers, in bits."""
    kinds, which = torch.unique(torch.cat([one, other]), return_inverse=True)
    p, q = (
        torch.bincount(part, minlength=len(kinds)).double() / len(part) for part in which.split([len(one), len(other)])
    )
    return compute_entropy((p + q) / 2) - (compute_entropy(p) + compute_entropy(q)) / 2


def compute_entropy(p: Tensor) -> float:
    """Return the entropy of a distribution ``[K]``, in bits."""
    return -float(torch.xlogy(p, p).sum()) / math.log(2)
