"""The metric: how many of the generated words exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch
from torch import Tensor

from acme_textgan import EXAMPLE
from ganzoo.plugin import Case, DataInfo, NoOptions, UsageError


class KnownWords:
    """The share of the generated words that occur in the real samples.

    Words stand between blanks. The first and the last one of a sample are not counted, because windows cut them.

    Raises:
        UsageError: The data say no vocabulary.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        if "vocabulary" not in data.meta:
            raise UsageError(
                "known-words reads meta['vocabulary'], which these data do not have: choose --dataset text"
            )
        self.vocabulary = data.meta["vocabulary"]
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.known, self.found = set[str](), Counter[str]()

    def real(self, batch: Tensor) -> None:
        """Take real samples ``[n, V, L]``."""
        self.known.update(self.list_words(batch))

    def fake(self, batch: Tensor) -> None:
        """Take generated samples ``[n, V, L]``."""
        self.found.update(self.list_words(batch))

    def compute(self) -> dict[str, float]:
        """Return the share; 0 if no whole word was generated."""
        known = sum(num for word, num in self.found.items() if word in self.known)
        return {"share": known / max(self.found.total(), 1)}

    def list_words(self, batch: Tensor) -> Iterator[str]:
        """Yield the words inside samples, of which the most probable characters count."""
        for codes in batch.argmax(1).tolist():
            yield from "".join(self.vocabulary[code] for code in codes).split(" ")[1:-1]


def cases() -> Iterator[Case]:
    """Yield texts and the exact share that `ganzoo check` expects for them."""
    vocabulary = EXAMPLE.meta["vocabulary"]
    real, fake = (
        torch.eye(4)[torch.tensor([[vocabulary.index(character) for character in text] for text in texts])]
        for texts in (["a bb c", " ab c "], [" ab b ", "a bb a"])
    )
    # known: bb, ab, c; generated: ab, b, bb
    yield Case(
        name="two of three words",
        given={"real": real.transpose(1, 2), "fake": fake.transpose(1, 2), "data": EXAMPLE},
        expected={"share": 2 / 3},
    )
