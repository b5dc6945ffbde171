"""Rules on runs that the conformance kit does not make; the kit checks the cases of `ganzoo_diagnoses`."""

from __future__ import annotations

from typing import Any

import pytest

import ganzoo
from ganzoo.testing.examples import make_frozen_recipe

RECIPE = make_frozen_recipe()
TICKS = range(0, 60_000, 1_000)


BCE = {"name": "losses:bce", "options": {}}


def make_rows(**values: float) -> list[dict[str, float]]:
    return [{"images": images, "real": 5.0, "fake": -5.0, "loss_g": 5.0, **values} for images in TICKS]


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
        assert verdict.severity == "info"
        assert verdict.words == "there are only 999 pictures, and D learns fewer than 1,000 by heart: add more"


def test_few_rows_of_a_table_are_not_pictures() -> None:
    data = ganzoo.DataInfo(shape=(4,), num_items=9, modality="tabular")
    assert ganzoo.create("diagnosis", "few-pictures", data=data)([{"images": 64}], make_recipe()) is None


def test_warming_up_is_a_part_of_a_long_run() -> None:
    rows = make_rows(auc=0.999, loss_d=0.01)
    for length, found in ((60_000, True), (1_000_000, True), (4_000_000, False)):
        verdict = ganzoo.create("diagnosis", "d-too-strong")(rows, make_recipe(images=length) | {"loss": BCE})
        assert bool(verdict) == found


def test_a_run_that_will_not_recover_is_told_from_one_that_may() -> None:
    diagnosis = ganzoo.create("diagnosis", "numeric-blowup")
    for size, severity in ((1e5, "warn"), (-1.7e15, "stop")):
        verdict = diagnosis([{"images": images, "loss_d": size} for images in TICKS], RECIPE)
        assert (verdict.severity, verdict.evidence) == (severity, {"loss_d": size})
        assert verdict.words == f"D's loss is {size:.2g}, so the training diverges"


def test_advice_is_a_lower_rate_unless_it_is_a_schedule() -> None:
    rows = [{"images": images, "loss_d": 1e9} for images in TICKS]
    diagnosis = ganzoo.create("diagnosis", "numeric-blowup")
    rates = {"g": {"lr": "cosine(1e-3, 0, images=1000)"}, "d": {"lr": 4e-4}}
    assert diagnosis(rows, {**RECIPE, "optim": rates}).advice == ("optim.d.lr=0.0001",)


@pytest.mark.parametrize(
    ("reg", "norm", "advice"),
    [
        ([], "none", ("--reg r1", "optim.d.lr=0.0002")),
        ([], "batch", ("arch.norm_d=spectral", "optim.d.lr=0.0002")),
        ([{"name": "regularizers:r1", "options": {"gamma": 0.5}}], "none", ("reg.r1.gamma=2", "optim.d.lr=0.0002")),
        ([{"name": "regularizers:r1", "options": {"gamma": "cosine(1, 0, images=9)"}}], "none", ("optim.d.lr=0.0002",)),
        (
            [{"name": "regularizers:wgan-gp", "options": {"weight": 10.0}}],
            "none",
            ("reg.wgan-gp.weight=40", "optim.d.lr=0.0002"),
        ),
    ],
)
def test_a_limit_is_the_first_advice_against_a_strong_discriminator(reg: Any, norm: str, advice: Any) -> None:
    rows, arch = make_rows(auc=0.999, loss_d=0.01), {"name": "acme:arch", "options": {"norm_d": norm}}
    recipe = {**RECIPE, "loss": BCE, "reg": reg, "arch": arch, "optim": {"d": {"lr": 4e-4}}}
    assert ganzoo.create("diagnosis", "d-too-strong")(rows, recipe).advice == advice


def test_facts_of_the_data_are_judged_from_the_first_row_on() -> None:
    info = ganzoo.DataInfo(shape=(3, 8, 8), num_items=2_000, dtype="float32")
    good = {"data/samples": 2_000.0, "data/equal": 20.0, "data/low": -1.0, "data/high": 1.0, "data/unreadable": 0.0}
    good |= {"data/grey": 0.5, "data/constant": 0.0, "data/smallest_class": 90.0, "data/largest_class": 300.0}
    for name, facts in {
        "range-mismatch": {"data/low": 0.0},
        "data-duplicates": {"data/equal": 200.0},
        "data-unreadable": {"data/unreadable": 2.0},
        "data-grey": {"data/grey": 1.0},
        "data-constant": {"data/constant": 0.1},
        "data-imbalance": {"data/smallest_class": 9.0},
    }.items():
        diagnosis = ganzoo.create("diagnosis", name, data=info)
        assert diagnosis([{"images": 0, **good}], RECIPE) is None
        assert diagnosis([{"images": 0, **good, **facts}], RECIPE).code == name
        assert diagnosis([{"images": 64, "loss_d": 1.0}], RECIPE) is None


def test_modes_of_a_mixture_are_dropped_or_collapsed() -> None:
    info = ganzoo.DataInfo(shape=(2,), modality="points", meta={"modes": [[0.0, 0.0]] * 25, "sigma": 0.1})
    for modes, found in ((25, None), (22, "mode-drop"), (3, "mode-collapse")):
        rows = [{"images": images, "modes/modes": modes, "modes/share": 0.9} for images in TICKS]
        each = [ganzoo.create("diagnosis", name, data=info)(rows, RECIPE) for name in ("mode-drop", "mode-collapse")]
        assert [verdict.code for verdict in each if verdict] == [found] * (found is not None)


def test_a_verdict_does_not_come_and_go_with_a_value_near_its_threshold() -> None:
    diagnosis = ganzoo.create("diagnosis", "mode-collapse")
    values = [0.45] * 5 + [0.55, 0.45] * 5 + [0.9]
    rows = [{"images": 40_000 + 1_000 * tick, "pairwise": value} for tick, value in enumerate(values)]
    assert diagnosis(rows, RECIPE).since == 40_000
    assert diagnosis([*rows, *({"images": 90_000 + tick, "pairwise": 0.9} for tick in range(2))], RECIPE) is None


def test_a_run_on_few_pictures_says_so_once(toys: object) -> None:
    run = ganzoo.train(arch="toy", dataset="toy-array", images=96, options={"train.grid_every": 10**6})
    log = (run.path / "log.txt").read_text()
    assert log.count("note: there are only 40 pictures, and D learns fewer than 1,000 by heart: add more; try ") == 1
