"""The blocks of code of the pages that need the Hub run, as in tests/docs/test_pages.py."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

import ganzoo
from ganzoo.registry import registry
from pages import ROOT, Reader, make_folder

DIGITS = ROOT / "plugins" / "ganzoo_models" / "digits"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that pages mention."""
    folder = tmp_path_factory.mktemp("pages")
    make_folder(folder)
    return folder


@pytest.mark.parametrize("name", ["README.md", "docs/use.md", "docs/share.md", "docs/python.md"])
def test_a_page_runs(
    name: str, hub: object, repo: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copytree(template, tmp_path / "home")
    if name == "docs/use.md":
        ganzoo.publish(DIGITS, repo, tag="v1", device="cpu")
    assert Reader(folder, monkeypatch, repo).read((ROOT / name).read_text(encoding="utf-8"))
    registry.cache_clear()
    if name == "docs/use.md":
        check_latents(folder)


def check_latents(folder: Path) -> None:
    """Hold the picture on the page to what its code draws."""
    import numpy as np
    from PIL import Image

    with Image.open(folder / "latents.png") as drawn, Image.open(ROOT / "docs" / "latents.png") as shown:
        assert drawn.size == shown.size
        assert np.abs(np.asarray(drawn, float) - np.asarray(shown, float)).mean() < 1
