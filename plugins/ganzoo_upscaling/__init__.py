"""Upscaling (super-resolution): generators that enlarge images, and discriminators of details."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin import Architecture, DataInfo, Recipe, hookimpl, option
from ganzoo_upscaling.recipes import ESRGAN, REAL_ESRGAN, list_recipes

NO_LABELS_IN_D = "D sees enlarged images alone, as in the papers; terms such as l1 compare them with the small ones"


@dataclass(frozen=True, kw_only=True)
class DiscriminatorOptions:
    """Options of the discriminator of `rrdb` and `compact`."""

    d: Literal["unet", "vgg"] = option(
        "unet",
        help="The discriminator. unet: a U-Net with spectral norm that gives each pixel a logit, as in Real-ESRGAN; "
        "vgg: convolutions with batch normalisation that give each image one, as in ESRGAN.",
    )
    width_d: int = option(16, help="Channels of D at full resolution; 64 in the papers.", low=2)


@dataclass(frozen=True, kw_only=True)
class RRDBOptions(DiscriminatorOptions):
    """Options of `rrdb`. ESRGAN has width 64, growth 32 and 23 blocks."""

    width: int = option(16, help="Channels between blocks; 64 in the papers.", low=2)
    growth: int = option(8, help="Channels that each convolution of a dense block adds; 32 in the papers.", low=1)
    blocks: int = option(2, help="Number of blocks of three dense blocks each; 23 or 6 in the papers.", low=1)


@dataclass(frozen=True, kw_only=True)
class CompactOptions(DiscriminatorOptions):
    """Options of `compact`. The published networks have width 64, and 16 or 32 convolutions."""

    width: int = option(16, help="Channels of the hidden convolutions; 64 in the published networks.", low=2)
    convs: int = option(4, help="Number of hidden convolutions; 16 or 32 in the published networks.", low=1)


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="rrdb",
        summary="Enlarges images 1, 2 or 4 times by dense residual blocks: the networks of ESRGAN and Real-ESRGAN.",
        factory="ganzoo_upscaling.networks:build_rrdb",
        options=RRDBOptions,
        similar_to=dict.fromkeys(
            (
                "esrgan",
                "real-esrgan",
                "srgan",
                "srresnet",
                "edsr",
                "rcan",
                "swinir",
                "hat",
                "super-resolution",
                "bsrgan",
            ),
            "--arch rrdb --dataset upscaling dataset.path=FOLDER",
        ),
        paper=f"{ESRGAN}; {REAL_ESRGAN}",
        examples=(
            DataInfo(shape=(3, 16, 16), label_shape=(3, 4, 4), label_dtype="uint8"),
            DataInfo(shape=(1, 16, 24), label_shape=(1, 8, 12), label_dtype="uint8"),
        ),
        imports=dict.fromkeys(("esrgan", "real-esrgan"), "ganzoo_upscaling.imports:rrdb"),
        cases="ganzoo_upscaling.cases:rrdb",
        **_COMMON,
    )
    yield Architecture(
        name="compact",
        summary="Enlarges images any number of times by plain convolutions: small and fast, as Real-ESRGAN's SRVGGNet.",
        factory="ganzoo_upscaling.networks:build_compact",
        options=CompactOptions,
        similar_to=dict.fromkeys(
            ("srvgg", "srvggnet", "srvggnetcompact", "span", "fsrcnn", "espcn", "realesr-general"),
            "--arch compact --dataset upscaling dataset.path=FOLDER",
        ),
        paper=REAL_ESRGAN,
        examples=(
            DataInfo(shape=(3, 16, 16), label_shape=(3, 4, 4), label_dtype="uint8"),
            DataInfo(shape=(1, 18, 24), label_shape=(1, 6, 8), label_dtype="uint8"),
        ),
        imports={"compact": "ganzoo_upscaling.imports:compact"},
        cases="ganzoo_upscaling.cases:compact",
        **_COMMON,
    )


def _provides(options: DiscriminatorOptions) -> tuple[str, ...]:
    return ("double-backward", "batchnorm-in-d") if options.d == "vgg" else ("double-backward",)


_COMMON: dict[str, Any] = {
    "conditional": "always",
    "square": False,
    "input_multiple": 1,
    "channels": (1, 3),
    "provides": _provides,
    "excused": {"discriminator-uses-labels": NO_LABELS_IN_D},
    "recommended": {
        "loss": "bce",
        "reg": "l1",
        "optim.g.lr": 2e-4,
        "optim.d.lr": 2e-4,
        "optim.g.betas": (0.9, 0.99),
        "optim.d.betas": (0.9, 0.99),
        "train.adversarial_weight": 0.1,
        "train.batch": 16,
        "train.conditional": True,
        "train.ema_half_life": 10_000,
    },
}


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the papers' trainings, and a short one."""
    yield from list_recipes()
