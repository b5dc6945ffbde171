"""The statistics of a run as a table."""

from __future__ import annotations

import signal
import sys

import numpy as np
import pytest

import ganzoo
from ganzoo.errors import MissingPlugin, UsageError
from ganzoo.runs.stats import Stats

ROWS = [
    {"images": 0, "data/samples": 9},
    {"images": 16, "loss_d": 0.5},
    {"images": 32, "loss_d": 0.25, "note": "no number"},
    {"images": 32, "m/<b>": 1234567.0},
]


def test_rows_of_the_same_images_are_one_row_and_what_is_missing_is_nan() -> None:
    stats = Stats(ROWS)
    assert list(stats) == ["images", "data/samples", "loss_d", "m/<b>"]
    assert stats["images"].tolist() == [0, 16, 32]
    assert stats["images"].dtype == np.int64
    np.testing.assert_array_equal(stats["loss_d"], [np.nan, 0.5, 0.25])
    np.testing.assert_array_equal(stats["m/<b>"], [np.nan, np.nan, 1234567])
    assert repr(stats) == "<Stats of 3 rows: images, data/samples, loss_d, m/<b>>"


def test_a_notebook_shows_the_first_and_the_last_rows() -> None:
    shown = Stats(ROWS)._repr_html_()
    assert "<th>m/&lt;b&gt;</th>" in shown
    assert "<tr><td>32</td><td></td><td>0.25</td><td>1,234,567</td></tr>" in shown
    long = Stats({"images": 10 * number, "loss_d": number / 3} for number in range(1000))._repr_html_()
    assert long.count("<tr>") == 12  # the names, five rows, dots, five rows
    assert "<td>9,990</td><td>333</td>" in long
    assert "<tr><td>…</td><td>…</td></tr>" in long
    assert long.endswith("<div>1000 rows, 2 columns</div>")
    assert Stats()._repr_html_().endswith("<div>0 rows, 1 columns</div>")


def test_a_data_frame_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPlugin, match="needs pandas: python -m pip install pandas"):
        Stats(ROWS).to_pandas()


def test_a_data_frame_has_the_same_columns() -> None:
    pytest.importorskip("pandas")
    frame = Stats(ROWS).to_pandas()
    assert frame.loc[16, "loss_d"] == 0.5
    assert frame.index.tolist() == [0, 16, 32]


def test_a_run_has_stats_and_a_function_sees_each_tick(toys: object) -> None:
    seen: list[int] = []
    run = ganzoo.train(
        arch="toy", dataset="toy-array", images=64, progress=False, on_tick=lambda tick: seen.append(tick.images)
    )
    assert seen[-1] == 64
    assert run.stats["images"][-1] == 64
    assert [images for images in run.stats["images"] if images] == [images for images in seen if images]


def test_a_function_that_fails_costs_a_line_and_one_that_interrupts_stops_the_training(
    toys: object, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(tick: object) -> None:
        calls.append(tick)
        raise ValueError("no such column")

    calls: list[object] = []
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, on_tick=fail)
    assert (run.finished, len(calls)) == (True, 1)
    assert "on_tick failed and is left out from here on: ValueError: no such column" in capsys.readouterr().err

    def interrupt(tick: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(ganzoo.GanzooError, match="stopped and saved at") as stopped:
        ganzoo.train(arch="toy", dataset="toy-array", images=10**6, progress=False, on_tick=interrupt)
    assert stopped.value._render_traceback_() == [f"Interrupted: {stopped.value}"]
    assert 0 < ganzoo.list_runs()[-1].images < 10**6
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a shell
    try:
        with pytest.raises(ganzoo.GanzooError, match="stopped and saved at"):
            ganzoo.train(arch="toy", dataset="toy-array", images=10**6, progress=False, on_tick=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(UsageError, match="on_tick=5 is not a function"):
        ganzoo.train(arch="toy", dataset="toy-array", on_tick=5)  # type: ignore[arg-type]
