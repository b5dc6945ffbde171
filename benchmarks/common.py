"""What the benchmarks share: the machine in words, a table, and results that are kept."""

from __future__ import annotations

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

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("ganzoo", "torch", "numpy", "click", "pluggy")


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, versions."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": len(models) or None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def save(name: str, figures: dict[str, Any]) -> Path:
    """Write figures with machine, date and command to ``results/NAME-DATE.json``."""
    now = datetime.now(UTC)
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    result = {"date": now.isoformat(timespec="seconds"), "command": command, "machine": machine(), **figures}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{now:%Y-%m-%d}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def wall(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(
    variants: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[Callable[[], object]], float] = wall
) -> dict[str, list[float]]:
    """Return the seconds that each variant took in each round.

    All run in every round, each time another one first, so that a machine that drifts drifts for all; a further
    round before them warms everything up and is not counted.
    """
    names = list(variants)
    times: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(-1, rounds):
        shift = round_ % len(names)
        for name in names[shift:] + names[:shift]:
            took = clock(variants[name])
            if round_ >= 0:
                times[name].append(took)
    return times


def speedup(times: Mapping[str, Sequence[float]], name: str, over: str) -> dict[str, float]:
    """Return how many times as fast `name` was as `over`: minimum, median and maximum over the rounds."""
    return summary([theirs / mine for mine, theirs in zip(times[name], times[over], strict=True)])


def worst_difference(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Return by how much two sequences differ at most, relative where the values are above 1."""
    differences = [abs(a - b) / max(1.0, abs(b)) for a, b in zip(mine, theirs, strict=True)]
    return max((math.inf if math.isnan(value) else value) for value in differences)


def compared(losses: Mapping[str, Sequence[float]], pairs: Sequence[tuple[str, str, float]]) -> dict[str, float]:
    """Print whether the losses in pairs (mine, reference, tolerance) agree; return the differences."""
    result = {}
    for mine, reference, tolerance in pairs:
        if mine in losses and reference in losses:
            result[mine] = worst = worst_difference(losses[mine], losses[reference])
            word = "agree" if worst <= tolerance else "DIFFER: this is other maths, its time counts for nothing"
            print(f"losses of {mine} and {reference} {word} ({worst:.2g}, tolerance {tolerance:g})")
    return result


def verdict(name: str, measured: float, target: float, at_most: bool = False) -> str:
    """Return one line that holds a figure against its target."""
    met = measured <= target if at_most else measured >= target
    return f"{name}: {measured:.3g}, target {'at most ' if at_most else ''}{target:g}: {'met' if met else 'missed'}"


def table(rows: Sequence[Sequence[object]]) -> str:
    """Return rows with aligned columns."""
    texts = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in texts)
