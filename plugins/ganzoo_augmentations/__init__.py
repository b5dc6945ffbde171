"""Augmentations of what the discriminator sees: ada, apa, diffaugment, translate, cutout, flip, blur."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Augmentation, Schedule, hookimpl, option

ADA_PAPER = (
    "Tero Karras, Miika Aittala, Janne Hellsten, Samuli Laine, Jaakko Lehtinen & Timo Aila 2020, Training Generative "
    "Adversarial Networks with Limited Data, arXiv:2006.06676"
)
DIFFAUGMENT_PAPER = (
    "Shengyu Zhao, Zhijian Liu, Ji Lin, Jun-Yan Zhu & Song Han 2020, Differentiable Augmentation for Data-Efficient "
    "GAN Training, arXiv:2006.10738"
)
APA_PAPER = (
    "Liming Jiang, Bo Dai, Wayne Wu & Chen Change Loy 2021, Deceive D: Adaptive Pseudo Augmentation for GAN Training "
    "with Limited Data, arXiv:2111.06849"
)

# ----------------------------------------------------------------------------
# Options.


@dataclass(frozen=True, kw_only=True)
class AdaptationOptions:
    """Options of a probability that adapts, with the defaults of the papers on ADA and APA."""

    p: float | None = option(
        None,
        low=0,
        high=1,
        schedulable=True,
        help="Probability for each image; none for one that starts at 0 and adapts.",
    )
    target: float = option(
        0.6,
        low=-1,
        high=1,
        help="Mean sign of D's logits of real samples to which p adapts; for losses that call real what is above 0.",
        used_with="p=none",
    )
    images: int = option(
        500_000, low=1, help="Number of images in which an adapting p can rise from 0 to 1.", used_with="p=none"
    )
    interval: int = option(4, low=1, help="Number of updates of D after which an adapting p moves.", used_with="p=none")


@dataclass(frozen=True, kw_only=True)
class APAOptions(AdaptationOptions):
    """Options of `apa`."""


@dataclass(frozen=True, kw_only=True)
class ADAOptions(AdaptationOptions):
    """Options of `ada`. The defaults are the paper's: blitting, geometry and colour, with an adaptive probability."""

    blit: float = option(
        1.0, low=0, high=1, help="Factor of p for mirroring, quarter turns and moving by whole pixels."
    )
    geometry: float = option(1.0, low=0, high=1, help="Factor of p for scaling, rotating, stretching and moving.")
    colour: float = option(
        1.0, low=0, high=1, help="Factor of p for brightness, contrast, luma flip, hue and saturation."
    )
    filter: float = option(0.0, low=0, high=1, help="Factor of p for amplifying each of four bands of frequencies.")
    noise: float = option(0.0, low=0, high=1, help="Factor of p for white noise.")
    cutout: float = option(0.0, low=0, high=1, help="Factor of p for cutting out a rectangle of half the sides.")


@dataclass(frozen=True, kw_only=True)
class DiffAugmentOptions:
    """Options of `diffaugment`."""

    policy: tuple[Literal["colour", "translation", "cutout"], ...] = option(
        ("colour", "translation", "cutout"), help="The operations, in the order in which they are applied."
    )
    p: float = option(
        1.0, low=0, high=1, schedulable=True, help="Probability of each operation for each image; 1 in the paper."
    )


@dataclass(frozen=True, kw_only=True)
class TranslateOptions:
    """Options of `translate`."""

    share: float = option(0.125, low=0, high=1, help="Largest distance, as a share of each side.")
    p: float = option(1.0, low=0, high=1, schedulable=True, help="Probability with which each image is moved.")


@dataclass(frozen=True, kw_only=True)
class CutoutOptions:
    """Options of `cutout`."""

    share: float = option(0.5, low=0, high=1, help="Sides of the rectangle, as a share of those of the image.")
    p: float = option(
        1.0, low=0, high=1, schedulable=True, help="Probability with which a rectangle is cut out of each image."
    )


@dataclass(frozen=True, kw_only=True)
class FlipOptions:
    """Options of `flip`."""

    p: float = option(
        0.5, low=0, high=1, schedulable=True, help="Probability with which each image is mirrored; 0 for none."
    )


@dataclass(frozen=True, kw_only=True)
class BlurOptions:
    """Options of `blur`."""

    sigma: float = option(
        Schedule.parse("linear(10, 0, images=200000)"),
        low=0,
        schedulable=True,
        help="Standard deviation of the Gaussian, in pixels; it should end at 0, or G never learns fine details.",
    )


# ----------------------------------------------------------------------------
# Components.


@hookimpl
def ganzoo_augmentations() -> Iterator[Augmentation]:
    """Offer the augmentations."""
    yield Augmentation(
        name="ada",
        summary="Moves, bends and recolours images, as often as D overfits: for a few thousand images.",
        factory="ganzoo_augmentations.ada:build",
        cases="ganzoo_augmentations.cases:ada",
        options=ADAOptions,
        similar_to=dict.fromkeys(("augment", "augpipe", "adaptive", "bgc", "rotate", "geometry"), "--aug ada"),
        moves_pixels=lambda options: bool(options.blit or options.geometry or options.cutout),
        wants=lambda options: _want_signs("ada") if options.p is None else {},
        modalities=("image",),
        paper=f"{ADA_PAPER}, appendix B",
    )
    yield Augmentation(
        name="apa",
        summary="Shows fakes to D as real, as often as D overfits: for a few thousand samples of any kind.",
        factory="ganzoo_augmentations.apa:build",
        cases="ganzoo_augmentations.cases:apa",
        options=APAOptions,
        similar_to=dict.fromkeys(("pseudo", "pseudo-augmentation", "deceive", "deceived"), "--aug apa"),
        wants=lambda options: _want_signs("apa") if options.p is None else {},
        mixes_fakes=True,
        paper=APA_PAPER,
    )
    yield Augmentation(
        name="diffaugment",
        aliases=("diffaug",),
        summary="Changes colours, moves and cuts a square out of every image: for a few hundred images.",
        factory="ganzoo_augmentations.diffaugment:DiffAugment",
        cases="ganzoo_augmentations.cases:diffaugment",
        options=DiffAugmentOptions,
        similar_to=dict.fromkeys(("colour", "color", "color-jitter", "brightness"), "--aug diffaugment"),
        moves_pixels=lambda options: {"translation", "cutout"}.intersection(options.policy) != set(),
        modalities=("image",),
        paper=DIFFAUGMENT_PAPER,
    )
    yield Augmentation(
        name="translate",
        summary="Moves images by whole pixels; what comes into view is 0. A part of diffaugment.",
        factory="ganzoo_augmentations.translate:Translate",
        cases="ganzoo_augmentations.cases:translate",
        options=TranslateOptions,
        similar_to=dict.fromkeys(("translation", "shift", "random-crop", "crop"), "--aug translate"),
        moves_pixels=True,
        modalities=("image",),
        paper=DIFFAUGMENT_PAPER,
    )
    yield Augmentation(
        name="cutout",
        summary="Cuts a rectangle out of images: it becomes 0. A part of diffaugment.",
        factory="ganzoo_augmentations.cutout:Cutout",
        cases="ganzoo_augmentations.cases:cutout",
        options=CutoutOptions,
        similar_to=dict.fromkeys(("random-erasing", "erasing", "erase", "mask"), "--aug cutout"),
        moves_pixels=True,
        modalities=("image",),
        paper="Terrance DeVries & Graham W. Taylor 2017, Improved Regularization of Convolutional Neural Networks with "
        "Cutout, arXiv:1708.04552",
    )
    yield Augmentation(
        name="flip",
        summary="Mirrors D's inputs, left to right. train.flip mirrors the data instead: then G learns mirror images.",
        factory="ganzoo_augmentations.flip:Flip",
        cases="ganzoo_augmentations.cases:flip",
        options=FlipOptions,
        similar_to=dict.fromkeys(
            ("mirror", "hflip", "horizontal-flip", "random-flip"), "--aug flip or train.flip=true"
        ),
        moves_pixels=True,
        modalities=("image",),
        paper=f"{ADA_PAPER}, appendix B",
    )
    yield Augmentation(
        name="blur",
        summary="Blurs all that D sees, less and less: for generators that begin with a wild pattern, as StyleGAN3-R.",
        factory="ganzoo_augmentations.blur:Blur",
        cases="ganzoo_augmentations.cases:blur",
        options=BlurOptions,
        similar_to=dict.fromkeys(("gaussian", "gaussian-blur", "blur-init", "smooth"), "--aug blur"),
        modalities=("image",),
        paper="Tero Karras, Miika Aittala, Samuli Laine, Erik Härkönen, Janne Hellsten, Jaakko Lehtinen & Timo Aila "
        "2021, Alias-Free Generative Adversarial Networks, arXiv:2106.12423",
    )


def _want_signs(name: str) -> dict[str, str]:
    """Return what an augmentation wants whose p adapts to the sign of D's logits."""
    return {
        "signed-logits": "p adapts to the sign of D's logits of real samples, which says nothing with this loss; "
        f"aug.{name}.p=0.2 keeps p constant"
    }
