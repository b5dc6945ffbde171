"""The trainings of the papers on translation, with the authors' settings. This module imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Recipe

PIX2PIX = (
    "Phillip Isola, Jun-Yan Zhu, Tinghui Zhou & Alexei A. Efros 2017, Image-to-Image Translation with Conditional "
    "Adversarial Networks, arXiv:1611.07004"
)
PIX2PIXHD = (
    "Ting-Chun Wang, Ming-Yu Liu, Jun-Yan Zhu, Andrew Tao, Jan Kautz & Bryan Catanzaro 2018, High-Resolution Image "
    "Synthesis and Semantic Manipulation with Conditional GANs, arXiv:1711.11585"
)
CYCLEGAN = (
    "Jun-Yan Zhu, Taesung Park, Phillip Isola & Alexei A. Efros 2017, Unpaired Image-to-Image Translation using "
    "Cycle-Consistent Adversarial Networks, arXiv:1703.10593"
)
CUT = (
    "Taesung Park, Alexei A. Efros, Richard Zhang & Jun-Yan Zhu 2020, Contrastive Learning for Unpaired Image-to-Image "
    "Translation, arXiv:2007.15651"
)
SOURCE = "https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix"
SMALL = 20_000  # images of pix2pix-small
HORSES = {"dataset": "pairs", "dataset.aligned": False, "dataset.size": 256}
UNPAIRED = {
    **HORSES,
    "arch.width": 64,
    "arch.blocks": 9,
    "loss": "lsgan",
    "train.adversarial_weight": 2.0,  # the authors' loss of G is (D - 1)^2, that of `lsgan` half of it
}


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    yield Recipe(
        name="pix2pix-facades",
        summary="pix2pix's training of photos from the labels of facades, which are the right halves of the files.",
        paper=PIX2PIX,
        source=SOURCE,
        published="none for these images",
        cost="80,000 images one by one",
        similar_to=dict.fromkeys(("pix2pix", "facades"), "--recipe pix2pix-facades dataset.path=FOLDER"),
        settings={
            "arch": "pix2pix",
            "dataset": "pairs",
            "dataset.halves": "right",
            "dataset.size": 256,
            "arch.width": 64,
            "loss": "bce",
            "reg": "l1",
            "reg.l1.weight": 100.0,
            **train(num_images=400, epochs=100, lr=2e-4),
        },
    )
    yield Recipe(
        name="pix2pix-small",
        summary="pix2pix on pairs of small pictures, such as emoji, with a D of bounded slope, for a processor.",
        paper=PIX2PIX,
        cost="5 minutes of one core",
        similar_to={"emoji-pairs": "--recipe pix2pix-small dataset.path=FOLDER"},
        settings={
            "arch": "pix2pix",
            "dataset": "pairs",
            "dataset.size": 64,
            "arch.width": 16,
            "arch.norm_d": "none",
            "arch.spectral_d": True,
            "loss": "hinge",
            "reg": "l1",
            "reg.l1.weight": 100.0,
            "optim.g.lr": f"linear(1e-3, 0, images={SMALL // 2}, after={SMALL // 2})",
            "optim.d.lr": f"linear(5e-4, 0, images={SMALL // 2}, after={SMALL // 2})",
            "train.batch": 4,
            "train.images": SMALL,
            "train.ema_half_life": SMALL / 5,
            "train.flip": True,
            "train.conditional": True,
        },
    )
    yield Recipe(
        name="cyclegan-horse2zebra",
        summary="CycleGAN's training on horses and zebras, in the folders trainA and trainB.",
        paper=CYCLEGAN,
        source=SOURCE,
        published="FID 77.2 for zebras (in Park et al. 2020, table 1)",
        cost="266,800 images one by one",
        similar_to=dict.fromkeys(("cyclegan", "horse2zebra"), "--recipe cyclegan-horse2zebra dataset.path=FOLDER"),
        settings={
            "arch": "cyclegan",
            **UNPAIRED,
            "reg": "cycle",
            **train(num_images=1334, epochs=100, lr=2e-4),
        },
    )
    yield Recipe(
        name="cut-horse2zebra",
        summary="CUT's training on horses and zebras, here without the filters around its changes of resolution.",
        paper=CUT,
        source="https://github.com/taesungp/contrastive-unpaired-translation",
        published="FID 45.5 for zebras",
        cost="533,600 images one by one",
        similar_to={"cut": "--recipe cut-horse2zebra dataset.path=FOLDER"},
        settings={
            "arch": "cut",
            **UNPAIRED,
            "reg": "patchnce",
            "reg.patchnce.weight": 0.5,  # the authors' code takes the mean of both terms
            **train(num_images=1334, epochs=200, lr=2e-4),
        },
    )
    yield Recipe(
        name="fastcut-horse2zebra",
        summary="FastCUT's training on horses and zebras, here without its flips of the input and without filters.",
        paper=CUT,
        source="https://github.com/taesungp/contrastive-unpaired-translation",
        published="FID 73.4 for zebras",
        cost="266,800 images one by one",
        similar_to={"fastcut": "--recipe fastcut-horse2zebra dataset.path=FOLDER"},
        settings={
            "arch": "cut",
            **UNPAIRED,
            "reg": "patchnce",
            "reg.patchnce.weight": 10.0,
            "reg.patchnce.identity": 0.0,
            **train(num_images=1334, epochs=150, lr=2e-4, falling=50),
        },
    )


def train(num_images: int, epochs: int, lr: float, falling: int | None = None) -> dict[str, Any]:
    """Return the settings of a training one by one: `epochs` at a rate, then others while it falls to 0.

    Args:
        num_images: The number of images in an epoch.
        epochs: The number of epochs at the full rate.
        lr: The learning rate of both networks.
        falling: The number of epochs in which it falls; None for as many as before.
    """
    first, last = num_images * epochs, num_images * (epochs if falling is None else falling)
    rate = f"linear({lr:g}, 0, images={last}, after={first})"
    optim = {"lr": rate, "betas": (0.5, 0.999)}
    return {
        **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
        "train.batch": 1,
        "train.images": first + last,
        "train.update": "shared",
        "train.ema_half_life": 0.0,
        "train.flip": True,
        "train.conditional": True,
    }
