"""The trainings of VQGAN and of latent diffusion's autoencoder, and a short one. This module imports nothing heavy.

In the authors' code D starts untrained at the update at which its loss joins that of G. Here D starts some thousand
images earlier (`train.d_start` before `train.adversarial_start`), so that it is not random when G listens to it. The
authors do not say how long they trained; the lengths are ours. `perceptual` compares the maps of squeezenet in place of
LPIPS, whose weights are in no package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Recipe

VQGAN = (
    "Patrick Esser, Robin Rombach & Björn Ommer 2021, Taming Transformers for High-Resolution Image Synthesis, "
    "arXiv:2012.09841"
)
LDM = (
    "Robin Rombach, Andreas Blattmann, Dominik Lorenz, Patrick Esser & Björn Ommer 2022, High-Resolution Image "
    "Synthesis with Latent Diffusion Models, arXiv:2112.10752"
)
RATE = 4.5e-6  # of learning, for each image of a batch
BATCH = 12
AHEAD = 12_000  # images that D sees before its loss joins that of G
SHORT = 24_000  # images of the short training
PAPERS: dict[str, Any] = {
    "arch": "vqgan",
    "arch.width": 128,
    "arch.blocks": 2,
    "arch.width_d": 64,
    "arch.layers_d": 3,
    "arch.norm_d": "batch",
    "dataset": "autoencoding",
    "dataset.of": "folder",
    "dataset.settings": ("size=256",),
    "loss": "hinge",
    "reg": ("l1", "perceptual", "adaptive-weight"),
    "reg.l1.weight": 1.0,
    "reg.perceptual.weight": 1.0,
    "reg.perceptual.extractor": "squeezenet",
    "train.flip": True,
}


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    yield Recipe(
        name="vqgan",
        summary="VQGAN's first stage on images of 256x256 in a folder: 16x16 latents, 1024 codes.",
        paper=VQGAN,
        source="https://github.com/CompVis/taming-transformers",
        published="reconstruction FID 7.94 on ImageNet's validation images, with 1024 codes (in its README)",
        cost="12 million images of 256x256",
        similar_to=dict.fromkeys(("vqvae", "taming"), "--recipe vqgan dataset.settings=size=256,path=FOLDER"),
        settings={
            **PAPERS,
            "arch.multipliers": (1, 1, 2, 2, 4),
            "arch.attention": "lowest",
            "arch.latent_channels": 256,
            "arch.codes": 1024,
            **train(updates=1_000_000, start=250_001, weight=0.8),
        },
    )
    yield Recipe(
        name="kl-autoencoder",
        summary="The KL autoencoder of latent diffusion on images of 256x256 in a folder: 32x32 latents of 4 channels.",
        paper=LDM,
        source="https://github.com/CompVis/latent-diffusion",
        published="reconstruction FID 0.90 on ImageNet's validation images, trained on OpenImages (in its README)",
        cost="4 million images of 256x256",
        similar_to=dict.fromkeys(("kl-f8", "vae", "autoencoderkl"), "--recipe kl-autoencoder"),
        settings={
            **PAPERS,
            "arch.quantiser": "kl",
            "arch.multipliers": (1, 2, 4, 4),
            "arch.attention": "middle",
            "arch.latent_channels": 4,
            "arch.kl_weight": 1e-6,
            **train(updates=350_000, start=50_001, weight=0.5),
        },
    )
    yield Recipe(
        name="vqgan-digits",
        summary="A short training of vqgan on the included digits: 8x8 latents of 64 codes, on a CPU.",
        published="none",
        cost=f"{SHORT:,} images of 32x32, five minutes of one core",
        settings={
            "arch": "vqgan",
            "arch.width": 16,
            "arch.codes": 64,
            "arch.code_width": 8,
            "arch.codebook": "average",
            "dataset": "autoencoding",
            "dataset.of": "digits",
            "loss": "hinge",
            "reg": ("l1", "adaptive-weight"),
            "train.batch": 16,
            "train.images": SHORT,
            "train.update": "shared",
            "train.conditional": True,
            "train.d_start": SHORT // 4,
            "train.adversarial_start": SHORT // 2,
            "train.adversarial_weight": 0.8,
        },
    )


def train(updates: int, start: int, weight: float) -> dict[str, Any]:
    """Return the settings of so many updates; the adversarial loss joins at one of them, with a weight."""
    optim = {"lr": RATE * BATCH, "betas": (0.5, 0.9)}
    return {
        **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
        "train.batch": BATCH,
        "train.images": updates * BATCH,
        "train.update": "shared",
        "train.ema_half_life": 0.0,
        "train.conditional": True,
        "train.adversarial_weight": weight,
        "train.adversarial_start": start * BATCH,
        "train.d_start": start * BATCH - AHEAD,
    }
