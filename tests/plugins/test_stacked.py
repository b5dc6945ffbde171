"""The dataset `stacked`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ganzoo.plugin import NotFound, UsageError
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo_datasets.digits import Digits
from ganzoo_datasets.specs.included import DigitsOptions
from ganzoo_datasets.specs.made import StackedOptions
from ganzoo_datasets.stacked import Stacked


def test_channels_are_images_of_the_classes() -> None:
    digits = Digits(DigitsOptions(size=8))
    data = Stacked(StackedOptions(of="digits", settings=("size=8",)))
    assert (data.info.shape, data.info.num_classes) == ((3, 8, 8), 1000)
    images, labels = data.sample(torch.Generator().manual_seed(0), 3000)
    known: dict[bytes, set[int]] = {}
    for image, label in zip(digits.data, digits.labels.tolist(), strict=True):
        known.setdefault(image.tobytes(), set()).add(label)
    for image, label in zip(images[:300].numpy(), labels[:300].tolist(), strict=True):
        for channel, number in zip(image, (label // 100, label // 10 % 10, label % 10), strict=True):
            assert number in known[channel.tobytes()]
    assert len(labels.unique()) == pytest.approx(1000 * (1 - (1 - 1 / 1000) ** 3000), abs=30)


def test_what_a_dataset_holds_out_is_not_stacked() -> None:
    whole = Stacked(StackedOptions(of="digits", settings=("size=8",)))
    data = Stacked(StackedOptions(of="digits", settings=("size=8", "holdout=0.3")))
    drawn = [
        set(map(bytes, each.sample(torch.Generator().manual_seed(0), 9000)[0].flatten(0, 1).numpy()))
        for each in (whole, data)
    ]
    assert drawn[1] < drawn[0]
    assert len(drawn[1]) == pytest.approx(0.7 * len(drawn[0]), rel=0.1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"of": "points"}, UsageError, "draws its samples without end"),
        ({"of": "none"}, UsageError, "no dataset 'none' is installed"),
        ({"of": "digits", "settings": ("x=1",)}, UsageError, "unknown key 'x'"),
        ({"of": "emoji", "settings": ("path=/none",)}, NotFound, "npm install"),
    ],
)
def test_datasets_that_cannot_be_stacked(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Stacked(StackedOptions(**options))


def test_a_recipe_stores_the_stacked_dataset_with_its_plugin() -> None:
    recipe = resolve(registry(), flags={"arch": "dcgan", "dataset": "stacked"}, pairs={"dataset.of": "digits"})
    stored = recipe.to_json()["dataset"]
    assert stored["options"]["of"] == "datasets:digits"
    assert "size=32" in stored["options"]["settings"]
    assert stored["parts"]["of"]["distribution"] == "ganzoo"
