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
    hop: int | None = option(
        None,
        help="Values between the beginnings of two samples of a file; none for length, so that they do not overlap.",
        low=1,
    )
    labels: Literal["auto", "none"] = option("auto", help="Where labels come from: auto for sub-folders, or none.")
    strict: bool = option(False, help=STRICT_HELP)


def list_audio() -> Iterator[Dataset]:
    """Yield `audio`."""
    yield Dataset(
        name="audio",
        summary="A folder, .zip or .tar of WAV, FLAC or other sound files; its sub-folders are classes.",
        factory="ganzoo_datasets.audio:Audio",
        options=AudioOptions,
        similar_to=dict.fromkeys(SOUNDS, "--dataset audio dataset.path=FOLDER"),
        label_rule="its sub-folders are the classes if every file is in a sub-folder and there are at least two",
        path_option="path",
        opens_paths=False,
        show="ganzoo_datasets.sounds:show",
        num_shown=16,
        examples="ganzoo_datasets.audio:examples",
    )
