"""Which losses and penalties find all 25 modes of a grid of points: each pair of them, some seeds.

    python benchmarks/modes.py [--losses bce,rpgan] [--penalties none,r1] [--seeds 0,1,2] [--images 200000] [--quick]

Each row has the values of the metric `modes` (docs/scores.md explains them) for 10,000 samples of `ganzoo train --arch
mlp --dataset points dataset.shape=grid --loss LOSS --reg PENALTY --seed SEED`. The table shows the captured modes, the
share of samples near a mode, their standard deviation and spread in multiples of the data's, and the divergence of the
modes' shares from equal ones. Each row is saved at once in the day's results (or in --file), and rows that are saved
already are not made again, so the command can be stopped and started at any time. All settings of a component are its
own defaults.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import torch
from common import RESULTS, Row, format_table, load_rows, parse_arguments, save_rows
from torch import Tensor
from workbench import temporary_runs

import ganzoo
from ganzoo.errors import Interrupted

PENALTIES = ("none", "r1", "r2", "r1,r2", "wgan-gp", "zero-centred-gp", "dragan", "spectral-norm", "lecam")
NUM = 10_000  # samples that are scored
KEY = ("loss", "penalty", "seed", "images")
QUICK = {"losses": ["rpgan"], "penalties": ["r1,r2"], "seeds": [0], "images": 2_048}


def main() -> None:
    """Train, score, keep each row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    installed = [entry.spec.name for entry in ganzoo.registry().components("loss")]
    parser.add_argument("--losses", type=lambda text: text.split(","), default=installed)
    parser.add_argument(
        "--penalties", type=lambda text: text.split(), default=list(PENALTIES), help="with blanks between"
    )
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--file", type=Path, default=RESULTS / f"modes-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="one pair for 2,048 points, not compiled, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    rows: list[Row] = [] if arguments.quick else load_rows(arguments.file)
    for row in train_pairs(arguments, rows):
        rows.append(row)
        print(format_table([[*row.values()]]), flush=True)
        if not arguments.quick:
            save_rows(arguments.file, rows)
    print(
        "\n"
        + format_table([("loss", "penalty", "seeds", "modes", "share", "std", "spread", "kl"), *summarise_pairs(rows)])
    )


def train_pairs(arguments: Any, rows: list[Row]) -> Iterator[Row]:
    """Train and score the runs whose rows are missing, all pairs of a seed first; yield their rows."""
    known = {tuple(row[key] for key in KEY) for row in rows}
    quiet = {
        "dataset.shape": "grid",
        "train.execution": "eager" if arguments.quick else "compile",
        "train.grid_every": 10**9,
        "train.checkpoint_every": 10**9,
    }
    data: Any = ganzoo.create("dataset", "points", shape=quiet["dataset.shape"])
    with temporary_runs():
        for seed, loss, penalty in product(arguments.seeds, arguments.losses, arguments.penalties):
            row: Row = {"loss": loss, "penalty": penalty, "seed": seed, "images": arguments.images}
            if tuple(row.values()) in known:
                continue
            start, options = time.perf_counter(), {**quiet, "reg": penalty, "train.images": arguments.images}
            try:
                run = ganzoo.train(
                    arch="mlp", dataset="points", loss=loss, seed=seed, options=options, device="cpu", progress=False
                )
            except Interrupted:
                raise
            except ganzoo.GanzooError as error:
                yield row | {"failed": str(error)}
                continue
            scores = score_modes(ganzoo.load(run, "cpu").sample_raw(NUM, seed=0), data)
            yield row | scores | {"seconds": round(time.perf_counter() - start)}


def score_modes(samples: Tensor, data: Any) -> dict[str, float]:
    """Return the values of the metric `modes` for samples ``[N, 2]``, beside as many of the data's own."""
    metric: Any = ganzoo.create("metric", "modes", data=data.info)
    metric.real(data.sample(torch.Generator().manual_seed(0), len(samples))[0])
    metric.fake(samples)
    return {key: float(f"{value:.3g}") for key, value in metric.compute().items()}


def summarise_pairs(rows: list[Row]) -> Iterator[list[object]]:
    """Yield the fewest modes, the smallest share, means of std and spread and the largest divergence of each pair."""
    for loss, penalty in dict.fromkeys((row["loss"], row["penalty"]) for row in rows):
        same = [row for row in rows if (row["loss"], row["penalty"]) == (loss, penalty)]
        good = [row for row in same if "failed" not in row]
        if len(good) < len(same):
            yield [loss, penalty, len(same), f"{len(same) - len(good)} failed", *[""] * 4]
        else:
            std, spread = (sum(row[key] for row in good) / len(good) for key in ("std", "spread"))
            fewest, least = (min(row[key] for row in good) for key in ("modes", "share"))
            yield [loss, penalty, len(good), fewest, least, std, spread, max(row["kl"] for row in good)]


if __name__ == "__main__":
    main()
