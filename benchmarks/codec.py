"""A small codec after a short training, against sounds that are resampled to as many bits.

    python benchmarks/codec.py [--sounds FOLDER] [--seed 0] [--quick]

The clips are those of `benchmarks/vocoders.py`; every tenth one is held out. The recipe `dac-small` is trained on the
others, on one thread. Each held-out clip is encoded and decoded: by the trained codec with all and with half of its
codebooks, by the same codec before its training, and by resampling to so few values of 8 bits that they have as many
bits as the codes. All metrics of pairs are lower for sounds that are nearer to the clip.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clips import METRICS, Rows, run_benchmark
from torch import Tensor

import ganzoo
from ganzoo.plugin import DataInfo
from ganzoo_datasets import sounds

RATE = 8000  # values in a second of the clips
BITS = 8  # of a value of the resampled sounds
QUICK = {"arch.width": 2, "arch.width_d": 1, "train.images": 16, "train.d_start": 0, "train.adversarial_start": 0}


def main() -> None:
    """Train, measure, print the table and keep the figures."""
    run_benchmark("codec", __doc__, "dac-small", QUICK, compare)


def compare(generator: Any, paths: list[Path], seed: int) -> Rows:
    """Return for each way its kilobits in a second and the mean distances of its sounds."""
    clips = [torch.from_numpy(sounds.read_at_rate(str(path), RATE, 1)).float()[None] for path in paths]
    codec, data, options = generator.network, generator.data, generator.config["recipe"]["arch"]["options"]
    torch.manual_seed(seed)
    untrained = ganzoo.create("architecture", "dac", data=data, **options).generator.eval()
    half = len(codec.quantiser.stages) // 2 or 1
    rows = {
        "dac-small": (codec.kbps, partial(code, codec, num=2 * half)),
        "half of its codebooks": (codec.kbps / 2, partial(code, codec, num=half)),
        "before its training": (codec.kbps, partial(code, untrained, num=2 * half)),
        "resampled, 8 bits": (codec.kbps, partial(resample, rate=int(1000 * codec.kbps / BITS))),
    }
    return {name: {"kbit/s": round(kbps, 2), **measure(way, clips, data)} for name, (kbps, way) in rows.items()}


@torch.no_grad()
def measure(way: Callable[[Tensor], Tensor], clips: list[Tensor], data: DataInfo) -> dict[str, float]:
    """Return the mean distances of the sounds that a way of coding makes of clips."""
    metrics = {name: ganzoo.create("metric", name, data=data) for name in METRICS}
    for clip in clips:
        made = way(clip)
        for metric in metrics.values():
            metric.pair(clip, made, clip)
    return {name: round(metric.compute()[METRICS[name]], 4) for name, metric in metrics.items()}


def code(codec: Any, clip: Tensor, num: int) -> Tensor:
    """Return a clip ``[1, 1, T]`` that is encoded by the first `num` codebooks and decoded."""
    made: Tensor = codec.decode_codes(codec.find_codes(clip)[:, :num])
    return made[..., : clip.shape[2]]


def resample(clip: Tensor, rate: int) -> Tensor:
    """Return a clip ``[1, 1, T]`` that is resampled to a rate, rounded to 8 bits, and resampled back."""
    signal, common = clip[0].double().numpy(), math.gcd(rate, RATE)
    up, down, levels = rate // common, RATE // common, 2 ** (BITS - 1) - 1
    few = sounds.resample(signal, 0, 0, -(-signal.shape[1] * up // down), up, down)
    back = sounds.resample(np.rint(few * levels) / levels, 0, 0, signal.shape[1], down, up)
    return torch.from_numpy(back).float()[None]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
