"""What each architecture of images draws after the same time: grids of samples, with their settings.

    python benchmarks/grids.py [--archs dcgan,sngan] [--datasets digits,emoji] [--conditional] [--seconds 300] [--quick]

Each architecture is trained with the settings that it recommends, for as many images as take `--seconds` of processor
time (300) on one thread; a training of 15 seconds before finds its speed. Only `dcgan-tutorial` has smaller batches and
networks, since with its own the time would end before a hundred updates. The averaged generator then draws 64 samples,
those of seed 0: with `--conditional`, which trains with labels, a column for each class. The picture is kept as
``results/grids/ARCH-DATASET.png`` (``ARCH-DATASET-conditional.png``), and the command that trains it again, with the
processor and the seconds, in ``results/grids.json``. Rows that are saved already are not made again, so the command can
be stopped and started at any time. An architecture or a dataset that is not installed, and one that does not fit, is
left out with a line that says why.
"""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from budget import Budget
from common import RESULTS, Row, describe_machine, format_table, load_rows, parse_arguments, save_rows
from workbench import temporary_runs

import ganzoo
from ganzoo.errors import Interrupted
from ganzoo.plugin import Architecture

GRIDS, FILE = RESULTS / "grids", RESULTS / "grids.json"
SIZES = {"emoji": 64}  # pixels; others are trained at 32, or at the nearest size that the architecture takes
SHORT: dict[str, dict[str, Any]] = {"dcgan-tutorial": {"batch": 32, "options": {"arch.width": 16}}}
PROBE = 15.0  # seconds of processor time of the training that finds the speed
QUICK = {"archs": ["dcgan"], "datasets": ["digits"], "seconds": 1.0}


def main() -> None:
    """Train, draw, keep each picture and its row, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    specs = [entry.spec for entry in ganzoo.registry().components("architecture")]
    images = [spec.name for spec in specs if isinstance(spec, Architecture) and "image" in spec.modalities]
    parser.add_argument("--archs", type=lambda text: text.split(","), default=images)
    parser.add_argument("--datasets", type=lambda text: text.split(","), default=["digits", "fashion-mnist", "emoji"])
    parser.add_argument("--conditional", action="store_true", help="train with labels")
    parser.add_argument("--seconds", type=float, default=300.0, help="processor time of each training")
    parser.add_argument("--quick", action="store_true", help="one architecture for seconds, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    rows: list[Row] = [] if arguments.quick else load_rows(FILE)
    for row in train_all(arguments, rows):
        rows.append(row)
        print(format_table([[*row.values()]]), flush=True)
        if not arguments.quick:
            save_rows(FILE, rows)


def train_all(arguments: argparse.Namespace, rows: list[Row]) -> Iterator[Row]:
    """Train those that have no picture yet; keep their pictures; yield their rows."""
    known = {row["picture"] for row in rows}
    for dataset, arch in product(arguments.datasets, arguments.archs):
        settings: dict[str, Any] = {"arch": arch, "dataset": dataset, "size": find_size(arch, SIZES.get(dataset, 32))}
        settings |= SHORT.get(arch, {})
        picture = f"{arch}-{dataset}"
        if arguments.conditional:
            settings, picture = settings | {"conditional": True}, f"{picture}-conditional"
        if picture in known:
            continue
        try:
            with temporary_runs():
                yield {"picture": picture} | train_one(settings, arguments.seconds, arguments.quick or GRIDS / picture)
        except Interrupted:
            raise
        except ganzoo.GanzooError as error:
            print(f"{picture} is left out: {error}", flush=True)


def find_size(arch: str, size: int) -> int:
    """Return the size that an architecture takes and that is nearest to a given one."""
    specs = [entry.spec for entry in ganzoo.registry().components("architecture") if entry.spec.name == arch]
    sizes = [each for spec in specs if isinstance(spec, Architecture) for each in spec.sizes or (size,)]
    return min(sizes, key=lambda each: abs(each - size), default=size)


def train_one(settings: dict[str, Any], seconds: float, picture: Path | bool) -> Row:
    """Train for the images that take the given processor time; return how long it took, on what, and the command.

    Args:
        settings: The settings of the training: arguments of `ganzoo.train`.
        seconds: Processor time of the training.
        picture: The path of the picture without its suffix; True for no picture.
    """
    images = count_images(settings, seconds)
    run, spent = train_images(settings, images)
    if isinstance(picture, Path):
        picture.parent.mkdir(parents=True, exist_ok=True)
        ganzoo.load(run, "cpu").images(64, seed=0).make_grid().save(f"{picture}.png", optimize=True)
    given = {**settings}
    options = [f"{key}={value}" for key, value in given.pop("options", {}).items()]
    flags = [word for key, value in given.items() for word in (f"--{key}", *([] if value is True else [value]))]
    command = shlex.join(map(str, ["ganzoo", "train", *flags, "--images", images, *options]))
    return {"seconds": round(spent), "processor": describe_machine()["processor"], "command": command}


def count_images(settings: dict[str, Any], seconds: float) -> int:
    """Return the images that a training sees in so many seconds of processor time on one thread.

    A training of `PROBE` seconds finds the speed; in a short one, its start and the machine's other work hide it.
    """
    budget = Budget()
    run = budget.train_until(min(PROBE, seconds), settings)
    batch = run.recipe()["train"]["batch"]
    return int(max(1, round(run.images / budget.seconds * seconds / batch)) * batch)


def train_images(settings: dict[str, Any], images: int) -> tuple[ganzoo.Run, float]:
    """Train for so many images; return the run and the processor time in seconds."""
    start, seldom = time.process_time(), {"train.grid_every": 10**9, "train.checkpoint_every": 10**9}
    settings = settings | {"options": seldom | settings.get("options", {})}
    run = ganzoo.train(**settings, images=images, device="cpu", threads=1, progress=False)
    return run, time.process_time() - start


if __name__ == "__main__":
    main()
