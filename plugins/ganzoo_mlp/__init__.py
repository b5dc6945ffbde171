"""MLP: fully connected networks, for points, tables and small images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, Recipe, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class MLPOptions:
    """Options of `mlp`."""

    depth: int = option(3, help="Number of hidden layers in each network.", low=1)
    width: int = option(128, help="Number of units in a hidden layer.", low=1)
    z_dim: int | None = option(
        None,
        help="Length of the normal latent z; none for the size of a sample, twice as much with codes, at most 32.",
        low=1,
    )
    latent: Literal["normal", "mixed"] = option(
        "normal", help="normal, or mixed: a random one-hot code is added to z, so that G can make separate modes."
    )
    codes: int = option(
        64, help="Number of codes of a mixed latent; use several for each mode.", low=2, used_with="latent=mixed"
    )
    code_scale: float = option(
        4.0,
        help="Factor of the codes: at 1 G learns to ignore them, and the higher it is, the less z changes a mode.",
        low=0,
        used_with="latent=mixed",
    )
    projection: bool = option(
        True,
        help="Whether D sees the labels; false if a head (acgan, tac, d2d-ce ...) gives it the classes instead.",
        used_with="labels",
    )
    frequency: float = option(
        0.0,
        help="Standard deviation of the frequencies of 32 random waves beside D's input, in periods for a length of 1, "
        "so that D sees how wide small modes are; 0 for no waves.",
        low=0,
    )
    pack: int = option(
        1,
        low=1,
        help="Number of samples that D judges together, against mode collapse: 2 or more as in PacGAN, 1 for none.",
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="mlp",
        summary="Fully connected networks without normalisation, for points, tables and small images.",
        factory="ganzoo_mlp.networks:build",
        options=MLPOptions,
        similar_to={
            **dict.fromkeys(("fc", "linear", "dense"), "--arch mlp"),
            "pacgan": "--arch mlp arch.pack=2",
        },
        paper="Ian Goodfellow, Jean Pouget-Abadie, Mehdi Mirza, Bing Xu, David Warde-Farley, Sherjil Ozair, Aaron "
        "Courville & Yoshua Bengio 2014, Generative Adversarial Networks, arXiv:1406.2661",
        modalities=("image", "points", "tabular"),
        conditional="optional",
        square=False,
        provides=_provides,
        recommended={
            "loss": "rpgan",
            "reg": ("r1", "r2"),
            "reg.r1.gamma": 0.02,
            "reg.r2.gamma": 0.02,
            "optim.g.lr": 1e-3,
            "optim.d.lr": 1e-3,
            "optim.g.betas": (0.0, 0.99),
            "optim.d.betas": (0.0, 0.99),
            "train.batch": 64,
            "train.images": 500_000,
            "train.precision": "fp32",  # bf16 cannot resolve a mode of 0.014 around 1
            "train.grid_every": 100_000,  # tens of thousands of images pass in a second
            "train.checkpoint_every": 250_000,
        },
    )


def _provides(options: MLPOptions) -> tuple[str, ...]:
    if options.pack > 1:  # an embedding belongs to one sample
        return ("double-backward", "batch-coupled-d")
    words = ("double-backward", "features", "embedding")
    return (*words, "labels-in-embedding") if options.projection else words


# ----------------------------------------------------------------------------
# A training that finds all modes of a mixture, and their widths.


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings with which `benchmarks/mode_proof.py` counts modes."""
    yield Recipe(
        name="mlp-modes",
        summary="Separate modes of points: codes beside z, waves beside D's input, and a G that learns slower than D.",
        paper="Sudipto Mukherjee, Himanshu Asnani, Eugene Lin & Sreeram Kannan 2018, ClusterGAN: Latent Space "
        "Clustering in Generative Adversarial Networks, arXiv:1809.03627; Matthew Tancik, Pratul Srinivasan, Ben "
        "Mildenhall, Sara Fridovich-Keil, Nithin Raghavan, Utkarsh Singhal, Ravi Ramamoorthi, Jonathan Barron & Ren Ng "
        "2020, Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains, "
        "arXiv:2006.10739",
        dataset="points",
        cost="a minute of one core",
        similar_to=dict.fromkeys(("modes", "mode-collapse", "clustergan"), "--recipe mlp-modes"),
        settings="ganzoo_mlp.modes:choose_settings",
    )
