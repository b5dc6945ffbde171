"""Rules on runs that the conformance kit does not make; the kit checks the cases of `ganzoo_diagnoses`."""

from __future__ import annotations

from typing import Any

import pytest

import ganzoo
from ganzoo.testing.examples import make_frozen_recipe

RECIPE = make_frozen_recipe()
TICKS = range(0, 60_000, 1_000)


def make_recipe(**train: Any) -> dict[str, Any]:
    return {**RECIPE, "train": {**RECIPE["train"], **train}}


@pytest.mark.parametrize(
    ("num_items", "flip", "aug", "advice"),
    [
        (999, False, [], ("--aug diffaugment", "train.flip=true")),
        (999, False, RECIPE["aug"], ("train.flip=true",)),
        (999, True, RECIPE["aug"], ()),
        (1_000, False, [], None),
        (None, False, [], None),
    ],
)
def test_few_pictures_are_reported_from_the_first_tick_on(num_items: Any, flip: bool, aug: Any, advice: Any) -> None:
    data, recipe = ganzoo.DataInfo(shape=(3, 8, 8), num_items=num_items), make_recipe(flip=flip) | {"aug": aug}
    verdict = ganzoo.create("diagnosis", "few-pictures", data=data)([{"images": 64}], recipe)
    assert (verdict and verdict.advice) == advice
    if verdict:
        assert verdict.words == "there are only 999 pictures, and D learns fewer than 1,000 by heart: add more"


def test_few_rows_of_a_table_are_not_pictures() -> None:
    data = ganzoo.DataInfo(shape=(4,), num_items=9, modality="tabular")
    assert ganzoo.create("diagnosis", "few-pictures", data=data)([{"images": 64}], make_recipe()) is None


@pytest.mark.parametrize(("length", "found"), [(60_000, True), (400_000, True), (1_000_000, False)])
def test_long_is_a_part_of_a_long_run(length: int, found: bool) -> None:
    rows = [{"images": images, "loss_d": 0.01, "loss_g": 5.0, "real": 5.0, "fake": -5.0} for images in TICKS]
    verdict = ganzoo.create("diagnosis", "winning-discriminator")(rows, make_recipe(images=length))
    assert bool(verdict) == found


def test_a_run_that_will_not_recover_is_told_from_one_that_may() -> None:
    diagnosis = ganzoo.create("diagnosis", "huge-loss")
    for size, severity in ((1e5, "warn"), (-1.7e15, "stop")):
        verdict = diagnosis([{"images": images, "loss_d": size} for images in TICKS], RECIPE)
        assert (verdict.severity, verdict.evidence) == (severity, {"loss_d": size})
        assert verdict.words == f"D's loss is {size:.2g}, so the training diverges"


def test_advice_is_a_lower_rate_unless_it_is_a_schedule() -> None:
    rows = [{"images": images, "loss_d": 1e9} for images in TICKS]
    diagnosis = ganzoo.create("diagnosis", "huge-loss")
    rates = {"g": {"lr": "cosine(1e-3, 0, images=1000)"}, "d": {"lr": 4e-4}}
    assert diagnosis(rows, {**RECIPE, "optim": rates}).advice == ("optim.d.lr=0.0001",)


@pytest.mark.parametrize(
    ("reg", "advice"),
    [
        ([], ("--reg r1", "optim.d.lr=0.0001")),
        ([{"name": "regularizers:r1", "options": {"gamma": 0.5}}], ("reg.r1.gamma=2", "optim.d.lr=0.0001")),
        ([{"name": "regularizers:r1", "options": {"gamma": "cosine(1, 0, images=9)"}}], ("optim.d.lr=0.0001",)),
        ([{"name": "regularizers:wgan-gp", "options": {"weight": 10.0}}], ("optim.d.lr=0.0001",)),
    ],
)
def test_a_penalty_is_the_first_advice_against_a_winning_discriminator(reg: Any, advice: Any) -> None:
    rows = [{"images": images, "loss_d": 0.01, "loss_g": 5.0, "real": 5.0, "fake": -5.0} for images in TICKS]
    recipe = {**RECIPE, "reg": reg, "optim": {"d": {"lr": 4e-4}}}
    assert ganzoo.create("diagnosis", "winning-discriminator")(rows, recipe).advice == advice


def test_a_run_on_few_pictures_says_so_once(toys: object) -> None:
    run = ganzoo.train(arch="toy", dataset="toy-array", images=96, options={"train.grid_every": 10**6})
    log = (run.path / "log.txt").read_text()
    assert log.count("warning: there are only 40 pictures, and D learns fewer than 1,000 by heart: add more; try ") == 1
