"""The mel spectrogram by which sounds are compared: that of the data, or one that fits them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzoo.plugin import DataInfo, UsageError

USUAL = {"num": 80, "n_fft": 1024, "hop": 256}
RATE = 22_050  # in a second, for sounds that do not say


def choose_mel(data: DataInfo) -> dict[str, Any]:
    """Return arguments of `MelSpectrogram`: those of the data's labels; else HiFi-GAN's, or shorter for short sounds.

    Raises:
        UsageError: The data are not sounds of one channel with 16 values or more.
    """
    if data.modality != "audio" or data.shape[0] != 1 or data.shape[1] < 16:
        raise UsageError("this compares sounds of one channel: choose a dataset of such, for example --dataset audio")
    rate = data.meta.get("sample_rate", RATE)
    if isinstance(found := data.meta.get("mel"), Mapping):
        return {"rate": rate, **found}
    n_fft = min(USUAL["n_fft"], 1 << data.shape[1].bit_length() - 1)
    return {"rate": rate, "num": min(USUAL["num"], n_fft // 8), "n_fft": n_fft, "hop": n_fft // 4, "f_min": 0.0}
