"""Training that starts from a package: the weights, those that do not fit, and a resumed run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import safetensors.torch
import torch

import ganzoo
from ganzoo.engine import checkpoint
from ganzoo.engine.events import Note
from ganzoo.engine.initial import explain_misfit
from ganzoo.errors import Corrupt, NotFound, UsageError
from ganzoo.package.config import DISCRIMINATOR, MODEL
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.runs.run import Run


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)


class Notes:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, event: Note) -> None:
        self.lines.append(event.line)


def train(init: Path | None = None, listener: Any = None, **settings: Any) -> Run:
    options = {"train.checkpoint_every": 16, "train.keep": 9, **settings.pop("options", {})}
    options |= {} if init is None else {"train.init": str(init)}
    return ganzoo.train(
        **{"arch": "toy", "dataset": "toy-array", "images": 32, "options": options, "listener": listener, **settings}
    )


def weights(run: Run, part: str, images: int = 0) -> dict[str, torch.Tensor]:
    state, _ = checkpoint.load(run.get_checkpoint_path(images))
    return {name.partition("/")[2]: tensor for name, tensor in state.items() if name.startswith(f"{part}/")}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_both_generators_start_from_the_averaged_one_and_d_from_its_own_weights(tmp_path: Path) -> None:
    first = train(options={"arch.norm": True})
    package = ganzoo.package(first, tmp_path / "p")
    listener = Notes()
    run = train(package, listener, seed=5, options={"arch.norm": True})
    published = safetensors.torch.load_file(package / MODEL)
    assert same(weights(run, "generator"), published)
    assert same(weights(run, "ema"), published)
    assert same(weights(run, "discriminator"), safetensors.torch.load_file(package / DISCRIMINATOR))
    assert not same(weights(run, "generator", 32), published)
    (line,) = [line for line in listener.lines if "starting from" in line]
    assert line == f"starting from the generator of {package} after 32 images, and its discriminator"
    assert run.recipe()["train"]["init"] == str(package)


def test_without_a_discriminator_d_starts_from_random_weights(tmp_path: Path) -> None:
    first, listener = train(), Notes()
    run = train(ganzoo.package(first, tmp_path / "p", discriminator=False), listener, seed=5)
    assert same(weights(run, "discriminator"), weights(train(seed=5), "discriminator"))
    assert not same(weights(run, "discriminator"), weights(first, "discriminator"))
    assert any(line.endswith("which has no discriminator: D starts from random weights") for line in listener.lines)


def test_a_resumed_run_goes_on_from_its_own_weights() -> None:
    first = train()
    run = train(first.package)
    whole = train(first.package, images=64)
    (first.package / MODEL).unlink()  # it is not needed any more
    ganzoo.train(resume=run, images=64)
    assert same(weights(run, "generator", 64), weights(whole, "generator", 64))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"arch.width": 4}, r"its model does not fit .*'net\.0\.weight' is float32 \[8, 4\], not float32 \[4, 4\]"),
        ({"arch.norm": True}, r"tensor 'net\.1\.\w+' is missing, .* and \d+ more; remove --arch"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_named(options: dict[str, Any], words: str) -> None:
    first = train()
    with pytest.raises(UsageError, match=words):
        train(first.package, options=options)
    assert [path.name for path in first.path.parent.iterdir()] == [first.path.name]  # no run was started


def test_data_that_a_model_cannot_fit_are_named() -> None:
    model = DataInfo(shape=(1, 4, 4), num_classes=10)
    wanted = "it makes samples of 1x4x4, and those of this dataset are 3x4x4"
    assert explain_misfit(model, DataInfo(shape=(3, 4, 4), num_classes=10)) == wanted
    assert explain_misfit(model, replace(model, num_classes=2)) == "it has 10 classes, and this dataset has 2"
    assert explain_misfit(model, replace(model, num_classes=0)) == explain_misfit(model, model) == ""


def test_a_discriminator_that_does_not_fit_is_named_and_d_starts_from_random_weights(tmp_path: Path) -> None:
    package, listener = ganzoo.package(train(options={"arch.answer": "list"}), tmp_path / "p"), Notes()
    run = train(package, listener, seed=5)
    assert same(weights(run, "generator"), safetensors.torch.load_file(package / MODEL))
    assert same(weights(run, "discriminator"), weights(train(seed=5), "discriminator"))
    (line,) = [line for line in listener.lines if "starting from" in line]
    assert "without its discriminator, which does not fit (tensor 'patch.bias' is extra" in line
    assert line.endswith("D starts from random weights")


def test_d_starts_from_random_weights_where_its_file_was_not_fetched(tmp_path: Path) -> None:
    package, listener = ganzoo.package(train(), tmp_path / "p"), Notes()
    (package / DISCRIMINATOR).unlink()
    run = train(package, listener, seed=5)
    assert same(weights(run, "generator"), safetensors.torch.load_file(package / MODEL))
    assert any(line.endswith("which has no discriminator: D starts from random weights") for line in listener.lines)


def test_damaged_and_missing_files_are_reported(tmp_path: Path) -> None:
    first = train()
    with pytest.raises(NotFound):
        train(tmp_path / "gone")
    (first.package / MODEL).write_bytes((first.package / MODEL).read_bytes()[:-1] + b"\x01")
    with pytest.raises(Corrupt, match="is damaged"):
        train(first.package)


def test_init_alone_brings_the_packages_settings_and_stores_its_path(tmp_path: Path) -> None:
    package = ganzoo.package(train(options={"arch.width": 5, "train.batch": 8}), tmp_path / "p")
    run = ganzoo.train(init=package, images=16, seed=3)
    recipe = run.recipe()
    assert (recipe["arch"]["options"]["width"], recipe["train"]["batch"], recipe["train"]["seed"]) == (5, 8, 3)
    assert recipe["train"]["init"] == str(package)
    again = ganzoo.train(config=run.path)
    assert same(weights(again, "generator", 16), weights(run, "generator", 16))
    with pytest.raises(UsageError, match=r"train\.init: a resumed run keeps its settings"):
        ganzoo.train(resume=run, init=tmp_path / "other")
    with pytest.raises(NotFound, match="no run 'elsewhere'"):
        ganzoo.train(arch="toy", init="elsewhere")


def test_init_none_is_random_weights_and_the_setting_equals_the_flag(tmp_path: Path) -> None:
    package = ganzoo.package(train(options={"arch.width": 5}), tmp_path / "p")
    assert train(options={"train.init": "none"}).recipe()["train"]["init"] is None
    mine = ganzoo.train(
        init=package, images=16, dataset="toy-array", options={"arch": "toy", "arch.width": 5, "train.batch": 4}
    )
    assert mine.recipe()["train"]["batch"] == 4
    assert mine.recipe()["dataset"]["name"] == "toys:toy-array"


def test_a_package_of_a_fine_tuned_model_can_be_a_config(tmp_path: Path) -> None:
    """It contains the last part of the path of its first weights, which is not a path here."""
    tuned = ganzoo.package(train(train().package.resolve()), tmp_path / "tuned")
    assert json.loads((tuned / "config.json").read_text())["recipe"]["train"]["init"] == "package"
    again = ganzoo.train(config=tuned, images=16)
    assert again.recipe()["train"]["init"] is None


def test_the_first_process_finds_the_weights_that_a_run_starts_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other processes may not be able to read the run or the package."""
    from ganzoo.engine import trainer
    from ganzoo.training import start

    run, seen = train(train().package), []
    monkeypatch.setattr(trainer, "train", lambda *args, initial, **others: seen.append(initial))
    recipe = resolve(registry(), config=run.recipe())
    for initial in (None, Path("of the first")):
        world = SimpleNamespace(rank=1, size=2, on_rank0=lambda work, initial=initial: initial)
        for own in (run, pytest.fail, Run(Path("not here"))):
            start(recipe, own, device="cpu", progress=False, world=world)
    assert seen == [None] * 3 + [Path("of the first")] * 3
