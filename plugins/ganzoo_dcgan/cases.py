"""The numbers of parameters that Keras counts for the networks of TensorFlow's tutorial."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case, DataInfo


def tutorial() -> Iterator[Case]:
    """Yield the numbers of trained parameters.

    The generator has a dense layer (100 * 12,544), three transposed convolutions of 5x5 (256 -> 128 -> 64 -> channels)
    and three normalisations (12,544, 128 and 64 channels); the discriminator two convolutions and a dense layer, with
    biases.
    """
    for channels, counts in ((1, (2_305_472, 212_865)), (3, (2_308_672, 216_065))):
        yield Case(
            name=f"parameters-{channels}-channels",
            given={"data": DataInfo(shape=(channels, 28, 28))},
            expected=dict(zip(("generator", "discriminator"), counts, strict=True)),
        )
