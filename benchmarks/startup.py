"""The start-up of the light commands, compared with a bare interpreter: whole processes, in turn, wall time.

Measure the package as users have it: an editable installation adds about 20 ms, because it has an import hook.

python benchmarks/startup.py [--rounds 20] [--quick]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from common import format_table, parse_arguments, save, summarise

COMPLETION = {"_GANZOO_COMPLETE": "bash_complete", "COMP_WORDS": "ganzoo train --arch ", "COMP_CWORD": "3"}
GANZOO = [sys.executable, "-m", "ganzoo"]
COMMANDS: dict[str, tuple[list[str], dict[str, str]]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], {}),
    "ganzoo --help": ([*GANZOO, "--help"], {}),
    "ganzoo list": ([*GANZOO, "list"], {}),
    "ganzoo info dcgan": ([*GANZOO, "info", "dcgan"], {}),
    "ganzoo plugins": ([*GANZOO, "plugins"], {}),
    "completion of --arch": (GANZOO, COMPLETION),
}


def time_process(command: list[str], extra: dict[str, str]) -> float:
    """Return the wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, env={**os.environ, **extra}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="one round, nothing is kept")
    arguments = parse_arguments(parser)
    rounds = 1 if arguments.quick else arguments.rounds

    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    first = 0 if arguments.quick else -1  # that round warms the caches and is not counted
    for round_ in range(first, rounds):
        for name, (command, extra) in COMMANDS.items():
            took = time_process(command, extra)
            if round_ >= 0:
                times[name].append(took)

    figures = {name: summarise(values) for name, values in times.items()}
    rows: list[tuple[object, ...]] = [("command", "min s", "median s", "max s")]
    print(format_table([*rows, *((name, *values.values()) for name, values in figures.items())]))
    if not arguments.quick:
        print(save("startup", {"rounds": rounds, "seconds": figures}))


if __name__ == "__main__":
    main()
