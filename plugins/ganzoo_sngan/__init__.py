"""SNGAN: residual networks with batch normalisation in G and spectral normalisation in D, for 32 to 128 pixels.

With other options they are the networks of WGAN-GP, of the cGAN with projection and of SAGAN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin import Architecture, Recipe, hookimpl, option
from ganzoo_sngan.sagan import SAGAN, list_recipes

SIZES = (32, 48, 64, 128)
SNGAN = (
    "Takeru Miyato, Toshiki Kataoka, Masanori Koyama & Yuichi Yoshida 2018, Spectral Normalization for Generative "
    "Adversarial Networks, arXiv:1802.05957"
)
PROJECTION = "Takeru Miyato & Masanori Koyama 2018, cGANs with Projection Discriminator, arXiv:1802.05637"
WGAN_GP = (
    "Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin & Aaron Courville 2017, Improved Training of "
    "Wasserstein GANs, arXiv:1704.00028"
)
ACGAN = (
    "Augustus Odena, Christopher Olah & Jonathon Shlens 2017, Conditional Image Synthesis With Auxiliary Classifier "
    "GANs, arXiv:1610.09585"
)
SIMILAR = {
    **dict.fromkeys(("resnet", "sn-resnet", "resnet-gan"), "--arch sngan"),
    **dict.fromkeys(("projection", "cgan-pd", "projgan", "cgan-projection"), "--arch sngan --conditional"),
    **dict.fromkeys(("sagan", "self-attention"), "--arch sngan arch.attention=16 arch.spectral_g=true"),
}


@dataclass(frozen=True, kw_only=True)
class SNGANOptions:
    """Options of `sngan`. Both widths are 64 in the papers on SNGAN and SAGAN; in WGAN-GP, width_g is 32."""

    width_g: int = option(
        8,
        help="Channels of G at full resolution; they double towards the lowest. At 32 pixels: a quarter of all "
        "channels.",
        low=8,
    )
    width_d: int = option(
        16,
        help="Channels of D at half the image's resolution; they double towards the lowest. At 32 pixels: half of all "
        "channels.",
        low=8,
    )
    z_dim: int = option(128, help="Length of the latent z.", low=1)
    latent: Literal["normal", "uniform"] = option("normal", help="Distribution of z: N(0, 1), or U(-1, 1) as in LOGAN.")
    norm_d: Literal["spectral", "none", "layer", "batch"] = option(
        "spectral",
        help="Normalisation in the discriminator: spectral limits its slope; wgan-gp needs none or layer, because "
        "batch mixes the samples of a batch.",
    )
    wide_d: bool = option(
        False,
        help="Whether the blocks of D are inside as wide as after them, as in SAGAN, not as before them. At 32 pixels "
        "all are equally wide.",
    )
    init: Literal["xavier", "orthogonal"] = option(
        "xavier", help="First weights: Glorot's uniform as in the papers, or orthogonal as in StudioGAN."
    )
    pooling: Literal["sum", "mean"] = option(
        "sum", help="How D reduces its last maps to features: sum as in SNGAN, mean as in WGAN-GP."
    )
    projection: bool = option(
        True,
        help="Whether D sees the labels; false if a head (acgan, tac, d2d-ce ...) gives it the classes instead.",
        used_with="labels",
    )
    upsampling: Literal["nearest", "bilinear"] = option(
        "nearest", help="How G doubles the resolution: nearest as in the papers, bilinear as in torch-mimicry."
    )
    spectral_g: bool = option(False, help="Whether G has spectral normalisation too, as in SAGAN.")
    attention: tuple[int, ...] | None = option(
        None, help="Resolutions at which both networks have self-attention, from 8 to half the image's size.", low=8
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="sngan",
        summary="Residual blocks, batch normalisation in G, spectral normalisation in D; classes by projection.",
        factory="ganzoo_sngan.networks:build",
        options=SNGANOptions,
        similar_to=SIMILAR,
        paper="; ".join((SNGAN, PROJECTION, WGAN_GP, SAGAN)),
        sizes=SIZES,
        channels=(1, 3),
        conditional="optional",
        provides=_provides,
        cases="ganzoo_sngan.cases:cases",
        imports={"mimicry": "ganzoo_sngan.imports:mimicry"},
        recommended={
            "loss": "hinge",
            "optim.g.lr": 4e-4,
            "optim.d.lr": 4e-4,
            "optim.g.betas": (0.0, 0.9),
            "optim.d.betas": (0.0, 0.9),
            "train.batch": 16,  # on small data many updates matter more than large batches
            "train.ema_half_life": 1000,
        },
    )


def _provides(options: SNGANOptions) -> tuple[str, ...]:
    words = {"spectral": ("bounded-slope",), "batch": ("batchnorm-in-d",)}
    classes = ("class-logits",) if options.projection else ()
    return ("double-backward", "features", "embedding", *classes, *words.get(options.norm_d, ()))


# ----------------------------------------------------------------------------
# The papers' trainings. The length is the number of G's updates, times the D's updates for each, times D's batch.


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the papers' trainings."""
    spectral = {"loss": "hinge", "arch.width_g": 64, "arch.width_d": 64}
    yield _make_cifar10_recipe(
        "sngan",
        "SNGAN's training on CIFAR-10 without classes.",
        paper=SNGAN,
        source="https://github.com/pfnet-research/sngan_projection",
        published="FID 21.7 (5,000 samples against 10,000 images), Inception score 8.22",
        similar_to={"sngan": "--recipe sngan-cifar10"},
        settings=spectral,
    )
    yield _make_cifar10_recipe(
        "cgan-pd",
        "The projection cGAN's training on CIFAR-10 with classes.",
        paper=PROJECTION,
        source="https://github.com/pfnet-research/sngan_projection",
        published="FID 17.5 (5,000 samples against 10,000 images)",
        similar_to=dict.fromkeys(("projection", "cgan-pd", "projgan"), "--recipe cgan-pd-cifar10"),
        settings={**spectral, "train.conditional": True},
    )
    penalised = {
        "loss": "wasserstein",
        "reg": "wgan-gp",
        "reg.wgan-gp.weight": 10.0,
        "arch.width_g": 32,
        "arch.width_d": 64,
        "arch.norm_d": "none",
        "arch.pooling": "mean",
    }
    yield _make_cifar10_recipe(
        "wgan-gp",
        "WGAN-GP's training of residual networks on CIFAR-10 without classes.",
        paper=WGAN_GP,
        source="https://github.com/igul222/improved_wgan_training",
        published="Inception score 7.86",
        similar_to={"wgan-gp": "--recipe wgan-gp-cifar10"},
        updates=100_000,
        settings=penalised,
    )
    yield _make_cifar10_recipe(
        "acgan",
        "WGAN-GP's training on CIFAR-10 with classes, which D names with ACGAN's classifier.",
        paper=f"{WGAN_GP}; {ACGAN}",
        source="https://github.com/igul222/improved_wgan_training",
        published="Inception score 8.42",
        similar_to={"acgan": "--recipe acgan-cifar10"},
        updates=100_000,
        settings={
            **penalised,
            "arch.projection": False,
            "reg": ("wgan-gp", "acgan"),
            "reg.acgan.fakes": False,
            "reg.acgan.weight_d": 1.0,
            "reg.acgan.weight_g": 0.1,
            "train.conditional": True,
        },
    )
    yield from list_recipes()


def _make_cifar10_recipe(
    name: str, summary: str, *, settings: dict[str, Any], updates: int = 50_000, **text: Any
) -> Recipe:
    """Return the recipe of one training on CIFAR-10: `updates` updates of G, five times as many of D."""
    images = updates * 5 * 64
    optim = {"lr": f"linear(2e-4, 0, images={images})", "betas": (0.0, 0.9)}
    return Recipe(
        name=f"{name}-cifar10",
        summary=summary,
        dataset="cifar10",
        cost=f"{images / 1e6:g} million images in batches of 64",
        settings={
            "arch": "sngan",
            "reg": "none",
            **settings,
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
            "train.images": images,
            "train.batch": 64,
            "train.g_batch": 128,
            "train.d_steps": 5,
            "train.ema_half_life": 0,
            "train.dequantise": True,
            "dataset.size": 32,
        },
        **text,
    )
