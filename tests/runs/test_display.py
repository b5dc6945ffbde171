"""How runs show themselves: as a line, and in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzoo.runs.display import format_value, make_html
from ganzoo.runs.run import Run, create_run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    run = create_run("a")
    run.write_recipe({"format": 1, "train": {"images": 2000}, "metric": [{"name": "acme:m"}]})
    return run


def test_a_run_says_how_far_it_is(run):
    assert repr(run) == "<Run runs/0000-a: unfinished, 0 of 2,000 images>"
    with run.training():
        assert repr(run) == "<Run runs/0000-a: training, 0 of 2,000 images>"
    run.get_checkpoint_path(2000).touch()
    assert repr(run) == "<Run runs/0000-a: finished after 2,000 images>"
    run.recipe_file.write_text("{")
    assert repr(run) == "<Run runs/0000-a: it has no recipe that can be read>"


def test_a_notebook_shows_the_latest_values_and_grid_of_a_run(run):
    assert run._repr_html_() == "<div><b>runs/0000-a: unfinished, 0 of 2,000 images</b></div>"
    for name, content in {"fakes-000000500.png": b"old", "fakes-000001000.png": b"new"}.items():
        (run.path / name).write_bytes(content)
    for row in ({"images": 500, "m/x": 2.0}, {"images": 1000, "m/x": 0.123456, "m/y": 12345.6}, {"images": 1001}):
        run.add_stats(row)
    shown = run._repr_html_()
    assert "m/x 0.1235, m/y 12,346<br>fakes-000001000.png</div>" in shown
    assert shown.count("<img") == 1
    assert "base64,bmV3" in shown  # of the new grid
    run.recipe_file.write_text("{")
    assert "it has no recipe that can be read</b><br>fakes-000001000.png</div><img" in run._repr_html_()


def test_text_from_elsewhere_is_not_html():
    assert make_html("<b>", ["a & b", ""]) == "<div><b>&lt;b&gt;</b><br>a &amp; b</div>"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.7867325684, "0.7867"), (12.34567, "12.35"), (98765.4, "98,765"), (-1.5, "-1.5"), (0.0, "0"), (1e-9, "1e-09"),
     (1e20, "1e+20"), (float("nan"), "nan")],
)  # fmt: skip
def test_a_value_has_four_digits(value, text):
    assert format_value(value) == text
