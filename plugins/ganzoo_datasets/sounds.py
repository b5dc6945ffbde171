"""Sound files: reading a part of one, resampling it, and writing a WAV file.

WAV files of whole numbers are read by Python's own `wave`. All other files need the package soundfile.
"""

from __future__ import annotations

import importlib.util
import io
import math
import wave
from contextlib import suppress
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganzoo.plugin import DataInfo

Signal = NDArray[np.floating[Any]]  # [C, T], from -1 to 1

INSTALL = "python -m pip install 'ganzoo[audio]'"
ZEROS = 32  # zeros of the sinc on each side: more make the edge of the filter steeper
ROLLOFF = 0.95  # the edge of the filter as a share of the smaller Nyquist frequency
BETA = 10.0  # of Kaiser's window: what the filter stops is 100 dB weaker
ROWS = 2048  # values that are computed at once
FULL = 32768.0  # of int16
PAUSE = 0.1  # seconds of silence between two sounds


class Header(NamedTuple):
    """What a sound file says of itself: values in a second, values of each channel, and channels."""

    rate: int
    num: int
    channels: int


# ----------------------------------------------------------------------------
# Reading.


def can_read_all() -> bool:
    """Return whether soundfile is installed, which reads FLAC, OGG, MP3 and all kinds of WAV."""
    return importlib.util.find_spec("soundfile") is not None


def read_header(file: BinaryIO) -> Header:
    """Return the header of a sound file.

    Raises:
        Exception: An error of the reader, if the file is damaged or of another kind.
    """
    with suppress(wave.Error, EOFError), wave.open(file) as sound:
        return Header(sound.getframerate(), sound.getnframes(), sound.getnchannels())
    file.seek(0)
    with _open_any(file) as sound:
        return Header(sound.samplerate, sound.frames, sound.channels)


def read_part(file: BinaryIO, begin: int, num: int) -> Signal:
    """Return a part of a sound file, ``[C, n]``; n is less than `num` at the end of the file.

    Args:
        file: The file, open at its beginning.
        begin: The first value of each channel.
        num: The number of values of each channel.

    Raises:
        ValueError: The file is cut.
        Exception: An error of the reader, if the file is damaged or of another kind.
    """
    with suppress(wave.Error, EOFError), wave.open(file) as sound:
        num = max(0, min(num, sound.getnframes() - begin))
        width, channels = sound.getsampwidth(), sound.getnchannels()
        sound.setpos(min(begin, sound.getnframes()))
        values = _decode(sound.readframes(num), width)
        if len(values) != num * channels:
            raise ValueError("the file ends before its header says")
        return values.reshape(-1, channels).T
    file.seek(0)
    with _open_any(file) as sound:
        sound.seek(min(begin, sound.frames))
        return np.ascontiguousarray(sound.read(num, dtype="float64", always_2d=True).T)


def _decode(content: bytes, width: int) -> NDArray[np.float64]:
    """Return whole numbers of 1 to 4 bytes, little-endian, as numbers from -1 to 1; of one byte, 128 is silence."""
    parts = np.frombuffer(content[: len(content) - len(content) % width], np.uint8).reshape(-1, width)
    if width == 1:
        return (parts[:, 0].astype(np.float64) - 128) / 128
    whole = np.zeros((len(parts), 4), np.uint8)
    whole[:, 4 - width :] = parts
    return whole.view("<i4")[:, 0] / 2.0**31


def _open_any(file: BinaryIO) -> Any:
    if not can_read_all():
        raise ValueError(f"this kind of file needs the package soundfile: {INSTALL}")
    import soundfile

    return soundfile.SoundFile(file)


# ----------------------------------------------------------------------------
# Resampling.


def find_support(first: int, num: int, up: int, down: int) -> tuple[int, int]:
    """Return begin and end of the values that `resample` reads for the values `first` to ``first + num - 1``."""
    half = _make_filters(up, down).shape[1] // 2
    return max(0, first * down // up - half), (first + num) * down // up + half + 1


def resample(signal: Signal, begin: int, first: int, num: int, up: int, down: int) -> NDArray[np.float64]:
    """Return values of a signal at ``up / down`` times its rate, ``[C, num]``.

    Value n lies at the place ``n * down / up`` of the signal. It is a sum of the signal's values, weighted by a sinc in
    Kaiser's window, whose edge is below the smaller Nyquist frequency (Smith & Gossett 1984, A Flexible Sampling-Rate
    Conversion Method). Outside, the signal is silent.

    Args:
        signal: A part of the signal, ``[C, T]``, that has what `find_support` says.
        begin: The place of the part's first value in the whole signal.
        first: The number of the first value that is returned.
        num: The number of values that are returned.
        up: The new rate, divided by what it has in common with the old one.
        down: The old rate, divided by the same.
    """
    filters = _make_filters(up, down)
    offsets = np.arange(filters.shape[1]) - filters.shape[1] // 2 + 1
    found = np.zeros((len(signal), num))
    for start in range(0, num, ROWS):
        places = np.arange(first + start, first + min(start + ROWS, num), dtype=np.int64) * down
        index = (places // up - begin)[:, None] + offsets
        inside = (index >= 0) & (index < signal.shape[1])
        weights = filters[places % up] * inside
        parts = signal[:, np.where(inside, index, 0)] if signal.shape[1] else np.zeros((len(signal), *index.shape))
        found[:, start : start + len(places)] = (parts * weights).sum(2)
    return found


@lru_cache(8)
def _make_filters(up: int, down: int) -> NDArray[np.float64]:
    """Return a filter for each of the `up` places between two values, ``[up, taps]``; each sums to 1."""
    edge = min(1.0, up / down) * ROLLOFF
    half = math.ceil(ZEROS / edge)
    away = np.arange(up)[:, None] / up - (np.arange(2 * half) - half + 1)
    window = np.i0(BETA * np.sqrt(np.clip(1 - (away / half) ** 2, 0, None)))
    filters = np.sinc(edge * away) * window
    made: NDArray[np.float64] = filters / filters.sum(1, keepdims=True)
    return made


def read_at_rate(path: str, rate: int, channels: int) -> Signal:
    """Return a whole sound file at a rate and with a number of channels, ``[channels, T]``.

    Raises:
        ValueError: The file is damaged, or has no sound.
    """
    with open(path, "rb") as file:
        header = read_header(file)
        file.seek(0)
        signal = mix(read_part(file, 0, header.num), channels)
    if not signal.size:
        raise ValueError("the file has no sound")
    require_finite(signal)
    common = math.gcd(rate, header.rate)
    up, down = rate // common, header.rate // common
    return signal if up == down else resample(signal, 0, 0, -(-signal.shape[1] * up // down), up, down)


def mix(signal: Signal, channels: int) -> Signal:
    """Return a signal with the wanted number of channels; raise ValueError if three or more should become two."""
    if channels == 1:
        mean: Signal = signal.mean(0, keepdims=True)
        return mean
    if len(signal) > 2:
        raise ValueError(f"it has {len(signal)} channels, which are not stereo: add dataset.channels=1 for their mean")
    return np.repeat(signal, 2, 0) if len(signal) == 1 else signal


def require_finite(signal: Signal) -> None:
    """Raise ValueError if a number of a signal is not finite."""
    if not np.isfinite(signal).all():
        raise ValueError("the file has numbers that are not finite")


# ----------------------------------------------------------------------------
# Writing.


def round_to_int16(signal: Signal) -> NDArray[np.int16]:
    """Return numbers from -1 to 1 as int16; larger ones are clipped."""
    rounded: NDArray[np.int16] = np.rint(signal * FULL).clip(-FULL, FULL - 1).astype(np.int16)
    return rounded


def write_wav(signal: NDArray[np.int16], rate: int) -> bytes:
    """Return a WAV file of a signal ``[C, T]``."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(signal))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(signal.T.astype("<i2").tobytes())
    return buffer.getvalue()


def show(samples: Signal, info: DataInfo) -> dict[str, bytes]:
    """Return one WAV file of all sounds ``[N, C, T]``, one after the other, with a pause between two."""
    rate = int(info.meta["sample_rate"])
    values = round_to_int16(np.nan_to_num(samples))
    silence = np.zeros((values.shape[1], round(PAUSE * rate)), np.int16)
    parts = [part for value in values for part in (value, silence)]
    return {"samples.wav": write_wav(np.concatenate(parts[:-1], 1), rate)}
