"""The costs of the default run: speed, time to the first update (with start-up), memory, checkpoints, disk.

    python benchmarks/costs.py [--images 20000] [--rounds 3] [--quick] [KEY=VALUE ...]

Each round is a process of its own. The speed is the median over the ticks after the first second. Of a checkpoint, the
training thread makes the copy alone; the file is written in the background while training goes on.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import format_table, parse_arguments, save, summarise


def time_calls(function: Callable[..., Any], milliseconds: list[float]) -> Callable[..., Any]:
    """Return a function that does the same and appends the time of each call to `milliseconds`."""

    def run(*args: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            milliseconds.append(1000 * (time.perf_counter() - start))

    return run


def measure_size(*paths: Path) -> float:
    """Return the size of files and of all files in folders, in MiB."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))]
    return sum(file.stat().st_size for file in files if file.is_file()) / 2**20


def run_child(images: int, pairs: list[str]) -> None:
    """Train, and print the figures as JSON."""
    start = float(os.environ["BENCHMARK_START"])
    import ganzoo
    from ganzoo.engine.events import Note, Tick
    from ganzoo.engine.keeper import Keeper
    from ganzoo.engine.trainer import Trainer

    training, background = list[float](), list[float]()
    Trainer.save = time_calls(Trainer.save, training)  # type: ignore[method-assign]
    Keeper._write = time_calls(Keeper._write, background)  # type: ignore[method-assign]
    rows: list[dict[str, Any]] = []
    first: list[float] = []
    described: list[str] = []

    class Listener:
        def note(self, event: Note) -> None:
            described.append(event.line)

        def tick(self, event: Tick) -> None:
            if not first:
                first.append(time.time() - start)
            rows.append(dict(event.row))

    options = {"train.checkpoint_every": str(max(images // 4, 1)), **dict(pair.split("=", 1) for pair in pairs)}
    run = ganzoo.train(arch="dcgan", loss="bce", images=images, options=options, listener=Listener())
    speeds = [row["images_per_second"] for row in rows if row["seconds"] > 1.0] or [rows[-1]["images_per_second"]]
    result = {
        "run": described[0].partition(": ")[2],
        "images_per_second": statistics.median(speeds),
        "seconds_to_first_update": first[0],
        "peak_memory_mib": rows[-1]["memory"] / 2**20,
        "checkpoint_ms_in_training": statistics.median(training),
        "checkpoint_ms_in_background": statistics.median(background),
        "checkpoint_mib": measure_size(run.checkpoints[-1]),
        "package_mib": measure_size(run.package),
    }
    print(json.dumps(result))


def main() -> None:
    """Measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short round, nothing is kept")
    parser.add_argument("pairs", nargs="*", metavar="KEY=VALUE")
    arguments = parse_arguments(parser)
    rounds, images = (1, 128) if arguments.quick else (arguments.rounds, arguments.images)

    results = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as runs:
            environment = {**os.environ, "GANZOO_RUNS": runs, "BENCHMARK_START": str(time.time())}
            command = [sys.executable, __file__, "child", str(images), *arguments.pairs]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))

    names = [name for name in results[0] if name != "run"]
    figures = {name: summarise([result[name] for result in results]) for name in names}
    print(results[0]["run"])
    rows: list[tuple[object, ...]] = [("figure", "min", "median", "max")]
    print(format_table([*rows, *((name, *values.values()) for name, values in figures.items())]))
    if not arguments.quick:
        print(save("costs", {"run": results[0]["run"], "images": images, "rounds": rounds, **figures}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        run_child(int(sys.argv[2]), sys.argv[3:])
    else:
        main()
