"""The GANs of StudioGAN's study (Kang, Shin & Park 2023, arXiv:2206.09479), and what each adds to common settings.

What depends on the data, such as the widths of the networks, is in `ganzoo_recipes.small` and `ganzoo_recipes.large`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ganzoo_recipes import papers

# ----------------------------------------------------------------------------
# Settings that several of the GANs share.

BATCH_NORM = {"arch.norm_d": "batch"}  # all networks without spectral normalisation have it in D too
HEADED = {"loss": "hinge", "arch.projection": False, "train.conditional": True}  # a head gives D the classes
PROJECTED = {**HEADED, "arch.projection": True}
BALANCED = {"reg.bcr.weight_real": 10.0, "reg.bcr.weight_fake": 10.0}
MATCHING = {"train.adversarial_weight": 0.0, "reg.embedding-matching.weight": 1.0}  # G follows D's head and embedding
# StudioGAN's weight is 0.1, but its penalty is a mean over the moves of all latents, though only a share of them moves.
LOGAN = {"reg.logan.alpha": 0.9, "reg.logan.beta": 0.1, "reg.logan.share": 0.8, "reg.logan.weight": 0.1 / 0.8}


def choose_head(name: str, *others: str, spectral: bool = True, **options: Any) -> dict[str, Any]:
    """Return the settings of a regularizer that is a head.

    Args:
        name: The name of the head.
        others: The names of further regularizers.
        spectral: Whether the head has spectral normalisation, as D.
        options: The options of the head.
    """
    options = {"spectral": spectral, **options}
    return {"reg": (name, *others), **{f"reg.{name}.{key}": value for key, value in options.items()}}


def adapt_augmentation(name: str) -> dict[str, Any]:
    """Return the settings of an augmentation whose probability adapts to the sign of D's logits."""
    options = {"target": 0.6, "images": 500_000, "interval": 4}
    return {"aug": name, **{f"aug.{name}.{key}": value for key, value in options.items()}}


class Gan(NamedTuple):
    """One GAN of the study.

    Args:
        networks: Which networks it has: "plain", "residual", "large" (BigGAN's) or "deep" (BigGAN-deep's).
        paper: The paper that proposes the GAN.
        what: What is trained, and how it differs from the study's training if it does.
        settings: The settings that it adds.
        also: Other names that people know the GAN by.
    """

    networks: str
    paper: str
    what: str
    settings: Mapping[str, Any]
    also: tuple[str, ...] = ()


# ----------------------------------------------------------------------------
# The GANs.


GANS = {
    "dcgan": Gan("plain", papers.DCGAN, "DCGAN", {**BATCH_NORM, "loss": "bce"}),
    "infogan": Gan(
        "plain",
        papers.INFOGAN,
        "InfoGAN with a code of ten values, here as a part of z",
        {**BATCH_NORM, "loss": "bce", "arch.codes": 10, **choose_head("infogan", spectral=False, continuous=0)},
    ),
    "lsgan": Gan("plain", papers.LSGAN, "LSGAN", {**BATCH_NORM, "loss": "lsgan"}),
    "ggan": Gan("plain", papers.GGAN, "Geometric GAN", {**BATCH_NORM, "loss": "hinge"}),
    "wgan-wc": Gan(
        "residual",
        papers.WGAN,
        "WGAN with clipped weights, kept for teaching",
        {**BATCH_NORM, "loss": "wasserstein", "reg": "weight-clip", "reg.weight-clip.limit": 0.01},
    ),
    "wgan-gp": Gan(
        "residual",
        papers.WGAN_GP,
        "WGAN-GP, whose D has no batch normalisation here",
        {"arch.norm_d": "none", "loss": "wasserstein", "reg": "wgan-gp", "reg.wgan-gp.weight": 10.0},
    ),
    "wgan-dra": Gan(
        "residual",
        papers.DRAGAN,
        "WGAN with DRAGAN's penalty",
        {**BATCH_NORM, "loss": "wasserstein", "reg": "dragan", "reg.dragan.weight": 10.0},
    ),
    "lgan": Gan(
        "residual",
        papers.LGAN,
        "LGAN, whose D has no batch normalisation here",
        {"arch.norm_d": "none", "loss": "bce", "reg": "max-gp"},
        also=("lipschitz-gan",),
    ),
    "acgan": Gan(
        "residual",
        papers.ACGAN,
        "ACGAN with classes and a hinge loss",
        {**HEADED, **BATCH_NORM, **choose_head("acgan", spectral=False, fakes=False)},
    ),
    "cgan-pd": Gan("residual", papers.PROJECTION, "the projection cGAN with classes", {**PROJECTED, **BATCH_NORM}),
    "sngan": Gan("residual", papers.SNGAN, "SNGAN with classes", PROJECTED),
    "sagan": Gan("residual", papers.SAGAN, "SAGAN with classes", {**PROJECTED, "arch.spectral_g": True}),
    "logan": Gan(
        "residual",
        papers.LOGAN,
        "LOGAN with a step of natural gradient ascent for uniform latents; its penalty counts clipped steps",
        {"loss": "hinge", "arch.latent": "uniform", "reg": "logan", **LOGAN},
    ),
    "tacgan": Gan("large", papers.TACGAN, "TAC-GAN with classes and BigGAN's networks", HEADED | choose_head("tac")),
    "biggan": Gan("large", papers.BIGGAN, "BigGAN with classes", PROJECTED),
    "biggan-deep": Gan("deep", papers.BIGGAN, "BigGAN-deep with classes", PROJECTED),
    "cr": Gan(
        "large",
        papers.CR,
        "BigGAN with classes and consistency regularization",
        {**PROJECTED, "reg": "cr", "reg.cr.weight": 10.0},
        also=("crgan",),
    ),
    "bcr": Gan(
        "large",
        papers.ICR,
        "BigGAN with classes and the balanced part of ICR, of which it has no training of its own",
        {**PROJECTED, "reg": "bcr", **BALANCED},
        also=("bcrgan",),
    ),
    "icr": Gan(
        "large",
        papers.ICR,
        "BigGAN with classes and improved consistency regularization",
        {
            **PROJECTED,
            "reg": ("bcr", "zcr"),
            **BALANCED,
            "reg.zcr.sigma": 0.05,
            "reg.zcr.weight_d": 20.0,
            "reg.zcr.weight_g": 0.5,
        },
        also=("icrgan",),
    ),
    "biggan-lecam": Gan(
        "large",
        papers.LECAM,
        "BigGAN with classes, and with LeCam from the first update",
        {**PROJECTED, "reg": "lecam", "reg.lecam.weight": 0.3, "reg.lecam.decay": 0.99},
        also=("lecamgan", "lecam-biggan"),
    ),
    "biggan-diffaug": Gan(
        "large",
        papers.DIFFAUGMENT,
        "BigGAN with classes and DiffAugment",
        {**PROJECTED, "aug": "diffaugment"},
        also=("diffauggan",),
    ),
    "biggan-ada": Gan(
        "large",
        papers.ADA,
        "BigGAN with classes and ADA",
        {**PROJECTED, **adapt_augmentation("ada")},
        also=("adagan", "ada-biggan"),
    ),
    "biggan-apa": Gan(
        "large",
        papers.APA,
        "BigGAN with classes and APA",
        {**PROJECTED, **adapt_augmentation("apa")},
        also=("apagan", "apa-biggan"),
    ),
    "adcgan": Gan("large", papers.ADCGAN, "ADC-GAN with classes and BigGAN's networks", HEADED | choose_head("adc")),
    "contragan": Gan(
        "large",
        papers.CONTRAGAN,
        "ContraGAN with classes and BigGAN's networks",
        {**HEADED, **choose_head("contra", weight=1.0, temperature=1.0)},
    ),
    "reacgan": Gan(
        "large", papers.REACGAN, "ReACGAN with classes and BigGAN's networks", HEADED | choose_head("d2d-ce")
    ),
    "mhgan": Gan(
        "large",
        papers.MHGAN,
        "MHGAN with classes and BigGAN's networks, here with a hinge loss of D too",
        {**HEADED, **MATCHING, **choose_head("multi-hinge", "embedding-matching", fakes=True, weight_g=0.05)},
    ),
}
