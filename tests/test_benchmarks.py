"""Each benchmark runs, in its quick form: for correctness, not for time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("startup", ["python -c pass", "ganzoo --help", "ganzoo list", "ganzoo info dcgan", "ganzoo plugins"]),
        ("train", ["images_per_second", "seconds_to_first_update", "peak_memory_mib"]),
    ],
)
def test_quick(name, rows):
    before = set(BENCHMARKS.glob("results/*"))
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for row in rows:
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(row))
        low, median, high = map(float, line.split()[-3:])
        assert 0 < low <= median <= high
    assert set(BENCHMARKS.glob("results/*")) == before


def test_every_benchmark_is_run_here():
    (mark,) = (mark for mark in test_quick.pytestmark if mark.name == "parametrize")
    covered = {name for name, _ in mark.args[1]}
    assert {path.stem for path in BENCHMARKS.glob("*.py")} - {"common"} == covered
