"""Text: characters of text files, and convolutional networks that generate lines of characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, DataInfo, Dataset, Metric, Recipe, hookimpl, option

PAPER = (
    "Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin & Aaron Courville 2017, Improved Training of "
    "Wasserstein GANs, arXiv:1704.00028, section 5.4"
)
MAX_CHARACTERS = 4096  # the n-grams of four such characters are counted in 64 bits
SHORT = 400_000  # samples that the short training sees


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """Options of `text`."""

    path: str = option(
        "",
        help="A .txt or .md file in UTF-8, or a folder of such files; empty for the text that is included. --dataset "
        "FILE.txt sets it.",
    )
    length: int = option(32, help="Characters of a sample.", low=1)
    unit: Literal["window", "line"] = option(
        "window",
        help="A sample is a window of the text, whose lines become one, or a line, which is cut or filled up with "
        "blanks.",
    )
    lowercase: bool = option(False, help="Whether upper-case letters become lower-case ones.")
    characters: int = option(
        128,
        help="Largest size of the vocabulary. If the text has more characters, one sign stands for the rare ones.",
        low=2,
        high=MAX_CHARACTERS,
    )
    held_out: float = option(
        0.1, help="Share of the text that is not trained on: its end, or lines at equal distances.", low=0, high=0.9
    )
    split: Literal["train", "held-out"] = option("train", help="The part of the text that samples are drawn from.")


@dataclass(frozen=True, kw_only=True)
class CharGANOptions:
    """Options of `char-gan`."""

    width: int = option(64, help="Channels of both networks; 512 in the paper.", low=1)
    blocks: int = option(5, help="Number of residual blocks of each network.", low=0)
    z_dim: int = option(128, help="Length of the normal latent z.", low=1)


@dataclass(frozen=True, kw_only=True)
class NgramOptions:
    """Options of `ngram-js`."""

    orders: tuple[int, ...] = option((1, 2, 3, 4), help="Lengths of the n-grams, in characters.", low=1, high=4)


EXAMPLE = DataInfo(
    shape=(27, 16), dtype="float32", modality="text", meta={"vocabulary": [*" abcdefghijklmnopqrstuvwxyz"]}
)
TRAINING = {
    "loss": "wasserstein",
    "reg": "wgan-gp",
    "reg.wgan-gp.weight": 10.0,
    **{f"optim.{network}.lr": 1e-4 for network in "gd"},
    **{f"optim.{network}.betas": (0.5, 0.9) for network in "gd"},
    "train.d_steps": 10,
    "train.batch": 64,
}


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="text",
        summary="Windows or lines of a text file, one-hot characters; Alice's Adventures in Wonderland is included.",
        factory="ganzoo_text.text:Text",
        options=TextOptions,
        similar_to=dict.fromkeys(("txt", "characters", "language", "book", "alice"), "--dataset text"),
        path_option="path",
        path_suffixes=(".txt", ".md"),
        split_option="split",
        show="ganzoo_text.text:show",
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="char-gan",
        summary="Lines of characters from noise: residual convolutions along the text, and a softmax at each place.",
        factory="ganzoo_text.char_gan:build",
        options=CharGANOptions,
        similar_to=dict.fromkeys(("text-wgan", "textgan", "text-gan", "gan-language", "seqgan"), "--arch char-gan"),
        paper=PAPER,
        modalities=("text",),
        provides=("double-backward",),
        cases="ganzoo_text.cases:networks",
        examples=(EXAMPLE,),
        recommended={**TRAINING, "train.images": 6_400_000, "train.precision": "fp32"},
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metric."""
    yield Metric(
        name="ngram-js",
        summary="Jensen-Shannon divergence between the n-grams of generated and of real text, in bits.",
        factory="ganzoo_text.ngram_js:NgramJS",
        options=NgramOptions,
        similar_to=dict.fromkeys(("ngrams", "jsd", "bleu", "perplexity"), "--metric ngram-js"),
        paper=f"Jianhua Lin 1991, Divergence Measures Based on the Shannon Entropy, doi:10.1109/18.61115; {PAPER}",
        better={"*-gram": "lower"},
        distances=("*-gram",),
        modalities=("text",),
        examples=(EXAMPLE,),
        cases="ganzoo_text.cases:ngram_js",
    )


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the paper's training, and a short one for a processor."""
    yield Recipe(
        name="char-gan",
        summary="The character-level language model of WGAN-GP: lines of 32 characters, 10 updates of D for each of G.",
        paper=PAPER,
        source="https://github.com/igul222/improved_wgan_training",
        dataset="text",
        cost="200,000 updates of G, with 10 batches of 64 lines for each",
        settings={
            "arch": "char-gan",
            "arch.width": 512,
            **TRAINING,
            "train.images": 200_000 * 10 * 64,
            "train.ema_half_life": 0,
            "dataset.unit": "line",
            "dataset.length": 32,
            "dataset.characters": 2048,
        },
    )
    yield Recipe(
        name="char-gan-short",
        summary="WGAN-GP's language model for a processor: small networks, lower case, one update of D for each of G.",
        paper=PAPER,
        dataset="text",
        cost="nine minutes of one core",
        settings={
            "arch": "char-gan",
            "arch.width": 64,
            "arch.blocks": 1,
            **TRAINING,
            **{f"optim.{network}.lr": f"cosine(2e-3, 2e-5, images={SHORT})" for network in "gd"},
            "train.d_steps": 1,
            "train.batch": 16,
            "train.images": SHORT,
            "train.ema_half_life": 2000,
            "train.precision": "fp32",
            "train.grid_every": SHORT // 10,
            "train.checkpoint_every": SHORT // 5,
            "dataset.lowercase": True,
            "dataset.holdout": "held-out",
        },
    )
