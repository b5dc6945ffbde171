"""The data that an architecture is tried on, and that no component is blamed for another's mistake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

import toys
from ganzoo.engine.optim import NetworkOptimizer
from ganzoo.errors import UsageError
from ganzoo.plugin import Architecture, DataInfo, Networks, hookimpl
from ganzoo.registry import register, registry
from ganzoo.registry.installed import Plugin, RegisteredComponent
from ganzoo.testing import Result, check_architecture, collect_checks
from ganzoo.testing.architecture import training
from ganzoo.testing.architecture.networks import (
    list_all_data,
    list_labels,
    list_small_data,
    make_latents,
    require_latents,
)
from ganzoo.testing.checks import Failure, NotChecked, Trial
from planted_base import Discriminator, Generator, make_networks

PLANTED = Path(__file__).parents[1] / "planted"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


def trial(data: tuple[DataInfo, ...] = (), **spec) -> Trial:
    component = Architecture(name="made", summary="Made.", factory="made:build", **spec)
    return Trial(RegisteredComponent(Plugin("made", "made"), component), data=data)


def test_every_size_and_channel_count_is_built_with_and_without_labels() -> None:
    found = {
        (*data.shape[:2], data.num_classes)
        for data in list_all_data(trial(sizes=(8, 16, 32), channels=(1, 4), conditional="optional"))
    }
    assert {each for each in found if each[1] == 8} == {
        (channels, 8, labels) for channels in (1, 4) for labels in (0, 5)
    }
    assert {(channels, size) for channels, size, _ in found} == {(c, s) for c in (1, 4) for s in (8, 16, 32)}
    assert {(size, labels) for _, size, labels in found} == {(s, n) for s in (8, 16, 32) for n in (0, 5)}
    assert len(found) == 4 + 2 + 2


def test_bf16_is_not_checked_where_a_processor_would_need_long_to_emulate_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mlp = registry().resolve("architecture", "mlp")
    monkeypatch.setattr(training, "estimate_slowdown", lambda name: 1e9)
    with pytest.raises(NotChecked, match="--full runs it"):
        training.trains_in_bf16(Trial(mlp))
    monkeypatch.setattr(training, "estimate_slowdown", lambda name: 1.0)
    training.trains_in_bf16(Trial(mlp))


def test_costly_checks_take_the_smallest_of_each_modality() -> None:
    found = list_small_data(trial(sizes=(64, 8), modalities=("image", "points", "text", "audio", "tabular")))
    assert [data.modality for data in found] == ["image", "points", "text", "audio", "tabular"]
    assert found[0] == DataInfo(shape=(3, 8, 8))


def test_where_any_size_is_declared_a_few_are_built() -> None:
    assert {data.shape for data in list_all_data(trial())} >= {(1, 28, 28), (3, 28, 28), (3, 16, 16)}


def test_examples_come_first_and_stand_for_their_modality() -> None:
    text = DataInfo(shape=(27, 9), modality="text", meta={"vocabulary": "abc"})
    found = list_all_data(trial(sizes=(8,), channels=(1,), modalities=("text", "image"), examples=(text,)))
    assert found == [text, DataInfo(shape=(1, 8, 8))]


def test_an_example_image_says_which_size_and_channels_are_meant() -> None:
    image = DataInfo(shape=(2, 24, 24))
    assert list_all_data(trial(examples=(image,))) == [image]
    assert [data.shape for data in list_all_data(trial(examples=(image,), sizes=(8, 24)))] == [(2, 8, 8), (2, 24, 24)]


def test_an_example_with_labels_is_used_with_and_without_them() -> None:
    numbers = DataInfo(shape=(1, 8, 8), label_shape=(3,))
    bare = DataInfo(shape=(1, 8, 8))
    for conditional, wanted in (("never", [bare]), ("optional", [bare, numbers]), ("always", [numbers])):
        assert list_small_data(trial(examples=(numbers,), conditional=conditional)) == wanted


def test_data_of_the_trial_replaces_all_that_the_spec_says() -> None:
    data = DataInfo(shape=(3,), modality="points")
    assert list_all_data(trial(data=(data,), sizes=(8, 16))) == [data]


def test_all_classes_are_tried_and_of_very_many_the_first_and_last() -> None:
    assert list_labels(DataInfo(shape=(1, 8, 8), num_classes=100)).tolist() == list(range(100))
    chosen = list_labels(DataInfo(shape=(1, 8, 8), num_classes=1000)).tolist()
    assert chosen == sorted(chosen)
    assert [chosen[:3], chosen[-2:], len(set(chosen))] == [[0, 1, 2], [998, 999], 128]


@pytest.mark.parametrize(
    ("dim", "latent"),
    [(-1, "normal"), (4.0, "normal"), (True, "normal"), (4, "Normal"), (4, "normal+onehot0"), (4, "normal+onehot5")],
)
def test_latents_that_cannot_be_drawn_are_refused(dim, latent) -> None:
    data = DataInfo(shape=(1, 8, 8))
    with pytest.raises(Failure, match="latent"):
        require_latents(Networks(Generator(data), Discriminator(data), dim, latent))


@pytest.mark.parametrize("latent", ["normal", "uniform", "normal+onehot4"])
def test_latents_that_can_be_drawn_are_taken(latent: str) -> None:
    data = DataInfo(shape=(1, 8, 8))
    networks = Networks(Generator(data), Discriminator(data), 4, latent)
    require_latents(networks)
    assert make_latents(networks, 3).shape == (3, 4)


def test_an_architecture_for_one_shape_passes_with_data_of_that_shape() -> None:
    register(toys)
    results = list(check_architecture("toy-conv", data=[DataInfo(shape=(1, 4, 4))]))
    assert not [result for result in results if result.status == "FAIL"]


BUILT: list[str] = []


def counted(options: object, data: DataInfo) -> Networks:
    if torch.get_default_device().type != "meta":
        BUILT.append(str(data.shape))
    if data.label_shape:
        raise UsageError("it takes classes")
    return make_networks(data)


def test_networks_are_built_and_trained_no_more_often_than_they_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """For some million parameters, each build and each step takes half a second."""
    steps, step = [], NetworkOptimizer.step
    monkeypatch.setattr(NetworkOptimizer, "step", lambda self, gradients: (steps.append(1), step(self, gradients))[1])
    component = Architecture(
        name="counted", summary="Counted.", factory=f"{__name__}:counted", sizes=(8, 16), channels=(3,),
        conditional="optional", provides=("double-backward",), recommended={"loss": "hinge"},
    )  # fmt: skip
    module = ModuleType("counting")
    module.ganzoo_architectures = hookimpl(lambda: [component], specname="ganzoo_architectures")
    register(module)
    BUILT.clear()
    assert not [result for result in check_architecture("counted") if result.status == "FAIL"]
    assert len(BUILT) <= 16
    assert len(steps) <= 30


def run(what: str, name: str, **settings) -> Result:
    return next(check.run() for check in collect_checks(what, **settings) if check.name == f"architecture/{name}")


def test_a_loss_that_turns_to_nan_is_not_the_architectures_fault() -> None:
    register(toys)
    for answer in ("plain", "list"):  # a list asks the loss twice in an update, so that it turns within the first three
        result = run("toys:toy", "toy/trains-under-every-loss", options={"norm": True, "answer": answer})
        assert result.status == "PASS", result.message


@pytest.mark.parametrize("name", ["loss_each", "loss_misspelt"])
def test_a_loss_that_is_broken_is_not_the_architectures_fault(name: str) -> None:
    register(toys)
    registry().add_file(PLANTED / f"{name}.py")
    result = run("toys:toy", "toy/trains-under-every-loss")
    assert result.status == "PASS", result.message


def test_a_failed_compilation_is_reported_with_the_engines_words() -> None:
    registry().add_file(PLANTED / "branches_on_data.py")
    result = run("branches_on_data", "planted/compiled-equals-plain", full=True)
    assert result.status == "FAIL"
    assert "train.execution=compile is not possible here" in result.message
