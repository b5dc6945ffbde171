"""GAT: a transformer generator and a transformer discriminator on patches of images, or of an autoencoder's latents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin import Architecture, Recipe, hookimpl, option

PAPER = "Sangeek Hyun, MinKyu Lee & Jae-Pil Heo 2025, Scalable GANs with Transformers, arXiv:2509.24935"
SIZES = (8, 16, 32, 64, 128)


@dataclass(frozen=True, kw_only=True)
class GATOptions:
    """Options of `gat`. The defaults suit a CPU; the recipes ``gat-*`` have the paper's options."""

    width: int = option(64, help="Length of a token; 384, 768, 1024 or 1152 in the paper.", low=4)
    depth: int = option(3, help="Number of transformer blocks in each network; 12, 24 or 28 in the paper.", low=1)
    heads: int = option(2, help="Number of heads of each attention; their length is width / heads.", low=1)
    patch: int = option(4, help="Height and width of a patch in pixels; it must divide the image's size.", low=1)
    z_dim: int = option(64, help="Length of the latent z.", low=1)
    class_dim: int = option(
        64,
        help="Length of the vectors whose product is D's logit of a class.",
        low=1,
        used_with="labels,projection=true",
    )
    projection: bool = option(
        True,
        help="Whether D sees the labels; false if a head (acgan, tac, d2d-ce ...) gives it the classes instead.",
        used_with="labels",
    )
    attention: Literal["plain", "fused"] = option(
        "plain",
        help="plain, or torch's fused attention: it needs less memory, but penalties must be finite differences "
        "(reg.r1.mode=fd), because it cannot be differentiated twice.",
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="gat",
        summary="Transformers on patches, modulated by the latent; for images and for latents of an autoencoder.",
        factory="ganzoo_gat.networks:build",
        options=GATOptions,
        similar_to=dict.fromkeys(("transformer", "vit", "vitgan", "transgan", "afm"), "--arch gat"),
        paper=PAPER,
        sizes=SIZES,
        square=False,
        conditional="optional",
        provides=_provides,
        cases="ganzoo_gat.cases:cases",
        recommended={
            "loss": "rpgan",
            "reg": ("r1", "r2"),
            "reg.r1.gamma": 0.5,
            "reg.r2.gamma": 0.5,
            "reg.r1.mode": "fd",
            "reg.r2.mode": "fd",
            "optim.g.lr": 1e-3,
            "optim.d.lr": 1e-3,
            "optim.g.betas": (0.0, 0.99),
            "optim.d.betas": (0.0, 0.99),
            "train.batch": 16,
            "train.ema_half_life": 1000,
        },
    )


# ----------------------------------------------------------------------------
# The paper's trainings, on latents of an autoencoder for 256x256 images, of the shape (4, 32, 32).


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the paper's trainings: of its largest network, and of the one that the code comes with."""
    yield _recipe(
        "xl2", (1152, 28, 16), 60 * 1_281_167, "FID 2.18 (50,000 samples), with noisy images and pretrained features"
    )
    yield _recipe("b2", (768, 12, 12), 400_000 * 512, "none for these settings")


def _recipe(name: str, size: tuple[int, int, int], images: int, published: str) -> Recipe:
    """Return the recipe of one training.

    The paper's latents have a variance near 1. Those of a dataset must be within [-1, 1]: divided by 8 here. The
    gradients of D are then 8 times as long, so that gamma is divided by 64, and sigma by 8.
    """
    width, depth, heads = size
    adam: dict[str, Any] = {"lr": 2e-4 * 768 / width, "betas": (0.0, 0.99), "clip": 1.0}
    penalty = {"gamma": 0.1 / 8**2, "mode": "fd", "sigma": 0.01 / 8}
    return Recipe(
        name=f"gat-{name}-imagenet-256",
        summary="GAT's training on latents of ImageNet divided by 8, without its noisy images and pretrained features.",
        similar_to={"gat": f"--recipe gat-{name}-imagenet-256"} if name == "xl2" else {},
        paper=PAPER,
        source="https://github.com/hse1032/GAT",
        dataset="imagenet-256-latents",
        published=published,
        cost=f"{images / 1e6:.1f} million latents in batches of 512",
        settings={
            "arch": "gat",
            "arch.width": width,
            "arch.depth": depth,
            "arch.heads": heads,
            "arch.patch": 2,
            "arch.class_dim": 2048,
            "arch.attention": "fused",
            "loss": "rpgan",
            "reg": ("r1", "r2"),
            **{f"reg.{term}.{key}": value for term in ("r1", "r2") for key, value in penalty.items()},
            "aug": ("diffaugment", "flip"),
            "aug.diffaugment.policy": ("translation", "cutout"),  # its colours are for images, not for latents / 8
            "aug.flip.p": 0.4,
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in adam.items()},
            "train.images": images,
            "train.batch": 512,
            "train.conditional": True,
            "train.precision": "bf16",
            "train.ema_half_life": 354_715,  # 0.999 after each update
        },
    )


def _provides(options: GATOptions) -> tuple[str, ...]:
    words = ("features", "embedding", *(("intermediates",) if options.depth > 1 else ()))
    return (*words, *(("no-double-backward",) if options.attention == "fused" else ("style", "double-backward")))
