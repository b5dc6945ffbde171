"""Short-time spectra of sounds, their inverse, and mel spectrograms.

A sound of T values is cut into frames of `size` values, each `hop` values after the one before, and each frame is
multiplied by Hann's window. The sound is first continued by its mirror image, by ``size - hop`` values in all. Thus
there is one frame for each `hop` values, ``T // hop`` in all, and a frame lies around the middle of its own values (as
in HiFi-GAN, Kong et al. 2020, arXiv:2010.05646). `invert_spectra` returns all ``frames * hop`` values.

They compute in float32, or in float64 if the sound is float64, because spectra have a large range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers._precision import without_autocast
from ganzoo.plugin import DataInfo, UsageError

FLOOR = 1e-5  # smallest value of a mel band whose logarithm is taken
LINEAR, STEP = 1000.0, 200 / 3  # Slaney's mel scale: below 1,000 Hz, 200/3 Hz are one mel
OCTAVES, MELS = math.log(6.4), 27.0  # above, 27 mels are a factor of 6.4


def measure_spectra(sounds: Tensor, size: int, hop: int, window: int = 0) -> Tensor:
    """Return the spectra of sounds ``[N, T]``: real and imaginary parts, ``[N, T // hop, size // 2 + 1, 2]``.

    Args:
        sounds: The sounds, each longer than half of ``size - hop``.
        size: The number of values of a frame, at least `hop`.
        hop: The number of values between two frames.
        window: The length of Hann's window, which lies in the middle of the frame; 0 for `size`.
    """
    with without_autocast(sounds.device):
        x = _raise_precision(sounds)
        before, after = _split_margin(size, hop)
        frames = F.pad(x, (before, after), mode="reflect").unfold(1, size, hop)  # [N, frames, size]
        return torch.view_as_real(torch.fft.rfft(frames * _make_window(x, size, window)))


def measure_magnitudes(spectra: Tensor) -> Tensor:
    """Return the magnitudes of `measure_spectra`, ``[N, frames, bins]``; their gradient is finite at 0."""
    return (spectra.square().sum(-1) + 1e-9).sqrt()


def invert_spectra(spectra: Tensor, size: int, hop: int) -> Tensor:
    """Return the sounds ``[N, frames * hop]`` of spectra ``[N, frames, size // 2 + 1, 2]``.

    It is the inverse of `measure_spectra`. Spectra that do not come from a sound give the one whose spectra are nearest
    (Griffin & Lim 1984, Signal Estimation from Modified Short-Time Fourier Transform, eq. 6).

    Args:
        spectra: Real and imaginary parts, in the last dimension.
        size: The number of values of a frame, at least twice `hop`.
        hop: The number of values between two frames.

    Raises:
        ValueError: A frame is shorter than two hops, so that values would lie where the windows are 0.
    """
    if size < 2 * hop:
        raise ValueError(f"frames of {size} values are less than two hops of {hop}")
    with without_autocast(spectra.device):
        parts = torch.view_as_complex(_raise_precision(spectra).contiguous())
        frames = torch.fft.irfft(parts, n=size)  # [N, frames, size]
        window = _make_window(frames, size)
        sums = _overlap(frames * window, hop)
        weights = _overlap(window.square().expand(1, frames.shape[1], size), hop)
        before, after = _split_margin(size, hop)
        end = sums.shape[1] - after
        return sums[:, before:end] / weights[:, before:end]


class MelSpectrogram(nn.Module):
    """Sounds to the logarithms of the magnitudes in mel bands: ``[N, 1, T]`` to ``[N, num, T // hop]``.

    The bands are triangles of equal area on Slaney's mel scale (Slaney 1998, Auditory Toolbox), as librosa has them.
    The logarithm is natural; values below 1e-5 count as 1e-5.

    Args:
        rate: The number of values of a sound in a second.
        num: The number of bands.
        n_fft: The number of values of a frame.
        hop: The number of values between two frames.
        f_min: The lowest frequency in Hz.
        f_max: The highest frequency in Hz; None for half the rate.
    """

    bands: Tensor

    def __init__(
        self, rate: int, num: int = 80, n_fft: int = 1024, hop: int = 256, f_min: float = 0.0,
        f_max: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        bands = _make_mel_bands(rate, num, n_fft, f_min, f_max)  # [bins, num]
        self.register_buffer("bands", bands.to(torch.empty(0)), persistent=False)  # as other new tensors

    @classmethod
    def from_info(cls, data: DataInfo, **other: Any) -> MelSpectrogram:
        """Return the mel spectrogram that is the label of data.

        Args:
            data: The description of the data; ``meta["sample_rate"]`` and ``meta["mel"]`` describe the spectrogram.
            other: Arguments of the class that replace those of the data.

        Raises:
            UsageError: The data's labels are not mel spectrograms.
        """
        settings, rate = data.meta.get("mel"), data.meta.get("sample_rate")
        if not isinstance(settings, Mapping) or not isinstance(rate, int):
            raise UsageError("the labels of these data are not mel spectrograms: add dataset.mel=80")
        return cls(rate, **{**settings, **other})

    def forward(self, sounds: Tensor) -> Tensor:
        """Return the mel spectrograms of sounds ``[N, 1, T]``."""
        with without_autocast(sounds.device):
            magnitudes = measure_magnitudes(measure_spectra(sounds.flatten(1), self.n_fft, self.hop))
            mels = magnitudes @ self.bands.to(magnitudes.dtype)  # [N, frames, num]
            return mels.clamp(min=FLOOR).log().transpose(1, 2)


def _make_mel_bands(rate: int, num: int, n_fft: int, f_min: float = 0.0, f_max: float | None = None) -> Tensor:
    """Return the weights of frequencies in mel bands, float64 ``[n_fft // 2 + 1, num]``; see `MelSpectrogram`."""
    # float64 on the CPU even where networks are built on another device
    exact: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}
    low, high = _to_mel(f_min), _to_mel(rate / 2 if f_max is None else f_max)
    edges = torch.tensor([_to_hertz(low + (high - low) * i / (num + 1)) for i in range(num + 2)], **exact)
    bins = torch.linspace(0, rate / 2, n_fft // 2 + 1, **exact)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles: Tensor = torch.minimum(rising, falling).clamp(min=0) * 2 / (edges[2:] - edges[:-2])
    return triangles


# ----------------------------------------------------------------------------
# Helpers.


def _to_mel(hertz: float) -> float:
    return hertz / STEP if hertz < LINEAR else LINEAR / STEP + math.log(hertz / LINEAR) * MELS / OCTAVES


def _to_hertz(mel: float) -> float:
    return mel * STEP if mel < LINEAR / STEP else LINEAR * math.exp((mel - LINEAR / STEP) * OCTAVES / MELS)


def _raise_precision(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def _split_margin(size: int, hop: int) -> tuple[int, int]:
    """Return how many values a sound is continued by at its beginning and at its end."""
    return (size - hop) // 2, (size - hop + 1) // 2


def _make_window(x: Tensor, size: int, length: int = 0) -> Tensor:
    """Return Hann's window in the middle of `size` values, in the dtype and on the device of `x`."""
    length = length or size
    window = 0.5 - 0.5 * torch.cos(torch.arange(length, dtype=x.dtype, device=x.device) * (2 * math.pi / length))
    left = (size - length) // 2
    return window if length == size else F.pad(window, (left, size - length - left))


def _overlap(frames: Tensor, hop: int) -> Tensor:
    """Return the sums of frames ``[N, frames, size]`` that lie `hop` values apart, ``[N, (frames - 1) hop + size]``."""
    _, num, size = frames.shape
    long = (num - 1) * hop + size
    return F.fold(frames.transpose(1, 2), (1, long), (1, size), stride=(1, hop)).flatten(1)
