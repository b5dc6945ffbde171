"""R3GAN: residual networks of grouped convolutions without normalisation, for square images of 8 to 1024 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ganzoo.plugin import Architecture, Recipe, Regularizer, hookimpl, option

PAPER = (
    "Yiwen Huang, Aaron Gokaslan, Volodymyr Kuleshov & James Tompkin 2024, The GAN is dead; long live the GAN! A "
    "Modern GAN Baseline, arXiv:2501.05441"
)
EDM2 = (
    "Tero Karras, Miika Aittala, Jaakko Lehtinen, Janne Hellsten, Timo Aila & Samuli Laine 2024, Analyzing and "
    "Improving the Training Dynamics of Diffusion Models, arXiv:2312.02696"
)
SOURCE = "https://github.com/brownvc/R3GAN"
SMALL = (96, 64, 32, 16)  # fewer channels at higher resolutions, so that all resolutions cost about the same
SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, kw_only=True)
class R3GANOptions:
    """Options of `r3gan`. The defaults suit a CPU; the recipes ``r3gan-*`` have the paper's options."""

    widths: tuple[int, ...] | None = option(
        None, help="Channels at 4x4, 8x8, ...; the last also at all higher ones; none for 96, 64, 32, 16.", low=1
    )
    blocks: int = option(2, help="Residual blocks at each resolution.", low=1)
    group_width: int = option(16, help="Channels in each group of the 3x3 convolutions.", low=1)
    expansion: int = option(2, help="Channels inside a block, as a multiple of those outside.", low=1)
    z_dim: int = option(64, help="Length of the latent z.", low=1)
    class_dim: int = option(64, help="Length of the generator's class embedding.", low=1, used_with="labels")
    projection: bool = option(
        True,
        help="Whether D sees the labels; false if a head (acgan, tac, d2d-ce ...) gives it the classes instead.",
        used_with="labels",
    )


@dataclass(frozen=True, kw_only=True)
class R3GANMPOptions(R3GANOptions):
    """Options of `r3gan-mp`."""

    residual: float = option(0.3, help="Share of the branch in the sum of a residual block.", low=0.01, high=0.99)


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="r3gan",
        summary="Residual blocks of grouped convolutions without normalisation; its loss and penalties keep it stable.",
        factory="ganzoo_r3gan.networks:build",
        options=R3GANOptions,
        paper=PAPER,
        sizes=SIZES,
        conditional="optional",
        provides=_provides,
        recommended={
            "loss": "rpgan",
            "reg": ("r1", "r2"),
            "reg.r1.gamma": 0.5,
            "reg.r2.gamma": 0.5,
            "optim.g.lr": 5e-4,
            "optim.d.lr": 5e-4,
            "optim.g.betas": (0.0, 0.99),
            "optim.d.betas": (0.0, 0.99),
            "train.batch": 32,
            "train.ema_half_life": 2000,
        },
    )
    yield Architecture(
        name="r3gan-mp",
        summary="R3GAN with normalised weights and sums that keep the variance, as EDM2 has them.",
        factory="ganzoo_r3gan.r3gan_mp:build",
        options=R3GANMPOptions,
        similar_to=dict.fromkeys(("r3gan2", "edm2", "magnitude-preserving"), "--arch r3gan-mp"),
        paper=f"{PAPER}; {EDM2}",
        sizes=SIZES[:6],
        conditional="optional",
        provides=("double-backward", "features", "embedding", "unit-weights"),
        recommended={
            "loss": "rpgan",
            "reg": ("r1", "r2", "unit-weights"),
            "reg.r1.gamma": 0.5,
            "reg.r2.gamma": 0.5,
            "optim.g.lr": 5e-3,
            "optim.d.lr": 5e-3,
            "optim.g.betas": (0.0, 0.99),
            "optim.d.betas": (0.0, 0.99),
            "train.batch": 32,
            "train.ema_half_life": 2000,
        },
    )


def _provides(options: R3GANOptions) -> tuple[str, ...]:
    return ("double-backward", "features", "embedding", *(["class-logits"] * options.projection))


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the regularizer of `r3gan-mp`."""
    yield Regularizer(
        name="unit-weights",
        summary="Rescales the weights of r3gan-mp after each step, so that later steps do not become smaller.",
        factory="ganzoo_r3gan.unit:UnitWeights",
        cases="ganzoo_r3gan.unit:cases",
        similar_to=dict.fromkeys(("weight-norm", "weight-normalization"), "--arch r3gan-mp, which normalises weights"),
        needs=("unit-weights",),
        paper=f"{EDM2}, section 2.4",
    )


# ----------------------------------------------------------------------------
# The paper's trainings. Their augmentation is ADA's, with a probability that rises by a schedule.


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the paper's five trainings, and of its first one with magnitude-preserving networks."""
    faces = (768, 768, 768, 768, 384)
    yield (
        cifar10 := _recipe(
            "cifar10", "CIFAR-10", 1.96, (768,) * 4, 512, gamma=(0.05, 0.005), p=0.55, half_life=5e6, conditional=True
        )
    )
    yield _preserve_magnitudes(cifar10)
    yield _recipe("ffhq-64", "FFHQ 64x64", 1.95, faces, 256, gamma=(2.0, 0.2), p=0.3, half_life=5e5)
    yield _recipe("ffhq-256", "FFHQ 256x256", 2.75, (*faces, 192, 96), 256, gamma=(150.0, 15.0), p=0.3, half_life=5e5)
    large: dict[str, Any] = {"images": 200e6, "half_life": 50e6, "group_width": 32, "conditional": True}
    yield _recipe("imagenet-32", "ImageNet 32x32", 1.27, (1536,) * 4, 4096, gamma=(0.5, 0.05), p=0.5, **large)
    yield _recipe("imagenet-64", "ImageNet 64x64", 2.09, (1536,) * 5, 4096, gamma=(1.0, 0.1), p=0.4, **large)


def _recipe(
    name: str,
    data: str,
    fid: float,
    widths: tuple[int, ...],
    batch: int,
    *,
    gamma: tuple[float, float],
    p: float,
    half_life: float,
    images: float = 20e6,
    group_width: int = 16,
    conditional: bool = False,
) -> Recipe:
    """Return the recipe of one training. All schedules end after `images` images, as the run does."""

    def cosine(start: float, end: float) -> str:
        return f"cosine({start:g}, {end:g}, images={images:g})"

    optim = {"lr": cosine(2e-4, 5e-5), "betas": (0.0, cosine(0.9, 0.99))}
    return Recipe(
        name=f"r3gan-{name}",
        summary=f"R3GAN's training on {data}{' with classes' * conditional}.",
        paper=PAPER,
        source=SOURCE,
        dataset=name,
        published=f"FID {fid} (50,000 samples against all training images, fid50k_full)",
        cost=f"{images / 1e6:g} million images in batches of {batch:,}",
        settings={
            "arch": "r3gan",
            "arch.widths": widths,
            "arch.group_width": group_width,
            "loss": "rpgan",
            "reg": ("r1", "r2"),
            "reg.r1.gamma": cosine(*gamma),
            "reg.r2.gamma": cosine(*gamma),
            "aug": ("ada",),
            "aug.ada.p": cosine(0.0, p),
            "aug.ada.colour": 0.5,
            "aug.ada.cutout": 1.0,
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
            "train.images": int(images),
            "train.batch": batch,
            "train.conditional": conditional,
            "train.flip": True,
            "dataset.size": 2 << len(widths),  # one width for each resolution, from 4x4 up
            # The paper's half-life rises from 0 along a cosine, this one linearly to the same end. They are equal at
            # the start, the middle and the end. Between, they differ by a tenth of the final value.
            "train.ema_half_life": half_life,
            "train.ema_ramp": half_life / images,
        },
    )


def _preserve_magnitudes(recipe: Recipe) -> Recipe:
    """Return the recipe for CIFAR-10 with `r3gan-mp`: more and narrower blocks, about as many parameters.

    The learning rate is EDM2's (section 3.1): constant for some thousand updates, here 1,000, then falling with the
    square root of the time, because the weights do not grow.
    """
    assert not isinstance(recipe.settings, str)
    rate = f"inverse_sqrt(1e-2, images={1000 * 512})"
    changes = {
        "arch": "r3gan-mp",
        "arch.widths": (512,) * 4,
        "arch.blocks": 4,
        "arch.group_width": 32,
        "reg": ("r1", "r2", "unit-weights"),
        "optim.g.lr": rate,
        "optim.d.lr": rate,
    }
    return replace(
        recipe,
        name="r3gan-mp-cifar10",
        summary="R3GAN's training on CIFAR-10 with classes, with magnitude-preserving networks; not a published one.",
        paper=f"{PAPER}; {EDM2}",
        source="",
        published="none",
        settings={**recipe.settings, **changes},
    )
