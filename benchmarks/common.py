"""Functions of all benchmarks: the machine, timing, tables, and results that are saved."""

from __future__ import annotations

import argparse
import json
import math
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from ganzoo.compute.processor import estimate_slowdown, list_instructions, read_name
from ganzoo.compute.threads import count_cores

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]
PACKAGES = ("ganzoo", "torch", "numpy", "click", "pluggy")


def parse_arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the arguments of the command line; print the machine above all figures."""
    arguments = parser.parse_args()
    machine = describe_machine()
    instructions = " ".join(machine["instructions"]) or "unknown"
    where = f"{machine['processor']}, {machine['cores']} cores, {torch.get_num_threads()} threads"
    print(f"{where}, instructions: {instructions}")
    return arguments


def describe_machine() -> dict[str, Any]:
    """Return what the figures depend on: the processor, its instruction sets, the number of cores, the versions."""
    return {
        "processor": read_name(),
        "instructions": list_instructions(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "cores": count_cores(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def computes_in(precision: str, title: str) -> bool:
    """Return whether the processor has instructions for a precision; if not, print that a row is left out.

    Args:
        precision: ``fp32``, ``bf16`` or ``fp16``.
        title: The row.
    """
    if estimate_slowdown(precision) == 1:
        return True
    print(f"{title} is not measured: this processor has no instructions for {precision}")
    return False


def save(name: str, figures: dict[str, Any]) -> Path:
    """Save figures with the machine, the date and the command to ``results/NAME-DATE.json``; return the path."""
    now = datetime.now(UTC)
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    result = {"date": now.isoformat(timespec="seconds"), "command": command, "machine": describe_machine(), **figures}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{now:%Y-%m-%d}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def load_rows(file: Path) -> list[Row]:
    """Return the rows in a file of `save_rows`; none if there is no file yet."""
    rows: list[Row] = json.loads(file.read_text())["rows"] if file.exists() else []
    return rows


def save_rows(file: Path, rows: list[Row], **facts: object) -> None:
    """Save rows with the machine, the date, the command without the file's own path, and other facts."""
    words = [word for word in sys.argv[1:] if word != "--file" and Path(word).suffix != ".json"]
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *words])
    head = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "command": command}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({**head, "machine": describe_machine(), **facts, "rows": rows}, indent=1) + "\n")


def summarise(values: Sequence[float]) -> dict[str, float]:
    """Return the minimum, the median and the maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def time_call(run: Callable[[], object]) -> float:
    """Return the seconds of a call, by the wall clock."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def time_on_processor(run: Callable[[], object]) -> float:
    """Return the seconds of a call in which this process had a core."""
    start = time.process_time()
    run()
    return time.process_time() - start


def measure(
    variants: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[Callable[[], object]], float] | None = None,
) -> dict[str, list[float]]:
    """Return the seconds of each variant in each round.

    All variants run in every round, each time another one first, so that a machine that becomes slower is slower for
    all. A round before the first one warms everything up and is not counted. By default the clock is the wall's; on
    one thread it is the processor's, which other processes on the machine disturb less.
    """
    clock = clock or (time_on_processor if torch.get_num_threads() == 1 else time_call)
    names = list(variants)
    times: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(-1, rounds):
        shift = round_ % len(names)
        for name in names[shift:] + names[:shift]:
            took = clock(variants[name])
            if round_ >= 0:
                times[name].append(took)
    return times


def compute_speedup(times: Mapping[str, Sequence[float]], name: str, over: str) -> dict[str, float]:
    """Return the speed of `name` divided by the speed of `over`: minimum, median and maximum over the rounds."""
    return summarise([theirs / mine for mine, theirs in zip(times[name], times[over], strict=True)])


def find_largest_difference(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the largest difference of two sequences, relative where the values are above 1."""
    differences = [abs(a - b) / max(1.0, abs(b)) for a, b in zip(mine, theirs, strict=True)]
    return max((math.inf if math.isnan(value) else value) for value in differences)


def compare_losses(losses: Mapping[str, Sequence[float]], pairs: Sequence[tuple[str, str, float]]) -> dict[str, float]:
    """Print whether the losses of each pair (name, reference, tolerance) agree; return the differences by name."""
    result = {}
    for mine, reference, tolerance in pairs:
        if mine in losses and reference in losses:
            result[mine] = largest = find_largest_difference(losses[mine], losses[reference])
            word = "agree" if largest <= tolerance else "DIFFER: the computation is another, do not compare the times"
            print(f"losses of {mine} and {reference} {word} ({largest:.2g}, tolerance {tolerance:g})")
    return result


def compare_target(name: str, measured: float, target: float, at_most: bool = False) -> str:
    """Return one line that compares a figure with its target."""
    met = measured <= target if at_most else measured >= target
    return f"{name}: {measured:.3g}, target {'at most ' if at_most else ''}{target:g}: {'met' if met else 'missed'}"


def format_table(rows: Sequence[Sequence[object]]) -> str:
    """Return rows as lines with aligned columns."""
    texts = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in texts)
