"""The times of a run's ticks, and its speed."""

from __future__ import annotations

import itertools

import pytest

from ganzoo.engine.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_ticks_come_about_every_two_seconds_whatever_the_speed() -> None:
    clock = Clock()
    pace = Pace(16, clock)
    pace.start(0)
    images, ticks = 0, []
    for _ in range(2000):
        images, clock.now = images + 16, clock.now + 0.05
        if pace.is_due(images):
            said = pace.measure(images)
            assert said["images_per_second"] == pytest.approx(320, rel=0.02)
            ticks.append(clock.now)
    assert ticks[0] == pytest.approx(100.05)  # after one round: nobody waits long for a first sign
    assert len(ticks) > 50
    assert all(later - at == pytest.approx(2.0, abs=0.1) for at, later in itertools.pairwise(ticks[5:]))
    assert pace.seconds == pytest.approx(ticks[-1] - 100)


def test_every_slow_round_has_a_tick_and_without_a_round_nothing_is_measured() -> None:
    clock = Clock()
    pace = Pace(64, clock)
    pace.start(128)
    assert pace.measure(128) == {}
    clock.now += 30
    assert pace.is_due(192)
    assert pace.measure(192)["images_per_second"] == pytest.approx(64 / 30)
    assert pace.period == 64
    assert 0 <= pace.measure(256).get("waiting", 0) <= 1


def test_grids_are_due_by_time_in_the_first_minutes() -> None:
    clock = Clock()
    pace = Pace(64, clock)
    pace.start(0)
    drawn = []
    for tick in range(1, 600):
        clock.now += 2
        pace.measure(64 * tick)
        if pace.is_early_grid_due():
            pace.drawn_at = pace.seconds
            drawn.append(pace.seconds)
    assert drawn == [16, 32, 64, 128, 256]  # seconds of training

    pace.seconds = 100.0  # a run that goes on
    pace.start(0)
    assert not pace.is_early_grid_due()
