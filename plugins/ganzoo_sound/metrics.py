"""Metrics of pairs of sounds: how far a sound is from the one whose spectrogram it was made from."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from ganzoo.layers import MelSpectrogram, measure_magnitudes, measure_spectra
from ganzoo.plugin import DataInfo, NoOptions, UsageError
from ganzoo_sound.settings import choose_mel

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))  # frame, hop, window (Parallel WaveGAN, table 1)
LOG_SPECTRAL = (2048, 512)  # frame and hop
FLOOR = 1e-5  # smallest magnitude whose logarithm is taken
DECIBEL = 20.0


class Pairwise(ABC):
    """The mean over pairs of values of each pair."""

    keys: tuple[str, ...]

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all pairs."""
        self.rows: list[Tensor] = []

    def pair(self, real: Tensor, fake: Tensor, labels: Tensor) -> None:
        """Add pairs of sounds, ``[n, 1, T]`` each."""
        self.rows.append(self.measure(real, fake).double().cpu())

    def compute(self) -> dict[str, float]:
        """Return the mean of each value over all pairs."""
        return dict(zip(self.keys, torch.cat(self.rows).mean(0).tolist(), strict=True))

    @abstractmethod
    def measure(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the values of each pair, ``[n, len(keys)]``."""


class MelDistance(Pairwise):
    """The mean absolute difference of the natural logarithms of mel bands (`choose_mel`), up to half of the rate."""

    keys = ("mel",)

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.mel = MelSpectrogram(**{**choose_mel(data), "f_max": None})

    def measure(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the distance of each pair, ``[n, 1]``."""
        mel = self.mel.to(real.device)
        distances: Tensor = (mel(real) - mel(fake)).abs().mean((1, 2))
        return distances[:, None]


class STFTDistance(Pairwise):
    """The means over three resolutions of the spectral convergence and of the distance of logarithms.

    Yamamoto, Song & Kim 2020, Parallel WaveGAN, arXiv:1910.11480, eqs. 4-6. Resolutions whose frames are longer than
    the sounds are left out.
    """

    keys = ("convergence", "log")

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        choose_mel(data)  # refuses other data
        self.resolutions = [each for each in RESOLUTIONS if each[0] <= data.shape[1]]
        if not self.resolutions:
            least = min(size for size, *_ in RESOLUTIONS)
            raise UsageError(f"metric 'stft-distance' is for sounds of {least} values or more, not {data.shape[1]}")

    def measure(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return both values of each pair, ``[n, 2]``."""
        found = []
        for size, hop, window in self.resolutions:
            x, y = (measure_magnitudes(measure_spectra(each.flatten(1), size, hop, window)) for each in (real, fake))
            norms = [torch.linalg.vector_norm(each.flatten(1), dim=1) for each in (x - y, x)]
            logs = (x.clamp(min=FLOOR).log() - y.clamp(min=FLOOR).log()).abs().mean((1, 2))
            found.append(torch.stack([norms[0] / norms[1], logs], 1))
        return torch.stack(found).mean(0)


class LogSpectralDistance(Pairwise):
    """The mean over frames of the root mean squared difference of spectra in decibels.

    Gray & Markel 1976, Distance Measures for Speech Processing, IEEE Transactions on Acoustics, Speech, and Signal
    Processing 24(5).
    """

    keys = ("decibel",)

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        choose_mel(data)  # refuses other data
        size = min(LOG_SPECTRAL[0], 1 << data.shape[1].bit_length() - 1)
        self.size, self.hop = size, size // 4

    def measure(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the distance of each pair, ``[n, 1]``."""
        x, y = (measure_magnitudes(measure_spectra(each.flatten(1), self.size, self.hop)) for each in (real, fake))
        decibels = DECIBEL * (x.clamp(min=FLOOR).log10() - y.clamp(min=FLOOR).log10())
        return decibels.square().mean(2).sqrt().mean(1)[:, None]
