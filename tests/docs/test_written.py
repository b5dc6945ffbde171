"""Pages that are written from docstrings are read in a clone, too: what they hold is what the docstrings say."""

from __future__ import annotations

import runpy
from pathlib import Path

WRITTEN = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "written.py"))


def test_the_pages_are_up_to_date() -> None:
    for page, text in WRITTEN["collect_pages"]().items():
        assert page.read_text(encoding="utf-8") == text, f"python docs/written.py writes {page.name}"


def test_a_docstring_becomes_lists_with_the_defaults() -> None:
    text = "What it is.\n\nArgs:\n    size: In pixels,\n        at least: 4.\n    a, b: Two.\n\nMore."
    lines = list(WRITTEN["convert_docstring"](text, {"size": "64"}))
    wanted = ["- `size` (default `64`): In pixels,", "  at least: 4.", "- `a`, `b`: Two."]
    assert lines == ["What it is.", "", "Args:", "", *wanted, "", "More."]
