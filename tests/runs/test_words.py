"""Lines for the terminal: durations and ticks."""

from __future__ import annotations

import pytest

from ganzoo.plugin import Verdict
from ganzoo.runs.words import describe_estimate, describe_state, describe_tick, format_duration

ROW = {
    "images": 12_800, "images_per_second": 2_345.6, "loss_d": 1.23456, "loss_g": 0.5, "real": 0.456, "fake": -1.5,
    "memory": 1_500 * 2**20, "seconds": 60.0,
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


LINE = "0:58 left  12,800/150,000  2,346 images/s  D(real) +0.46 D(fake) -1.50"


def test_a_tick_in_words():
    assert describe_tick(ROW, 150_000) == f"{LINE}  loss D 1.235 G 0.500  1,500 MiB"
    assert describe_tick(ROW, 150_000, 80) == LINE


def test_the_worst_verdict_stands_on_the_line_in_four_words():
    note, one, two = (
        Verdict(code=code, severity=severity, words="It is so.")
        for code, severity in (("few-pictures", "info"), ("d-too-strong", "warn"), ("mode-collapse", "warn"))
    )
    assert [describe_state(each) for each in ((), (note,), (one, note), (one, two))] == [
        "", "", "d too strong", "d too strong (+1)"
    ]  # fmt: skip
    line = "0:58 left  12,800/150,000  2,346 images/s  d too strong  D(real) +0.46"
    assert describe_tick(ROW, 150_000, state="d too strong").startswith(line)


def test_parts_that_are_not_measured_yet_are_missing():
    before_d = {name: value for name, value in ROW.items() if name not in ("loss_d", "loss_g", "real", "fake")}
    start = "0:58 left  12,800/150,000  2,346 images/s"
    assert describe_tick(before_d, 150_000) == f"{start}  1,500 MiB"
    alone = {**before_d, "loss_d": 1.0, "real": 0.5, "fake": -0.5}
    assert describe_tick(alone, 150_000) == f"{start}  D(real) +0.50 D(fake) -0.50  loss D 1.000  1,500 MiB"


def test_a_busy_machine_is_reported():
    assert "2,346 images/s (busy)  D(real)" in describe_tick({**ROW, "waiting": 0.3}, 150_000)
    for waiting in (0.05, None):
        assert "busy" not in describe_tick({**ROW, "waiting": waiting}, 150_000)


@pytest.mark.parametrize(
    ("row", "total", "start"),
    [
        ({"images": 12_345_678, "images_per_second": 105.04}, 20_000_000, "20:14:31 left  12.35M/20M  105 images/s"),
        ({"images": 149_504, "images_per_second": 1_821.0}, 150_000, "0:00 left  149,504/150,000  1,821 images/s"),
        ({"images": 640, "images_per_second": 325.0, "seconds": 2}, 1_500_000, "? left  640/1.5M  325 images/s"),
    ],
)
def test_a_line_fits_eighty_columns(row, total, start):
    busy = {**ROW, **row, "waiting": 0.5, "real": 12.5, "fake": -23.45}
    assert describe_tick(busy, total, 80) == f"{start} (busy)  D(real) +12.50 D(fake) -23.45"
    diverging = {**ROW, **row, "real": 3e15, "fake": -123_456.0}
    assert describe_tick(diverging, total, 80) == f"{start}  D(real) +3.0e15 D(fake) -1.2e5"


@pytest.mark.parametrize("total", [12_800, 1])
def test_at_the_end_and_after_it_nothing_is_left(total):
    assert describe_tick(ROW, total).startswith("0:00 left  ")


def test_time_left_follows_from_the_speed():
    assert describe_tick({**ROW, "images": 1_000, "images_per_second": 10}, 37_000).startswith("1:00:00 left  ")


def test_early_in_a_run_the_time_left_is_unknown():
    assert describe_tick({**ROW, "images": 36, "images_per_second": 10, "seconds": 3.6}, 36_000).startswith("? left  ")
    assert describe_tick({**ROW, "images": 36, "images_per_second": 3, "seconds": 12}, 36_000).startswith(
        "3:19:48 left"
    )


@pytest.mark.parametrize(
    ("images", "speed", "line"),
    [
        (150_000, 2_000, "about 75 s on this machine"),
        (150_000, 470, "about 5.3 min on this machine"),
        (150_000, 23, "about 1.8 h on this machine: --images 30000 takes 22 min"),
        (20_000_000, 100, "about 2 days on this machine: --images 100000 takes 17 min"),
        (100, 0.05, "about 33 min on this machine: --images 60 takes 20 min"),
        (2, 0.0004, "about 83 min on this machine"),
    ],
)
def test_an_estimate_suggests_a_short_run_where_the_run_is_long(images, speed, line):
    assert describe_estimate(images, speed) == line
    assert describe_estimate(images, speed, busy=True) == line.replace("machine", "machine, which is busy now")
