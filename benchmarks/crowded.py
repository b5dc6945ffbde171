"""Training on a busy machine: alone, beside one or two busy processes, and beside a second run.

    python benchmarks/crowded.py [--images 4096] [--rounds 3] [--quick] [--pairs KEY=VALUE ...]

Each run is an ordinary command. Every round has two runs in each situation, in turns: one with threads that wait
passively for one another, as ganzoo sets them, and one with threads that spin, which is OpenMP's default. A speed is
the median over a run's ticks after its first seconds. `waiting` is the share of the time in which the training thread
was ready and had no core.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from common import compute_speedup, format_table, parse_arguments, save, summarise

SETTINGS = ["--arch", "dcgan", "--loss", "bce"]
QUIET = ["train.grid_every=1000000000", "train.checkpoint_every=1000000000", "train.execution=eager"]
QUICK = ["--size", "16", "arch.width=8", "train.batch=16"]
BUSY, RESTING = "while True: pass", "import time; time.sleep(600)"
POLICIES = {
    "passive": {},  # ganzoo's own
    "spinning": {
        "GOMP_SPINCOUNT": "300000"
    },  # libgomp's own number, which ganzoo leaves as it is once somebody says it
}
COMPANY = ("alone", "one busy process", "two busy processes", "a second run")
LONG = 10**9  # images of the second run, which is stopped


def start_run(images: int, pairs: list[str], folder: str, policy: str) -> subprocess.Popen[str]:
    """Start a run in a directory of its own, with the number of threads that ganzoo chooses."""
    dropped = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "KMP_BLOCKTIME", "KMP_LIBRARY", "GOMP_SPINCOUNT")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return subprocess.Popen(
        [sys.executable, "-m", "ganzoo", "train", *SETTINGS, "--images", str(images), *QUIET, *pairs],
        env={**kept, **POLICIES[policy], "GANZOO_RUNS": folder},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_ticks(folder: str) -> list[dict[str, float]]:
    """Return the ticks so far of the run in a directory."""
    found = [line for path in Path(folder).glob("*/stats.jsonl") for line in path.read_text().splitlines()]
    return [row for row in map(json.loads, found) if "images_per_second" in row]


@contextmanager
def company(name: str, pairs: list[str], policy: str, busy: str) -> Iterator[None]:
    """Keep the machine busy inside the block; `busy` is the code of a busy process."""
    with ExitStack() as stack:
        others: list[subprocess.Popen[str]] = []
        if name == "a second run":
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            others = [start_run(LONG, pairs, folder, policy)]
            while not read_ticks(folder) and others[0].poll() is None:
                time.sleep(0.1)
        elif name != "alone":
            num = 1 if name == "one busy process" else 2
            others = [subprocess.Popen([sys.executable, "-c", busy], text=True) for _ in range(num)]
        try:
            yield
        finally:
            for other in others:
                other.kill()
                other.communicate()


def measure_speed(name: str, policy: str, images: int, pairs: list[str], busy: str) -> tuple[float, float]:
    """Return the images per second of a run in a situation, and the share of its time without a core.

    Raises:
        SystemExit: The command failed; the message ends with its output.
    """
    with tempfile.TemporaryDirectory() as folder, company(name, pairs, policy, busy):
        run = start_run(images, pairs, folder, policy)
        output, _ = run.communicate()
        if run.returncode:
            raise SystemExit(f"training {name} failed:\n{output[-2000:]}")
        ticks = read_ticks(folder)
    later = [row for row in ticks if row["seconds"] > 2] or ticks
    waiting = [row["waiting"] for row in later if "waiting" in row] or [0.0]
    return statistics.median(row["images_per_second"] for row in later), statistics.median(waiting)


def main() -> None:
    """Measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="tiny networks, nobody is busy, nothing is kept")
    parser.add_argument("--pairs", nargs="*", default=[], metavar="KEY=VALUE")
    arguments = parse_arguments(parser)
    rounds, images, pairs, names = arguments.rounds, arguments.images, arguments.pairs, list(COMPANY)
    busy = RESTING if arguments.quick else BUSY
    if arguments.quick:
        rounds, images, pairs, names = 1, 64, [*QUICK, *pairs], names[1:2]

    seconds: dict[str, dict[str, list[float]]] = {name: {policy: [] for policy in POLICIES} for name in names}
    waits: dict[str, dict[str, list[float]]] = {name: {policy: [] for policy in POLICIES} for name in names}
    for round_ in range(rounds):
        for name in names:
            for policy in list(POLICIES)[:: 1 if round_ % 2 else -1]:
                images_per_second, waiting = measure_speed(name, policy, images, pairs, busy)
                seconds[name][policy].append(1 / images_per_second)
                waits[name][policy].append(waiting)

    speeds = {name: {p: summarise([1 / t for t in times]) for p, times in by.items()} for name, by in seconds.items()}
    ratios = {name: compute_speedup(by, "passive", "spinning") for name, by in seconds.items()}
    lines: list[tuple[object, ...]] = [("beside", *(f"{p} img/s" for p in POLICIES), "ratio", "min", "max", "waiting")]
    for name, ratio in ratios.items():
        medians = [speeds[name][policy]["median"] for policy in POLICIES]
        waiting = statistics.median(waits[name]["passive"])
        lines.append((name, *medians, ratio["median"], ratio["min"], ratio["max"], waiting))
    print(format_table(lines))
    if not arguments.quick:
        figures = {"rounds": rounds, "images": images, "settings": [*SETTINGS, *pairs], "images_per_second": speeds}
        print(save("crowded", {**figures, "passive_over_spinning": ratios, "waiting": waits}))


if __name__ == "__main__":
    main()
