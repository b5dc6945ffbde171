"""Mel spectrograms as the labels of sounds: their settings, how a batch gets them, and how a file is read as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganzoo.layers import MelSpectrogram
from ganzoo.plugin import DataInfo, UsageError
from ganzoo_datasets import sounds
from ganzoo_datasets.specs.audio import AudioOptions


class Condition(nn.Module):
    """The labels of a batch: the mel spectrograms of its sounds, float32 ``[n, num, frames]``."""

    def __init__(self, mel: MelSpectrogram) -> None:
        super().__init__()
        self.mel = mel

    def forward(self, real: Tensor, generator: torch.Generator) -> Tensor:
        """Return the labels of sounds ``[n, 1, T]``; nothing is drawn."""
        labels: Tensor = self.mel(real)
        return labels


def describe_mel(options: AudioOptions) -> dict[str, Any]:
    """Return the entry of ``DataInfo.meta`` that describes the mel spectrograms; empty if there are none."""
    if not options.mel:
        return {}
    f_max = options.rate / 2 if options.f_max is None else options.f_max
    names = {"num": options.mel, "n_fft": options.n_fft, "hop": options.mel_hop, "f_min": options.f_min, "f_max": f_max}
    return {"mel": names}


def make_condition(options: AudioOptions) -> Condition:
    """Return what makes the labels of a batch.

    Raises:
        UsageError: There is no such mel spectrogram of such samples; the text names an option and a value that fit.
    """
    mel, n_fft, hop, length = options.mel, options.n_fft, options.mel_hop, options.length
    if options.channels != 1:
        raise UsageError(f"dataset.mel={mel} is for sounds of one channel: add dataset.channels=1")
    if n_fft < 2 * hop:
        raise UsageError(f"dataset.n_fft={n_fft} is less than two hops of the frames: add dataset.n_fft={4 * hop}")
    if length % hop or length <= n_fft // 2:
        fitting = max(round(length / hop), n_fft // 2 // hop + 1) * hop
        raise UsageError(
            f"dataset.length={length} is not a multiple of dataset.mel_hop={hop} above half of dataset.n_fft={n_fft}: "
            f"add dataset.length={fitting}"
        )
    f_max = options.rate / 2 if options.f_max is None else options.f_max
    if not options.f_min < f_max <= options.rate / 2:
        raise UsageError(
            f"dataset.f_max={f_max:g} is not between dataset.f_min={options.f_min:g} and half of "
            f"dataset.rate={options.rate}: add dataset.f_max={options.rate / 2:g}"
        )
    condition = Condition(MelSpectrogram(options.rate, mel, n_fft, hop, options.f_min, f_max))
    if empty := int((condition.mel.bands.sum(0) == 0).sum()):
        raise UsageError(
            f"{empty} of dataset.mel={mel} bands are narrower than the frequencies of dataset.n_fft={n_fft}: add "
            f"dataset.n_fft={2 * n_fft} or a smaller dataset.mel"
        )
    return condition


def copy_samples(real: Tensor, generator: torch.Generator) -> Tensor:
    """Return the labels of sounds that are their own labels; nothing is drawn."""
    return real


def read(path: str, info: DataInfo) -> NDArray[np.float32]:
    """Return a sound file of any length, rate and number of channels as a label.

    The sound is resampled to the rate of the model's data. A model whose labels are sounds gets it with the number of
    their channels, ``[channels, T]``. Others get the mel spectrogram ``[num, frames]`` of the mean of its channels,
    with silence at its end to the next whole frame.

    Raises:
        UsageError: The labels of `info` are neither sounds nor mel spectrograms, or the sound is too short for a frame.
        ValueError: The file is damaged, or has no sound.
    """
    rate = int(info.meta["sample_rate"])
    if info.label_shape == info.shape:
        return sounds.read_at_rate(path, rate, info.shape[0]).astype(np.float32)
    mel = MelSpectrogram.from_info(info)
    signal = sounds.read_at_rate(path, rate, 1)
    if (num := signal.shape[1]) <= mel.n_fft // 2:
        raise UsageError(
            f"{path} has {num} values at {rate} in a second, and this model needs {mel.n_fft // 2 + 1}: give a longer "
            "sound"
        )
    whole = np.pad(signal, ((0, 0), (0, -num % mel.hop)))
    found: NDArray[np.float32] = mel(torch.from_numpy(whole).float()[None])[0].numpy()
    return found
