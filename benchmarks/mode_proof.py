"""How well the recipe `mlp-modes` samples mixtures of 8, 25 and 100 modes: protocol modes-v1, some seeds of each.

    python benchmarks/mode_proof.py [--shapes ring,grid] [--seeds 0,1,2] [--file FILE] [--quick]

Each row has the values of the metric `modes` (docs/scores.md explains them) for 10,000 samples of the averaged
generator at the end of `ganzoo train --recipe mlp-modes dataset.shape=SHAPE --seed SEED`: nothing is chosen by its
score. `narrowest` and `widest` are the smallest and the largest standard deviation of a mode, in multiples of the
data's. The table has the worst seed of each shape. Each row is saved at once in the day's results (or in --file), and
rows that are saved already are not made again, so the command can be stopped and started at any time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from common import RESULTS, Row, format_table, load_rows, parse_arguments, save_rows
from modes import score_modes
from torch import Tensor
from workbench import temporary_runs

import ganzoo
import ganzoo_metrics.modes

RECIPE = "mlp-modes"
SEEDS = {"ring": 10, "grid": 10, "grid-100": 3, "rotated-100": 3, "staggered-100": 3}
NUM = 10_000  # samples that are scored
QUICK_IMAGES = 2_048
HEAD = ("shape", "seeds", "updates", "modes", "share", "std", "narrowest", "widest", "spread", "kl")


def main() -> None:
    """Train, score, keep each row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", type=lambda text: text.split(","), default=list(SEEDS))
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], help="by default 10 or 3")
    parser.add_argument("--file", type=Path, default=RESULTS / f"mode-proof-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="2,048 points of the ring, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(shapes=["ring"], seeds=[0])
    rows: list[Row] = [] if arguments.quick else load_rows(arguments.file)
    for row in train_shapes(arguments, rows):
        rows.append(row)
        print(format_table([[*row.values()]]), flush=True)
        if not arguments.quick:
            save_rows(arguments.file, rows)
    print("\n" + format_table([HEAD, *list_worst(rows)]))


def train_shapes(arguments: Any, rows: list[Row]) -> Iterator[Row]:
    """Train and score the runs whose rows are missing; yield their rows."""
    known = {(row["shape"], row["seed"]) for row in rows}
    pairs = [(name, seed) for name in arguments.shapes for seed in arguments.seeds or range(SEEDS.get(name, 3))]
    options = {
        "train.execution": "compile",
        "train.grid_every": 10**9,
        "train.checkpoint_every": 10**9,
        **({"train.images": QUICK_IMAGES, "train.execution": "eager"} if arguments.quick else {}),
    }
    with temporary_runs():
        for shape, seed in pairs:
            if (shape, seed) in known:
                continue
            start, where = time.perf_counter(), {"dataset.shape": shape}
            run = ganzoo.train(recipe=RECIPE, seed=seed, options=options | where, device="cpu", progress=False)
            train = run.recipe()["train"]
            scores = score(ganzoo.load(run, "cpu").sample_raw(NUM, seed=0), shape)
            seconds = round(time.perf_counter() - start)
            yield {
                "shape": shape,
                "seed": seed,
                "updates": train["images"] // train["batch"],
                **scores,
                "seconds": seconds,
            }


def score(samples: Tensor, shape: str) -> dict[str, float]:
    """Return the values of the metric `modes` for samples ``[N, 2]``, and the narrowest and the widest mode."""
    data: Any = ganzoo.create("dataset", "points", shape=shape)
    centres, sigma = torch.tensor(data.info.meta["modes"], dtype=torch.float64), data.info.meta["sigma"]
    points = samples.double()
    nearest = torch.cdist(points, centres).argmin(1)
    each = [
        ganzoo_metrics.modes.score_modes(points[nearest == mode], centre[None], sigma)["std"]
        for mode, centre in enumerate(centres)
        if (nearest == mode).sum() > 1
    ]
    return score_modes(samples, data) | {"narrowest": round(min(each), 3), "widest": round(max(each), 3)}


def list_worst(rows: list[Row]) -> Iterator[list[object]]:
    """Yield the worst values of each shape's seeds, and the lowest and highest of those that should be 1."""
    for shape in dict.fromkeys(row["shape"] for row in rows):
        columns = {key: [row[key] for row in rows if row["shape"] == shape] for key in ("seed", *HEAD[2:])}
        ranges = [f"{min(columns[key]):.2f} to {max(columns[key]):.2f}" for key in ("share", "std", "spread")]
        share, std, spread = ranges
        narrow, wide, kl = min(columns["narrowest"]), max(columns["widest"]), max(columns["kl"])
        counts = (len(columns["seed"]), max(columns["updates"]), min(columns["modes"]))
        yield [shape, *counts, share, std, narrow, wide, spread, kl]


if __name__ == "__main__":
    main()
