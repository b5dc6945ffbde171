"""Lines for the terminal: durations and ticks."""

from __future__ import annotations

import pytest

from ganzoo.runs.words import describe_tick, format_duration

ROW = {
    "images": 12_800, "images_per_second": 2_345.6, "loss_d": 1.23456, "loss_g": 0.5, "real": 0.456, "fake": -1.5,
    "memory": 1_500 * 2**20,
}  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"), (0.4, "0:00"), (9, "0:09"), (59.4, "0:59"), (59.6, "1:00"), (60, "1:00"), (754, "12:34"),
        (3599.4, "59:59"), (3599.6, "1:00:00"), (3600, "1:00:00"), (3723, "1:02:03"), (360_000, "100:00:00"),
    ],
)  # fmt: skip
def test_durations(seconds, text):
    assert format_duration(seconds) == text


def test_a_tick_in_words():
    assert describe_tick(ROW, 150_000) == (
        "12,800/150,000 images  2.35 kimg/s  loss D 1.235 G 0.500  D(real) +0.46 D(fake) -1.50  1,500 MiB  0:58 left"
    )


def test_what_is_not_measured_yet_is_left_out():
    before_d = {name: value for name, value in ROW.items() if name not in ("loss_d", "loss_g", "real", "fake")}
    start, end = "12,800/150,000 images  2.35 kimg/s", "1,500 MiB  0:58 left"
    assert describe_tick(before_d, 150_000) == f"{start}  {end}"
    alone = {**before_d, "loss_d": 1.0, "real": 0.5, "fake": -0.5}
    assert describe_tick(alone, 150_000) == f"{start}  loss D 1.000  D(real) +0.50 D(fake) -0.50  {end}"


def test_a_busy_machine_is_said():
    assert "2.35 kimg/s  machine busy  loss" in describe_tick({**ROW, "waiting": 0.3}, 150_000)
    for waiting in (0.05, None):
        assert "busy" not in describe_tick({**ROW, "waiting": waiting}, 150_000)


@pytest.mark.parametrize("total", [12_800, 1])
def test_at_the_end_and_behind_it_nothing_is_left(total):
    assert describe_tick(ROW, total).endswith("  0:00 left")


def test_time_left_follows_from_the_speed():
    assert describe_tick({**ROW, "images": 1_000, "images_per_second": 10}, 37_000).endswith("  1:00:00 left")


def test_early_in_a_run_no_time_left_is_told():
    assert describe_tick({**ROW, "images": 36, "images_per_second": 10}, 36_000).endswith("  ? left")
