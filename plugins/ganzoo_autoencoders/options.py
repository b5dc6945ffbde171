"""The options of autoencoders and of their data. Every command imports this module, so it imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Nested, option

VQ = "quantiser=vq"


@dataclass(frozen=True, kw_only=True)
class VQGANOptions:
    """Options of `vqgan`. The papers' networks have width 128 and 2 blocks."""

    quantiser: Literal["vq", "kl"] = option(
        "vq", help="vq: each latent is the nearest code of a codebook; kl: it is drawn from a normal distribution."
    )
    width: int = option(16, low=1, help="Channels at full resolution; 128 in the papers.")
    multipliers: tuple[int, ...] = option(
        (1, 2, 4),
        low=1,
        help="Channels of each level as multiples of width; each level but the first halves the sides.",
    )
    blocks: int = option(1, low=1, help="Residual blocks of a level, and one more in the decoder; 2 in the papers.")
    attention: Literal["none", "middle", "lowest"] = option(
        "middle",
        help="middle: one layer of attention between encoder and decoder's ends; lowest: also after each block at the "
        "lowest resolution, as in VQGAN.",
    )
    latent_channels: int = option(32, low=1, help="Channels of the latents; 256 in VQGAN, 4 in latent diffusion.")
    codes: int = option(256, low=2, help="Codes of the codebook; 1024 or 16384 in VQGAN.", used_with=VQ)
    code_width: int | None = option(
        None, low=1, help="Length of a code; none for latent_channels, 8 to 32 for factorised codes.", used_with=VQ
    )
    codebook: Literal["learned", "average"] = option(
        "learned",
        help="learned: codes are parameters with a loss; average: a code is a running mean of what is nearest to it.",
        used_with=VQ,
    )
    normalise: bool = option(
        False, help="Whether latents and codes are compared by their directions, as in ViT-VQGAN.", used_with=VQ
    )
    beta: float = option(0.25, low=0, help="Weight of the commitment of latents to their codes.", used_with=VQ)
    decay: float = option(
        0.99,
        low=0,
        high=0.9999,
        help="Share of a running mean that an update keeps.",
        used_with=f"{VQ},codebook=average",
    )
    kl_weight: float = option(
        1e-6,
        low=0,
        help="Weight of the KL divergence beside losses that are sums over pixels.",
        used_with="quantiser=kl",
    )
    width_d: int | None = option(None, low=1, help="Channels of D's first layer, 64 in the papers; none for width.")
    layers_d: int = option(
        2, low=0, high=7, help="Layers of D with stride 2: 3 for patches of 70x70 pixels, 2 for 34x34, 1 for 16x16."
    )
    norm_d: Literal["batch", "instance", "none"] = option(
        "batch", help="Normalisation of D; batch in the papers. Penalties on D's gradient need another one."
    )
    spectral_d: bool = option(
        False, help="Whether D's weights are divided by their largest singular value too, which bounds its slope."
    )


@dataclass(frozen=True, kw_only=True)
class AdaptiveWeightOptions:
    """Options of `adaptive-weight`."""

    highest: float = option(1e4, low=0, help="The largest factor.")


@dataclass(frozen=True, kw_only=True)
class AutoencodingOptions:
    """Options of `autoencoding`."""

    of: str = option(
        "digits",
        help="The dataset whose samples are reconstructed.",
        nested=Nested(kind="dataset", settings="settings"),
    )
    settings: tuple[str, ...] = option((), help="Options of that dataset: size=64,path=FOLDER.")


@dataclass(frozen=True, kw_only=True)
class EncodedOptions:
    """Options of `encoded`."""

    of: str = option(
        "digits", help="The dataset whose images are encoded.", nested=Nested(kind="dataset", settings="settings")
    )
    settings: tuple[str, ...] = option((), help="Options of that dataset: size=64,path=FOLDER.")
    model: str = option(
        "", help="The autoencoder: a run by number or path, the folder of a model, or a model on the Hub."
    )
