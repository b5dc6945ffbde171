"""StyleGAN2 and StyleGAN3: images from styles that a mapping network makes of latents, for 16 to 1024 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ganzoo.plugin import Architecture, Recipe, hookimpl, option
from ganzoo_stylegan2.recipes import ADA, SIZES, STYLEGAN2, list_recipes
from ganzoo_stylegan2.stylegan3_recipes import STYLEGAN3, list_stylegan3_recipes

STYLEGAN = (
    "Tero Karras, Samuli Laine & Timo Aila 2019, A Style-Based Generator Architecture for Generative Adversarial "
    "Networks, arXiv:1812.04948"
)

OBJECTS = ("dnnlib.", "torch_utils.")  # of the authors' tools, in their pickles

RECOMMENDED: dict[str, Any] = {  # for networks of the default sizes
    "loss": "bce",
    "reg": "r1",
    "reg.r1.gamma": 1.0,  # with the paper's rates, small networks give one sample again and again
    "reg.r1.interval": 4,
    "optim.g.lr": 1e-3,
    "optim.d.lr": 2e-3,
    "optim.g.betas": (0.0, 0.99),
    "optim.d.betas": (0.0, 0.99),
    "train.batch": 16,
    "train.ema_half_life": 2000,
}

LUCIDRAINS: dict[str, Any] = {
    # The package adds 10 E |grad D|^2 at real and at generated images to every fourth update, for colours from 0 to 1,
    # and from update 5001 on E (|J^T y| - a)^2 to every 32nd. Here colours are from -1 to 1, so that D's gradients are
    # half as long and G's twice, and a term is multiplied by its interval.
    "loss": "hinge",
    "reg": ("r1", "r2", "path-length"),
    "reg.r1.gamma": 20.0,
    "reg.r1.interval": 4,
    "reg.r2.gamma": 20.0,
    "reg.r2.interval": 4,
    "reg.path-length.weight": 1 / 128,
    "reg.path-length.interval": 32,
    "reg.path-length.shrink": 1,
    "optim.g.lr": 2e-4,
    "optim.d.lr": 3e-4,
    "optim.g.betas": (0.5, 0.9),
    "optim.d.betas": (0.5, 0.9),
    "train.batch": 16,
    "train.ema_half_life": 2000,
}


@dataclass(frozen=True, kw_only=True)
class StyleGAN2Options:
    """Options of `stylegan2`. At resolution R both networks have channel_base / R channels, at most channel_max."""

    channel_base: int = option(
        256,
        low=16,
        help="Channels at resolution R, times R; 32768 in the paper, 16384 for 256 pixels. There are at least 8.",
    )
    channel_max: int = option(64, low=8, help="Largest number of channels; 512 in the paper.")
    z_dim: int = option(64, low=1, help="Length of the latent z; 512 in the paper.")
    w_dim: int = option(64, low=1, help="Length of a style w; 512 in the paper.")
    mapping: int = option(2, low=1, help="Layers of the mapping network; 8 in StyleGAN2, 2 in ADA's for CIFAR-10.")
    mixing: float = option(
        0.9,
        low=0,
        high=1,
        help="Probability with which a sample has two styles in training; 0 for CIFAR-10.",
    )
    residual: bool = option(True, help="Whether D has residual blocks; for CIFAR-10 it has none in StyleGAN2-ADA.")
    group: int = option(
        4, low=1, help="Samples of a batch whose standard deviation D sees; 1 for a D that sees none of it."
    )
    projection: bool = option(
        True, help="Whether D sees the class, by projection; false if a regularizer's head does.", used_with="labels"
    )
    mapping_d: int = option(
        0,
        low=0,
        help="Layers of D between the embedded class and the projection; 8 in the authors' networks.",
        used_with="labels,projection=true",
    )


@dataclass(frozen=True, kw_only=True)
class StyleGAN3Options(StyleGAN2Options):
    """Options of `stylegan3`. G has channel_base / (2 f) channels where frequencies end at f, at most channel_max."""

    layers: int = option(6, low=4, help="Layers of G, as many for all sizes; 14 in the paper.")
    mixing: float = option(
        0.0, low=0, high=1, help="Probability with which a sample has two styles in training; 0 in the paper."
    )
    rotates: bool = option(
        False,
        help="Whether pictures turn with the input, too: config R, of 1x1 convolutions, twice the channels in G, and "
        "radially symmetric filters.",
    )
    full_padding: bool = option(
        False,
        help="Whether a convolution also computes the pixels beyond the borders that its kernel reaches, as in the "
        "authors' networks.",
    )


@dataclass(frozen=True, kw_only=True)
class LucidrainsOptions:
    """Options of `stylegan2-lucidrains`. At 1/k of the image's size G has 2 k capacity channels, D has 4 k capacity."""

    capacity: int = option(
        4, low=1, help="Half the channels of G at full size, and a quarter of those of D; 16 in the package."
    )
    channel_max: int = option(64, low=8, help="Largest number of channels; 512 in the package.")
    z_dim: int = option(
        512, low=1, help="Length of the latent z and of a style w. Styles of a shorter z hardly differ at first."
    )
    mapping: int = option(8, low=1, help="Layers of the mapping network; styles of fewer hardly differ at first.")
    mixing: float = option(0.9, low=0, high=1, help="Probability with which a sample has two styles in training.")
    constant: bool = option(True, help="Whether G begins with a learned constant, not with a map of the style.")
    attention: tuple[int, ...] | None = option(
        None,
        low=2,
        help="Sizes of maps that have linear attention, from 2 to half the image's size. At 2, G has it before its "
        "first block, which has maps of 4x4.",
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="stylegan2",
        summary="Styles modulate G's convolutions; truncation and mixing of styles; D sees the variation in a batch.",
        factory="ganzoo_stylegan2.networks:build",
        options=StyleGAN2Options,
        similar_to=dict.fromkeys(("stylegan", "stylegan1"), "--arch stylegan2")
        | {"stylegan2-ada": "--arch stylegan2 --aug ada"},
        paper="; ".join((STYLEGAN2, ADA, STYLEGAN)),
        sizes=SIZES,
        channels=(1, 3),
        conditional="optional",
        provides=_provides,
        imports={"stylegan2-ada-pytorch": "ganzoo_stylegan2.imports:stylegan2_ada_pytorch"},
        ignored_classes={"stylegan2-ada-pytorch": OBJECTS},
        cases="ganzoo_stylegan2.cases:cases",
        recommended=RECOMMENDED,
    )
    yield Architecture(
        name="stylegan3",
        summary="StyleGAN2 without aliasing: pictures move with G's input by any distance, as if made of no pixels.",
        factory="ganzoo_stylegan2.stylegan3:build",
        options=StyleGAN3Options,
        similar_to=dict.fromkeys(("alias-free-gan", "stylegan3-t", "stylegan-xl"), "--arch stylegan3")
        | {"stylegan3-r": "--arch stylegan3 arch.rotates=true"},
        paper=STYLEGAN3,
        sizes=SIZES,
        channels=(1, 3),
        conditional="optional",
        provides=_provides,
        imports={"stylegan3": "ganzoo_stylegan2.stylegan3_imports:stylegan3"},
        ignored_classes={"stylegan3": OBJECTS},
        cases="ganzoo_stylegan2.cases:stylegan3_cases",
        recommended=RECOMMENDED,
    )
    yield Architecture(
        name="stylegan2-lucidrains",
        summary="StyleGAN2 as the package stylegan2_pytorch has it: a style for each resolution, one noise for all.",
        factory="ganzoo_stylegan2.stylegan2_lucidrains:build",
        options=LucidrainsOptions,
        similar_to=dict.fromkeys(
            ("stylegan2-pytorch", "lucidrains", "stylegan2-pytorch-lucidrains"), "--arch stylegan2-lucidrains"
        ),
        paper=STYLEGAN2,
        sizes=SIZES,
        channels=(1, 3),
        conditional="never",
        provides=("style", "truncation", "double-backward", "features", "embedding"),
        imports={"stylegan2-lucidrains": "ganzoo_stylegan2.lucidrains_imports:stylegan2_lucidrains"},
        cases="ganzoo_stylegan2.cases:lucidrains_cases",
        recommended=LUCIDRAINS,
    )


def _provides(options: StyleGAN2Options) -> tuple[str, ...]:
    words = ("style", "truncation", "double-backward", "features", "embedding")
    return (*words, "batch-coupled-d") if options.group > 1 else words


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the papers' trainings."""
    yield from list_recipes()
    yield from list_stylegan3_recipes()
