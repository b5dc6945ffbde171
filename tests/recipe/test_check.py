"""Components that fit together, and the messages if they do not."""

from typing import Any

import pytest

from acme_components import expect_refusal, resolve_recipe
from ganzoo.errors import UsageError
from ganzoo.plugin import (
    DataInfo,
)
from ganzoo.recipe.check import check_data, find_changed_meaning, hide_unused_labels
from ganzoo.recipe.settings import TrainOptions

# ----------------------------------------------------------------------------
# Compatibility.


def test_a_micro_batch_divides_the_batch() -> None:
    batch = {"train.batch": 48}
    text = expect_refusal(arch="plain", loss="bce", pairs=batch | {"train.micro_batch": 20})
    assert text == "train.micro_batch=20 does not divide train.batch=48: use 16"
    for size in (16, 48, 64):
        assert (
            resolve_recipe(arch="plain", loss="bce", pairs=batch | {"train.micro_batch": size}).train.micro_batch
            == size
        )


def test_a_batch_coupled_loss_refuses_accumulation() -> None:
    text = expect_refusal(arch="plain", loss="coupled", pairs={"train.batch": 32, "train.micro_batch": 16})
    assert text.startswith("loss 'coupled' couples the whole batch")
    assert text.endswith("remove train.micro_batch")
    resolve_recipe(arch="plain", loss="coupled", pairs={"train.batch": 32, "train.micro_batch": 32})


def test_top_k_needs_whole_batches_and_a_loss_of_single_logits() -> None:
    half = {"train.batch": 32, "train.g_top_k": 0.5}
    text = expect_refusal(arch="plain", loss="bce", pairs=half | {"train.micro_batch": 16})
    assert text == (
        "train.g_top_k compares all fakes of a batch, so gradients cannot be accumulated: remove train.micro_batch"
    )
    text = expect_refusal(arch="plain", loss="coupled", pairs=half)
    assert text == ("train.g_top_k removes fakes of a batch, and loss 'coupled' needs them all: remove train.g_top_k")
    resolve_recipe(arch="plain", loss="bce", pairs=half | {"train.micro_batch": 32})


def test_epsilon_hat_with_scaled_losses_is_refused_before_training() -> None:
    text = expect_refusal(arch="plain", loss="bce", pairs={"optim.d.eps_hat": True, "train.precision": "fp16"})
    assert text == (
        "optim.d.eps_hat=true is not possible with train.precision=fp16, which scales the loss: use "
        "train.precision=bf16, or remove optim.d.eps_hat"
    )


def test_needs_and_refusals() -> None:
    needs = expect_refusal(arch="plain", loss="bce", reg="path-length")
    assert needs.startswith("regularizer 'path-length' needs 'style', which no other component provides: choose")
    resolve_recipe(arch="styled", loss="bce", reg="path-length")
    refuses = expect_refusal(arch="styled", loss="bce", reg="oddity")
    assert refuses == ("architecture 'styled' does not go with regularizer 'oddity' (odd): remove one of them")
    resolve_recipe(arch="plain", loss="bce", reg="oddity")


def test_an_architecture_provides_words_by_its_options() -> None:
    text = expect_refusal(arch="normed", loss="bce", reg="apart")
    assert text == "regularizer 'apart' does not go with architecture 'normed' (norm): add arch.norm=none"
    resolve_recipe(arch="normed", loss="bce", reg="apart", pairs={"arch.norm": "none"})
    resolve_recipe(arch="normed", loss="steady", reg="apart")


@pytest.mark.parametrize(
    ("arch", "dataset", "more", "words"),
    [
        (
            "strict",
            "odd-size",
            {},
            "arch 'strict' takes 32, 64; dataset 'odd-size' is 60: choose another arch or dataset",
        ),
        (
            "dcgan",
            "sized",
            {"dataset.size": 28},
            "arch 'dcgan' takes 16, 32, 64, 128, 256; dataset 'sized' is 28: add dataset.size=32",
        ),
        (
            "strict",
            "sized",
            {"dataset.size": 60},
            "arch 'strict' takes 32, 64; dataset 'sized' is 60: add dataset.size=64",
        ),
        (
            "strict",
            "alpha",
            {},
            "arch 'strict' takes 1, 3 channels; dataset 'alpha' has 4: choose another arch or dataset",
        ),
        (
            "strict",
            "sized",
            {"dataset.channels": 2},
            "arch 'strict' takes 1, 3 channels; dataset 'sized' has 2: add dataset.channels=3",
        ),
        ("plain", "ring", {}, "arch 'plain' generates image; dataset 'ring' is points: choose another arch or dataset"),
        (
            "plain",
            "wide",
            {},
            "arch 'plain' takes square images; dataset 'wide' is 48x32: crop the images to squares, "
            "or choose an arch that takes other shapes",
        ),
        ("sides", "wide", {}, "arch 'sides' takes 32, 64; dataset 'wide' is 48: choose another arch or dataset"),
        ("plain", "digits", {"train.conditional": True}, "arch 'plain' takes no labels: remove --conditional"),
        (
            "blob",
            "colour",
            {"train.conditional": "yes"},
            "dataset 'colour' has no labels: remove --conditional, or use labelled data",
        ),
        (
            "dcgan",
            "folder",
            {"dataset.size": 28},
            "arch 'dcgan' takes 16, 32, 64, 128, 256; dataset 'folder' is 28: add dataset.size=32",
        ),
        ("labels", "digits", {}, "arch 'labels' always takes labels: add --conditional"),
        *[
            (
                "labels",
                "colour",
                more,
                "arch 'labels' always takes labels; dataset 'colour' has none: choose another arch or dataset",
            )
            for more in ({}, {"train.conditional": True})
        ],
    ],
)
def test_data_that_an_architecture_cannot_generate(arch: str, dataset: str, more: dict[str, Any], words: str) -> None:
    assert expect_refusal(arch=arch, loss="bce", dataset=dataset, pairs=more) == words


@pytest.mark.parametrize(
    ("arch", "dataset", "more"),
    [
        ("plain", "odd-size", {}),
        ("dots", "ring", {}),
        ("plain", "alpha", {}),
        ("oblong", "wide", {}),
        ("strict", "grey", {}),
        ("labels", "faces", {"train.conditional": True}),
        ("blob", "digits", {"train.conditional": True}),
        ("blob", "digits", {}),
    ],
)
def test_data_that_an_architecture_can_generate(arch: str, dataset: str, more: dict[str, Any]) -> None:
    recipe = resolve_recipe(arch=arch, loss="bce", dataset=dataset, pairs=more)
    assert (recipe.arch.name, recipe.dataset.name) == (arch, dataset)


def test_data_is_checked_again_after_it_was_opened() -> None:
    recipe = resolve_recipe(arch="dcgan", loss="bce", dataset="folder")
    check_data(recipe, DataInfo(shape=(3, 32, 32)))
    with pytest.raises(UsageError, match=r"dataset 'folder' is 28: type --size 32"):
        check_data(recipe, DataInfo(shape=(3, 28, 28)))


@pytest.mark.parametrize("moving", [{"train.flip": True}, {"aug": "mirror"}])
@pytest.mark.parametrize(("shape", "fits"), [((3, 32, 32), True), ((1, 16, 16), True), ((5,), True), ((80, 9), False)])
def test_labels_that_cannot_be_mirrored_are_refused(moving: Any, shape: Any, fits: bool) -> None:
    recipe = resolve_recipe(arch="labels", loss="bce", dataset="faces", pairs={"train.conditional": True, **moving})
    data = DataInfo(shape=(3, 32, 32), label_shape=shape)
    if fits:
        check_data(recipe, data)
        return
    with pytest.raises(UsageError, match=r"dataset 'faces' are arrays \[80, 9\] that are not images and cannot be"):
        check_data(recipe, data)


@pytest.mark.parametrize(
    ("key", "kind", "name"),
    [("reg", "regularizer", "pixels"), ("aug", "augmentation", "hue"), ("metric", "metric", "sharpness")],
)
def test_a_component_for_data_of_another_kind_is_refused(key: str, kind: str, name: str) -> None:
    resolve_recipe(arch="plain", loss="bce", dataset="grey", **{key: name})
    assert expect_refusal(arch="dots", loss="bce", dataset="ring", **{key: name}) == (
        f"{kind} {name!r} is for image; dataset 'ring' is points: remove {name!r}, or add --{key} none, then the "
        "ones that fit"
    )


def test_labels_are_hidden_unless_the_run_is_conditional() -> None:
    data = DataInfo(shape=(1, 8, 8), num_classes=10, num_items=5, meta={"a": 1})
    assert hide_unused_labels(data, TrainOptions()) == DataInfo(shape=(1, 8, 8), num_items=5, meta={"a": 1})
    assert hide_unused_labels(data, TrainOptions(conditional=True)) is data


def test_a_batch_coupled_loss_refuses_parts_of_the_generators_batch_too() -> None:
    words = expect_refusal(arch="blob", loss="coupled", pairs={"train.micro_batch": 64, "train.g_batch": 128})
    assert "couples the whole batch" in words
    resolve_recipe(arch="blob", pairs={"train.micro_batch": 96, "train.g_batch": 128})


@pytest.mark.parametrize(
    ("modality", "meta", "other", "key"),
    [
        ("tabular", {"columns": [1], "classes": ["a"]}, {"columns": [2]}, "classes"),
        ("tabular", {"columns": [1]}, {"columns": [2]}, "columns"),
        ("tabular", {"columns": [1]}, {"columns": [1]}, ""),
        ("points", {"modes": [1]}, {"modes": [2]}, ""),
        ("audio", {"mel": {"hop": 4}}, {"mel": {"hop": 5}}, "mel"),
    ],
)
def test_meanings_of_numbers_are_compared(modality: Any, meta: Any, other: Any, key: str) -> None:
    shapes = {"shape": (1, 8), "label_shape": (3, 2)} if modality == "audio" else {"shape": (2,)}
    data, others = (DataInfo(**shapes, modality=modality, meta=each) for each in (meta, other))
    assert find_changed_meaning(data, others) == find_changed_meaning(others, data) == key
