"""`ganzoo evaluate`: what it prints, and every mistake in one sentence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

import ganzoo as package
from cli_calls import TINY, Answer, Ganzoo
from outside_dist import run_json

RUN = "0000-dcgan-bce-digits"
METRIC = ("--metric", "pixel-moments")
FAILS = """
from ganzoo.plugin import Metric, hookimpl

@hookimpl
def ganzoo_metrics():
    yield Metric(name="brittle", summary="Fails.", factory="brittle:Brittle")
    yield Metric(name="nan", summary="Measures nothing.", factory="brittle:NaN")
    yield Metric(name="lost", summary="Has no file.", factory="brittle:Lost")

class Brittle:
    def __init__(self, options, data): pass
    def reset(self): pass
    def real(self, batch): 1 / 0
    def fake(self, batch): pass
    def compute(self): return {"value": 1.0}

class NaN(Brittle):
    def real(self, batch): pass
    def compute(self): return {"value": float("nan")}

class Lost(Brittle):
    def real(self, batch):
        from ganzoo.plugin import NotFound
        raise NotFound("there are no weights")
"""


def wrong(answer: Answer, code: int, *words: str, before: int = 0) -> None:
    """Assert that a command failed with this code and one sentence, after `before` lines."""
    assert (answer.code, answer.out) == (code, ""), answer.err
    lines = answer.err.splitlines()
    assert len(lines) == before + 1, answer.err
    assert all(word in lines[-1] for word in ("ganzoo: ", *words)), lines[-1]


@pytest.mark.parametrize("what", ["0", RUN, f"runs/{RUN}", f"runs/{RUN}/package"])
def test_the_values_are_printed_as_a_table(ganzoo: Ganzoo, runs: Path, what: str) -> None:
    done = ganzoo("evaluate", what, *METRIC, "-n", "100")
    assert done.code == 0
    form = r"pixel-moments/(\w+) +([\d.]+) \(([\d.,]+) x floor\) +lower is better"
    rows = [re.fullmatch(form, line).groups() for line in done.out.splitlines()]
    assert [key for key, _, _ in rows] == ["mean", "std", "fd"]
    assert all(float(value) > 0 and float(ratio.replace(",", "")) > 1 for _, value, ratio in rows)
    first, second = done.err.splitlines()
    assert first == f"runs/{RUN}/package: 100 samples of digits and as many generated ones, 1x16x16, seed 0"
    assert re.fullmatch(
        "100 samples of digits, 100 generated ones as uint8, seed 0: pixel-moments [0-9a-f]{16}", second
    )


def test_json_says_what_the_values_depend_on(ganzoo: Ganzoo, runs: Path) -> None:
    pairs = ("metric.pixel-moments.dimensions=16",)
    found = json.loads(ganzoo("evaluate", "2", *METRIC, "-n", "64", "--seed", "3", *pairs, "--json").out)
    assert (found["num"], found["seed"], found["images"], found["device"]) == (64, 3, 256, "cpu")
    assert found["model"] == "runs/0002-conditional/package"
    assert found["arch"]["name"] == "dcgan:dcgan"
    assert found["dataset"]["name"] == "datasets:digits"
    assert found["dataset"]["options"] == {"size": 16, "holdout": 0.0, "shard": 0}
    assert found["dataset"]["num_items"] == 1797
    (metric,) = found["metrics"]
    assert (metric["name"], metric["options"]) == ("metrics:pixel-moments", {"dimensions": 16})
    assert metric["version"] == found["versions"]["ganzoo"]
    same = package.evaluate(runs / "0002-conditional", "pixel-moments", num=64, seed=3, options=dict(
        pair.split("=") for pair in pairs
    ))  # fmt: skip
    assert found["values"] == same.values


def test_num_is_half_of_the_samples_but_950_to_ten_thousand(ganzoo: Ganzoo, runs: Path) -> None:
    assert json.loads(ganzoo("evaluate", "0", *METRIC, "--json").out)["num"] == 950
    ganzoo("train", "--arch", "mlp", "--dataset", "points", "--images", "64", "--batch", "16", "--name", "p")
    found = json.loads(ganzoo("evaluate", "3", *METRIC, "--json").out)
    assert (found["num"], found["dataset"]["num_items"]) == (10_000, None)


def test_a_seed_gives_the_same_again_and_another_gives_others(ganzoo: Ganzoo, runs: Path) -> None:
    outs = [ganzoo("evaluate", "0", *METRIC, "-n", "100", "--seed", seed).out for seed in ("1", "1", "2")]
    assert outs[0] == outs[1] != outs[2]


def test_more_samples_than_there_are(ganzoo: Ganzoo, runs: Path) -> None:
    wrong(ganzoo("evaluate", "0", *METRIC, "-n", "1798"), 2, "-n 1798", "has 1797 samples", "at most 1797")
    done = ganzoo("evaluate", "0", *METRIC, "-n", "1797")
    assert done.code == 0
    assert "floor" not in done.out
    assert "values have no floor, as too few other real samples are left: -n 898 leaves enough" in done.err


def photos(folder: Path, num: int = 3, side: int = 24) -> Path:
    folder.mkdir()
    for index in range(num):
        Image.effect_noise((side, side), 40 + index).save(folder / f"{index}.png")
    return folder


def test_other_data_that_fit(ganzoo: Ganzoo, runs: Path, tmp_path: Path) -> None:
    for flag in ("--against", "--dataset"):  # read at the model's size
        done = ganzoo("evaluate", "0", *METRIC, flag, photos(tmp_path / flag))
        assert (done.code, done.out.count("\n")) == (0, 3)
        assert "3 samples of folder and as many generated ones, 1x16x16" in done.err


def test_other_data_that_do_not_fit(ganzoo: Ganzoo, runs: Path, tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    wrong(
        ganzoo("evaluate", "0", *METRIC, "--against", folder, "dataset.size=32", "dataset.channels=3"), 2,
        "dataset 'folder' does not fit the model: its shape is (3, 32, 32), the model's is (1, 16, 16)",
        "add dataset.channels=1 dataset.size=16",
    )  # fmt: skip
    wrong(ganzoo("evaluate", "2", *METRIC, "--against", folder), 2, "num_classes is 0, the model's is 10")
    wrong(ganzoo("evaluate", "0", *METRIC, "--against", "points"), 2, "modality is points, the model's is image")


def test_missing_or_changed_data_is_reported(ganzoo: Ganzoo, tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", num=16)
    assert ganzoo("train", *TINY, "--dataset", folder).code == 0
    assert ganzoo("evaluate", "0", *METRIC).code == 0
    moved = folder.rename(tmp_path / "moved")
    wrong(ganzoo("evaluate", "0", *METRIC), 4, "photos' does not exist", "--dataset PATH")
    assert ganzoo("evaluate", "0", *METRIC, "--dataset", moved).code == 0
    shutil.rmtree(tmp_path / "moved")


def test_a_run_without_a_package_and_a_path_without_a_run(ganzoo: Ganzoo, runs: Path) -> None:
    shutil.rmtree(runs / RUN / "package")
    wrong(ganzoo("evaluate", "0", *METRIC), 4, "has no model package yet")
    wrong(ganzoo("evaluate", "nothing", *METRIC), 4, "no run 'nothing'")
    config = runs / "0001-stopped" / "package" / "config.json"
    config.write_text(config.read_text().replace('"arch"', '"art"'))
    wrong(ganzoo("evaluate", "1", *METRIC), 6, "damaged")
    config.write_text("{")
    wrong(ganzoo("evaluate", "1", *METRIC), 6, "damaged")


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("evaluate", 2, ["missing argument 'RUN'", "`ganzoo evaluate --help`"]),
        ("evaluate 0 --metric pixel-moment", 2, ["no metric 'pixel-moment'", "did you mean 'pixel-moments'?"]),
        ("evaluate 0 --metric pixel-moments -n 0", 2, ["-n 0", "at least one"]),
        ("evaluate 0 --metric pixel-moments --device nonsense", 2, ["--device nonsense", "use auto, cpu"]),
        ("evaluate 0 --metric pixel-moments arch.width=3", 2, ["unknown key 'arch.width'"]),
        ("evaluate 0 pixel-moments", 2, ["did you mean --metric pixel-moments?"]),
        ("evaluate 0 --metric pixel-moments --against ./nothing", 4, ["nothing' does not exist"]),
        ("evaluate 0 --metric pixel-moments -n 1", 1, ["'pixel-moments' of plugin 'metrics' failed", "at least 2"]),
    ],
)
def test_mistakes(ganzoo: Ganzoo, runs: Path, line: str, code: int, words: list[str]) -> None:
    wrong(ganzoo(*line.split()), code, *words, before=int(code == 1))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("brittle", "metric 'brittle' of plugin 'brittle' failed: ZeroDivisionError: division by zero"),
        ("nan", "metric 'nan' of plugin 'brittle' failed: ValueError: value is nan"),
        ("lost", "metric 'lost' of plugin 'brittle' failed: there are no weights"),
    ],
)
def test_a_metric_that_fails_is_named_with_its_plugin(
    ganzoo: Ganzoo, runs: Path, tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "brittle.py").write_text(FAILS)
    wrong(ganzoo("evaluate", "0", *METRIC, "--metric", name, "--plugin", "brittle.py"), 1, words, before=1)


def test_a_metric_that_fails_costs_training_a_line(ganzoo: Ganzoo, tmp_path: Path) -> None:
    (tmp_path / "brittle.py").write_text(FAILS)
    done = ganzoo("train", *TINY, "--plugin", "brittle.py", "--metric", "brittle", *METRIC, "--tracker", "csv")
    assert done.code == 0
    line = r"^metric 'brittle' failed: ZeroDivisionError: division by zero \(.*brittle\.py:\d+\)$"
    assert len(re.findall(line, done.err, re.M)) == 2
    table = (tmp_path / "runs" / RUN / "scalars.csv").read_text()
    assert "pixel-moments/fd" in table
    assert "brittle" not in table


def test_the_function_is_not_hidden_by_the_package_of_its_name() -> None:
    code = "import json, ganzoo, ganzoo.evaluate.measure; print(json.dumps(callable(ganzoo.evaluate)))"
    assert run_json(code) == (True, "")
