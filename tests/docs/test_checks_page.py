"""docs/checks.md is read in a clone too: its list is that of the checks as they are."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_list_of_checks_is_up_to_date() -> None:
    text = (DOCS / "checks.md").read_text(encoding="utf-8")
    written = runpy.run_path(str(DOCS / "conf.py"))["with_checks"](text)
    assert text == written, "sphinx-build docs build/docs writes it"
