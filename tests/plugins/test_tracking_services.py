"""tensorboard, trackio, wandb and mlflow, read back by their own libraries; one that is not installed is skipped."""

from __future__ import annotations

import importlib
import os
import re
import signal
import struct
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.engine.events import Rollback, Start
from ganzoo.engine.subscribers import TrackerAdapter
from ganzoo.errors import Interrupted, MissingPlugin
from ganzoo.plugin import Verdict
from ganzoo.runs.run import Run
from ganzoo.testing import check_tracker
from ganzoo.testing.examples import make_frozen_recipe

Points = list[tuple[int, float]]
VERDICT = Verdict(code="d-too-strong", words="D is right in 99% of all cases.", advice=("--aug ada",))


# ----------------------------------------------------------------------------
# Reading back: the points of a scalar, the steps of the grids, all settings, all texts of verdicts.


class TensorBoard:
    """What TensorBoard shows of a run's directory."""

    def __init__(self, run: Run) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        self.events: Any = EventAccumulator(str(run.path), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
        self.events.Reload()

    def points(self, name: str) -> Points:
        return [(event.step, event.value) for event in self.events.Scalars(name)]

    def grids(self) -> list[int]:
        return [event.step for event in self.events.Images("grid")]

    def settings(self) -> dict[str, Any]:
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

        content = self.events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        found = HParamsPluginData.FromString(content).session_start_info.hparams
        return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}

    def texts(self) -> str:
        tensors = self.events.Tensors("verdicts/d-too-strong/text_summary")
        return b" ".join(tensor.tensor_proto.string_val[0] for tensor in tensors).decode()


class Trackio:
    """What Trackio's database has of the only run."""

    def __init__(self, run: Run) -> None:
        import trackio
        from trackio.sqlite_storage import SQLiteStorage

        (self.run,) = trackio.Api().runs("ganzoo")
        self.rows = SQLiteStorage.get_logs("ganzoo", self.run.name)

    def points(self, name: str) -> Points:
        return [(row["step"], row[name]) for row in self.rows if name in row]

    def grids(self) -> list[int]:
        return [row["step"] for row in self.rows if "grid" in row]

    def settings(self) -> dict[str, Any]:
        return self.run.config

    def texts(self) -> str:
        return " ".join(alert["text"] for alert in self.run.alerts())


class WeightsAndBiases:
    """What the files of the offline mode have, which ``wandb sync`` sends."""

    def __init__(self, run: Run) -> None:
        self.records = [
            record for path in sorted(run.path.glob("wandb/offline-run-*/*.wandb")) for record in read_records(path)
        ]
        assert {record.run.run_id for record in self.records if record.HasField("run")} == {read_id(run)}

    def points(self, name: str) -> Points:
        return [(int(row["_step"]), float(row[name])) for row in self._rows() if name in row]

    def grids(self) -> list[int]:
        return [int(row["_step"]) for row in self._rows() if "grid" in row]

    def settings(self) -> dict[str, Any]:
        config = next(record.run.config for record in self.records if record.HasField("run"))
        return {item.key: eval(item.value_json, {"true": True, "false": False}) for item in config.update}

    def texts(self) -> str:
        return " ".join(record.alert.text for record in self.records if record.HasField("alert"))

    def _rows(self) -> list[dict[str, str]]:
        items = [record.history.item for record in self.records if record.HasField("history")]
        return [{item.key or item.nested_key[0]: item.value_json for item in row} for row in items]


def read_id(run: Run) -> str:
    found = re.search(r'"id": "(\w+)"', (run.path / ".wandb.json").read_text())
    assert found
    return found[1]


def read_records(path: Path) -> list[Any]:
    """Read the records of a log in LevelDB's format: blocks of 32 KiB, and parts with checksum, length and type."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, whole, found = path.read_bytes(), 7, b"", []
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            found.append(Record.FromString(whole))
            whole = b""
    return found


class MLflow:
    """What the store of MLflow has of the only run."""

    def __init__(self, run: Run) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient()
        (self.run,) = self.client.search_runs([self.client.get_experiment_by_name("ganzoo").experiment_id])
        assert self.run.info.run_name == run.path.name

    def points(self, name: str) -> Points:
        history = self.client.get_metric_history(self.run.info.run_id, name)
        return [(point.step, point.value) for point in history]

    def grids(self) -> list[int]:
        found = [item.path for item in self.client.list_artifacts(self.run.info.run_id, "images")]
        return sorted({int(re.search(r"step[%+](\d+)", path)[1]) for path in found})  # type: ignore[index]

    def settings(self) -> dict[str, Any]:
        return self.run.data.params

    def texts(self) -> str:
        return self.run.data.tags["mlflow.note.content"]


SERVICES: dict[str, tuple[str, Callable[[Run], Any]]] = {  # the package, and what reads its records
    "tensorboard": ("tensorboard", TensorBoard),
    "trackio": ("trackio", Trackio),
    "wandb": ("wandb", WeightsAndBiases),
    "mlflow": ("mlflow-skinny", MLflow),
}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, toys: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The name of a tracker whose package is installed; its records are in the test's folder."""
    package = SERVICES[request.param][0]
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    if request.param != "tensorboard":
        warnings.simplefilter("ignore")  # of libraries that this suite does not answer for
    if request.param == "trackio":
        storage = importlib.import_module("trackio.sqlite_storage")
        for module in (storage, importlib.import_module("trackio.utils")):
            monkeypatch.setattr(module, "TRACKIO_DIR", tmp_path / "trackio")
    return str(request.param)


def make_run(folder: Path) -> Run:
    """Return a run of 10,000 images at its checkpoint after 64."""
    run = Run(folder / "runs" / "0000-check")
    (run.path / "checkpoints").mkdir(parents=True)
    run.get_checkpoint_path(64).touch()
    run.write_recipe(make_frozen_recipe())
    return run


def follow(tracker: Any, run: Run, *moments: int) -> Any:
    """Start a tracker, and log a scalar and a grid at these moments."""
    tracker.start(run)
    for images in moments:
        pixels = np.full((8, 8, 3), images, dtype=np.uint8)
        Image.fromarray(pixels).save(run.get_grid_path(images))
        tracker.log(images, {"reg.r1/d": images / 2})
        tracker.grid(images, run.get_grid_path(images))
    return tracker


def test_a_killed_run_goes_on_in_the_same_record(service: str, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    killed = follow(ganzoo.create("tracker", service), run, 32, 64, 96)
    if service in ("trackio", "wandb"):  # which hold a record as long as the process lives
        killed.finish("interrupted")
    tracker = follow(ganzoo.create("tracker", service), run, 96, 128)
    tracker.log(128, {"pixel-moments/fd": 3.5})
    tracker.verdict(128, VERDICT)
    tracker.finish("finished")
    record = SERVICES[service][1](run)
    assert record.points("reg.r1/d") == [(32, 16.0), (64, 32.0), (96, 48.0), (128, 64.0)]
    assert record.points("pixel-moments/fd") == [(128, 3.5)]
    assert record.grids() == [32, 64, 96, 128]
    assert "128 images, warn: D is right in 99% of all cases.; try --aug ada" in record.texts()
    recipe = run.recipe()
    settings = {name: str(value) for name, value in record.settings().items()}
    assert settings["train.images"] in (str(recipe["train"]["images"]), str(float(recipe["train"]["images"])))
    assert settings["arch"] == recipe["arch"]["name"].rpartition(":")[2]


def test_contract(service: str) -> None:
    if service == "tensorboard":
        pytest.skip("tests/conformance checks what the extra `test` installs")
    results = [result for result in check_tracker(service) if result.status == "FAIL"]
    assert not results, [f"{result.check}: {result.message}" for result in results]


# ----------------------------------------------------------------------------
# TensorBoard, in whole runs.


class Stop:
    """Interrupts the run that it listens to, as Ctrl-C does, at its first tick."""

    stopped = False

    def tick(self, event: object) -> None:
        if not self.stopped:
            self.stopped = True
            os.kill(os.getpid(), signal.SIGINT)


def test_a_run_that_is_interrupted_and_resumed_has_the_numbers_of_its_statistics(toys: object) -> None:
    torch.set_num_threads(1)
    with pytest.raises(Interrupted):
        ganzoo.train(
            arch="toy", dataset="toy-array", tracker="tb", metric="toy-mean", images=128, batch=16, listener=Stop(),
            options={"train.checkpoint_every": 32},
        )  # fmt: skip
    run = Run(Path("runs/0000-toy-toy-bce-toy-array"))
    ganzoo.train(resume=run)
    record = TensorBoard(run)
    names = {name for row in run.rows() for name in row if not name.startswith("data/")}
    for name in names - {"images", "seconds", "images_per_second", "memory", "waiting"}:
        expected = [(row["images"], row[name]) for row in run.rows() if name in row]
        assert record.points(name) == [(images, pytest.approx(value)) for images, value in expected]
    assert {"loss_d", "toy-mean/difference", "auc"} <= names
    assert record.grids() == sorted({int(path.stem.partition("-")[2]) for path in run.path.glob("fakes-*.png")})


def test_after_a_rollback_the_points_of_the_lost_weights_are_gone(toys: object, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    tracker = ganzoo.create("tracker", "tensorboard")
    adapter = TrackerAdapter(tracker)
    adapter.start(Start(run, 64))
    tracker.log(64, {"loss_d": 1.0})
    tracker.log(96, {"loss_d": float("nan")})
    adapter.rolled_back(Rollback(64))
    tracker.log(96, {"loss_d": 0.5})
    tracker.finish("finished")
    assert TensorBoard(run).points("loss_d") == [(64, 1.0), (96, 0.5)]


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = metadata.version

    def hide(name: str) -> str:
        if name == "tensorboard":
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "version", hide)
    with pytest.raises(MissingPlugin, match=r"python -m pip install 'tensorboard>=2\.15'"):
        ganzoo.train(arch="dcgan", tracker="tensorboard")
