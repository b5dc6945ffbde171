"""The length of a run: a time or a number of images, and what follows it."""

import pytest

from ganzoo.errors import UsageError
from ganzoo.plugin import Schedule
from ganzoo.plugin.numbers import parse_time
from ganzoo.recipe.length import change_length, list_typed_keys
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("20min", 1200), ("20 min", 1200), ("5m", 300), ("1.5h", 5400), ("2D", 172_800), (".5h", 1800)],
)
def test_a_time_has_a_unit(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["20", "min", "0s", "-5min", "1h30", "1e3s", "soon", "", "20 parsecs", "nanh"])
def test_other_texts_are_not_times(text):
    with pytest.raises(ValueError, match="is not a time: type a number with a unit"):
        parse_time(text)


def read(**given):
    return resolve(registry(), recipe="r3gan-cifar10", flags={"dataset": "digits"}, **given)


def test_schedules_and_the_average_follow_the_length():
    recipe = read(pairs={"optim.d.lr": "cosine(1e-3, 1e-4, images=5000)"})
    assert set(list_typed_keys(recipe)) == {"dataset", "optim.d.lr"}
    short = change_length(recipe, recipe.train.images // 100, list_typed_keys(recipe))
    assert short.train.images == 200_000
    assert short.optim_g.options.lr == Schedule("cosine", 2e-4, 5e-5, 200_000)
    assert short.optim_g.options.betas == (0.0, Schedule("cosine", 0.9, 0.99, 200_000))
    assert {choice.name: choice.options.gamma.images for choice in short.reg} == {"r1": 200_000, "r2": 200_000}
    assert short.aug[0].options.p.images == 200_000
    assert short.optim_d.options.lr.images == 5000  # typed
    assert short.train.ema_half_life == recipe.train.ema_half_life  # its ramp follows the images seen


def test_an_average_without_a_ramp_follows_the_length_unless_it_was_typed():
    recipe = read(pairs={"train.ema_ramp": "none"})
    assert change_length(recipe, 200_000, list_typed_keys(recipe)).train.ema_half_life == 50_000
    recipe = read(pairs={"train.ema_ramp": "none", "train.ema_half_life": 7.0})
    assert change_length(recipe, 200_000, list_typed_keys(recipe)).train.ema_half_life == 7


def test_images_that_are_typed_count_more_than_the_time_of_a_stored_recipe():
    stored = resolve(registry(), flags={"arch": "dcgan", "train.time": "20min"}).to_json()
    assert stored["train"]["time"] == "20min"
    again = resolve(registry(), config=stored, flags={"train.images": 5000})
    assert (again.train.images, again.train.time) == (5000, None)
    again = resolve(
        registry(), config={**stored, "train": stored["train"] | {"time": None}}, flags={"train.time": "1h"}
    )
    assert again.train.time == "1h"
    with pytest.raises(UsageError, match="remove one of them"):
        resolve(registry(), flags={"arch": "dcgan", "train.time": "1h"}, pairs={"train.images": 5})
