"""Recipes of images beside each other on real images: what each has learned after the same time of the processor.

    python benchmarks/leaderboard.py [--budget 3min] [--seeds 2] [--datasets emoji,fashion-mnist]
        [--recipes dcgan,sngan] [--size 32] [--num 950] [--points 6] [--file FILE] [--quick]

Each recipe is trained on each dataset once for each seed, on one thread, until the training had `--budget` of processor
time. It stops `--points` times on the way; each time its averaged generator is scored, which is not counted: the
Frechet distance, density and coverage of `--num` samples on the features of SqueezeNet, or of `random` if SqueezeNet's
package is not installed. Each value has its floor, the value of other real images, and its fingerprint. Datasets are
found as ``ganzoo train`` finds them: `emoji` in the folder ``node_modules`` of the current one, `fashion-mnist` where
Debian installs it.

All recipes have their own settings and their default sizes, 0.1 to 0.7 million parameters, which suit these minutes.
`dcgan` is the usual baseline, and `lsgan`, `wgan-gp` and `rpgan` are its networks with other losses. `sngan`, `sagan`
and `biggan` are residual networks of before 2020: alone, with attention, and with classes. `progan` and `stylegan2` are
plain and modulated convolutions, `fastgan` is for few images, `r3gan` and `gat` are the newest convolutions and
transformers. Variants are left out (`biggan-deep`, `r3gan-mp`, `stylegan3`). So are networks for 28x28 pixels
(`dcgan-tutorial`), whose real images are others, recipes whose schedules need the number of images (`auto`, which
auto.py compares), and published recipes, which need days of a GPU. The name of any other architecture may be given.

A row is saved as soon as it is measured, and one that is there is not made again, so the command can be stopped and
started at any time. By default the newest file of results is continued. Beside the rows are a picture of each recipe
(16 samples of the first seed) and the curves of each dataset, in ``leaderboard/``. The page docs/zoo.md shows the
newest file.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from budget import Budget
from chart import draw_curves
from common import RESULTS, Row, describe_machine, format_table, load_rows, parse_arguments, save_rows
from grids import find_size
from memory import count_memory
from workbench import temporary_runs

import ganzoo
from ganzoo.errors import Interrupted
from ganzoo.plugin.numbers import parse_time
from ganzoo.recipe.keys import COMPONENTS, SHORT

CONTESTANTS: Mapping[str, Mapping[str, Any]] = {  # settings by key
    "dcgan": {"arch": "dcgan"},
    "lsgan": {"arch": "dcgan", "loss": "lsgan"},
    "wgan-gp": {"arch": "dcgan", "loss": "wasserstein"},
    "rpgan": {"arch": "dcgan", "loss": "rpgan", "reg": "r1,r2"},
    "sngan": {"arch": "sngan"},
    "sagan": {"arch": "sngan", "arch.attention": 16, "arch.spectral_g": "true"},
    "biggan": {"arch": "biggan", "train.conditional": "true"},
    "progan": {"arch": "progan"},
    "stylegan2": {"arch": "stylegan2"},
    "fastgan": {"arch": "fastgan"},
    "r3gan": {"arch": "r3gan"},
    "gat": {"arch": "gat"},
}
METRICS, VALUES = ["frechet", "prdc"], ("frechet/fd", "prdc/density", "prdc/coverage")
SHOWN = 16  # samples in a picture
QUICK: dict[str, Any] = {
    "budget": 1.0, "seeds": 1, "datasets": ["digits"], "recipes": ["dcgan"], "num": 64, "points": 2,
    "extractor": "random",
}  # fmt: skip


def main() -> None:
    """Train, score, keep each row and its picture, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=parse_time, default=180.0, help="processor time of each training")
    parser.add_argument("--seeds", type=int, default=2, help="trainings of each recipe")
    parser.add_argument("--datasets", type=lambda text: text.split(","), default=["emoji", "fashion-mnist"])
    parser.add_argument("--recipes", type=lambda text: text.split(","), default=list(CONTESTANTS))
    parser.add_argument("--size", type=int, default=32, help="width and height of images, in pixels")
    parser.add_argument("--extractor", help="the network whose features are compared; by default squeezenet")
    parser.add_argument("--num", type=int, default=950, help="real and generated samples of a score")
    parser.add_argument("--points", type=int, default=6, help="scores of each training")
    parser.add_argument("--file", type=Path, default=find_file(), help="where rows are kept")
    parser.add_argument("--quick", action="store_true", help="one recipe for seconds, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    arguments.extractor = arguments.extractor or choose_extractor()
    torch.set_num_threads(1)
    rows, protocols = ([], {}) if arguments.quick else (load_rows(arguments.file), load_protocols(arguments.file))
    for row in measure_all(arguments, rows, protocols):
        rows.append(row)
        print(format_table([[row[key] for key in ("dataset", "recipe", "seed", "images")]]), flush=True)
        if not arguments.quick:
            save_rows(arguments.file, rows, protocols=protocols)
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        show_dataset(dataset, [row for row in rows if row["dataset"] == dataset], arguments)


def find_file() -> Path:
    """Return the newest file of results, or that of today if there is none."""
    return max(RESULTS.glob("leaderboard-20*.json"), default=RESULTS / f"leaderboard-{datetime.now(UTC):%Y-%m-%d}.json")


def load_protocols(file: Path) -> dict[str, Any]:
    """Return the protocols of the scores in a file of results, by their fingerprints."""
    found: dict[str, Any] = json.loads(file.read_text())["protocols"] if file.exists() else {}
    return found


def choose_extractor() -> str:
    """Return the name of the network whose features are compared."""
    try:
        ganzoo.create("extractor", "squeezenet", data=ganzoo.DataInfo(shape=(3, 32, 32)))
    except ganzoo.GanzooError as error:
        print(f"squeezenet is left out, random takes its place: {error}")
        return "random"
    return "squeezenet"


# ----------------------------------------------------------------------------
# Training and scoring.


def measure_all(arguments: argparse.Namespace, rows: list[Row], protocols: dict[str, Any]) -> Iterator[Row]:
    """Train and score what has no row yet; keep pictures; yield the rows, and add the protocols of their scores."""
    known = [{key: row[key] for key in ("recipe", "dataset", "seed", "budget", "size")} for row in rows]
    for dataset, seed, recipe in product(arguments.datasets, range(arguments.seeds), arguments.recipes):
        settings = make_settings(recipe, dataset, seed, arguments)
        key = {"recipe": recipe, "dataset": dataset, "seed": seed, "budget": arguments.budget}
        key["size"] = settings["dataset.size"]
        if key in known:
            continue
        try:
            with temporary_runs():
                yield key | measure_one(settings, arguments, key, protocols)
        except Interrupted:
            raise
        except ganzoo.GanzooError as error:
            print(f"{recipe} on {dataset} is left out: {error}", flush=True)


def make_settings(recipe: str, dataset: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of a training by key."""
    own = CONTESTANTS.get(recipe, {"arch": recipe})
    return {**own, "dataset": dataset, "dataset.size": find_size(own["arch"], arguments.size), "train.seed": seed}


def measure_one(settings: dict[str, Any], arguments: argparse.Namespace, key: Row, protocols: dict[str, Any]) -> Row:
    """Train for the budget; return what was measured. A training that fails on the way returns why."""
    eager = {"train.execution": "eager", "train.precision": "fp32"}
    row: Row = count_memory(settings | eager) | {"words": write_words(settings)}
    row |= {"processor": describe_machine()["processor"], "images": 0, "seconds": 0.0, "curve": []}
    budget = Budget()
    for point in range(1, arguments.points + 1):
        try:
            run = budget.train_until(arguments.budget * point / arguments.points, {"options": settings})
        except ganzoo.GanzooError as error:
            if budget.run is None or isinstance(error, Interrupted):
                raise
            return row | {"failed": str(error)}
        found = ganzoo.evaluate(run, METRICS, extractor=arguments.extractor, num=arguments.num, device="cpu").scores
        row |= {"images": run.images, "seconds": round(budget.seconds, 2)}
        fd, density, coverage = (found[name].value for name in VALUES)
        values = {"fd": fd, "ratio": found[VALUES[0]].ratio, "density": density, "coverage": coverage}
        row["curve"].append({"seconds": row["seconds"], "images": row["images"], **values})
    for name in VALUES:
        score = found[name].to_json()
        protocols[score["fingerprint"]] = score.pop("protocol")
        row.setdefault("scores", []).append(score)
    if key["seed"] == 0 and not arguments.quick:
        row["picture"] = f"leaderboard/{key['recipe']}-{key['dataset']}.png"
        draw_samples(run, arguments.file.parent / row["picture"])
    return row


def write_words(settings: Mapping[str, Any]) -> str:
    """Return the words of settings after ``ganzoo train``, without those of the data and the seed."""
    flags = {**{each.name: each.name for each in COMPONENTS}, **SHORT}
    words = []
    for key, value in settings.items():
        if key.startswith("dataset") or key == "train.seed":
            continue
        flag = f"--{flags[key]}" if key in flags else ""
        words += [flag] if flag and value == "true" else [flag, str(value)] if flag else [f"{key}={value}"]
    return shlex.join(words)


def draw_samples(run: ganzoo.Run, path: Path) -> None:
    """Write a picture of samples of seed 0."""
    images = ganzoo.load(run, "cpu").images(SHOWN, seed=0)
    images.columns = None  # about square, with classes too
    path.parent.mkdir(parents=True, exist_ok=True)
    images.make_grid().save(path, optimize=True)


# ----------------------------------------------------------------------------
# Tables and curves.


def show_dataset(dataset: str, rows: list[Row], arguments: argparse.Namespace) -> None:
    """Print the means over the seeds, the best first, and draw the curves."""
    scored = {name: [row for row in rows if row["recipe"] == name and "scores" in row] for name in arguments.recipes}
    means = {
        name: [fmean(row["scores"][index]["value"] for row in each) for index in range(len(VALUES))]
        for name, each in scored.items() if each
    }  # fmt: skip
    table = [
        [name, *values, round(fmean(row["images"] / row["seconds"] for row in scored[name]), 1)]
        for name, values in sorted(means.items(), key=lambda item: item[1][0])
    ]
    head = [dataset, *VALUES, "images/s"]
    floors = ["real images", *(score["floor"] for score in scored[table[0][0]][0]["scores"])] if table else [""]
    print("\n" + format_table([head, *table, [*floors, ""]] if table else [head]))
    curves = {name: average_curves([row["curve"] for row in each]) for name, each in scored.items() if each}
    if curves:
        picture = draw_curves(curves, f"Frechet distance on {dataset}, real images = 1", "seconds", limit=1.0)
        print(f"curves of {len(curves)} recipes: {picture.width}x{picture.height} pixels")
        if not arguments.quick:
            picture.save(arguments.file.parent / "leaderboard" / f"curves-{dataset}.png", optimize=True)


def average_curves(curves: list[list[dict[str, float]]]) -> list[tuple[float, float]]:
    """Return the mean seconds and the mean distance, in multiples of the floor, at each point of several curves."""
    return [
        (fmean(point["seconds"] for point in points), fmean(point["ratio"] or point["fd"] for point in points))
        for points in zip(*curves, strict=False)
    ]


if __name__ == "__main__":
    main()
