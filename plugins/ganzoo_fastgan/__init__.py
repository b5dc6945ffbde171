"""FastGAN: small networks for about a hundred images, and a discriminator that can draw again what it sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, Nested, Recipe, Regularizer, hookimpl, option

PAPER = (
    "Bingchen Liu, Yizhe Zhu, Kunpeng Song & Ahmed Elgammal 2021, Towards Faster and Stabilized GAN Training for "
    "High-fidelity Few-shot Image Synthesis, arXiv:2101.04775"
)
LIGHTWEIGHT = "Phil Wang 2020, lightweight-gan, https://github.com/lucidrains/lightweight-gan"
SIZES = (32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, kw_only=True)
class FastGANOptions:
    """Options of `fastgan`. The paper's networks have z_dim 256, and the authors' have width 64."""

    width: int = option(
        4,
        help="Channels of both networks at 128 pixels; towards lower resolutions they double, to 16 times as many.",
        low=2,
    )
    z_dim: int = option(64, help="Length of the latent z.", low=1)
    norm_d: Literal["both", "batch", "spectral", "none"] = option(
        "both",
        help="Normalisation in the discriminator: both batch and spectral as in FastGAN. Penalties on D's gradient "
        "(r1, wgan-gp) need spectral or none, because batch mixes the samples of a batch.",
    )
    spectral_g: bool = option(True, help="Whether G has spectral normalisation beside its batch normalisation.")


@dataclass(frozen=True, kw_only=True)
class LightweightGANOptions:
    """Options of `lightweight-gan`. At resolution R, G has channel_base / R channels and D half as many.

    Both have at most channel_max. The package's option fmap_inverse_coef is log2(channel_base) - 1, so 12 for 8192.
    """

    channel_base: int = option(
        512,
        help="Channels of G at resolution R, times R; 8192 in the package. D has half as many at that resolution.",
        low=32,
    )
    channel_max: int = option(64, help="Largest number of channels; 512 in the package.", low=4)
    z_dim: int = option(64, help="Length of the latent z; 256 in the package.", low=1)
    attention: tuple[int, ...] | None = option(
        (16,), help="Resolutions at which both networks have attention; 32 in the package.", low=4
    )
    head_width: int = option(8, help="Channels of each of the 8 heads of attention; 64 in the package.", low=1)
    antialias: bool = option(False, help="Whether maps are low-passed where their resolution changes.")
    patches: bool = option(False, help="Whether D has a logit for each of 5x5 patches, or one for the whole image.")


@dataclass(frozen=True, kw_only=True)
class ReconstructionOptions:
    """Options of `reconstruction`."""

    weight: float = option(1.0, help="Weight of the term; 1 in the paper.", low=0, schedulable=True)
    extractor: str = option(
        "",
        help="An extractor by which drawn and real images are compared too, such as squeezenet, in place of the "
        "authors' LPIPS; empty to compare pixels alone.",
        nested=Nested(kind="extractor"),
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="fastgan",
        summary="Small networks for few images: low resolutions gate high ones, D reconstructs what it sees.",
        factory="ganzoo_fastgan.networks:build",
        options=FastGANOptions,
        similar_to={"few-shot": "--arch fastgan"},
        paper=PAPER,
        sizes=SIZES,
        channels=(1, 3),
        provides=_provides,
        cases="ganzoo_fastgan.cases:networks",
        recommended={
            "loss": "hinge",
            "reg": "reconstruction",
            "optim.g.lr": 5e-4,
            "optim.d.lr": 5e-4,
            "optim.g.betas": (0.5, 0.999),
            "optim.d.betas": (0.5, 0.999),
            "train.batch": 16,
            "train.ema_half_life": 2000,
        },
    )
    penalty = {"gamma": 10.0, "interval": 4}  # 10 E |grad|^2 over real and fake in [0, 1], in every fourth update
    yield Architecture(
        name="lightweight-gan",
        summary="FastGAN's scheme with shuffled pixels, attention, noise, and gates that see all of the image.",
        factory="ganzoo_fastgan.lightweight_gan:build",
        options=LightweightGANOptions,
        similar_to=dict.fromkeys(("lightweight", "lucidrains", "lightweight-gan-pytorch"), "--arch lightweight-gan"),
        paper=f"{LIGHTWEIGHT}; {PAPER}",
        sizes=SIZES,
        channels=(1, 3),
        provides=("double-backward", "features", "embedding"),
        imports={"lightweight-gan": "ganzoo_fastgan.lightweight_imports:lightweight_gan"},
        cases="ganzoo_fastgan.cases:lightweight_networks",
        recommended={
            "loss": "hinge",
            "reg": ("reconstruction", "r1", "r2"),
            **{f"reg.{term}.{key}": value for term in ("r1", "r2") for key, value in penalty.items()},
            "aug": "diffaugment",
            "aug.diffaugment.policy": ("translation", "cutout"),
            "aug.diffaugment.p": 0.3,  # what the package takes for a few thousand images or fewer
            "optim.g.lr": 2e-4,
            "optim.d.lr": 2e-4,
            "optim.g.betas": (0.5, 0.9),
            "optim.d.betas": (0.5, 0.9),
            "train.batch": 16,
            "train.ema_half_life": 2000,
        },
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the term by which D learns to reconstruct real images."""
    yield Regularizer(
        name="reconstruction",
        summary="Small decoders draw real images again from D's features, so that D looks at all of an image.",
        factory="ganzoo_fastgan.reconstruction:Reconstruction",
        options=ReconstructionOptions,
        similar_to=dict.fromkeys(("autoencoder", "self-supervised", "decoder"), "--reg reconstruction"),
        paper=f"{PAPER}, eq. 2",
        needs=("features",),
        learns="discriminator",
        modalities=("image",),
        cases="ganzoo_fastgan.cases:reconstruction",
    )


def _provides(options: FastGANOptions) -> tuple[str, ...]:
    words = {"spectral": ("bounded-slope",), "none": ()}
    return ("double-backward", "features", "embedding", *words.get(options.norm_d, ("batchnorm-in-d",)))


# ----------------------------------------------------------------------------
# The paper's training. The length is 50,000 updates with 8 images each; the decay of the average is 0.999 an update.


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the paper's training."""
    optim = {"lr": 2e-4, "betas": (0.5, 0.999)}
    yield Recipe(
        name="fastgan-fewshot",
        summary="FastGAN's training on about a hundred images of 256x256; reconstructions are compared by pixels.",
        paper=PAPER,
        source="https://github.com/odegeasslbc/FastGAN-pytorch",
        published="FID 10.03 on 100-shot Panda, 26.65 on Grumpy cat, 41.05 on Obama (5,000 samples against the images)",
        cost="400,000 images in batches of 8",
        suits="ganzoo_fastgan.few:explain_suitability",
        similar_to=dict.fromkeys(("fastgan", "few-shot", "100-shot"), "--recipe fastgan-fewshot"),
        settings={
            "arch": "fastgan",
            "arch.width": 64,
            "arch.z_dim": 256,
            "loss": "hinge",
            "loss.jitter": 0.2,
            "reg": "reconstruction",
            "aug": "diffaugment",
            "aug.diffaugment.policy": ("colour", "translation"),
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
            "train.batch": 8,
            "train.images": 8 * 50_000,
            "train.ema_half_life": 5541,  # images; 0.999 ** (5541 / 8) is 1/2
            "train.flip": True,
            "dataset.size": 256,
        },
    )
