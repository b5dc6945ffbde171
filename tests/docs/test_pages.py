"""Every block of code on the README and in docs/ runs; those that need the Hub, in tests/hub/test_hub_pages.py."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import click
import pytest

from ganzoo.cli import cli
from ganzoo.registry import register, registry
from pages import ROOT, Reader, list_blocks, make_folder

DOCS = ROOT / "docs"
ON_THE_HUB = {"use.md", "share.md", "python.md"}  # tests/hub/test_hub_pages.py
ELSEWHERE = {"plugin.md": "test_plugin_page.py", "engine.md": "test_reference.py"}
OUTSIDE = {"text.md": ("acme-textgan/src", "acme_textgan"), "tabular.md": ("acme-tabular", "acme_tabular")}
PAGES = sorted(page.name for page in DOCS.glob("*.md") if page.name not in {*ON_THE_HUB, *ELSEWHERE, *OUTSIDE})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that pages mention."""
    folder = tmp_path_factory.mktemp("pages")
    make_folder(folder)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs(name: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    import ganzoo.plugin

    reader = Reader(copytree(template, tmp_path / "home"), monkeypatch)
    text = (DOCS / name).read_text(encoding="utf-8").replace('parametrize_checks("acme")', 'parametrize_checks("flip")')
    # These models read files of the user: test_translators.py, test_upscaling.py and test_mels.py apply such.
    if name in ("pairs.md", "sound.md", "upscaling.md"):
        reader.run_ganzoo = parse_words
    known: dict[str, Any] = {key: getattr(ganzoo.plugin, key) for key in ganzoo.plugin.__all__}
    known |= {"torch": torch, "Tensor": torch.Tensor, "hashlib": hashlib, "json": json}
    config = ROOT / "plugins" / "ganzoo_models" / "digits" / "config.json"
    reader.read(text, known | {"config": json.loads(config.read_text())})  # raises if a block fails
    registry.cache_clear()


def parse_words(words: list[str]) -> None:
    """Read a command's words as click does, and run nothing."""
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    command.make_context(words[0], words[1:])


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_page_on_a_plugin_outside_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, module = OUTSIDE[name]
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "outside" / folder))
    rows = [f"{i % 37 / 4},{('Ideal', 'Good')[i % 2]},{i}" for i in range(600)]
    (tmp_path / "diamonds.csv").write_text("\n".join(["carat,cut,price", *rows]))
    (tmp_path / "book.txt").write_text("the cat sat on the mat " * 99)
    reader = Reader(tmp_path, monkeypatch)
    reader.prepare = lambda: register(__import__(module))
    assert reader.read((DOCS / name).read_text(encoding="utf-8"))
    registry.cache_clear()
    for key in [key for key in sys.modules if key.partition(".")[0] == module]:
        del sys.modules[key]


def test_the_python_of_the_page_on_plugins_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ganzoo.plugin

    text = (DOCS / "plugin.md").read_text(encoding="utf-8").partition("## One file")[0]  # which has a test of its own
    reader = Reader(tmp_path, monkeypatch)
    reader.names = {**vars(ganzoo.plugin), "Iterator": Iterator, "Options": ganzoo.plugin.NoOptions}
    for language, body in list_blocks(text):
        if language == "python":
            reader.run_python(body)
    assert [spec.name for spec in reader.names["ganzoo_architectures"]()] == ["acme-gans"]


def test_the_files_and_numbers_of_a_run_are_on_its_page(template: Path) -> None:
    page = (DOCS / "runs.md").read_text(encoding="utf-8")
    (run,) = (template / "runs").glob("0000-*")
    for path in run.iterdir():
        if not path.name.startswith("."):
            name = re.sub(r"\d{9}", "000020000", path.name) + "/" * path.is_dir()
            assert f"\n- `{name}`: " in page
    rows = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    assert rows
    for key in {key for row in rows for key in row}:
        assert f"`{key}`" in page or (key.startswith("data/") and f"`{key.removeprefix('data/')}`" in page)


def test_blocks_are_found() -> None:
    shell, python = "ganzoo list\n\nganzoo runs\n", "x = 1\n\n    # inside\n"
    text = f"A\n\n    ganzoo list\n\n    ganzoo runs\n\nB\n\n```python\n{python}```\n\n- c\n\n    of the list\n"
    assert list(list_blocks(text)) == [("console", shell), ("python", python)]


def test_a_line_that_fails_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(tmp_path, monkeypatch)
    for wrong in ("    ganzoo lsit\n", "    frobnicate\n", "    pip install ./nowhere\n", "```python\nx\n```\n"):
        with pytest.raises((AssertionError, NameError)):
            reader.read(f"A\n\n{wrong}")


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in json.loads((DOCS / "start.ipynb").read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            assert all((DOCS / page).exists() for page in re.findall(r"\]\((\w+\.md)\)", text))
            continue
        assert not cell["outputs"], "it is kept without outputs"
        exec(compile(text, "start.ipynb", "exec"), names)
        if isinstance(last := ast.parse(text).body[-1], ast.Expr):  # what a kernel shows
            assert repr(eval(ast.unparse(last.value), names))
    assert {path.name for path in tmp_path.iterdir()} == {"three.png", "threes.png", "walk.gif"}
    assert names["array"].shape == (4, 32, 32, 1)
