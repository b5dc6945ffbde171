"""The recipe `auto` beside recipes of the zoo that were written by hand, at equal time on the CPU.

    python benchmarks/auto.py [--datasets digits,emoji,tiles,few] [--seeds 0,1] [--seconds 300] [--set KEY=VALUE]

Each contestant is trained on each dataset for as many images as take `--seconds` of processor time (300) on one thread,
at 32 pixels (emoji at 64); a training of 15 seconds before finds its speed, and `trained` are seconds by the clock.
Then these are measured: the Frechet distance (fd), density and coverage on the features of `random`, and of
`squeezenet` if it is installed, of as many samples as `ganzoo evaluate` takes. While it trains, fd on `random` says how
much worse than its best a run ends (end / best). `few` are 100 of the digits, on which `copying` is measured too:
authpct is the share of samples that are no copies. `--set dataset.path=PATH` says where the files of emoji or tiles
are. A dataset that is missing is left out with a line, and glyphs take its place. Rows are saved to
``results/auto.json`` at once, and those that are there are not made again, so the command can be stopped and started at
any time. `--quick` trains for a second.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from common import RESULTS, Row, compare_target, format_table, load_rows, parse_arguments, save_rows
from grids import count_images
from workbench import temporary_runs

import ganzoo

FILE = RESULTS / "auto.json"
CONTESTANTS: Mapping[str, Mapping[str, Any]] = {  # arguments of `ganzoo.train`
    "auto": {},
    "dcgan-bce": {"arch": "dcgan", "loss": "bce"},
    "first-look": {"recipe": "first-look"},
    "sngan": {"arch": "sngan"},  # the best of the leaderboard on emoji in three minutes
}
SIZES = {"emoji": 64}  # pixels; others are trained at 32
FEW = 100  # images of the dataset `few`
VALUES = ("fd", "density", "coverage")
QUICK = {"datasets": ["few"], "seeds": [0], "seconds": 1.0, "contestants": ["auto", "dcgan-bce"], "set": {}}


def main() -> None:
    """Train, measure, keep each row, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=lambda text: text.split(","), default=["digits", "emoji", "tiles", "few"])
    parser.add_argument("--contestants", type=lambda text: text.split(","), default=list(CONTESTANTS))
    parser.add_argument("--seeds", type=lambda text: [*map(int, text.split(","))], default=[0, 1])
    parser.add_argument("--seconds", type=float, default=300.0, help="processor time of each training")
    parser.add_argument("--set", type=lambda text: dict([text.split("=", 1)]), default={}, help="an option of the data")
    parser.add_argument("--file", type=Path, default=FILE, help="where rows are kept")
    parser.add_argument("--quick", action="store_true", help="two trainings of a second, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    rows: list[Row] = [] if arguments.quick else load_rows(arguments.file)

    def keep(row: Row) -> None:
        rows.append(row)
        print(format_table([[key, value] for key, value in row.items()]), flush=True)
        if not arguments.quick:
            save_rows(arguments.file, rows)

    run_all(arguments, rows, keep)
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        print_comparison(dataset, [row for row in rows if row["dataset"] == dataset])


def run_all(arguments: argparse.Namespace, rows: list[Row], keep: Callable[[Row], None]) -> None:
    """Train and measure what has no row yet."""
    names = list(arguments.datasets)
    for dataset in names:  # it may grow
        for seed, contestant in product(arguments.seeds, arguments.contestants):
            key = {"dataset": dataset, "contestant": contestant, "seed": seed, "seconds": arguments.seconds}
            if any(key.items() <= row.items() for row in rows):
                continue
            try:
                with temporary_runs(), tempfile.TemporaryDirectory() as folder:
                    keep(key | train_and_measure(key, choose_data(dataset, arguments, Path(folder))))
            except ganzoo.GanzooError as error:
                print(f"{dataset} is left out: {error}", flush=True)
                if "glyphs" not in names:
                    names.append("glyphs")
                break


def choose_data(dataset: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the arguments of `ganzoo.train` that choose the data."""
    if dataset == "few":
        images: Any = ganzoo.create("dataset", "digits", size=32)
        order = np.random.default_rng(0).permutation(len(images.data))[:FEW]
        np.savez(folder / "few.npz", images=np.asarray(images.data)[order])
        return {"dataset": folder / "few.npz"}
    chosen = arguments.set if dataset in ("emoji", "tiles") else {}
    return {"dataset": dataset, "size": SIZES.get(dataset, 32), "options": chosen}


def train_and_measure(key: Row, data: dict[str, Any]) -> Row:
    """Train one contestant for the time of its row, and return what was measured."""
    lines: list[str] = []
    settings = {**CONTESTANTS[key["contestant"]], **data, "seed": key["seed"]}
    images = count_images(settings, key["seconds"])
    seldom = {"train.grid_every": 10**9, "train.checkpoint_every": 10**9, "train.metric_every": max(64, images // 8)}
    options = {**seldom, "metric.frechet.extractor": "random", **data.get("options", {})}
    run = ganzoo.train(
        **settings | {"options": options}, images=images, metric="frechet", device="cpu", threads=1, progress=False,
        listener=Notes(lines),
    )  # fmt: skip
    distances = [value for row in run.rows() for name, value in row.items() if name.endswith("frechet/fd")]
    trained = next(row["seconds"] for row in reversed(run.rows()) if "seconds" in row)
    row: Row = {
        "images": run.images,
        "trained": round(trained, 1),
        "end / best": distances[-1] / max(min(distances), 1e-9),
    }
    for extractor in ("random", "squeezenet"):
        try:
            found = ganzoo.evaluate(run, ["frechet", "prdc"], extractor=extractor, device="cpu").values
        except ganzoo.GanzooError as error:
            print(f"{extractor} is left out: {error}")
            continue
        values = {name.rpartition("/")[2]: value for name, value in found.items() if name.endswith(VALUES)}
        row |= {f"{extractor} {name}": value for name, value in values.items()}
    if key["dataset"] == "few":
        found = ganzoo.evaluate(run, "copying", extractor="random", num=FEW, device="cpu").values
        row |= {name.rpartition("/")[2]: value for name, value in found.items() if name.endswith("authpct")}
        row["says so"] = any("copies" in line or "learns fewer" in line for line in lines)
    return row


class Notes:
    """A listener that keeps the lines of a run."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def note(self, event: Any) -> None:
        """Keep a line."""
        self.lines.append(event.line)


def print_comparison(dataset: str, rows: list[Row]) -> None:
    """Print the means over the seeds, and compare `auto` with the best of the others."""
    names = [name for name in rows[0] if name not in ("dataset", "contestant", "seed", "seconds", "trained", "says so")]
    means = {
        contestant: {name: fmean(row[name] for row in rows if row["contestant"] == contestant) for name in names}
        for contestant in dict.fromkeys(row["contestant"] for row in rows)
    }
    table = [[name, *(f"{value:.4g}" for value in each.values())] for name, each in means.items()]
    print(f"{dataset}\n{format_table([['', *names], *table])}")
    others = [each for name, each in means.items() if name != "auto"]
    if "auto" not in means or not others:
        return
    for name in names:
        if name.endswith("fd"):
            ratio = means["auto"][name] / max(min(each[name] for each in others), 1e-9)
            print(compare_target(f"{name} of auto / the best of the others", ratio, 1.0, at_most=True))
        elif name.endswith(("density", "coverage")):
            ratio = means["auto"][name] / max(max(each[name] for each in others), 1e-9)
            print(compare_target(f"{name} of auto / the best of the others", ratio, 1.0))
    worst = max(row["end / best"] for row in rows if row["contestant"] == "auto")
    print(compare_target("the end of a run of auto / its best", worst, 1.1, at_most=True))


if __name__ == "__main__":
    main()
