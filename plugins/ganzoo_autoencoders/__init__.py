"""Autoencoders with an adversarial loss: images to small latents and back (VQGAN, and the KL autoencoder)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Architecture, DataInfo, Dataset, Recipe, Regularizer, hookimpl
from ganzoo_autoencoders.options import AdaptiveWeightOptions, AutoencodingOptions, EncodedOptions, VQGANOptions
from ganzoo_autoencoders.recipes import LDM, VQGAN, list_recipes

OPTIM: dict[str, Any] = {
    f"optim.{network}.{key}": value for network in ("g", "d") for key, value in (("lr", 5e-4), ("betas", (0.5, 0.9)))
}
DATA = "--dataset autoencoding"


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="vqgan",
        summary="An autoencoder with a codebook or KL latents; D judges patches of what it reconstructs.",
        factory="ganzoo_autoencoders.vqgan:build",
        options=VQGANOptions,
        similar_to=dict.fromkeys(("vqvae", "vq-vae", "autoencoder", "tokenizer"), f"--arch vqgan {DATA}")
        | dict.fromkeys(("kl-vae", "vae", "vae-gan", "autoencoderkl"), f"--arch vqgan {DATA} arch.quantiser=kl"),
        paper=f"{VQGAN}; {LDM}",
        square=False,
        conditional="always",
        input_multiple=_count_pixels,
        provides=_provide,
        examples=(DataInfo(shape=(3, 32, 32), label_shape=(3, 32, 32), label_dtype="uint8"),),
        excused={
            "discriminator-uses-labels": "the label is the image itself, which would show D the answer",
            "finite-differences": "the gradient of a code is passed to the latent that it replaces",
        },
        cases="ganzoo_autoencoders.cases:vqgan",
        recommended={
            **OPTIM,
            "loss": "hinge",
            "reg": ("l1", "adaptive-weight"),
            "reg.l1.weight": 1.0,
            "train.adversarial_weight": 0.8,
            "train.conditional": True,
            "train.update": "shared",
            "train.batch": 16,
        },
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the weight of the adversarial loss."""
    yield Regularizer(
        name="adaptive-weight",
        summary="The adversarial loss counts as much as G's other terms, by the gradients of G's last layer.",
        factory="ganzoo_autoencoders.adaptive_weight:AdaptiveWeight",
        options=AdaptiveWeightOptions,
        similar_to=dict.fromkeys(("balancer", "adaptive", "disc-weight"), "--reg adaptive-weight"),
        paper=f"{VQGAN}, eq. 7",
        needs=("last-layer",),
    )


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the data of autoencoders."""
    yield Dataset(
        name="autoencoding",
        summary="The samples of another dataset, each of which is its own label: for autoencoders.",
        factory="ganzoo_autoencoders.data:Autoencoding",
        options=AutoencodingOptions,
        similar_to=dict.fromkeys(("identity", "self", "reconstruction"), f"{DATA} dataset.of=NAME"),
        opens_paths=False,
    )
    yield Dataset(
        name="encoded",
        summary="Another dataset as a trained autoencoder encodes it, for a GAN whose samples are decoded.",
        factory="ganzoo_autoencoders.latents:Encoded",
        options=EncodedOptions,
        similar_to=dict.fromkeys(("codes", "latent", "latents"), "--dataset encoded dataset.model=RUN"),
        paper=f"{LDM}, section 3.3",
        show="ganzoo_autoencoders.latents:show",
        settle="ganzoo_autoencoders.latents:settle",
        examples="ganzoo_autoencoders.latents:examples",
        label_rule="they are the classes of the images that are encoded",
        opens_paths=False,
    )


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the papers' trainings, and a short one."""
    yield from list_recipes()


def _count_pixels(options: VQGANOptions) -> int:
    return int(2 ** (len(options.multipliers) - 1))


def _provide(options: VQGANOptions) -> tuple[str, ...]:
    words = {"batchnorm-in-d": options.norm_d == "batch", "bounded-slope": options.spectral_d}
    return (
        "features",
        "double-backward",
        "last-layer",
        "autoencoder",
        *(word for word, provided in words.items() if provided),
    )
