"""Spectra of sounds, their inverse, and mel spectrograms with librosa's numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo import layers as L
from ganzoo.layers.spectra import _make_mel_bands
from ganzoo.plugin import DataInfo, UsageError

# Printed by print_librosa.py for rate, frame, number of bands, lowest and highest frequency: the sum of the bands'
# squares, and for some bands the first bin, the number of bins, and the largest weight.
LIBROSA: dict[tuple[int, int, int, float, float | None], tuple[float, dict[int, tuple[int, int, float]]]] = {
    (22050, 1024, 80, 0.0, 8000.0): (
        0.0400498015,
        {0: (1, 3, 0.0226513902), 40: (77, 7, 0.0148954699), 79: (345, 27, 0.00326599283)},
    ),
    (24000, 1024, 100, 0.0, None): (
        0.0459087136,
        {0: (1, 2, 0.0205665476), 50: (87, 6, 0.0128076775), 99: (478, 34, 0.00240738458)},
    ),
    (8000, 512, 64, 0.0, None): (
        0.0552679496,
        {0: (1, 4, 0.0240252896), 32: (76, 5, 0.0210897909), 63: (238, 18, 0.00671606604)},
    ),
    (44100, 2048, 128, 20.0, 16000.0): (
        0.0705964554,
        {0: (1, 3, 0.028522132), 64: (111, 7, 0.0127946345), 127: (701, 43, 0.00214962854)},
    ),
}


def make_noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("size", "hop"), [(8, 2), (8, 3), (9, 3), (16, 8), (7, 1), (1024, 256), (30, 11)])
def test_spectra_become_the_sound_again_and_each_frame_has_one_hop(size: int, hop: int) -> None:
    for frames in (1, 2, 5, 6, 17):
        num = frames * hop
        if num <= (size - hop + 1) // 2:  # too short for its mirror image
            continue
        sound = make_noise(2, num)
        spectra = L.measure_spectra(sound, size, hop)
        assert spectra.shape == (2, frames, size // 2 + 1, 2)
        assert torch.allclose(L.invert_spectra(spectra, size, hop), sound, atol=1e-10)
        assert L.measure_spectra(F.pad(sound, (0, hop - 1)), size, hop).shape[1] == frames


def test_spectra_are_torchs() -> None:
    sound, size, hop = make_noise(3, 512), 64, 16
    padded = F.pad(sound, (24, 24), mode="reflect")
    for window in (0, 40):
        hann = torch.hann_window(window or size, dtype=torch.float64)
        expected = torch.stft(
            padded, size, hop, window or size, hann, center=False, onesided=True, return_complex=True
        ).transpose(1, 2)
        found = L.measure_spectra(sound, size, hop, window)
        assert torch.allclose(torch.view_as_complex(found), expected, atol=1e-12)
        assert torch.allclose(L.measure_magnitudes(found), expected.abs(), atol=1e-4)


def test_frames_without_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="less than two hops of 5"):
        L.invert_spectra(torch.zeros(1, 2, 5, 2), 8, 5)


@pytest.mark.parametrize("settings", LIBROSA)
def test_bands_are_librosas(settings: tuple[int, int, int, float, float | None]) -> None:
    rate, size, num, low, high = settings
    squares, bands = LIBROSA[settings]
    found = _make_mel_bands(rate, num, size, low, high).numpy()  # [bins, num]
    assert math.isclose((found**2).sum(), squares, rel_tol=1e-6)
    for band, (first, count, largest) in bands.items():
        (places,) = np.nonzero(found[:, band])
        assert (places[0], len(places)) == (first, count)
        assert math.isclose(found[:, band].max(), largest, rel_tol=1e-6)


def test_the_spectrogram_of_a_chirp_is_librosas() -> None:
    times = torch.arange(8192, dtype=torch.float64) / 22050
    chirp = torch.sin(2 * math.pi * (300 * times + 4000 * times**2))[None, None]
    mel = L.MelSpectrogram(22050, 80, 1024, 256, 0.0, 8000.0).double()(chirp)[0]
    assert mel.shape == (80, 32)
    assert mel.mean().item() == pytest.approx(-8.435981, abs=1e-3)
    assert [mel[place].item() for place in ((8, 0), (40, 16), (60, 31))] == pytest.approx(
        [1.22463, 0.78125, -1.33711], abs=1e-4
    )


def test_a_tone_is_in_its_band() -> None:
    rate, layer = 8000, L.MelSpectrogram(8000, 20, 256, 64)
    times = torch.arange(2048) / rate
    for frequency in (440.0, 1800.0):
        mel = layer(torch.sin(2 * math.pi * frequency * times).float()[None, None])
        assert mel.shape == (1, 20, 32)
        band = int(mel[0, :, 16].argmax())
        bins = layer.bands[:, band].nonzero().flatten() * rate / 256
        assert bins.min() - 40 <= frequency <= bins.max() + 40
    assert layer(torch.zeros(1, 1, 256)).amax() == pytest.approx(math.log(1e-5), abs=5)  # finite, and very small


def test_a_sound_of_bf16_is_measured_in_float32() -> None:
    layer, sound = L.MelSpectrogram(8000, 4, 64, 16), make_noise(1, 1, 256).float()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(sound), layer(sound.float()))
        assert layer(sound.bfloat16()).dtype == torch.float32
    assert layer.double()(sound.double()).dtype == torch.float64
    assert not layer.state_dict()  # the bands follow from the settings, and packages need not have them


def test_the_settings_travel_with_the_data() -> None:
    mel = {"num": 4, "n_fft": 64, "hop": 16, "f_min": 100.0, "f_max": 3000.0}
    data = DataInfo(shape=(1, 256), modality="audio", label_shape=(4, 16), meta={"sample_rate": 8000, "mel": mel})
    sound = make_noise(2, 1, 256).float()
    expected = L.MelSpectrogram(8000, 4, 64, 16, 100.0, 3000.0)(sound)
    assert torch.equal(L.MelSpectrogram.from_info(data)(sound), expected)
    assert not torch.equal(L.MelSpectrogram.from_info(data, f_max=None)(sound), expected)
    with pytest.raises(UsageError, match=r"not mel spectrograms: add dataset\.mel=80"):
        L.MelSpectrogram.from_info(DataInfo(shape=(1, 256), modality="audio"))
