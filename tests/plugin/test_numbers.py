"""Numbers as people type them."""

from __future__ import annotations

from typing import Any

import pytest

from ganzoo.plugin.numbers import parse_count, parse_number
from ganzoo.plugin.options import read
from ganzoo.plugin.schedule import Schedule
from ganzoo.recipe.settings import Adam, TrainOptions

COUNTS = {
    "7": 7, "10k": 10_000, "10K": 10_000, "1.5M": 1_500_000, "2B": 2 * 10**9, "1e5": 100_000, "50_000": 50_000,
    "50,000": 50_000, "1,234,567": 1_234_567, "1.001k": 1001, " 200_000.0 ": 200_000, "-3": -3,
}  # fmt: skip


@pytest.mark.parametrize("text", COUNTS)
def test_counts_have_many_forms(text: str) -> None:
    assert parse_count(text) == COUNTS[text]
    if COUNTS[text] > 0:
        assert read(TrainOptions, {"images": text}).images == COUNTS[text]


@pytest.mark.parametrize("text", ["", "k", "1.5", "1,5", "10,00", "0,500", "1.2345k", "nan", "1e400", "10kk", "ten"])
def test_other_texts_are_not_counts(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_count(text)


def test_numbers_and_schedules_have_the_same_forms() -> None:
    assert (parse_number("2.5k"), parse_number("1e-4"), parse_number(".5")) == (2500.0, 1e-4, 0.5)
    assert read(TrainOptions, {"ema_half_life": "10k"}).ema_half_life == 10_000.0
    lr: Any = read(Adam, {"lr": "cosine(2e-4, 5e-5, images=1.5M)"}).lr
    assert lr == Schedule("cosine", 2e-4, 5e-5, 1.5e6)
    with pytest.raises(ValueError, match="could not convert"):
        parse_number("1,500")  # 1.5 in some countries
