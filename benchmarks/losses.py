"""Whether each adversarial loss learns the bundled digits with default settings: DCGAN, two widths, some seeds.

    python benchmarks/losses.py [--losses bce,hinge] [--widths 16,32] [--seeds 0,1,2] [--images 40000,150000] [--quick]

Each row has the scores of `ganzoo train --arch dcgan --loss LOSS arch.width=WIDTH --seed SEED` at a number of images,
by digit_scores.py: the Frechet distance in multiples of the score of real digits, recall, and the smallest class's
share. Each row is saved at once in the day's results (or in --file). Rows that are saved already are not made again, so
the command can be stopped and started at any time. It trains one run at a time; a longer run resumes a shorter one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from common import RESULTS, Row, format_table, load_rows, parse_arguments, save_rows
from digit_scores import Scores, make_scorer
from torch import Tensor
from workbench import temporary_runs

import ganzoo

LARGEST = {40_000: 9.0, 150_000: 5.0}  # distance in multiples of the floor, by images seen
SMALLEST = {"recall": 0.7, "share": 1 / 3}
KEY = ("loss", "width", "seed", "images")
QUICK = {"losses": ["wasserstein"], "widths": [16], "seeds": [0], "images": [8192]}


def main() -> None:
    """Train, score, keep each row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    installed = [entry.spec.name for entry in ganzoo.registry().components("loss")]
    parser.add_argument("--losses", type=lambda text: text.split(","), default=installed)
    for name, default in (("widths", [16, 32]), ("seeds", [0, 1, 2]), ("images", [40_000, 150_000])):
        parser.add_argument(f"--{name}", type=lambda text: [int(part) for part in text.split(",")], default=default)
    parser.add_argument("--file", type=Path, default=RESULTS / f"losses-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="one loss for 8,192 images, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    rows: list[Row] = [] if arguments.quick else load_rows(arguments.file)
    num, score = make_scorer(size=32)
    for row in measure_rows(arguments, rows, num, score):
        rows.append(row)
        print(format_table([[*row.values()]]), flush=True)
        if not arguments.quick:
            save_rows(arguments.file, rows, aims=[LARGEST, SMALLEST])
    print(
        "\n"
        + format_table([("loss", "width", "images", "seeds", "worst fd", "recall", "share", ""), *find_worst(rows)])
    )


def measure_rows(arguments: Any, rows: list[Row], num: int, score: Callable[[Tensor], Scores]) -> Iterator[Row]:
    """Train and score the runs whose rows are missing, all short runs first; yield their rows."""
    known = {tuple(row[key] for key in KEY) for row in rows}
    runs: dict[tuple[Any, ...], Any] = {}
    with temporary_runs():
        for images, *which in product(sorted(arguments.images), arguments.seeds, arguments.widths, arguments.losses):
            seed, width, loss = which
            if (loss, width, seed, images) not in known:
                start = time.perf_counter()
                run = runs[tuple(which)] = train(runs.get(tuple(which)), loss, width, seed, images)
                took = time.perf_counter() - start
                found = score(ganzoo.load(run, "cpu").sample_raw(num))
                row: Row = {"loss": loss, "width": width, "seed": seed, "images": images}
                yield row | {name: round(value, 3) for name, value in found.items()} | {"seconds": round(took)}


def train(run: Any, loss: str, width: int, seed: int, images: int) -> Any:
    """Train a new run, or the given one further, to `images` images; return it."""
    if run is not None:
        return ganzoo.train(resume=run, images=images, device="cpu")
    quiet = {"train.grid_every": 10**9, "train.checkpoint_every": 10**9, "arch.width": width}
    return ganzoo.train(arch="dcgan", loss=loss, seed=seed, images=images, options=quiet, device="cpu")


def find_worst(rows: list[Row]) -> Iterator[list[object]]:
    """Yield the worst values over the seeds of each loss, width and number of images, and whether they meet the aim."""
    for loss, width, images in sorted({(row["loss"], row["width"], row["images"]) for row in rows}):
        same = [row for row in rows if (row["loss"], row["width"], row["images"]) == (loss, width, images)]
        fd, (recall, share) = max(row["fd"] for row in same), (min(row[key] for row in same) for key in SMALLEST)
        aim = LARGEST.get(images)
        good = aim is not None and fd <= aim and recall >= SMALLEST["recall"] and share >= SMALLEST["share"]
        yield [loss, width, images, len(same), fd, recall, share, "" if aim is None else "met" if good else "missed"]


if __name__ == "__main__":
    main()
