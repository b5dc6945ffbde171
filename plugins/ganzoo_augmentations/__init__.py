"""Augmentations of what the discriminator sees: flip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Augmentation, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class FlipOptions:
    """Options of `flip`."""

    p: float = option(
        0.5, low=0, high=1, schedulable=True, help="Probability with which each image is mirrored; 0 for none."
    )


@hookimpl
def ganzoo_augmentations() -> Iterator[Augmentation]:
    """Offer the augmentations."""
    yield Augmentation(
        name="flip",
        summary="Mirrors D's inputs, left to right. train.flip mirrors the data instead: then G learns mirror images.",
        factory="ganzoo_augmentations.flip:Flip",
        options=FlipOptions,
        similar_to={
            **dict.fromkeys(("ada", "diffaug", "diffaugment", "apa", "augment"), "--aug flip, which only mirrors"),
            **dict.fromkeys(("mirror", "hflip", "horizontal-flip", "random-flip"), "--aug flip or train.flip=true"),
        },
        moves_pixels=True,
        modalities=("image",),
        paper="Tero Karras, Miika Aittala, Janne Hellsten, Samuli Laine, Jaakko Lehtinen & Timo Aila 2020, Training "
        "Generative Adversarial Networks with Limited Data, arXiv:2006.06676, appendix B",
    )
