"""The trainings of torch-mimicry (Lee & Town 2020, arXiv:2005.02494) as recipes.

The GANs have the same networks, which are SNGAN's with linear interpolation in G, and differ in what they add; on one
data set they are trained equally long. Their scores are of as many samples as images: 50,000.

The normalisation that the code defines for the D of WGAN-GP is never used there. `ssgan` turns a quarter of a batch in
all four directions, where torch-mimicry turns each quarter in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ganzoo.plugin import Recipe
from ganzoo_recipes import papers

BATCH = 64

# ----------------------------------------------------------------------------
# The GANs: a title, a paper, and the settings that it adds.

GANS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "wgan-gp": (
        "WGAN-GP",
        papers.WGAN_GP,
        {
            "loss": "wasserstein",
            "reg": "wgan-gp",
            "reg.wgan-gp.weight": 10.0,
            "arch.norm_d": "none",
            "arch.pooling": "mean",
        },
    ),
    "sngan": ("SNGAN", papers.SNGAN, {}),
    "cgan-pd": ("the projection cGAN, with classes", papers.PROJECTION, {"train.conditional": True}),
    "ssgan": (
        "SSGAN",
        papers.SSGAN,
        {"reg": "ssgan", "reg.ssgan.weight_d": 1.0, "reg.ssgan.weight_g": 0.2, "reg.ssgan.spectral": True},
    ),
}


class Data(NamedTuple):
    """A data set, and how long its GANs learn.

    Args:
        size: The height and width of the images in pixels.
        scores: The Inception score and the FID of each GAN.
        d_steps: The number of D's updates for each update of G.
        updates: The number of G's updates.
        decays: Whether the learning rates fall to 0.
    """

    size: int
    scores: Mapping[str, tuple[float, float]]
    d_steps: int = 5
    updates: int = 100_000
    decays: bool = True


DATA = {
    "cifar10": Data(
        32, {"wgan-gp": (7.33, 22.29), "sngan": (7.97, 16.77), "cgan-pd": (8.25, 10.84), "ssgan": (8.17, 14.65)}
    ),
    "cifar100": Data(32, {"sngan": (7.57, 22.61), "cgan-pd": (8.92, 14.16), "ssgan": (7.56, 22.18)}),
    "stl10": Data(48, {"wgan-gp": (8.55, 43.01), "sngan": (8.04, 39.56), "ssgan": (8.25, 37.06)}),
    "imagenet-32": Data(32, {"sngan": (8.97, 23.04), "cgan-pd": (9.08, 21.17), "ssgan": (9.11, 21.79)}),
    "imagenet-128": Data(128, {"sngan": (13.05, 65.74), "ssgan": (13.30, 62.48)}, updates=450_000, decays=False),
    "celeba-64": Data(64, {"sngan": (2.68, 5.71), "ssgan": (2.67, 6.03)}),
    "celeba-128": Data(128, {"sngan": (2.72, 12.93), "ssgan": (2.63, 15.18)}, d_steps=2, decays=False),
    "lsun-bedroom-128": Data(128, {"sngan": (2.30, 25.87), "ssgan": (2.12, 12.02)}, d_steps=2),
}


# ----------------------------------------------------------------------------
# The recipes.


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    for name, data in DATA.items():
        for gan in data.scores:
            yield make_recipe(gan, name, data)


def make_recipe(gan: str, name: str, data: Data) -> Recipe:
    """Return the recipe of one training."""
    title, paper, settings = GANS[gan]
    images = data.updates * data.d_steps * BATCH
    optim = {"lr": f"linear(2e-4, 0, images={images})" if data.decays else 2e-4, "betas": (0.0, 0.9)}
    score, fid = data.scores[gan]
    return Recipe(
        name=f"mimicry-{gan}-{name}",
        summary=f"torch-mimicry's training of {title}.",
        similar_to=_find_other_names(gan, name),
        paper=f"{paper}; {papers.MIMICRY}",
        source="https://github.com/kwotsin/mimicry",
        dataset=name,
        published=f"FID {fid}, Inception score {score} (50,000 samples against 50,000 training images)",
        cost=f"{images / 1e6:g} million images in batches of {BATCH}",
        settings={
            "arch": "sngan",
            "arch.width_g": 64,
            "arch.width_d": 64,
            "arch.upsampling": "bilinear",
            "loss": "hinge",
            "reg": "none",
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
            "train.batch": BATCH,
            "train.d_steps": data.d_steps,
            "train.images": images,
            "train.ema_half_life": 0,
            "dataset.size": data.size,
            **settings,
        },
    )


def _find_other_names(gan: str, name: str) -> dict[str, str]:
    names = {"ssgan": ("ssgan", "self-supervised"), "sngan": ("mimicry", "torch-mimicry")} if name == "cifar10" else {}
    return dict.fromkeys(names.get(gan, ()), f"--recipe mimicry-{gan}-{name}")
