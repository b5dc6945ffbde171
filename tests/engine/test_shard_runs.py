"""Trainings on datasets in shards: on two machines, killed, and with data that vanish."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from forks import start_python
from ganzoo.engine import checkpoint
from ganzoo.runs.run import Run

TESTS = Path(__file__).parents[1]
NUM, SIZE = 240, 10
CHILD = """
import json, sys, torch
torch.set_num_threads(1)
import ganzoo, toys, ranked
ganzoo.register(toys), ganzoo.register(ranked)
ganzoo.train(**json.loads(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def images(toys: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of images in two classes, sorted by class."""
    import ranked

    ganzoo.register(ranked)
    torch.set_num_threads(1)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache-whole"))
    folder = tmp_path / "images"
    for number in range(NUM):
        place = folder / ("dark", "light")[number * 2 // NUM]
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"{number:03}.png")
    return folder


def choose_settings(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return the settings of a run whose updates of D and of G both read samples and labels."""
    given = {
        "arch": "toy", "dataset": "folder", "dataset.path": str(folder), "dataset.size": 8, "loss": "toy-pairs",
        "dataset.shard": SIZE, "dataset.holdout": 0.1, "train.batch": 24, "train.images": 24 * 20,
        "train.conditional": True, "train.checkpoint_every": 96, "train.grid_every": 240, "train.flip": True,
        "train.d_steps": 1, "train.execution": "eager",
    }  # fmt: skip
    return given | changes


def read_state(run: Run) -> dict[str, torch.Tensor]:
    return checkpoint.load(run.checkpoints[-1])[0]


def measure_distance(left: Run, right: Run) -> float:
    one, two = read_state(left), read_state(right)
    assert one.keys() == two.keys()
    return max(float((one[name].double() - two[name].double()).abs().max()) for name in one)


def list_shards(cache: Path) -> list[int]:
    return sorted(int(path.name) for path in cache.glob(f"datasets/*-{SIZE}/*") if path.is_dir())


@pytest.mark.slow
def test_two_machines_pack_and_hold_their_shards_and_train_to_the_weights_of_one(images: Path, tmp_path: Path) -> None:
    settings = choose_settings(images)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plugins = [word for name in ("toys", "ranked") for word in ("--plugin", str(TESTS / f"{name}.py"))]
    pairs = [f"{key}={value}" for key, value in settings.items()]
    train = ["-m", "ganzoo", *plugins, "train", "--device", "cpu", "--name", "torn", *pairs]
    machines = []
    for number in range(2):
        launcher = [
            "-m", "torch.distributed.run", "--nnodes", "2", "--node-rank", str(number), "--nproc-per-node", "1",
            "--master-addr", "127.0.0.1", "--master-port", str(port), "--no-python", sys.executable,
        ]  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
        environment |= {"GANZOO_CACHE": str(tmp_path / f"cache-{number}"), "PYTHONPATH": str(TESTS)}
        machines.append(
            subprocess.Popen(
                [sys.executable, *launcher, *train],
                env=environment | {"OMP_NUM_THREADS": "1"},
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    try:
        for machine in machines:
            _, stderr = machine.communicate(timeout=120)
            assert machine.returncode == 0, stderr
    finally:
        for machine in machines:
            machine.kill()
    assert list_shards(tmp_path / "cache-0") == [*range(12)]
    assert list_shards(tmp_path / "cache-1") == [*range(12, 24)]
    (path,) = Path("runs").iterdir()
    whole = ganzoo.train(options=settings, name="whole", device="cpu", progress=False)
    assert list_shards(tmp_path / "cache-whole") == [*range(24)]
    assert measure_distance(whole, Run(path)) < 1e-5
    assert (
        measure_distance(whole, ganzoo.train(options=settings | {"train.seed": 1}, device="cpu", progress=False)) > 1e-3
    )


def test_a_run_that_is_killed_at_any_update_ends_with_the_same_bits(images: Path, tmp_path: Path) -> None:
    def choose(after: int, rank: int) -> dict[str, Any]:
        trap = {"loss": "trap", "loss.after": after, "loss.rank": rank, "loss.once": str(tmp_path / f"trap-{after}")}
        return {"options": choose_settings(images, **trap), "device": "cpu", "progress": False}

    whole = ganzoo.train(**choose(0, 1), name="whole")
    for after in (5, 12):  # in the first epoch, of 9 updates, and in the second
        command = ("-c", CHILD, json.dumps({**choose(after, 0), "name": f"torn-{after}"}))
        with start_python(*command, folder=Path.cwd(), path=[TESTS]) as torn:
            assert torn.finish(60).returncode == -9
        (path,) = Path("runs").glob(f"*-torn-{after}")
        assert Run(path).images < 24 * 20
        resumed = ganzoo.train(resume=Run(path), device="cpu", progress=False)
        one, two = read_state(whole), read_state(resumed)
        assert [name for name in one if one[name].numpy().tobytes() != two[name].numpy().tobytes()] == []
