"""Mel spectrograms as the labels of the dataset `audio`: in training, and of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.data.opening import open_source
from ganzoo.data.source import label_batch, scale_batch
from ganzoo.layers import MelSpectrogram
from ganzoo.plugin import UsageError
from ganzoo.testing import check_dataset
from ganzoo_datasets import mels, sounds
from ganzoo_datasets.audio import Audio
from ganzoo_datasets.specs.audio import AudioOptions

MEL = {"mel": 8, "n_fft": 256, "mel_hop": 64, "rate": 8000, "length": 1024}


def write(path: Path, values: Any, rate: int = 8000) -> Path:
    """Write a signal ``[C, T]`` of numbers in [-1, 1] as a WAV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sounds.write_wav(sounds.round_to_int16(np.asarray(values)), rate))
    return path


def make_noise(num: int, channels: int = 1, seed: int = 0) -> Any:
    return 0.2 * np.random.default_rng(seed).standard_normal((channels, num))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        write(tmp_path / "sounds" / "ab"[number % 2] / f"{number}.wav", make_noise(2048, seed=number))
    return tmp_path / "sounds"


def audio(path: Path, **options: Any) -> Audio:
    return Audio(AudioOptions(path=str(path), **{**MEL, **options}))


def test_labels_are_the_spectrograms_of_the_samples(folder: Path, tmp_path: Path) -> None:
    of = audio(folder, f_max=3000.0)
    mel = {"num": 8, "n_fft": 256, "hop": 64, "f_min": 0.0, "f_max": 3000.0}
    assert (of.info.label_shape, of.info.num_classes) == ((8, 16), 0)
    assert of.info.meta == {"sample_rate": 8000, "mel": mel}
    source = open_source(of, name="audio", key="k", notify=list, cache=tmp_path / ".cache")
    batch = scale_batch(source, (source.data[:3], None), torch.device("cpu"))  # type: ignore[union-attr, index]
    real, labels = label_batch(source, batch, torch.Generator())
    assert labels is not None
    assert torch.equal(labels, MelSpectrogram(8000, 8, 256, 64, 0.0, 3000.0)(real))
    assert audio(folder, mel=0).info.num_classes == 2  # without spectrograms the folders are classes


def test_the_dataset_passes_the_kit(folder: Path) -> None:
    results = list(check_dataset("audio", options={"path": str(folder), **MEL}))
    assert not [f"{result.name}: {result.message}" for result in results if result.status == "FAIL"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 2}, "dataset.mel=8 is for sounds of one channel: add dataset.channels=1"),
        ({"length": 1000}, "dataset.length=1000 is not a multiple of dataset.mel_hop=64 .* add dataset.length=1024"),
        ({"length": 128}, "dataset.length=128 is not .* above half of dataset.n_fft=256: add dataset.length=192"),
        ({"n_fft": 64}, "dataset.n_fft=64 is less than two hops of the frames: add dataset.n_fft=256"),
        ({"f_max": 5000.0}, "dataset.f_max=5000 is not between .* half of dataset.rate=8000: add dataset.f_max=4000"),
        ({"f_min": 4000.0}, "dataset.f_max=4000 is not between dataset.f_min=4000 and"),
        ({"mel": 200}, "of dataset.mel=200 bands are narrower .* add dataset.n_fft=512 or a smaller dataset.mel"),
    ],
)
def test_impossible_spectrograms_are_refused(folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        audio(folder, **options)


def test_a_file_of_any_rate_and_channels_is_read(folder: Path, tmp_path: Path) -> None:
    info = audio(folder).info
    signal = make_noise(1000)
    padded = np.pad(sounds.round_to_int16(signal) / 32768, ((0, 0), (0, 24)))
    expected = MelSpectrogram.from_info(info)(torch.from_numpy(padded).float()[None])[0].numpy()
    assert np.array_equal(mels.read(str(write(tmp_path / "a.wav", signal)), info), expected)
    stereo = write(tmp_path / "b.wav", np.repeat(signal, 2, 0))
    assert np.array_equal(mels.read(str(stereo), info), expected)
    slow = np.sin(2 * np.pi * 440 * np.arange(4000) / 16000)[None] / 2
    same = np.sin(2 * np.pi * 440 * np.arange(2000) / 8000)[None] / 2
    read, again = (
        mels.read(str(write(tmp_path / f"{rate}.wav", tone, rate)), info)
        for tone, rate in ((slow, 16000), (same, 8000))
    )
    assert read.shape == again.shape == (8, 32)
    loud = again[:, 4:-4] > -4
    assert np.abs(read - again)[:, 4:-4][loud].max() < 0.02


def test_a_short_file_is_refused(folder: Path, tmp_path: Path) -> None:
    info = audio(folder).info
    short = write(tmp_path / "a.wav", make_noise(128))
    with pytest.raises(UsageError, match=r"a.wav has 128 values at 8000 in a second, and this model needs 129: give a"):
        mels.read(str(short), info)
    assert mels.read(str(write(tmp_path / "b.wav", make_noise(129))), info).shape == (8, 3)
    with pytest.raises(ValueError, match="the file has no sound"):
        mels.read(str(write(tmp_path / "c.wav", make_noise(0))), info)
    with pytest.raises(UsageError, match=r"not mel spectrograms: add dataset\.mel=80"):
        mels.read(str(short), audio(folder, mel=0).info)


SETTINGS = {
    "dataset.path": "sounds", "dataset.mel": 8, "dataset.n_fft": 256, "dataset.mel_hop": 64, "dataset.rate": 8000,
    "dataset.length": 1088, "arch.width": 8, "arch.depth": 1, "arch.discriminators": "mpd", "arch.width_d": 1,
    "train.batch": 2, "metric": "mel-distance", "train.metric_samples": 4, "train.checkpoint_every": 8,
}  # fmt: skip


def test_a_vocoder_is_trained_resumed_and_applied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    start = {"arch": "vocos", "dataset": "audio", "device": "cpu"}
    whole = ganzoo.train(**start, images=16, options=SETTINGS)
    part = ganzoo.train(**start, images=8, options=SETTINGS)
    part = ganzoo.train(resume=part.path, images=16, device="cpu")
    one, other = (ganzoo.load(run.path).network.state_dict() for run in (whole, part))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert ganzoo.load(whole.path).config["metrics"]

    write(folder.parent / "speech.wav", make_noise(3000, 2), 16000)
    (path,) = ganzoo.apply(str(whole.path), "speech.wav", "copy.wav", device="cpu")
    with open(path, "rb") as file:
        assert sounds.read_header(file) == (8000, 24 * 64, 1)  # 1,500 values, and silence to whole frames
    with pytest.raises(UsageError, match="its mel are not the model's"):
        ganzoo.evaluate(whole.path, "mel-distance", options={"dataset.f_max": 3000.0}, device="cpu")
    assert (whole.path / "reals.wav").exists()
    assert "<audio controls" in (whole.path / "report.html").read_text(encoding="utf-8")
