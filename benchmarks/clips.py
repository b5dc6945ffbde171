"""What the benchmarks of sounds share: the clips of one speaker, and a short training on nine tenths of them."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import format_table, parse_arguments, save, time_on_processor

import ganzoo
from ganzoo_datasets import sounds

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
METRICS = {"mel-distance": "mel", "stft-distance": "convergence", "log-spectral-distance": "decibel"}
HELD_OUT = 10  # every so many clips, one is held out

Rows = dict[str, dict[str, float]]  # the values of each way of making sounds, by name


def run_benchmark(
    name: str, text: str, recipe: str, quick: Mapping[str, Any], compare: Callable[[Any, list[Path], int], Rows]
) -> None:
    """Train a recipe on one thread, compare it on the clips that are held out, print the table and keep the figures.

    Args:
        name: The name of the benchmark.
        text: The text of its ``--help``.
        recipe: The name of the recipe.
        quick: The settings of its quick form by key.
        compare: A function that gets the generator, the held-out clips and the seed, and returns the rows.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sounds", type=Path, default=SOUNDS, help="a folder of clips of 8 kHz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="tones in place of clips, a tiny network, nothing is kept")
    arguments = parse_arguments(parser)
    source = Path("clips") if arguments.quick else arguments.sounds.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if arguments.quick:
            write_tones(Path("clips"))
        num = divide_clips(source, Path("train"), Path("held-out"))
        settings: dict[str, Any] = {"dataset.path": "train", "train.threads": 1, "train.seed": arguments.seed}
        settings |= quick if arguments.quick else {}
        runs: list[ganzoo.Run] = []
        train = partial(ganzoo.train, recipe=recipe, options=settings, device="cpu")
        seconds = time_on_processor(lambda: runs.append(train()))
        paths = sorted(Path("held-out").iterdir())
        rows = compare(ganzoo.load(runs[0].path, device="cpu"), paths, arguments.seed)
    print(f"trained on {num} clips for {seconds:,.0f} seconds of a processor; {len(paths)} held out")
    print(format_table([["", *next(iter(rows.values()))], *([way, *row.values()] for way, row in rows.items())]))
    if not arguments.quick:
        figures = {"rows": rows, "training_seconds": seconds, "clips": num, "held_out": len(paths)}
        print(save(name, json.loads(json.dumps(figures))))


def divide_clips(source: Path, train: Path, held_out: Path) -> int:
    """Copy every tenth clip into one folder and the others into another; return how many others there are."""
    clips = sorted(path for path in source.rglob("*.wav") if "silence" not in path.parts)
    for folder in (train, held_out):
        folder.mkdir()
    for number, path in enumerate(clips):
        target = train if number % HELD_OUT else held_out
        shutil.copy(path, target / f"{path.parent.name}-{path.name}")
    return len(list(train.iterdir()))


def write_tones(folder: Path) -> None:
    """Write clips of tones."""
    folder.mkdir()
    times = np.arange(9000) / 8000
    for number in range(12):
        tone = 0.4 * np.sin(2 * np.pi * (200 + 50 * number) * times)
        (folder / f"{number:02d}.wav").write_bytes(sounds.write_wav(sounds.round_to_int16(tone[None]), 8000))
