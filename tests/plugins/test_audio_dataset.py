"""The dataset `audio`, its resampling and its WAV files."""

from __future__ import annotations

import io
import struct
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource, describe_skipped_items, scale
from ganzoo.plugin import NotFound, UsageError
from ganzoo_datasets import sounds
from ganzoo_datasets.audio import Audio
from ganzoo_datasets.specs.audio import AudioOptions


def write(path: Path, values: NDArray[np.int16], rate: int = 8000) -> Path:
    """Write a signal ``[C, T]`` as a WAV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sounds.write_wav(values, rate))
    return path


def make_noise(num: int, channels: int = 1, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-32768, 32768, (channels, num)).astype(np.int16)


def make_tone(frequency: float, rate: int, num: int) -> NDArray[np.float64]:
    tone: NDArray[np.float64] = np.sin(2 * np.pi * frequency * np.arange(num) / rate)
    return tone


def audio(path: Path, **options: Any) -> Audio:
    return Audio(AudioOptions(path=str(path), **{"rate": 8000, "length": 100, **options}))


def load_all(of: Audio) -> list[NDArray[Any]]:
    return [item.load() for item in of.items()]


# ----------------------------------------------------------------------------
# Resampling.


@pytest.mark.parametrize(
    ("old", "new", "frequency"),
    [(44100, 16000, 1000), (8000, 16000, 3000), (16000, 11025, 4000), (48000, 44100, 17000)],
)
def test_a_tone_becomes_the_same_tone_at_another_rate(old: int, new: int, frequency: int) -> None:
    common = np.gcd(old, new)
    up, down = new // common, old // common
    signal = make_tone(frequency, old, old // 4)[None]
    found = sounds.resample(signal, 0, 1000, 1500, up, down)
    assert np.abs(found[0] - make_tone(frequency, new, 2500)[1000:]).max() < 1e-5
    begin, end = sounds.find_support(1000, 1500, up, down)
    part = sounds.resample(signal[:, begin:end], begin, 1000, 1500, up, down)
    assert np.array_equal(part, found)  # a part of the file is enough
    if new < old:  # what the new rate cannot have is removed, and does not come back as another tone
        assert np.abs(sounds.resample(make_tone(new * 0.56, old, old // 4)[None], 0, 1000, 1500, up, down)).max() < 1e-4
    constant = sounds.resample(np.ones((2, old // 4)), 0, 1000, 1500, up, down)
    assert np.abs(constant - 1).max() < 1e-12


# ----------------------------------------------------------------------------
# Files.


def test_sixteen_bits_at_the_same_rate_stay_as_they_are(tmp_path: Path) -> None:
    values = make_noise(450)
    write(tmp_path / "a.wav", values)
    of = audio(tmp_path)
    assert (of.info.shape, of.info.dtype, of.info.modality, of.info.meta) == (
        (1, 100), "int16", "audio", {"sample_rate": 8000},
    )  # fmt: skip
    assert np.array_equal(np.concatenate(load_all(of), 1), values[:, :400])
    assert [item.name for item in of.items()] == ["a.wav", "a.wav (part 1)", "a.wav (part 2)", "a.wav (part 3)"]
    assert len({item.stamp for item in of.items()}) == 4
    overlapping = load_all(audio(tmp_path, hop=50))
    assert len(overlapping) == 8
    assert np.array_equal(overlapping[7], values[:, 350:])


def test_parts_of_a_resampled_file_fit_together(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", sounds.round_to_int16(0.5 * make_tone(700, 22050, 22050)[None]), 22050)
    whole = np.concatenate(load_all(audio(tmp_path, length=1000, rate=16000)), 1)
    assert whole.shape == (1, 16000)
    assert np.abs(whole[0, 200:-200] - 16384 * make_tone(700, 16000, 16000)[200:-200]).max() < 2


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_whole_numbers_of_every_width(tmp_path: Path, width: int) -> None:
    buffer, values = io.BytesIO(), [-1.0, -0.5, 0.0, 0.25, 0.5]
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(8000)
        for value in values * 20:
            number = int(value * 2 ** (8 * width - 1)) + (128 if width == 1 else 0)
            file.writeframes(number.to_bytes(width, "little", signed=width > 1))
    (tmp_path / "a.wav").write_bytes(buffer.getvalue())
    (found,) = load_all(audio(tmp_path))
    assert found[0, :5].tolist() == [round(value * 32768) for value in values]


def test_channels(tmp_path: Path) -> None:
    stereo = make_noise(100, 2)
    write(tmp_path / "two" / "a.wav", stereo)
    assert np.array_equal(load_all(audio(tmp_path / "two", channels=2))[0], stereo)
    mean = stereo.astype(np.float64).mean(0)
    assert np.abs(load_all(audio(tmp_path / "two"))[0] - mean).max() <= 0.5
    mono = make_noise(100)
    write(tmp_path / "one" / "a.wav", mono)
    assert np.array_equal(load_all(audio(tmp_path / "one", channels=2))[0], np.repeat(mono, 2, 0))
    write(tmp_path / "six" / "a.wav", make_noise(100, 6))
    assert load_all(audio(tmp_path / "six"))[0].shape == (1, 100)
    with pytest.raises(ValueError, match=r"it has 6 channels, which are not stereo: add dataset\.channels=1"):
        load_all(audio(tmp_path / "six", channels=2))


def test_folders_are_classes_also_in_archives(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / "all" / "sounds" / ("low", "high")[number % 2] / f"{number}.wav", make_noise(250, seed=number))
    of = audio(tmp_path / "all")
    assert of.info.class_names == ("high", "low")
    assert [item.label for item in of.items()] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert audio(tmp_path / "all", labels="none").info.num_classes == 0
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (tmp_path / "all").rglob("*.wav"):
            archive.write(path, path.relative_to(tmp_path))
    packed = audio(tmp_path / "a.zip")
    assert packed.info == of.info
    assert all(map(np.array_equal, load_all(packed), load_all(of)))


def test_samples_in_the_store_short_files_and_broken_ones(tmp_path: Path) -> None:
    whole = make_noise(100)
    write(tmp_path / "a.wav", whole)
    write(tmp_path / "b.wav", whole[:, :60])
    cut = write(tmp_path / "c.wav", whole).read_bytes()
    (tmp_path / "c.wav").write_bytes(cut[:100])
    (tmp_path / "d.wav").write_bytes(b"no sound")
    write(tmp_path / "e.wav", whole[:, :0])
    lines: list[str] = []
    source = open_source(audio(tmp_path), name="audio", key="k", notify=lines.append, cache=tmp_path / ".cache")
    assert isinstance(source, ArraySource)
    assert isinstance(source.data, torch.Tensor)
    assert source.data.dtype == torch.int16
    assert np.array_equal(source.data[0].numpy(), whole)
    assert source.data[1, 0, :60].tolist() == whole[0, :60].tolist()
    assert not source.data[1, 0, 60:].any()
    assert torch.equal(scale(source.data)[0], torch.from_numpy(whole.astype(np.float32) / 32768))
    assert lines == ["1 sounds are shorter than dataset.length, and end with silence"]
    said = describe_skipped_items(source)
    assert said.startswith(
        "skipped 3 of 5 files that could not be read: c.wav (the file ends before its header says), d.wav"
    )
    assert "e.wav (the file has no sound)" in said


def test_other_files_need_soundfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.wav", make_noise(100))
    (tmp_path / "b.flac").write_bytes(b"fLaC")
    monkeypatch.setattr(sounds, "can_read_all", lambda: False)
    message = (
        r"^1 of 2 sound files are not WAV, first 'b.flac', and need the package soundfile: run python -m pip install"
    )
    with pytest.raises(UsageError, match=message):
        audio(tmp_path)
    (tmp_path / "b.flac").unlink()
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 436, b"WAVE", b"fmt ", 16, 3, 1, 8000, 32000, 4, 32, b"data", 400
    )
    (tmp_path / "a.wav").write_bytes(header + np.linspace(-1, 1, 100, dtype="<f4").tobytes())  # floats
    with pytest.raises(ValueError, match=r"this kind of file needs the package soundfile: python -m pip install"):
        load_all(audio(tmp_path))


def test_soundfile_reads_the_same_numbers(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    values = make_noise(250, 2)
    write(tmp_path / "wav" / "a.wav", values, 12000)
    (tmp_path / "flac").mkdir()
    soundfile.write(tmp_path / "flac" / "a.flac", values.T, 12000, subtype="PCM_16")
    (tmp_path / "float").mkdir()
    soundfile.write(tmp_path / "float" / "a.wav", values.T / 32768, 12000, subtype="FLOAT")
    expected = load_all(audio(tmp_path / "wav", channels=2, hop=10))
    assert len(expected) == 7
    for folder in ("flac", "float"):
        found = load_all(audio(tmp_path / folder, channels=2, hop=10))
        assert np.array_equal(np.stack(found), np.stack(expected))


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("", UsageError, "dataset 'audio' needs a folder of sound files: add dataset.path=FOLDER"),
        ("{}/none", NotFound, "none' does not exist or may not be read: give a folder of sound files"),
        ("{}", NotFound, "has no sound files: give a folder with .wav or .flac files"),
    ],
)
def test_a_path_without_sounds(tmp_path: Path, path: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Audio(AudioOptions(path=path.format(tmp_path)))


def test_samples_are_shown_as_one_file(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", make_noise(300, 2))
    of = audio(tmp_path, channels=2)
    samples = scale(torch.from_numpy(np.stack(load_all(of)))).numpy()
    samples[0, 0, :2] = 2, np.nan
    shown = sounds.show(samples, of.info)["samples.wav"]
    header, found = sounds.read_header(io.BytesIO(shown)), sounds.read_part(io.BytesIO(shown), 0, 10_000) * 32768
    assert header == (8000, 3 * 100 + 2 * 800, 2)
    assert found[0, :2].tolist() == [32767, 0]
    assert np.array_equal(found[:, 1800:], make_noise(300, 2)[:, 200:])
    assert not found[:, 100:900].any()
