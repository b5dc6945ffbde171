"""A small vocoder on the clips of one speaker, against Griffin-Lim that takes as long.

    python benchmarks/vocoders.py [--sounds FOLDER] [--seed 0] [--quick]

The clips are those of Debian's package asterisk-core-sounds-en-wav, of 8 kHz. Every tenth one is held out. The recipe
`vocos-small` is trained on the others, on one thread. Then each held-out clip is made again from its mel spectrogram,
by the generator and by Griffin-Lim: magnitudes are those of the least squares of the bands, phases are found by
iterations (Griffin & Lim 1984), as many as fit into the generator's time, and 32 as is usual. All metrics of pairs are
lower for sounds that are nearer to the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from clips import METRICS, Rows, run_benchmark
from common import time_on_processor
from torch import Tensor

import ganzoo
from ganzoo.layers import MelSpectrogram, invert_spectra, measure_spectra
from ganzoo.plugin import DataInfo
from ganzoo_datasets import mels, sounds

USUAL = 32  # iterations
QUICK = {"arch.width": 8, "arch.depth": 1, "arch.width_d": 1, "train.images": 32, "train.d_start": 0}
QUICK |= {"train.adversarial_start": 0}

Pair = tuple[Tensor, Tensor]  # a clip [1, 1, T], and its mel spectrogram [1, num, frames]


def main() -> None:
    """Train, measure, print the table and keep the figures."""
    run_benchmark("vocoders", __doc__, "vocos-small", QUICK, compare)


def read_pair(path: Path, info: DataInfo) -> Pair:
    """Return a clip, with silence to whole frames, and its mel spectrogram."""
    mel = torch.from_numpy(mels.read(str(path), info))[None]
    with path.open("rb") as file:
        clip = torch.from_numpy(sounds.read_part(file, 0, 1 << 30)).float()
    length = mel.shape[2] * info.meta["mel"]["hop"]
    return torch.nn.functional.pad(clip, (0, length - clip.shape[1]))[None], mel


# ----------------------------------------------------------------------------
# Making sounds of spectrograms.


def compare(generator: Any, paths: list[Path], seed: int) -> Rows:
    """Return for each way its seconds for all clips and its distances from them; nothing is drawn from the seed."""
    data = generator.data
    pairs = [read_pair(path, data) for path in paths]
    rows = {"vocos-small": measure(generator.translate, pairs, data)}
    one = measure(partial(griffin_lim, data=data, num=1), pairs, data)["seconds"]
    several = measure(partial(griffin_lim, data=data, num=9), pairs, data)["seconds"]
    num = max(1, round(1 + (rows["vocos-small"]["seconds"] - one) / ((several - one) / 8)))
    for each in dict.fromkeys((num, USUAL)):
        words = " in the same time" if each == num else ""
        rows[f"Griffin-Lim, {each} iterations{words}"] = measure(partial(griffin_lim, data=data, num=each), pairs, data)
    return rows


def measure(make: Callable[[Tensor], Tensor], pairs: list[Pair], data: DataInfo) -> dict[str, float]:
    """Return the seconds of a processor in which all clips were made, and the mean distances."""
    metrics = {name: ganzoo.create("metric", name, data=data) for name in METRICS}
    made: list[Tensor] = []

    def make_all() -> None:
        made.extend(make(mel) for _, mel in pairs)

    seconds = time_on_processor(make_all)
    with torch.no_grad():
        for (clip, mel), sound in zip(pairs, made, strict=True):
            for metric in metrics.values():
                metric.pair(clip, sound, mel)
    values: Mapping[str, float] = {name: metric.compute()[METRICS[name]] for name, metric in metrics.items()}
    return {"seconds": round(seconds, 3), **{name: round(value, 4) for name, value in values.items()}}


@torch.no_grad()
def griffin_lim(mel: Tensor, data: DataInfo, num: int) -> Tensor:
    """Return sounds ``[1, 1, T]`` of mel spectrograms: magnitudes by least squares, phases by `num` iterations."""
    layer = MelSpectrogram.from_info(data)
    inverse = torch.linalg.pinv(layer.bands)  # [num, bins]
    magnitudes = (mel.exp().transpose(1, 2) @ inverse).clamp(min=0)  # [1, frames, bins]
    phases = 6.2832 * torch.rand(magnitudes.shape, generator=torch.Generator().manual_seed(0))
    for step in range(num + 1):
        spectra = torch.stack([magnitudes * phases.cos(), magnitudes * phases.sin()], -1)
        sound = invert_spectra(spectra, layer.n_fft, layer.hop)
        if step < num:
            found = measure_spectra(sound, layer.n_fft, layer.hop)
            phases = torch.atan2(found[..., 1], found[..., 0])
    return sound[:, None]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
