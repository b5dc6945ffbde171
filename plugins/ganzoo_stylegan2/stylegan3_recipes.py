"""The published trainings of StyleGAN3 (Karras et al. 2021, arXiv:2106.12423, appendix F.2, figure 16).

As in `ganzoo_stylegan2.recipes`, the precision is that of the machine. The nonlinearities are not clamped, which the
authors do for fp16 alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Recipe
from ganzoo_stylegan2.recipes import ADA, CIFAR10, STUDIOGAN, STUDY, make_settings

STYLEGAN3 = (
    "Tero Karras, Miika Aittala, Samuli Laine, Erik Härkönen, Janne Hellsten, Jaakko Lehtinen & Timo Aila 2021, "
    "Alias-Free Generative Adversarial Networks, arXiv:2106.12423"
)
FACES = "FID {} on FFHQ-U, faces that are not aligned (50,000 samples against all training images)"
FID = "FID {} (50,000 samples against all training images)"
KNOWN_AS = {"t": ("stylegan3", "stylegan3-t", "alias-free-gan"), "r": ("stylegan3-r",)}


def list_stylegan3_recipes() -> Iterator[Recipe]:
    """Yield the paper's trainings with configurations T and R, and StudioGAN's on CIFAR-10 with classes."""
    yield Recipe(
        name="stylegan3-cifar10",
        summary="StudioGAN's training of StyleGAN3-T with ADA, with classes.",
        paper=f"{STYLEGAN3}; {ADA}; {STUDY}",
        source=f"{STUDIOGAN}/CIFAR10 (StyleGAN3-t-ADA)",
        dataset="cifar10",
        published="none for these settings",
        cost="64 million images in batches of 64",
        settings={
            **CIFAR10,
            "arch": "stylegan3",
            "arch.layers": 14,
            "optim.g.lr": 2.5e-3,  # without a correction, because G has no term in every fourth update
            "optim.g.betas": (0.0, 0.99),
            "aug": "ada",
            "train.images": 64_000_000,
            "train.flip": True,
        },
    )
    for config, what in (("t", "moves with its input"), ("r", "moves and turns with its input")):
        for data, size, title, gamma, published in (
            ("ffhq-256", 256, "FFHQ 256x256", (1.0, 1.0), FACES.format("4.62" if config == "t" else "4.50")),
            ("ffhq-1024", 1024, "FFHQ 1024x1024", (32.8, 32.8), FID.format("2.79" if config == "t" else "3.07")),
            (
                "afhqv2-512",
                512,
                "AFHQv2 512x512 with ADA",
                (8.2, 16.4),
                FID.format("4.04" if config == "t" else "4.40"),
            ),
        ):
            settings = _make_settings(size, gamma[config == "r"], rotates=config == "r", ada=data == "afhqv2-512")
            yield Recipe(
                name=f"stylegan3-{config}-{data}",
                summary=f"StyleGAN3-{config.upper()}'s training on {title}: a picture that {what}.",
                paper=STYLEGAN3,
                source="https://arxiv.org/abs/2106.12423 (figure 16)",
                dataset=data,
                published=published,
                similar_to=dict.fromkeys(KNOWN_AS[config], f"--recipe stylegan3-{config}-{data}")
                if size == 1024
                else {},
                cost=f"25 million images in batches of {settings['train.batch']}",
                settings=settings,
            )


def _make_settings(size: int, gamma: float, rotates: bool, ada: bool) -> dict[str, Any]:
    """Return the settings of a training: those of the ablations for 256 pixels, else those of the larger data sets."""
    small = size == 256
    settings = make_settings(
        size,
        batch=64 if small else 32,
        group=4,
        base=16384 if small else 32768,
        lr=2.5e-3,
        gamma=gamma,
        half_life=20_000 if small else 10_000,
        mapping=2,
    )
    del settings["reg.path-length.interval"]
    augmentations = ["blur"] * rotates + ["ada"] * ada
    return {
        **settings,
        "arch": "stylegan3",
        "arch.layers": 14,
        "arch.rotates": rotates,
        "reg": "r1",
        "optim.d.lr": 2.5e-3 if small else 2e-3,
        "aug": tuple(augmentations) or "none",
        "train.flip": True,
    }
