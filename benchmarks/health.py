"""What the signals of health cost: those of updates, and the probe, as shares of the training time.

    python benchmarks/health.py [--rounds 15] [--seconds 40] [--quick]

The networks are those of the default run (DCGAN on digits, 64 images) and the tiny ones of `benchmarks/tiny.py`, eager
and compiled. Signals and probe are timed in a loop that runs on for some seconds, as in a run. Both together may take
2 % of the time. The column `ratio` is a check from outside: the loop with the signals of updates is compared with the
same loop without them; both run in each round, each time the other one first, and the median counts. It contains what
a compiled update spends on keeping its logits, but its noise is often larger than 2 %.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import torch
from common import Row, compare_target, format_table, measure, parse_arguments, save
from tiny import DCGAN, MLP, QUICK
from workbench import BareTrainer, Settings, training_loop

TARGET = 0.02  # of the training time
CASES: dict[str, tuple[Settings, int]] = {  # settings, and the number of rounds that are timed at once
    "default run": (DCGAN | {"train.execution": "eager"}, 8),
    "mlp eager": (MLP | {"train.execution": "eager"}, 300),
    "mlp compiled": (MLP | {"train.execution": "compile"}, 600),
}


def remove_signals(trainer: BareTrainer) -> BareTrainer:
    """Make a training loop compute no signals, and look at nothing."""
    trainer.averages.logits = None
    trainer.gan.last_logits.keep = lambda real, fake: None  # type: ignore[method-assign]
    trainer.probe.failed = True
    return trainer


def repeat(trainer: BareTrainer, num: int) -> Callable[[], None]:
    """Return a function that makes `num` rounds."""
    return lambda: trainer(num)


def time_calls(owner: object, name: str) -> list[float]:
    """Make each call of a method append its seconds to the list that is returned."""
    took, method = list[float](), getattr(owner, name)

    def timed(*arguments: object) -> object:
        start = time.perf_counter()
        found = method(*arguments)
        took.append(time.perf_counter() - start)
        return found

    setattr(owner, name, timed)
    return took


def measure_case(name: str, settings: Settings, num: int, rounds: int, seconds: float) -> Row:
    """Return the shares of the training time that signals and probe take."""
    with ExitStack() as stack:
        without = remove_signals(stack.enter_context(training_loop(settings)))
        signals = stack.enter_context(training_loop(settings))
        signals.probe.failed = True
        times = measure({"without": repeat(without, num), "with": repeat(signals, num)}, rounds)
        ratios = [one / other for one, other in zip(times["with"], times["without"], strict=True)]
        watched = stack.enter_context(training_loop(settings))
        watched(num)  # warms up
        probed, seen = time_calls(watched.probe, "look"), time_calls(watched.averages, "look")
        start = time.perf_counter()
        watched.train_for(seconds)
        lasted = time.perf_counter() - start
    return {
        "case": name,
        "round_ms": 1000 * statistics.median(times["without"]) / num,
        "signals": sum(seen) / lasted,
        "ratio": statistics.median(ratios) - 1,
        "probe": sum(probed[1:]) / lasted,  # the first look warms up
        "first_look_ms": 1000 * probed[0] if probed else 0.0,
        "look_ms": 1000 * statistics.median(probed[1:]) if probed[1:] else 0.0,
        "looks": len(probed),
        "ratios": ratios,
    }


def main() -> None:
    """Measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--quick", action="store_true", help="a few rounds of smaller networks, nothing is kept")
    arguments = parse_arguments(parser)
    torch.set_num_threads(1)
    rows: list[Row] = []
    for name, (settings, num) in CASES.items():
        if "compile" in name and (arguments.quick or not (shutil.which("g++") or shutil.which("clang++"))):
            continue
        small = {} if not arguments.quick else {"arch.width": 8} if name == "default run" else QUICK
        size = {"rounds": 1, "seconds": 1.5} if arguments.quick else {}
        wanted = {"rounds": arguments.rounds, "seconds": arguments.seconds} | size
        rows.append(measure_case(name, {**settings, **small}, 2 if arguments.quick else num, **wanted))
    shown = [key for key in rows[0] if key != "ratios"]
    print(format_table([shown, *([row[key] for key in shown] for row in rows)]))
    for row in rows:
        print(compare_target(f"{row['case']}: signals and probe", row["signals"] + row["probe"], TARGET, at_most=True))
    if not arguments.quick:
        print(save("health", {"rounds": arguments.rounds, "seconds": arguments.seconds, "cases": rows}))


if __name__ == "__main__":
    main()
