"""Does the doctor find what is wrong? 21 trainings with a planted failure each, and 12 that go well.

    python benchmarks/doctor.py [--plants 1,2,20] [--seeds 0,1,2] [--rows DIR] [--quick]

A failure is planted by settings, or by a component of benchmarks/plants.py; no rule knows its plant. The table shows
for each the verdict that is expected, the first verdict that is not a mere note, and its delay: the ticks since the
failure could be judged, which is after the warm-up, or since the first tick. Four recipes with three seeds each must
have no verdict to stop and at most one warning in all. A plant is stopped some ticks after its first verdict.

Each training is saved at once in the day's results (or in --file). Those that are saved are not trained again, so the
command can be stopped and started at any time. With --rows, the rows of each training are written there, for tests.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common import RESULTS, Row, format_table, load_rows, parse_arguments, save_rows
from workbench import temporary_runs

import ganzoo
from ganzoo.errors import Interrupted
from ganzoo.health.signals import Diverged
from ganzoo.runs.run import list_runs

PLANTS = Path(__file__).with_name("plants.py")
BATCH = 32
IMAGES = BATCH * 1_600  # of a training: 1,600 updates
MORE_TICKS = 2  # after the first verdict, to see whether it lasts
MOST_ROWS = 40  # of a training that tests read
MACHINE = ("seconds", "images_per_second", "memory", "waiting")
QUIET = {"train.grid_every": 10**9, "train.checkpoint_every": 10**9, "train.images": IMAGES, "train.batch": BATCH}
BASE = {"arch": "mlp", "dataset": "digits", "dataset.size": 16, "arch.width": 64}  # as mlp recommends: rpgan, r1, r2
BCE = {**BASE, "reg": "none", "loss": "bce", "optim.g.lr": 2e-4, "optim.d.lr": 2e-4}
SPOILED = {"arch": "spoiled", "dataset": "digits", "dataset.size": 16}
HELD_OUT = {"dataset.holdout": 0.1}


@dataclass(frozen=True)
class Plant:
    """A training with a failure.

    Args:
        title: What is wrong.
        codes: The verdicts that are right.
        settings: The settings of the training by key.
    """

    title: str
    codes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


def list_plants(folder: Path) -> dict[int, Plant]:
    """Return the 21 plants by number.

    Args:
        folder: A folder for pictures, some of which are damaged.
    """
    modes = {"metric": "modes", "train.metric_every": 6_000, "train.images": 2 * IMAGES}
    return {
        1: Plant("D's rate x50, no penalty", ("d-too-strong",), {**SPOILED, "optim.g.lr": 4e-5, "optim.d.lr": 2e-3}),
        2: Plant("D's rate /100", ("d-too-weak",), {**BASE, **HELD_OUT, "optim.d.lr": 1e-5}),
        3: Plant("z is replaced by 0", ("z-ignored",), {**SPOILED, "arch.fault": "no-z"}),
        4: Plant("8 latents", ("mode-collapse",), {**SPOILED, "arch.fault": "few-latents"}),
        5: Plant(
            "half of the modes are not drawn", ("mode-drop",),
            {"arch": "mlp", "dataset": "half-ring", **modes},
        ),
        6: Plant(
            "a loss without a bound or a penalty", ("lipschitz-violation", "oscillation"),
            {**BASE, "loss": "wasserstein", "reg": "none"},
        ),
        7: Plant("rates of 10", ("numeric-blowup",), {**BASE, "optim.g.lr": 10.0, "optim.d.lr": 10.0}),
        8: Plant(
            "100 images, a wide D", ("d-overfit",),
            {**BCE, "dataset": "spoiled", "dataset.fault": "few", "dataset.holdout": 0.39, "arch.width": 256},
        ),
        9: Plant("a cutout in all images", ("aug-leak",), {**BASE, "aug": "cutout"}),
        10: Plant("images from 0 to 1", ("range-mismatch",), {**BASE, "dataset": "spoiled", "dataset.fault": "unit"}),
        11: Plant("a penalty x10,000", ("overregularised",), {**BASE, "reg.r1.gamma": 200.0, "reg.r2.gamma": 200.0}),
        12: Plant(
            "wgan-gp of weight 0", ("lipschitz-violation",),
            {**BASE, "loss": "wasserstein", "reg": "wgan-gp", "reg.wgan-gp.weight": 0.0},
        ),
        13: Plant(
            "labels of other images", ("labels-ignored",),
            {**BASE, "dataset": "spoiled", "dataset.fault": "shuffled", "train.conditional": True, "metric": "cas",
             "train.metric_every": 8_000, "train.metric_samples": 512},
        ),
        14: Plant("G's rectifiers are off", ("g-dead",), {**SPOILED, "arch.fault": "dead"}),
        15: Plant("statistics that stay", ("eval-mismatch",), {**SPOILED, "arch.fault": "frozen-statistics"}),
        16: Plant(
            "a half-life of a million", ("ema-stale",), {**BASE, "train.ema_half_life": 1e6, "train.ema_ramp": "none"}
        ),
        17: Plant("kernel 3, stride 2", ("checkerboard",), {**SPOILED, "arch.fault": "checkerboard"}),
        18: Plant(
            "20 copies of 82 images", ("data-duplicates", "memorising"),
            {**BASE, "dataset": "spoiled", "dataset.fault": "copies"},
        ),
        19: Plant("D has a parameter of G", ("step-isolation",)),
        20: Plant(
            "a rate that grows", ("score-regression",),
            {**BASE, "optim.g.lr": f"geometric(1e-3, 0.05, images={IMAGES})", "metric": "frechet",
             "train.metric_every": 4_000, "train.metric_samples": 512},
        ),
        21: Plant("a file that is damaged", ("data-unreadable", "data-grey"), {**BASE, "dataset": str(folder)}),
    }  # fmt: skip


HEALTHY: dict[str, Mapping[str, Any]] = {
    "mlp on a ring": {"arch": "mlp", "dataset": "points", "dataset.shape": "ring"},
    "mlp on glyphs": {"arch": "mlp", "dataset": "glyphs", "dataset.size": 16, "arch.width": 64},
    "dcgan on digits": {"arch": "dcgan", "dataset": "digits", "dataset.size": 16, "arch.width": 12, **HELD_OUT},
    "first-look on digits": {"recipe": "first-look", "dataset": "digits", "dataset.size": 16, "arch.width": 12},
}


class Listener:
    """Keeps the ticks and the verdicts of a training, and stops it some ticks after the first verdict.

    Args:
        stop: Whether it stops the training.
        notes: The codes of verdicts that count although they are notes.
    """

    def __init__(self, stop: bool, notes: Sequence[str]) -> None:
        self.stop, self.notes = stop, notes
        self.ticks, self.found = list[int](), list[dict[str, Any]]()

    def tick(self, event: Any) -> None:
        """Keep the images of the tick; ask the training to stop after enough of them."""
        self.ticks.append(event.images)
        if self.stop and self.found and len(self.ticks) == self.found[0]["tick"] + MORE_TICKS:
            os.kill(os.getpid(), signal.SIGTERM)  # in the background, SIGINT is ignored

    def verdict(self, event: Any) -> None:
        """Keep a verdict that is not a note, or that is expected."""
        said = event.verdict
        if said.severity != "info" or said.code in self.notes:
            fact = {"images": event.images, "code": said.code, "severity": said.severity, "words": said.words}
            self.found.append({"tick": len(self.ticks), **fact})


def main() -> None:
    """Train what is missing, keep each row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plants", type=lambda text: [int(part) for part in text.split(",")], default=[*range(1, 22)])
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",") if part], default=[0, 1, 2])
    parser.add_argument("--file", type=Path, default=RESULTS / f"doctor-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--rows", type=Path, help="a folder for the rows of each training")
    parser.add_argument("--pictures", type=Path, help="a folder for the last grid of each training")
    parser.add_argument("--quick", action="store_true", help="three plants of few images, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(plants=[3, 10, 18], seeds=[], rows=None, pictures=None)
    ganzoo.registry().add_file(PLANTS)
    rows: list[Row] = [] if arguments.quick else load_rows(arguments.file)
    with temporary_runs() as folder:
        for row in train_all(arguments, {row["name"] for row in rows}, folder / "pictures"):
            rows.append(row)
            print(format_table([_list_cells(row)]), flush=True)
            if not arguments.quick:
                save_rows(arguments.file, rows)
    print()
    print(format_table([("name", "expected", "first", "right", "delay", "seconds"), *map(_list_cells, rows)]))
    print(summarise_rows(rows))


def train_all(arguments: Any, known: set[str], folder: Path) -> Iterator[Row]:
    """Train the plants and the healthy runs that are missing; yield a row for each."""
    write_pictures(folder)
    for number, plant in list_plants(folder).items():
        name = f"{number} {plant.title}"
        if number not in arguments.plants or name in known:
            continue
        row: Row = {"name": name, "expected": "/".join(plant.codes)}
        yield row | (check_isolation() if number == 19 else train(plant.settings, arguments, str(number), plant.codes))
    for seed in arguments.seeds:
        for title, settings in HEALTHY.items():
            if (name := f"{title}, seed {seed}") not in known:
                chosen = {**settings, "train.seed": seed}
                yield {"name": name, "expected": ""} | train(chosen, arguments, f"{title} {seed}".replace(" ", "-"))


def train(settings: Mapping[str, Any], arguments: Any, name: str, codes: Sequence[str] = ()) -> Row:
    """Train with settings; return the first verdict, its delay in ticks, all verdicts and the seconds.

    A training with expected verdicts is stopped some ticks after its first one.
    """
    listener, start = Listener(bool(codes), codes), time.perf_counter()
    options = {**QUIET, **settings, **({"train.images": 16_384} if arguments.quick else {})}
    named = {key: options.pop(key) for key in ("arch", "dataset", "recipe", "loss") if key in options}
    with suppress(Interrupted, Diverged):
        ganzoo.train(**named, options=options, device="cpu", threads=1, progress=False, listener=listener)
    run = list_runs()[-1].path
    first: dict[str, Any] = listener.found[0] if listener.found else {"code": "", "tick": 0, "images": 0}
    recipe = json.loads((run / "recipe.json").read_text())
    warm_up = max(500 * recipe["train"]["batch"], 0.02 * recipe["train"]["images"])
    begin = next((place for place, images in enumerate(listener.ticks, 1) if images >= warm_up), 1)
    delay = max(1, first["tick"] - begin + 1) if first["images"] >= warm_up else max(1, first["tick"])
    if arguments.rows:
        keep_rows(run, recipe, first, arguments.rows / f"{name}.jsonl")
    if arguments.pictures:
        arguments.pictures.mkdir(exist_ok=True, parents=True)
        for grid in sorted(run.glob("fakes-*.png"))[-1:]:  # not all data can be shown
            shutil.copy(grid, arguments.pictures / f"{name}.png")
    shutil.rmtree(run)
    return {
        "first": first["code"],
        "delay": delay if first["code"] else None,
        "verdicts": listener.found,
        "ticks": len(listener.ticks),
        "seconds": round(time.perf_counter() - start),
    }


def keep_rows(run: Path, recipe: Mapping[str, Any], first: Mapping[str, Any], path: Path) -> None:
    """Write what a test needs: the recipe, the data, the verdict, and the rows up to it, at most `MOST_ROWS`."""
    rows = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    rows = [row for row in rows if not first["code"] or row["images"] <= first["images"]]
    rows = rows if len(rows) <= MOST_ROWS else [*rows[:3], *rows[3 - MOST_ROWS :]]
    kept = [
        {key: value if isinstance(value, int) else float(f"{value:.5g}") for key, value in row.items()
         if key not in MACHINE[1:]}
        for row in rows
    ]  # fmt: skip
    data = json.loads((run / "package" / "config.json").read_text())["data"]
    head = {"verdict": first["code"], "data": data, "recipe": recipe}
    path.parent.mkdir(exist_ok=True, parents=True)
    text = "".join(f"{json.dumps(each)}\n" for each in [head, *kept])
    path.write_text(text.replace(str(PLANTS), PLANTS.name))


def check_isolation() -> Row:
    """Check a plugin whose networks share a parameter with the kit; return what it says."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "ganzoo", "check", "spoiled-shared", "--plugin", str(PLANTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL") and "of the generator too" in line]
    first = "step-isolation" if failed and done.returncode == 1 else ""
    fact = {"code": first, "severity": "stop", "tick": 0, "images": 0}
    words = [fact | {"words": f"ganzoo check: {line.partition(' See ')[0]}"} for line in failed]
    took = round(time.perf_counter() - start)
    return {"first": first, "delay": 0 if first else None, "verdicts": words, "ticks": 0, "seconds": took}


def write_pictures(folder: Path) -> None:
    """Write 256 grey digits as colour pictures, one of which is cut off."""
    from PIL import Image

    digits: Any = ganzoo.create("dataset", "digits", size=16)
    folder.mkdir(exist_ok=True)
    for number, digit in enumerate(digits.data[:256]):
        Image.fromarray(digit[0]).convert("RGB").save(folder / f"{number:03d}.png")
    path = folder / "007.png"
    path.write_bytes(path.read_bytes()[:60])


def summarise_rows(rows: list[Row]) -> str:
    """Return how many plants were found, the median delay, and the false alarms."""
    plants, healthy = ([row for row in rows if bool(row["expected"]) == planted] for planted in (True, False))
    right = [row for row in plants if _is_right(row)]
    delay = statistics.median(row["delay"] for row in right) if right else 0
    alarms = [said["severity"] for row in healthy for said in row["verdicts"] if said["code"] != "unmet-want"]
    return (
        f"{len(right)} of {len(plants)} plants right first (target 18 of 21), median delay {delay:g} ticks (target 3); "
        f"{len(healthy)} healthy runs: {alarms.count('stop')} stop (target 0), {alarms.count('warn')} warn (target 1)"
    )


def _is_right(row: Row) -> bool:
    return row["first"] in row["expected"].split("/") if row["expected"] else not row["first"]


def _list_cells(row: Row) -> list[object]:
    delay = "" if row["delay"] is None else row["delay"]
    right = "yes" if _is_right(row) else "no"
    return [row["name"], row["expected"] or "nothing", row["first"] or "nothing", right, delay, row["seconds"]]


if __name__ == "__main__":
    main()
