"""`audio`: a folder of sound files, resampled and cut into samples of one length."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ganzoo.plugin import DataInfo, Item, UsageError
from ganzoo_datasets import sounds
from ganzoo_datasets.archives import SourceFile, cut_folders_around
from ganzoo_datasets.labels import Labels, label_by_folder
from ganzoo_datasets.listing import list_files
from ganzoo_datasets.mels import copy_samples, describe_mel, make_condition
from ganzoo_datasets.specs.audio import AudioOptions

BY_WAVE, BY_SOUNDFILE = (".wav",), (".aif", ".aiff", ".au", ".flac", ".mp3", ".ogg", ".opus", ".w64")


class Audio:
    """Samples of sound files, int16 ``[channels, length]``, in the order of the files' names.

    A file gives as many pieces as fit into it, each `hop` values after the one before; what is left at its end is not
    used. A file that is shorter than one piece gives one, with silence at its end. A sample is the beginning of a
    piece, which is `margin` values longer; updates read crops at random places of the pieces. The files are resampled
    by `ganzoo_datasets.sounds.resample`. If all files are in sub-folders and there are at least two of them, the
    sub-folders are the classes. With `mel`, the label of a sample is its mel spectrogram instead, with
    ``labels="self"`` the sample itself; both are made on the device of the training (`condition`).

    Args:
        options: The path, and the form of a sample.

    Raises:
        NotFound: The path is not a folder or archive, or has no sound files.
        UsageError: The path is missing, a kind of file needs a package that is not installed, there is no such mel
            spectrogram, or two kinds of labels were asked for.
        Corrupt: An archive is damaged.
    """

    def __init__(self, options: AudioOptions) -> None:
        if not options.path:
            raise UsageError("dataset 'audio' needs a folder of sound files: add dataset.path=FOLDER")
        if options.mel and options.labels == "self":
            raise UsageError("dataset.mel and dataset.labels=self are two kinds of labels: remove one of them")
        if options.mel or options.labels == "self":
            self.condition = make_condition(options) if options.mel else copy_samples
        self.strict, self._options = options.strict, options
        self.margin, self._length = options.margin, options.length + options.margin
        self._hop = options.hop or self._length
        files = list_files(options.path, _is_sound, "sound files", ".wav or .flac files")
        _check_kinds(files)
        root = os.path.expanduser(options.path)
        self._root = Path(root) if os.path.isdir(root) else None
        self._headers = [self._read_header(file) for file in files]
        counts = [self._count(header) for header in self._headers]
        self._cuts = [(number, cut) for number, count in enumerate(counts) for cut in range(count)]
        self._files, names = files, cut_folders_around([file.name for file in files])
        by_folder = options.labels == "auto" and not options.mel
        labels = label_by_folder(names) if by_folder else Labels((), [None] * len(files))
        self._labels = labels.numbers
        meta = {"classes": list(labels.classes)} if labels.classes else {}
        self.info = DataInfo(
            shape=(options.channels, options.length),
            dtype="int16",
            num_classes=len(labels.classes),
            num_items=len(self._cuts),
            modality="audio",
            label_shape=self._choose_label_shape(),
            label_dtype="int16" if options.labels == "self" else "float32",
            meta=meta | {"sample_rate": options.rate} | describe_mel(options),
        )

    def _choose_label_shape(self) -> tuple[int, ...]:
        options = self._options
        if options.labels == "self":
            return (options.channels, options.length)
        return (options.mel, options.length // options.mel_hop) if options.mel else ()

    def items(self) -> list[Item]:
        """Return an item for each piece."""
        return [
            Item(
                name=self._files[number].name.as_posix() + (f" (part {cut})" if cut else ""),
                load=partial(self._load, number, cut),
                label=self._labels[number],
                stamp=f"{self._files[number].stamp} {cut}",
            )
            for number, cut in self._cuts
        ]

    def notes(self) -> list[str]:
        """Return a line about the files that are shorter than a piece; nothing if there is none."""
        short = sum(
            header is not None and self._resample(header.num, header) < self._length for header in self._headers
        )
        words = "dataset.length" + (" + dataset.margin" if self.margin else "")
        return [f"{short} sounds are shorter than {words}, and end with silence"] if short else []

    def _open(self, file: SourceFile) -> BinaryIO:
        """Open a file; of one in a folder, only the parts that are needed are read."""
        return io.BytesIO(file.read()) if self._root is None else (self._root / file.name).open("rb")

    def _read_header(self, file: SourceFile) -> sounds.Header | None:
        """Return the header of a file; None if it is damaged, which is reported when its samples are packed."""
        try:
            with self._open(file) as opened:
                header = sounds.read_header(opened)
        except Exception:  # the readers have many errors
            return None
        return header if header.rate > 0 and header.num > 0 else None

    def _resample(self, num: int, header: sounds.Header) -> int:
        """Return how many values a number of a file's values become."""
        return -(-num * self._options.rate // header.rate)

    def _count(self, header: sounds.Header | None) -> int:
        """Return the number of pieces of a file."""
        left = 0 if header is None else self._resample(header.num, header) - self._length
        return 1 + max(0, left) // self._hop

    def _load(self, number: int, cut: int) -> NDArray[np.int16]:
        options, length = self._options, self._length
        first = cut * self._hop
        with self._open(self._files[number]) as file:
            header = sounds.read_header(file)
            if not header.num:
                raise ValueError("the file has no sound")
            common = math.gcd(options.rate, header.rate)
            up, down = options.rate // common, header.rate // common
            file.seek(0)
            if up == down:
                part = sounds.read_part(file, first, length)
                signal = np.pad(part, ((0, 0), (0, length - part.shape[1])))
            else:
                begin, end = sounds.find_support(first, length, up, down)
                signal = sounds.resample(sounds.read_part(file, begin, end - begin), begin, first, length, up, down)
        sounds.require_finite(signal)
        return sounds.round_to_int16(sounds.mix(signal, options.channels))


def _is_sound(name: PurePath) -> bool:
    return name.suffix.lower() in (*BY_WAVE, *BY_SOUNDFILE)


def _check_kinds(files: Sequence[SourceFile]) -> None:
    """Raise UsageError if a file needs soundfile, and that is not installed."""
    others = [file.name.as_posix() for file in files if file.name.suffix.lower() not in BY_WAVE]
    if others and not sounds.can_read_all():
        raise UsageError(
            f"{len(others)} of {len(files)} sound files are not WAV, first {others[0]!r}, and need the package "
            f"soundfile: run {sounds.INSTALL}"
        )


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write eight tones of two classes to WAV files, and return the options that open them."""
    times = np.arange(3000) / 8000
    for number in range(8):
        kind = ("low", "high")[number % 2]
        (folder / kind).mkdir(exist_ok=True)
        tone = 0.5 * np.sin(2 * np.pi * (220, 880)[number % 2] * (1 + number / 16) * times)
        (folder / kind / f"{number}.wav").write_bytes(sounds.write_wav(sounds.round_to_int16(tone[None]), 8000))
    return {"path": str(folder), "length": 512, "rate": 4000}
