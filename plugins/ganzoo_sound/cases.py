"""Numbers of parameters of the networks, and exact values of terms and metrics, for `ganzoo check`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import log, log10
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case, DataInfo

CROP = 8192  # values of a sound in HiFi-GAN's training


def _describe(num: int, length: int, frames: int) -> DataInfo:
    return DataInfo(shape=(1, length), modality="audio", label_shape=(num, frames))


# ----------------------------------------------------------------------------
# Parameters. Weight normalisation has one more for each output.


def count_conv(inputs: int, outputs: int, kernel: int, *, norm: bool = True, over: int | None = None) -> int:
    """Return the parameters of a convolution with biases; `over`: the number of norms, if not that of outputs."""
    return inputs * outputs * kernel + outputs + ((over or outputs) if norm else 0)


def count_vocos(num: int, width: int, depth: int, n_fft: int) -> int:
    """Return the parameters of Vocos's generator for spectrograms of `num` bands."""
    norm, inner = 2 * width, 3 * width
    block = 8 * width + norm + width * inner + inner + inner * width + width + width
    return 7 * num * width + width + norm + depth * block + norm + (width + 1) * (n_fft + 2)


def count_hifigan(
    width: int, rates: tuple[int, ...], kernels: tuple[int, ...], convs: int, norm: bool = True, num: int = 80
) -> int:
    """Return the parameters of HiFi-GAN's generator; a block has `convs` convolutions."""
    widths = [width >> number for number in range(len(rates) + 1)]
    total = count_conv(num, width, 7, norm=norm) + count_conv(widths[-1], 1, 7, norm=norm)
    for rate, (before, after) in zip(rates, pairwise(widths), strict=True):
        total += count_conv(before, after, 2 * rate, norm=norm, over=before)
        total += sum(convs * count_conv(after, after, kernel, norm=norm) for kernel in kernels)
    return total


def count_mpd(width: int, members: int = 5) -> int:
    """Return the parameters of the discriminators of periods."""
    widths = [1, width, 4 * width, 16 * width, 32 * width, 32 * width]
    return members * (sum(count_conv(a, b, 5) for a, b in pairwise(widths)) + count_conv(widths[-1], 1, 3))


def count_msd(width: int) -> int:
    """Return the parameters of the discriminators of scales, the first of which has spectral normalisation."""
    w = width
    shapes = [  # inputs of a group, outputs, kernel
        (1, 4 * w, 15), (w, 4 * w, 41), (w // 4, 8 * w, 41), (w // 2, 16 * w, 41), (w, 32 * w, 41),
        (2 * w, 32 * w, 41), (32 * w, 32 * w, 5), (32 * w, 1, 3),
    ]  # fmt: skip
    plain, normed = (sum(count_conv(*shape, norm=norm) for shape in shapes) for norm in (False, True))
    return plain + 2 * normed


def count_mrd(width: int, members: int = 3) -> int:
    """Return the parameters of the discriminators of bands."""
    band = count_conv(2, width, 27) + 3 * count_conv(width, width, 27) + count_conv(width, width, 9)
    return members * (5 * band + count_conv(width, 1, 9))


def vocos() -> Iterator[Case]:
    """Yield the numbers of the published model for 24 kHz, whose generator has 13.5 million parameters."""
    expected = {"generator": 13_531_650, "discriminator": count_mpd(32) + count_mrd(32)}
    options = {"width": 512, "depth": 8, "width_d": 32}
    yield Case(name="24 kHz", options=options, given={"data": _describe(100, 16_384, 64)}, expected=expected)


def hifigan() -> Iterator[Case]:
    """Yield the numbers of the paper's versions: 13.92, 0.92 and 1.46 million without the norms of the weights."""
    rates, kernels = (8, 8, 2, 2), (3, 7, 11)
    counts = {
        "v1": count_hifigan(512, rates, kernels, 6),
        "v2": count_hifigan(128, rates, kernels, 6),
        "v3": count_hifigan(256, (8, 8, 4), (3, 5, 7), 2),
    }
    for version, generator in counts.items():
        yield Case(
            name=version,
            options={"version": version, "width_d": 32},
            given={"data": _describe(80, CROP, CROP // 256)},
            expected={"generator": generator, "discriminator": count_mpd(32) + count_msd(32)},
        )


def count_codec(
    width: int, rates: tuple[int, ...], codebooks: int, codes: int, code_width: int
) -> tuple[int, int, int]:
    """Return the parameters of DAC's encoder, codebooks and decoder."""

    def count_blocks(channels: int) -> int:
        return 3 * (2 * channels + count_conv(channels, channels, 7) + count_conv(channels, channels, 1))

    widths = [width << number for number in range(len(rates) + 1)]
    last = widths[-1]
    encoder = count_conv(1, width, 7) + last + count_conv(last, last, 3)
    for rate, (before, after) in zip(rates, pairwise(widths), strict=True):
        encoder += count_blocks(before) + before + count_conv(before, after, 2 * rate)
    widths = [3 * each // 2 for each in reversed(widths)]
    decoder = count_conv(last, widths[0], 7) + widths[-1] + count_conv(widths[-1], 1, 7)
    for rate, (before, after) in zip(reversed(rates), pairwise(widths), strict=True):
        decoder += before + count_conv(before, after, 2 * rate, over=before) + count_blocks(after)
    book = count_conv(last, code_width, 1) + codes * code_width + count_conv(code_width, last, 1)
    return encoder, codebooks * book, decoder


def dac() -> Iterator[Case]:
    """Yield the numbers of the published model for 44.1 kHz, whose file of 307 MB has 76.65 million float32."""
    counts = count_codec(64, (2, 4, 8, 8), 9, 1024, 8)  # 22,307,968, 239,760 and 54,104,162
    length = 33 * 512
    yield Case(
        name="44 kHz",
        options={"width": 64, "rates": (2, 4, 8, 8), "codebooks": 9, "codes": 1024, "width_d": 32},
        given={"data": DataInfo(shape=(1, length), modality="audio", label_shape=(1, length))},
        expected={"generator": sum(counts), "discriminator": count_mpd(32) + count_mrd(32)},
    )


def wavegan() -> Iterator[Case]:
    """Yield the numbers of tables 3 and 4, for sounds of 16,384 values."""
    widths = [1024, 512, 256, 128, 64, 1]
    generator = 101 * 16_384 + sum(count_conv(a, b, 25, norm=False) for a, b in pairwise(widths))
    discriminator = 16_384 + 1 + sum(count_conv(b, a, 25, norm=False) for a, b in pairwise(widths))
    yield Case(
        name="a second of 16 kHz",
        options={"width": 64},
        given={"data": DataInfo(shape=(1, 16_384), modality="audio")},
        expected={"generator": generator, "discriminator": discriminator},
    )


# ----------------------------------------------------------------------------
# Sounds of half the size: all logarithms differ by that of 2.


def _make_pair(length: int = 2048) -> dict[str, Tensor]:
    """Return loud noise and the same at half the size, ``[2, 1, length]``."""
    real = 10 * torch.randn(2, 1, length, generator=torch.Generator().manual_seed(0))
    return {"real": real, "fake": real / 2}


class Mean(nn.Module):
    """A discriminator of the means of sounds."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit for each sound."""
        return x.mean((1, 2))


def mel() -> Iterator[Case]:
    """Yield the term of sounds that differ by a factor, and of equal ones."""
    given: dict[str, Any] = {**_make_pair(), "network": Mean()}
    yield Case(name="half as loud", given=given, expected={"generator": 45 * log(2)})
    many = {"scales": "many", "weight": 15.0}
    yield Case(name="seven scales", options=many, given=given, expected={"generator": 15 * 7 * log10(2)})
    yield Case(name="equal", given={**given, "fake": given["real"]}, expected={"generator": 0.0})


def mel_distance() -> Iterator[Case]:
    """Yield the distance of sounds that differ by a factor."""
    yield Case(name="half as loud", given={**_make_pair(), "data": _describe(80, 2048, 8)}, expected={"mel": log(2)})


def stft_distance() -> Iterator[Case]:
    """Yield the distances of sounds that differ by a factor."""
    given = {**_make_pair(), "data": _describe(80, 2048, 8)}
    yield Case(name="half as loud", given=given, expected={"convergence": 0.5, "log": log(2)})


def log_spectral_distance() -> Iterator[Case]:
    """Yield the distance of sounds that differ by a factor."""
    given = {**_make_pair(), "data": _describe(80, 2048, 8)}
    yield Case(name="half as loud", given=given, expected={"decibel": 20 * log10(2)})
