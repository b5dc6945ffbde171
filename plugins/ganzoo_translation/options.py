"""The options of the translators and of their terms. Every command imports this module, so it imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import option

WIDTH_D = "Channels of D's first layer; none for width."
SPECTRAL_D = (
    "Whether D's weights are divided by their largest singular value too, for losses that need a bounded slope."
)
LAYERS_D = "Layers of D with stride 2: 3 for patches of 70x70 pixels, 1 for 16x16, 5 for 286x286, 0 for single pixels."


@dataclass(frozen=True, kw_only=True)
class Pix2PixOptions:
    """Options of `pix2pix`. The paper's networks have width 64."""

    generator: Literal["unet", "resnet"] = option(
        "unet", help="unet: as in pix2pix; resnet: residual blocks, as in pix2pixHD with downs=4, blocks=9."
    )
    width: int = option(16, low=1, help="Channels of the generator's first layer; 64 in the paper.")
    width_d: int | None = option(None, low=1, help=WIDTH_D)
    levels: int | None = option(
        None,
        low=1,
        high=12,
        help="Layers of the encoder; none for as many as the size allows, at most 8.",
        used_with="generator=unet",
    )
    dropout: float = option(
        0.5,
        low=0,
        high=0.99,
        help="Probability of the dropout in three layers of the decoder, the only noise; 0 for the same result always.",
        used_with="generator=unet",
    )
    blocks: int = option(6, low=1, help="Residual blocks.", used_with="generator=resnet")
    downs: int = option(2, low=1, high=6, help="Layers that halve the sides.", used_with="generator=resnet")
    norm: Literal["instance", "batch", "unscaled"] = option(
        "instance",
        help="Normalisation of the generator: instance is the paper's batch normalisation for batches of 1; unscaled "
        "has no learned scale and bias, as in pix2pixHD.",
    )
    norm_d: Literal["instance", "batch", "unscaled", "none"] = option(
        "instance",
        help="Normalisation of the discriminator, as norm. Penalties on D's gradient need another than batch.",
    )
    spectral_d: bool = option(False, help=SPECTRAL_D)
    layers_d: int = option(3, low=0, high=7, help=LAYERS_D)
    scales: int = option(
        1,
        low=1,
        high=4,
        help="Discriminators, each of which sees half the resolution of the one before; 3 in pix2pixHD.",
    )


@dataclass(frozen=True, kw_only=True)
class UnpairedOptions:
    """Options of `cyclegan` and `cut`. The papers' networks have width 64 and 9 blocks."""

    width: int = option(16, low=1, help="Channels of a generator's first layer; 64 in the papers.")
    width_d: int | None = option(None, low=1, help=WIDTH_D)
    blocks: int = option(6, low=1, help="Residual blocks: 6 for 128 pixels, 9 for 256 in the papers.")
    downs: int = option(2, low=1, high=6, help="Layers of a generator that halve the sides.")
    norm: Literal["unscaled", "instance", "batch"] = option(
        "unscaled", help="Normalisation of generators: unscaled is instance normalisation without scale and bias."
    )
    norm_d: Literal["unscaled", "instance", "batch", "none"] = option(
        "unscaled", help="Normalisation of discriminators, as norm."
    )
    spectral_d: bool = option(False, help=SPECTRAL_D)
    layers_d: int = option(3, low=0, high=7, help=LAYERS_D)


@dataclass(frozen=True, kw_only=True)
class CycleOptions:
    """Options of `cycle`."""

    weight: float = option(10.0, low=0, schedulable=True, help="Weight of the two cycles, lambda in the paper.")
    identity: float = option(
        0.5,
        low=0,
        schedulable=True,
        help="Weight, times `weight`, of the change of images that a generator should not change; 0 for none.",
    )
    pool: int = option(50, low=0, help="Earlier images of each generator that its D sees too; 0 for none.")


@dataclass(frozen=True, kw_only=True)
class PatchNCEOptions:
    """Options of `patchnce`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the term; 1 in CUT, 10 in FastCUT.")
    identity: float = option(
        1.0,
        low=0,
        schedulable=True,
        help="Weight, times `weight`, of the same term for images of the target domain; 0 in FastCUT.",
    )
    temperature: float = option(0.07, low=1e-3, help="Temperature, tau in the paper.")
    patches: int = option(256, low=2, help="Places that are compared in each map.")
    width: int = option(256, low=1, help="Length of a patch's vector.")
