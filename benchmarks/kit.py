"""The time of `ganzoo check` on an architecture of six million parameters: seconds of each check, on one thread.

python benchmarks/kit.py [--plugin FILE] [--quick]

The target is 60 s on two idle cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from common import compare_target, format_table, parse_arguments, save

from ganzoo.registry import registry
from ganzoo.testing import collect_checks

TARGET = 60.0


def main() -> None:
    """Measure, print a table with the slowest first, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugin", type=Path, default=Path(__file__).with_name("sagan.py"))
    parser.add_argument("--quick", action="store_true", help="the first ten checks alone; nothing is kept")
    arguments = parse_arguments(parser)
    registry().add_file(arguments.plugin)

    start, cpu = time.perf_counter(), time.process_time()
    checks = collect_checks(arguments.plugin.stem)
    results = [check.run() for check in (checks[:10] if arguments.quick else checks)]
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    slowest = sorted(results, key=lambda result: -result.seconds)
    print(format_table([("check", "status", "seconds"), *((r.check, r.status, r.seconds) for r in slowest)]))
    for result in results:
        if result.status == "FAIL":
            print(f"{result.check}: {result.message}")
    print(compare_target(f"seconds of {len(results)} checks ({cpu:.0f} s of one core)", wall, TARGET, at_most=True))
    if not arguments.quick:
        print(save("kit", {"seconds": wall, "cpu_seconds": cpu, "checks": {r.check: r.seconds for r in results}}))


if __name__ == "__main__":
    main()
