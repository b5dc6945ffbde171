"""GANs that generate text as characters: a dataset, an architecture and a metric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, DataInfo, Dataset, Metric, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """The text, and the samples that are made from it."""

    path: str = option("", help="A text file in UTF-8; empty for the text of this plugin.")
    length: int = option(32, help="Characters of a sample.", low=1)
    characters: int = option(
        40, help="Size of the vocabulary: the most frequent characters of the text are kept.", low=2
    )
    split: Literal["train", "held-out"] = option("train", help="Part of the text: held-out is the last tenth.")


@dataclass(frozen=True, kw_only=True)
class CharGANOptions:
    """The sizes of the networks."""

    width: int = option(64, help="Channels (512 in the paper).", low=1)
    depth: int = option(1, help="Residual blocks of each network (5 in the paper).", low=0)
    kernel: int = option(5, help="Kernel size of the convolutions, in characters; an odd number.", low=1)
    z_dim: int = option(128, help="Length of the normal latent z.", low=1)


@dataclass(frozen=True, kw_only=True)
class NgramOptions:
    """The n-grams that are counted."""

    orders: tuple[int, ...] = option((2, 4), help="Lengths of the n-grams, in characters.", low=1, high=8)


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="text",
        summary="Windows of a text file's characters, one-hot; by default Alice's Adventures in Wonderland.",
        factory="acme_textgan.data:Text",
        options=TextOptions,
        show="acme_textgan.data:show",
        path_option="path",
        split_option="split",
        path_suffixes=(".txt",),
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="char-gan",
        summary="Residual convolutions along the text; the generator ends in a softmax for each character.",
        factory="acme_textgan.networks:build",
        options=CharGANOptions,
        paper="Gulrajani et al. 2017, Improved Training of Wasserstein GANs, arXiv:1704.00028, section 5.4",
        modalities=("text",),
        examples=(DataInfo(shape=(40, 32), modality="text"),),
        provides=("double-backward",),
        recommended={
            "loss": "wasserstein",
            "reg": ("wgan-gp",),
            "reg.wgan-gp.weight": 10,
            "optim.g.lr": 2e-3,
            "optim.d.lr": 2e-3,
            "optim.g.betas": (0.5, 0.9),
            "optim.d.betas": (0.5, 0.9),
            "train.batch": 16,  # many small updates, and one of D for each of G, learn fastest on a CPU
            "train.images": 200_000,
        },
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metric."""
    yield Metric(
        name="ngram-js",
        summary="Jensen-Shannon divergence between the n-grams of generated and of real text, in bits.",
        factory="acme_textgan.metric:NgramJS",
        options=NgramOptions,
        better={"*-gram": "lower"},
        modalities=("text",),
        cases="acme_textgan.metric:cases",
        paper="Lin 1991, Divergence Measures Based on the Shannon Entropy, doi:10.1109/18.61115",
    )
