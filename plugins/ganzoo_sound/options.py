"""The options of the architectures, terms and metrics of sounds. Every command imports it, so it is light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import option


@dataclass(frozen=True, kw_only=True)
class DiscriminatorOptions:
    """Options of a vocoder's discriminators."""

    discriminators: tuple[Literal["mpd", "msd", "mrd"], ...] = option(
        ("mpd", "msd"),
        help="Kinds of discriminators: mpd sees periods, msd the sound at three rates, mrd bands of its spectra.",
    )
    width_d: int = option(
        4, help="Channels of the first layers of mpd and mrd, a quarter of msd's; 32 in the papers.", low=1
    )
    periods: tuple[int, ...] = option((2, 3, 5, 7, 11), help="Periods of mpd, in values of the sound.", low=1)
    windows: tuple[int, ...] = option((2048, 1024, 512), help="Lengths of the frames of mrd's spectra.", low=16)
    heads: Literal["sum", "mean"] = option(
        "sum",
        help="How the discriminators of a kind count, also in feature-matching: by their sum as in HiFi-GAN, or by "
        "their mean as in Vocos.",
    )
    mrd_weight: float = option(1.0, help="Weight of mrd beside the other kinds; 0.1 in Vocos.", low=0)


@dataclass(frozen=True, kw_only=True)
class VocosOptions(DiscriminatorOptions):
    """Options of `vocos`. In the paper width is 512, depth 8 and width_d 32 (recipe `vocos`)."""

    discriminators: tuple[Literal["mpd", "msd", "mrd"], ...] = option(
        ("mpd", "mrd"),
        help="Kinds of discriminators: mpd sees periods, msd the sound at three rates, mrd bands of its spectra.",
    )
    heads: Literal["sum", "mean"] = option(
        "mean",
        help="How the discriminators of a kind count, also in feature-matching: by their sum as in HiFi-GAN, or by "
        "their mean as in Vocos.",
    )
    mrd_weight: float = option(0.1, help="Weight of mrd beside the other kinds; 0.1 in Vocos.", low=0)
    width: int = option(64, help="Channels of G; a block has three times as many inside.", low=4)
    depth: int = option(4, help="Blocks of G.", low=1)
    n_fft: int | None = option(
        None, help="Values of a frame of the spectrum that G makes; none for four hops.", low=8, high=1 << 16
    )


@dataclass(frozen=True, kw_only=True)
class HiFiGANOptions(DiscriminatorOptions):
    """Options of `hifigan`. In the paper width is 512, 128 or 256 for v1, v2, v3, and width_d 32."""

    version: Literal["v1", "v2", "v3"] = option(
        "v2", help="Blocks of G: large ones in v1, the same with fewer channels in v2, small ones in v3."
    )
    width: int | None = option(
        None,
        help="Channels of G before the first upsampling, each of which halves them; none for the version's.",
        low=2,
    )
    rates: tuple[int, ...] | None = option(
        None,
        help="Factors of G's upsampling, whose product is the hop; none for the version's, or for what fits the hop.",
        low=2,
    )
    activation: Literal["leaky-relu", "snake", "snakebeta"] = option(
        "leaky-relu", help="G's activation: leaky-relu as in the paper, snake or snakebeta for periodic ones."
    )


@dataclass(frozen=True, kw_only=True)
class DACOptions(DiscriminatorOptions):
    """Options of `dac`. In the paper width is 64, codebooks 9, codes 1024 and width_d 32 (recipe `dac-44khz`)."""

    discriminators: tuple[Literal["mpd", "msd", "mrd"], ...] = option(
        ("mpd", "mrd"),
        help="Kinds of discriminators: mpd sees periods, msd the sound at three rates, mrd bands of its spectra.",
    )
    width: int = option(
        8,
        low=2,
        help="Channels of G's encoder at full rate, an even number; each rate doubles them. The decoder has 3/2 of it.",
    )
    rates: tuple[int, ...] = option(
        (4, 4, 8),
        low=2,
        help="Factors by which the encoder lowers the rate. Their product is the number of values of a frame.",
    )
    latent_channels: int | None = option(
        None, low=1, help="Channels of the latents; none for the encoder's last width."
    )
    codebooks: int = option(4, low=1, help="Codebooks, each of which quantises what is left by those before.")
    codes: int = option(256, low=2, help="Codes of each codebook.")
    code_width: int = option(8, low=1, help="Length of a code.")
    dropout: float = option(
        0.5, low=0, high=1, help="Probability that a sample of a training has a random number of the first codebooks."
    )
    beta: float = option(0.25, low=0, help="Weight of the commitment of latents to their codes.")


@dataclass(frozen=True, kw_only=True)
class WaveGANOptions:
    """Options of `wavegan`. The paper's width is 64."""

    width: int = option(
        8, help="Channels of both networks at a quarter of the rate; they double with each further quarter.", low=1
    )
    z_dim: int = option(100, help="Length of the latent z.", low=1)
    shuffle: int = option(
        2, help="D's maps are moved by random numbers of steps up to this one in training; 0 for none.", low=0
    )


@dataclass(frozen=True, kw_only=True)
class MelOptions:
    """Options of `mel`."""

    weight: float = option(45.0, help="Weight of the term; 45 in HiFi-GAN, 15 with many scales in DAC.", low=0,
                           schedulable=True)  # fmt: skip
    scales: Literal["one", "many"] = option(
        "one",
        help="one: natural logarithms of the mel bands of the data's labels, up to half the rate; many: common "
        "logarithms at seven scales, from 5 bands of 32 values to 320 of 2,048, as in DAC.",
    )
