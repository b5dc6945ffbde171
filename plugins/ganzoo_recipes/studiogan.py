"""StudioGAN's trainings on CIFAR-10 (Kang, Shin & Park 2023, arXiv:2206.09479), one recipe for each GAN.

All have the same data, batch, optimizer and length, so that their scores can be compared. The numbers are those of the
configurations in its repository. What an entry adds is what its GAN adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.plugin import Recipe
from ganzoo_recipes.gans import BATCH, GANS

STUDY = (
    "Minguk Kang, Joonghyuk Shin & Jaesik Park 2023, StudioGAN: A Taxonomy and Benchmark of GANs for Image Synthesis, "
    "arXiv:2206.09479"
)
SOURCE = "https://github.com/POSTECH-CVLab/PyTorch-StudioGAN/tree/master/src/configs/CIFAR10"
PROTOCOL = "(10,000 samples against the 10,000 test images)"


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    for gan in GANS:
        steps, updates = (2, 200_000) if gan.settings["arch"] == "dcgan" else (5, 100_000)
        settings = {**make_common_settings(steps, updates), **gan.settings}
        yield Recipe(
            name=f"{gan.name}-cifar10",
            summary=f"StudioGAN's training of {gan.what}.",
            similar_to=dict.fromkeys((gan.name, *gan.also), f"--recipe {gan.name}-cifar10"),
            paper=f"{gan.paper}; {STUDY}",
            source=SOURCE,
            dataset="cifar10",
            published=f"FID {gan.fid} {PROTOCOL}" if gan.fid else "",
            cost=f"{settings['train.images'] / 1e6:g} million images in batches of {settings['train.batch']}",
            settings=settings,
        )


def make_common_settings(d_steps: int, updates: int) -> Mapping[str, Any]:
    """Return the settings that all trainings share.

    Args:
        d_steps: The number of D's updates for each update of G.
        updates: The number of G's updates.
    """
    optim = {"lr": 2e-4, "betas": (0.5, 0.999)}
    return {
        **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
        "train.images": updates * d_steps * BATCH,
        "train.batch": BATCH,
        "train.d_steps": d_steps,
        "train.flip": True,
        "train.ema_half_life": 0,
        "dataset.size": 32,
    }
