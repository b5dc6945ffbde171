"""Translators: networks that make an image of an image, from pairs (pix2pix) or from two sets (CycleGAN, CUT)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Architecture, DataInfo, Recipe, Regularizer, hookimpl
from ganzoo_translation.options import CycleOptions, PatchNCEOptions, Pix2PixOptions, UnpairedOptions
from ganzoo_translation.recipes import CUT, CYCLEGAN, PIX2PIX, PIX2PIXHD, list_recipes

PAIRS = "ganzoo train --arch pix2pix --dataset pairs dataset.path=FOLDER"
OPTIM: dict[str, Any] = {
    f"optim.{network}.{key}": value for network in ("g", "d") for key, value in (("lr", 2e-4), ("betas", (0.5, 0.999)))
}
USUAL: dict[str, Any] = {**OPTIM, "train.conditional": True, "train.update": "shared"}
UNLABELLED = "images and inputs do not belong together, so D sees an image alone"
EXAMPLES = (DataInfo(shape=(3, 32, 32), label_shape=(3, 32, 32), label_dtype="uint8"),)


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="pix2pix",
        summary="A U-Net or residual blocks translate images; D judges patches of an image beside its input.",
        factory="ganzoo_translation.networks:build_pix2pix",
        options=Pix2PixOptions,
        similar_to=dict.fromkeys(
            ("unet", "u-net", "patchgan", "translation", "image-to-image", "img2img"), "--arch pix2pix"
        )
        | {"pix2pixhd": "--arch pix2pix arch.generator=resnet arch.scales=3 --reg feature-matching"},
        paper=f"{PIX2PIX}; {PIX2PIXHD}",
        square=False,
        conditional="always",
        input_multiple=1,
        provides=_provide_pix2pix,
        examples=(DataInfo(shape=(3, 32, 32), label_shape=(1, 32, 32), label_dtype="uint8"),),
        cases="ganzoo_translation.cases:pix2pix",
        imports=dict.fromkeys(("pix2pix", "cyclegan"), "ganzoo_translation.imports:translator"),
        recommended={**USUAL, "loss": "bce", "reg": "l1", "reg.l1.weight": 100.0, "train.batch": 4},
    )
    yield Architecture(
        name="cyclegan",
        summary="Two generators translate between two sets of images without pairs; each has a D of patches.",
        factory="ganzoo_translation.networks:build_cyclegan",
        options=UnpairedOptions,
        similar_to=dict.fromkeys(("unpaired", "discogan", "dualgan"), "--arch cyclegan"),
        paper=CYCLEGAN,
        square=False,
        conditional="always",
        input_multiple=1,
        provides=_provide_cyclegan,
        wants={"second-direction": "nothing trains its second generator, nor keeps the content of images"},
        examples=EXAMPLES,
        untrained=("generator.back.*", "discriminator.back.*"),  # the regularizer trains them
        excused={"discriminator-uses-labels": UNLABELLED},
        cases="ganzoo_translation.cases:cyclegan",
        recommended={**USUAL, "loss": "lsgan", "reg": "cycle", "train.adversarial_weight": 2.0, "train.batch": 1},
    )
    yield Architecture(
        name="cut",
        summary="One generator translates images without pairs, and keeps the content of each patch; a D of patches.",
        factory="ganzoo_translation.networks:build_cut",
        options=UnpairedOptions,
        similar_to=dict.fromkeys(("fastcut", "contrastive-unpaired-translation"), "--arch cut"),
        paper=CUT,
        square=False,
        conditional="always",
        input_multiple=1,
        provides=_provide_cut,
        wants={"kept-content": "nothing keeps the content of the images that it translates"},
        examples=EXAMPLES,
        excused={"discriminator-uses-labels": UNLABELLED},
        cases="ganzoo_translation.cases:cut",
        recommended={**USUAL, "loss": "lsgan", "reg": "patchnce", "train.adversarial_weight": 2.0, "train.batch": 1},
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the terms that keep the content of images without pairs."""
    yield Regularizer(
        name="cycle",
        summary="An image that is translated and back is as before; it also trains the second pair of networks.",
        factory="ganzoo_translation.cycle:Cycle",
        options=CycleOptions,
        similar_to=dict.fromkeys(("cycle-consistency", "identity", "image-pool"), "--reg cycle"),
        paper=f"{CYCLEGAN}, section 3",
        needs=("two-directions",),
        provides=("second-direction",),
        reals=True,
        modalities=("image",),
        cases="ganzoo_translation.cases:cycle",
    )
    yield Regularizer(
        name="patchnce",
        summary="A patch of a translated image is more like the patch of its place in the input than like others.",
        factory="ganzoo_translation.patchnce:PatchNCE",
        options=PatchNCEOptions,
        similar_to=dict.fromkeys(("nce", "contrastive-patches"), "--reg patchnce"),
        paper=f"{CUT}, section 3",
        needs=("encoded-maps",),
        provides=("kept-content",),
        reals=True,
        learns="generator",
        modalities=("image",),
        cases="ganzoo_translation.cases:patchnce",
    )


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the papers' trainings."""
    yield from list_recipes()


def _provide_pix2pix(options: Pix2PixOptions) -> tuple[str, ...]:
    return (*_provide_of_discriminator(options), *(("encoded-maps",) if options.generator == "resnet" else ()))


def _provide_cut(options: UnpairedOptions) -> tuple[str, ...]:
    return (*_provide_of_discriminator(options), "encoded-maps")


def _provide_cyclegan(options: UnpairedOptions) -> tuple[str, ...]:
    return (*_provide_of_discriminator(options), "two-directions")


def _provide_of_discriminator(options: Pix2PixOptions | UnpairedOptions) -> tuple[str, ...]:
    words = {"batchnorm-in-d": options.norm_d == "batch", "bounded-slope": options.spectral_d}
    return ("features", "double-backward", *(word for word, provided in words.items() if provided))
