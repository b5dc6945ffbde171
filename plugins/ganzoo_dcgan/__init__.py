"""DCGAN: the deep convolutional GAN, for square images of 16 to 256 pixels, and TensorFlow's tutorial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin import Architecture, Recipe, hookimpl, option

PAPER = (
    "Alec Radford, Luke Metz & Soumith Chintala 2016, Unsupervised Representation Learning with Deep "
    "Convolutional Generative Adversarial Networks, arXiv:1511.06434"
)
LSGAN = (
    "Xudong Mao, Qing Li, Haoran Xie, Raymond Y. K. Lau, Zhen Wang & Stephen Paul Smolley 2017, Least Squares "
    "Generative Adversarial Networks, arXiv:1611.04076"
)
SIZES = (16, 32, 64, 128, 256)
KERAS = ("keras", "keras-dcgan", "tensorflow", "tensorflow-dcgan", "tf-dcgan", "tutorial")
CLASSES = {
    **dict.fromkeys(("cgan", "conditional-gan"), "--arch dcgan --conditional"),
    "acgan": "--arch dcgan arch.projection=false --reg acgan --conditional",
}


@dataclass(frozen=True, kw_only=True)
class DCGANOptions:
    """Options of `dcgan`. The paper's networks have width 64 (64x64 images) and z_dim 100."""

    width: int = option(32, help="Channels at half the image's resolution; they double towards 4x4.", low=1)
    z_dim: int = option(100, help="Length of the latent z, without codes.", low=1)
    codes: int = option(0, low=0, help="Length of a random one-hot code at the end of z, for infogan; 0 for none.")
    slope: float = option(0.0, help="Slope of the generator's rectifiers below zero; 0 as in the paper.", low=0, high=1)
    bias: bool = option(False, help="Whether the generator's last layer has a bias; not in the paper.")
    norm_d: Literal["batch", "none", "spectral", "layer"] = option(
        "batch",
        help="Normalisation in the discriminator: batch as in the paper; spectral limits its slope. Penalties on D's "
        "gradient (r1, wgan-gp) need none, spectral or layer, because batch mixes the samples of a batch.",
    )
    projection: bool = option(
        True,
        help="Whether D sees the labels; false if a head (acgan, tac, d2d-ce ...) gives it the classes instead.",
        used_with="labels",
    )
    pack: int = option(
        1,
        low=1,
        help="Number of samples that D judges together, against mode collapse: 2 or more as in PacGAN, 1 for none.",
    )


@dataclass(frozen=True, kw_only=True)
class TutorialOptions:
    """Options of `dcgan-tutorial`. The defaults are the tutorial's."""

    width: int = option(64, help="Channels at half the image's resolution; they double towards 7x7.", low=1)
    z_dim: int = option(100, help="Length of the latent z.", low=1)
    dropout: float = option(0.3, help="Probability of dropout in the discriminator; 0 for none.", low=0, high=0.99)


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="dcgan",
        summary="Plain convolutions and batch normalisation: small, fast and the usual baseline.",
        factory="ganzoo_dcgan.networks:build",
        options=DCGANOptions,
        similar_to={**dict.fromkeys(("gan", "cnn", "convnet"), "--arch dcgan"), **CLASSES},
        paper=PAPER,
        sizes=SIZES,
        channels=(1, 3),
        conditional="optional",
        provides=_provides,
        imports={
            "pytorch-examples": "ganzoo_dcgan.imports:pytorch_examples",
            "torchgan": "ganzoo_dcgan.imports:torchgan",
            "pytorch-gan-zoo-dcgan": "ganzoo_dcgan.imports:pytorch_gan_zoo",
        },
        ignored_classes={"torchgan": ("torchgan.",), "pytorch-gan-zoo-dcgan": ("models.utils.config.",)},
        recommended={
            "loss": "bce",
            "optim.g.betas": (0.5, 0.999),
            "optim.d.betas": (0.5, 0.999),
            "train.batch": 64,
            "train.ema_half_life": 2000,
        },
    )
    yield Architecture(
        name="dcgan-tutorial",
        summary="The networks of TensorFlow's DCGAN tutorial, layer by layer as in Keras, for images of 28x28.",
        factory="ganzoo_dcgan.tutorial:build",
        cases="ganzoo_dcgan.cases:tutorial",
        options=TutorialOptions,
        similar_to=dict.fromkeys(KERAS, "--arch dcgan-tutorial --size 28"),
        paper=PAPER,
        sizes=(28,),
        channels=(1, 3),
        provides=("double-backward",),
        recommended={"loss": "bce", "optim.g.lr": 1e-4, "optim.d.lr": 1e-4, "train.batch": 256},
    )


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of published trainings."""
    # 50 epochs of 60,000 images, which are 11,750 updates.
    adam = {"name": "adam", "lr": 1e-4, "betas": (0.9, 0.999), "eps": 1e-7, "eps_hat": True}
    yield Recipe(
        name="first-look",
        summary="DCGAN for one's own images, also without a GPU: with their classes, and augmented if they are few.",
        paper=PAPER,
        settings="ganzoo_dcgan.own:choose_settings",
        suits="ganzoo_dcgan.own:explain_suitability",
        cost="150,000 images",
    )
    yield Recipe(
        name="dcgan-tutorial",
        summary="The training of TensorFlow's DCGAN tutorial on MNIST: both networks step at once, with Keras's Adam.",
        similar_to=dict.fromkeys(KERAS, "--recipe dcgan-tutorial"),
        paper=PAPER,
        source="https://www.tensorflow.org/tutorials/generative/dcgan",
        dataset="mnist",
        published="none, the tutorial shows pictures",
        cost="11,750 updates with 256 images each; in the tutorial, the last update of an epoch has 96 images",
        settings={
            "arch": "dcgan-tutorial",
            "loss": "bce",
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in adam.items()},
            "train.update": "simultaneous",
            "train.batch": 256,
            "train.images": 256 * 11_750,
            "train.ema_half_life": 0,
            "train.precision": "fp32",
            "dataset.size": 28,
            "dataset.channels": 1,
        },
    )
    yield _make_celeba_recipe(
        "dcgan-celeba-64",
        "PyTorch's DCGAN tutorial on faces: 5 epochs of CelebA.",
        paper=PAPER,
        source="https://pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html",
        published="none, the tutorial shows pictures",
        updates=7_915,  # 5 epochs of 202,599 images; the last update of an epoch has fewer images there
        settings={"loss": "bce", "arch.width": 64},
        optim={"lr": 2e-4, "betas": (0.5, 0.999)},
    )
    yield _make_celeba_recipe(
        "lsgan-celeba-64",
        "LSGAN on faces, with DCGAN's networks, as MMGeneration trains it.",
        paper=LSGAN,
        source="https://github.com/open-mmlab/mmgeneration/tree/master/configs/lsgan",
        published="FID 11.93 (50,000 samples)",
        updates=100_000,
        settings={"loss": "lsgan", "arch.width": 128},
        optim={"lr": 1e-3, "betas": (0.5, 0.99)},
    )


def _make_celeba_recipe(
    name: str, summary: str, *, updates: int, settings: dict[str, Any], optim: dict[str, Any], **text: Any
) -> Recipe:
    """Return the recipe of a training on CelebA at 64x64 with `updates` updates of both networks."""
    return Recipe(
        name=name,
        summary=summary,
        dataset="celeba-64",
        cost=f"{updates * 128 / 1e6:.3g} million images in batches of 128",
        settings={
            "arch": "dcgan",
            "reg": "none",
            **settings,
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
            "train.batch": 128,
            "train.images": updates * 128,
            "train.ema_half_life": 0,
            "dataset.size": 64,
        },
        **text,
    )


def _provides(options: DCGANOptions) -> tuple[str, ...]:
    words = {"batch": ("batchnorm-in-d",), "spectral": ("bounded-slope",)}
    own = ("features", "embedding") if options.pack == 1 else ("batch-coupled-d",)
    return ("double-backward", *own, *words.get(options.norm_d, ()))
