"""BigGAN and BigGAN-deep: residual networks whose blocks all see the latent and the class, for 32 to 512 pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin import Architecture, Recipe, hookimpl, option

SIZES = (32, 64, 128, 256, 512)
PAPER = (
    "Andrew Brock, Jeff Donahue & Karen Simonyan 2019, Large Scale GAN Training for High Fidelity Natural Image "
    "Synthesis, arXiv:1809.11096"
)
DIFFAUGMENT = (
    "Shengyu Zhao, Zhijian Liu, Ji Lin, Jun-Yan Zhu & Song Han 2020, Differentiable Augmentation for Data-Efficient "
    "GAN Training, arXiv:2006.10738"
)
CR = (
    "Han Zhang, Zizhao Zhang, Augustus Odena & Honglak Lee 2020, Consistency Regularization for Generative Adversarial "
    "Networks, arXiv:1910.12027"
)
PAPERS, SAMPLES = "none for these settings; in the paper,", "(50,000 samples)"
AUTHORS = "https://github.com/ajbrock/BigGAN-PyTorch"
HALF_LIFE = math.log(0.5) / math.log(0.9999)  # of the authors' average, in updates of G


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of both architectures."""

    width_g: int = option(
        8, help='Channels of G at full resolution, "ch" in the paper; at 32 pixels, a quarter.', low=8
    )
    width_d: int = option(
        8, help='Channels of D at half the resolution, "ch" in the paper; at 32 pixels, a quarter.', low=8
    )
    multiples_g: tuple[int, ...] | None = option(
        None,
        help="Channels of G after its first layer and after each doubling of the resolution, in multiples of width_g; "
        "none for the authors': 16,16,8,4,2 at 64 pixels. StudioGAN's G has 16,8,4,2,1 there.",
        low=1,
    )
    z_dim: int = option(128, help="Length of the latent z.", low=1)
    shared_dim: int = option(
        128, help="Length of the class embedding that all blocks of G share.", low=1, used_with="labels"
    )
    attention: tuple[int, ...] | None = option(
        None, help="Resolutions at which both networks have self-attention, from 8 to half the image's size.", low=8
    )
    init: Literal["orthogonal", "normal", "xavier"] = option(
        "orthogonal", help="First weights: orthogonal as in the paper, normal for N(0, 0.02), or Glorot's uniform."
    )
    norm_d: Literal["spectral", "none"] = option(
        "spectral", help="Normalisation in D: spectral limits its slope; wgan-gp needs none."
    )
    spectral_g: bool = option(True, help="Whether G has spectral normalisation too.")
    projection: bool = option(
        True,
        help="Whether D sees the labels; false if a head (acgan, tac, d2d-ce ...) gives it the classes instead.",
        used_with="labels",
    )


@dataclass(frozen=True, kw_only=True)
class BigGANOptions(Options):
    """Options of `biggan`. In the paper both widths are 96, and z_dim is 120 at 128, 140 at 256, 160 at 512 pixels."""

    z_dim: int = option(
        120, help="Length of the latent z, rounded down to a multiple of the number of its parts.", low=1
    )
    shared_dim: int = option(
        128,
        help="Length of the class embedding that all blocks of G share; 0 for an embedding in each normalisation.",
        low=0,
        used_with="labels",
    )
    hierarchical: bool = option(
        True, help="Whether each block of G gets a part of z of its own; otherwise the first layer gets all of it."
    )


@dataclass(frozen=True, kw_only=True)
class DeepOptions(Options):
    """Options of `biggan-deep`. In the paper both widths are 128."""

    width_d: int = option(
        16, help='Channels of D at half the resolution, "ch" in the paper; at 32 pixels, a quarter.', low=8
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    common: dict[str, Any] = {
        "paper": PAPER,
        "sizes": SIZES,
        "channels": (1, 3),
        "conditional": "optional",
        "provides": _provides,
        "recommended": {
            "loss": "hinge",
            "optim.g.lr": 4e-4,
            "optim.d.lr": 4e-4,
            "optim.g.betas": (0.0, 0.9),
            "optim.d.betas": (0.0, 0.9),
            "train.batch": 16,  # on small data many updates matter more than large batches
            "train.ema_half_life": 1000,
        },
    }
    yield Architecture(
        name="biggan",
        summary="Residual blocks that each get the class and a part of the latent; spectral norms in G and D.",
        factory="ganzoo_biggan.biggan:build",
        options=BigGANOptions,
        similar_to=dict.fromkeys(("big-resnet", "resnet-biggan", "biggan-pytorch"), "--arch biggan --conditional"),
        cases="ganzoo_biggan.cases:biggan",
        imports={"biggan-pytorch": "ganzoo_biggan.imports:biggan_pytorch"},
        **common,
    )
    yield Architecture(
        name="biggan-deep",
        summary="BigGAN with twice as many, narrower blocks, which all get the class and the whole latent.",
        factory="ganzoo_biggan.biggan_deep:build",
        options=DeepOptions,
        similar_to=dict.fromkeys(("big-resnet-deep", "deep-biggan"), "--arch biggan-deep --conditional"),
        cases="ganzoo_biggan.cases:biggan_deep",
        imports={
            "biggan-deep-pytorch": "ganzoo_biggan.imports:biggan_deep_pytorch",
            "pytorch-pretrained-biggan": "ganzoo_biggan.imports:pytorch_pretrained_biggan",
        },
        **common,
    )


def _provides(options: Options) -> tuple[str, ...]:
    words = ("double-backward", "embedding", "features", "truncation", *(["class-logits"] * options.projection))
    return (*words, "bounded-slope") if options.norm_d == "spectral" else words


# ----------------------------------------------------------------------------
# Published trainings. The authors' average starts after some updates of G, as a copy of it; here, its half-life grows
# until then. Classes of generated samples follow the data, where the authors draw all classes equally often.


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the published trainings."""
    for prefix, summary, paper, scores, settings in (
        ("", "BigGAN's training on CIFAR-10 with classes.", "", (9.59, 9.06), {}),
        (
            "diffaugment-",
            "BigGAN's training on CIFAR-10 with classes and with DiffAugment.",
            DIFFAUGMENT,
            (8.70, 9.16),
            {"aug": "diffaugment", "aug.diffaugment.policy": ("translation", "cutout")},
        ),
        (
            "cr-",
            "BigGAN's training on CIFAR-10 with classes and with consistency regularization.",
            CR,
            (9.06, 9.20),
            {"reg": "cr", "reg.cr.weight": 10.0},
        ),
        (
            "diffaugment-cr-",
            "BigGAN's training on CIFAR-10 with classes, DiffAugment and consistency regularization.",
            f"{DIFFAUGMENT}; {CR}",
            (8.49, 9.17),
            {"reg": "cr", "reg.cr.weight": 10.0, "aug": "diffaugment", "aug.diffaugment.policy": ("cutout",)},
        ),
    ):
        yield _make_cifar10_recipe(f"{prefix}biggan-cifar10", summary, paper, scores, settings)
    code = "by the settings of the authors' later code"
    for title, size, width, z_dim, how, published in (
        ("BigGAN", 128, 96, 120, f"in batches that fit 8 GPUs, {code}", "Inception score 97.35 (50,000 samples)"),
        ("BigGAN", 256, 96, 140, f"{code} for 128x128", f"{PAPERS} FID 8.7, Inception score 142.3 {SAMPLES}"),
        ("BigGAN-deep", 128, 128, 128, code, f"{PAPERS} FID 5.7, Inception score 124.5 {SAMPLES}"),
        ("BigGAN-deep", 256, 128, 128, f"{code} for 128x128", f"{PAPERS} FID 6.9, Inception score 171.4 {SAMPLES}"),
    ):
        name = title.lower()
        yield Recipe(
            name=f"{name}-imagenet-{size}",
            summary=f"{title}'s training on ImageNet {size}x{size} with classes, {how}.",
            paper=PAPER,
            source=AUTHORS,
            dataset=f"imagenet-{size}",
            published=published,
            similar_to={name: f"--recipe {name}-imagenet-128"} if size == 128 else {},
            cost="307.2 million images in batches of 2,048",
            settings={**_make_imagenet_settings(width), "arch": name, "arch.z_dim": z_dim, "dataset.size": size},
        )


def _make_cifar10_recipe(
    name: str, summary: str, paper: str, scores: tuple[float, float], settings: dict[str, Any]
) -> Recipe:
    """Return the recipe of one training on CIFAR-10: 1,000 epochs, four updates of D for each of G."""
    images_per_update = 4 * 50
    return Recipe(
        name=name,
        summary=summary,
        paper="; ".join(filter(None, (PAPER, paper))),
        source="https://github.com/mit-han-lab/data-efficient-gans/tree/master/DiffAugment-biggan-cifar",
        dataset="cifar10",
        published=f"FID {scores[0]}, Inception score {scores[1]} (10,000 samples; FID against the 10,000 test images)",
        cost="50 million images in batches of 50: a day on 2 GPUs",
        settings={
            "arch": "biggan",
            "arch.width_g": 64,
            "arch.width_d": 64,
            "arch.z_dim": 128,
            "arch.shared_dim": 0,
            "arch.hierarchical": False,
            "arch.init": "normal",
            "loss": "hinge",
            "reg": "none",
            "aug": "none",
            **_make_optim_settings(lr_g=2e-4, lr_d=2e-4, eps=1e-8),
            "train.batch": 50,
            "train.d_steps": 4,
            "train.images": 50_000_000,
            "train.conditional": True,
            "train.flip": True,
            **_make_average_settings(images_per_update, start=1000),
            "dataset.size": 32,
            **settings,
        },
    )


def _make_imagenet_settings(width: int) -> dict[str, Any]:
    """Return the settings that the trainings on ImageNet share: 150,000 updates of each network."""
    batch = 256 * 8
    return {
        "arch.width_g": width,
        "arch.width_d": width,
        "arch.attention": (64,),
        "loss": "hinge",
        "reg": "none",
        **_make_optim_settings(lr_g=1e-4, lr_d=4e-4, eps=1e-6),
        "train.batch": batch,
        "train.micro_batch": 256,
        "train.images": 150_000 * batch,
        "train.conditional": True,
        **_make_average_settings(batch, start=20_000),
    }


def _make_optim_settings(lr_g: float, lr_d: float, eps: float) -> dict[str, Any]:
    common = {"betas": (0.0, 0.999), "eps": eps}
    rates = {"optim.g.lr": lr_g, "optim.d.lr": lr_d}
    return rates | {f"optim.{network}.{key}": value for network in ("g", "d") for key, value in common.items()}


def _make_average_settings(images_per_update: int, start: int) -> dict[str, Any]:
    """Return the settings of an average of G with a decay of 0.9999 after its first `start` updates."""
    return {"train.ema_half_life": round(HALF_LIFE * images_per_update), "train.ema_ramp": round(HALF_LIFE / start, 4)}
