"""Prints the numbers of librosa that test_spectra.py has: ``pip install librosa==0.11.0``, then run this file."""

import librosa
import numpy as np

for rate, size, num, low, high in (
    (22050, 1024, 80, 0.0, 8000.0),
    (24000, 1024, 100, 0.0, None),
    (8000, 512, 64, 0.0, None),
    (44100, 2048, 128, 20.0, 16000.0),
):
    bands = librosa.filters.mel(sr=rate, n_fft=size, n_mels=num, fmin=low, fmax=high, dtype=np.float64)
    places = {band: np.nonzero(bands[band])[0] for band in (0, num // 2, num - 1)}
    found = {band: (int(p[0]), len(p), float(f"{bands[band].max():.9g}")) for band, p in places.items()}
    print(f"    ({rate}, {size}, {num}, {low}, {high}): ({(bands**2).sum():.9g}, {found}),")

times = np.arange(8192) / 22050
chirp = np.sin(2 * np.pi * (300 * times + 4000 * times**2))
padded = np.pad(chirp, 384, mode="reflect")
mel = librosa.feature.melspectrogram(
    y=padded, sr=22050, n_fft=1024, hop_length=256, center=False, power=1.0, n_mels=80, fmin=0, fmax=8000
)
logs = np.log(np.clip(mel, 1e-5, None))
print(
    logs.shape, round(float(logs.mean()), 6), [round(float(logs[place]), 5) for place in ((8, 0), (40, 16), (60, 31))]
)
