"""Data are recognised in another folder or on another machine, and differences are said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ganzoo.data.content import describe_content, find_difference
from ganzoo.data.source import ArraySource, EndlessSource
from ganzoo.plugin import DataInfo

PICTURES = torch.randint(0, 256, (100, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(100) % 2


def make_source(data: torch.Tensor = PICTURES, labels: torch.Tensor | None = LABELS, **info: Any) -> ArraySource:
    given = {"shape": tuple(data.shape[1:]), "num_classes": 2, "num_items": len(data), **info}
    return ArraySource(DataInfo(**given), data, labels)


def compare(one: ArraySource, other: ArraySource) -> str:
    return find_difference(one.info, other.info, describe_content(one), describe_content(other))


def test_the_same_data_are_the_same() -> None:
    assert compare(make_source(), make_source(PICTURES.clone(), LABELS.clone())) == ""
    packed = replace(make_source(), content="a" * 64)
    assert describe_content(packed)["sha256"] == "a" * 64  # type: ignore[index]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (make_source(PICTURES[:99], LABELS[:99]), "there were 100 samples and there are 99"),
        (make_source(PICTURES[:, :, :2]), "shape was [1, 4, 4] and is [1, 2, 4]"),
        (make_source(num_classes=3), "num_classes was 2 and is 3"),
        (make_source(PICTURES.flip(0)), "of 64 compared samples "),
        (make_source(255 - PICTURES), "of 64 compared samples "),
    ],
    ids=["fewer", "smaller", "classes", "order", "pixels"],
)
def test_a_difference_is_named(other: ArraySource, words: str) -> None:
    assert compare(make_source(), other).startswith(words)


def test_pictures_that_another_decoder_decoded_are_the_same() -> None:
    near = (PICTURES.int() + torch.arange(16).reshape(4, 4) % 3 - 1).clamp(0, 255).to(torch.uint8)
    assert compare(make_source(), make_source(near)) == ""


def test_numbers_that_are_not_pictures_are_the_same_only_bit_for_bit() -> None:
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    one, other = points, points.clone()
    other[25] += 1e-4
    given = {"labels": None, "modality": "points", "num_classes": 0}
    assert compare(make_source(one, **given), make_source(one.clone(), **given)) == ""
    assert compare(make_source(one, **given), make_source(other, **given)) == "some samples or labels are not the same"


def test_nothing_is_compared_that_is_not_known() -> None:
    info = DataInfo(shape=(2,), modality="points")
    assert describe_content(EndlessSource(info, lambda generator, n: (torch.zeros(n, 2), None))) is None
    assert find_difference(info, info, None, None) == ""
    assert find_difference(info, info, {"sha256": "a", "means": []}, None) == ""
