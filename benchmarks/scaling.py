"""The speed of training over several processes: images per second on 1, 2, ... ranks, with the same total batch.

    python benchmarks/scaling.py [--ranks 1 2] [--images 4096] [--rounds 3] [--quick] [--pairs KEY=VALUE ...]

Each run is an ordinary command, with one thread for each rank, on random images in memory. The speed is the median over
its ticks after the first. All numbers of ranks run in every round, each time another one first. The first losses are
printed beside the speeds. With the same total batch they are equal, except with batch normalisation, since each rank
normalises its own part (the quick form has none).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import compute_speedup, format_table, parse_arguments, save, summarise

NOISE = Path(__file__).with_name("noise.py")
SETTINGS = ["arch=dcgan", "dataset.size=64", "arch.width=64", "train.batch=64", "dataset.items=256"]
QUICK = ["arch=mlp", "dataset.size=16", "arch.width=8", "train.batch=8", "dataset.items=64"]


def make_command(ranks: int, images: int, pairs: list[str]) -> list[str]:
    """Return the command that trains on `ranks` ranks; one rank needs no launcher."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"] if ranks > 1 else []
    train = ["-m", "ganzoo", "train", "--plugin", str(NOISE), "--dataset", "noise"]
    quiet = ["train.grid_every=1000000000", "train.checkpoint_every=1000000000", "train.precision=fp32"]
    return [sys.executable, *launcher, *train, "--images", str(images), *quiet, *pairs]


def measure_run(ranks: int, images: int, pairs: list[str]) -> dict[str, Any]:
    """Train in a directory of its own; return the images per second and the first losses.

    Raises:
        SystemExit: The command failed; the message ends with its output.
    """
    with tempfile.TemporaryDirectory() as runs:
        environment = {**os.environ, "GANZOO_RUNS": runs, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            make_command(ranks, images, pairs),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"training on {ranks} ranks failed:\n{done.stdout[-2000:]}")
        found = list(Path(runs).glob("*/stats.jsonl"))
        if len(found) != 1:
            raise SystemExit(
                f"{ranks} ranks made {len(found)} runs: they trained separately, so there is nothing to measure"
            )
        rows = [json.loads(line) for line in found[0].read_text().splitlines()]
    rows = [row for row in rows if "images_per_second" in row]
    later = rows[1:] or rows
    speeds = [row["images_per_second"] for row in later]
    return {"speed": statistics.median(speeds), "loss_d": rows[0]["loss_d"], "loss_g": rows[0]["loss_g"]}


def main() -> None:
    """Measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="tiny networks, one round, nothing is kept")
    parser.add_argument("--pairs", nargs="*", default=[], metavar="KEY=VALUE")
    arguments = parse_arguments(parser)
    rounds, images, pairs = arguments.rounds, arguments.images, [*SETTINGS, *arguments.pairs]
    if arguments.quick:
        rounds, images, pairs = 1, 64, [*QUICK, *arguments.pairs]

    times: dict[str, list[float]] = {str(ranks): [] for ranks in arguments.ranks}
    losses: dict[str, list[float]] = {}
    for round_ in range(rounds):
        shift = round_ % len(arguments.ranks)
        for ranks in arguments.ranks[shift:] + arguments.ranks[:shift]:
            result = measure_run(ranks, images, pairs)
            times[str(ranks)].append(1 / result["speed"])
            losses[str(ranks)] = [result["loss_d"], result["loss_g"]]

    first = str(arguments.ranks[0])
    speeds = {name: summarise([1 / t for t in values]) for name, values in times.items()}
    ratios = {name: compute_speedup(times, name, first) for name in times}
    rows: list[tuple[object, ...]] = [("ranks", "images/s", f"over {first}", "min", "max", "D's loss", "G's loss")]
    for name, ratio in ratios.items():
        rows.append((name, speeds[name]["median"], ratio["median"], ratio["min"], ratio["max"], *losses[name]))
    print(format_table(rows))
    if not arguments.quick:
        figures = {"rounds": rounds, "images": images, "settings": pairs, "images_per_second": speeds}
        print(save("scaling", {**figures, "ratios": ratios, "first_losses": losses}))


if __name__ == "__main__":
    main()
