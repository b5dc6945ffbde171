"""Options and spec of `audio`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option
from ganzoo_datasets.specs.images import STRICT_HELP

SOUNDS = ("ljspeech", "maestro", "sc09", "sound", "sounds", "speech-commands", "wav")


@dataclass(frozen=True, kw_only=True)
class AudioOptions:
    """Options of `audio`."""

    path: str = option("", help="Path of the folder of WAV, FLAC or other sound files, or of a .zip or .tar.")
    length: int = option(16_384, help="Length of a sample, in values of each channel.", low=64, high=1 << 24)
    rate: int = option(16_000, help="Values in a second, to which the files are resampled.", low=100, high=384_000)
    channels: Literal[1, 2] = option(1, help="Number of channels: 1 for the mean of a file's channels, 2 for stereo.")
    margin: int = option(
        0,
        help="Values by which the stored pieces of a file are longer than length. Each update then reads a crop at a "
        "random place of each piece; 0 for samples at fixed places.",
        low=0,
        high=1 << 24,
    )
    hop: int | None = option(
        None,
        help="Values between the beginnings of two pieces of a file; none for length + margin, so that they do not "
        "overlap.",
        low=1,
    )
    labels: Literal["auto", "none", "self"] = option(
        "auto",
        help="Where labels come from: auto for sub-folders, none, or self for the sounds themselves, for autoencoders.",
    )
    mel: int = option(
        0,
        help="Number of bands of a mel spectrogram, which is then the label of each sample, for vocoders; 0 for none, "
        "80 in HiFi-GAN.",
        low=0,
        high=1024,
    )
    n_fft: int = option(1024, help="Values of a frame of the mel spectrogram.", low=16, high=1 << 16)
    mel_hop: int = option(256, help="Values between two frames of the mel spectrogram.", low=1)
    f_min: float = option(0.0, help="Lowest frequency of the mel spectrogram in Hz.", low=0)
    f_max: float | None = option(
        None, help="Highest frequency of the mel spectrogram in Hz; none for half of dataset.rate, 8000 in HiFi-GAN."
    )
    strict: bool = option(False, help=STRICT_HELP)


def list_audio() -> Iterator[Dataset]:
    """Yield `audio`."""
    yield Dataset(
        name="audio",
        summary="A folder, .zip or .tar of WAV, FLAC or other sound files; its sub-folders are classes.",
        factory="ganzoo_datasets.audio:Audio",
        options=AudioOptions,
        similar_to=dict.fromkeys(SOUNDS, "--dataset audio dataset.path=FOLDER"),
        label_rule="its sub-folders are the classes if every file is in a sub-folder and there are at least two; with "
        "dataset.mel=80 mel spectrograms are the labels, with dataset.labels=self the sounds themselves",
        path_option="path",
        opens_paths=False,
        show="ganzoo_datasets.sounds:show",
        read="ganzoo_datasets.mels:read",
        num_shown=16,
        examples="ganzoo_datasets.audio:examples",
    )
