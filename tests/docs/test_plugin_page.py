"""docs/plugin.md, followed to the letter: its commands run in order, its changes made, in an environment of its own.

Only the length of the run is another. What is not to be run there (putting a package on PyPI) is no ``bash`` block.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ganzoo.registry import registry
from ganzoo.testing import collect_checks

PAGE = Path(__file__).parents[2] / "docs" / "plugin.md"
IMAGES = "128"  # seen in the run, in place of the page's


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield the fenced blocks that a reader acts on, as (language, text), in order."""
    yield from re.findall(r"^```(bash|diff)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shortened(command: str) -> str:
    """Return a block with a shorter run."""
    return re.sub(r"--images \d+", f"--images {IMAGES}", command)


def change(diff: str, folder: Path) -> None:
    """Make the changes of a unified diff; each of its hunks must fit one place alone."""
    for file, hunks in re.findall(r"^--- a/.*\n\+\+\+ b/(.*)\n((?:[@ +-].*\n|\n)+?)(?=--- a/|\Z)", diff, re.MULTILINE):
        path = folder / file
        text = path.read_text()
        for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE)[1:]:
            lines = [line or " " for line in hunk.splitlines()]
            before, after = ("".join(line[1:] + "\n" for line in lines if line[0] in sides) for sides in (" -", " +"))
            assert text.count(before) == 1, f"{file} does not hold:\n{before}"
            text = text.replace(before, after)
        path.write_text(text)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a reader who has installed ganzoo: what is installed on top goes nowhere else."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    below = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    own = Path(sysconfig.get_path("purelib", "venv", {"base": str(venv)}))
    (own / "below.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in below))
    for name in ("ganzoo", "pip", "pytest"):
        script = venv / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{venv}/bin/python" -m {name} "$@"\n')
        script.chmod(0o755)
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**os.environ, **offline, "PATH": os.pathsep.join([str(venv / "bin"), os.environ["PATH"]])}


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path: Path, environment: dict[str, str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    folder = tmp_path / "work"
    folder.mkdir()
    for language, body in blocks(text):
        if language == "diff":
            change(body, folder)
            continue
        done = subprocess.run(
            ["bash", "-euc", shortened(body) + "pwd"],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{body}\n{done.stdout}\n{done.stderr}"
        folder = Path(done.stdout.splitlines()[-1])
    (run,) = (tmp_path / "work" / "acme-gans" / "runs").iterdir()
    assert (run / f"fakes-{int(IMAGES):09d}.png").is_file()
    with Image.open(folder / "grid.png") as picture, Image.open(PAGE.parent / "plugin.png") as shown:
        assert picture.size == shown.size


def test_the_file_that_it_shows_keeps_every_contract(tmp_path: Path) -> None:
    shown = PAGE.read_text(encoding="utf-8").partition("## One file")[2]
    file = tmp_path / "my_gan.py"
    file.write_text(re.findall(r"^```python\n(.*?)^```$", shown, re.MULTILINE | re.DOTALL)[0], encoding="utf-8")
    registry.cache_clear()
    registry().add_file(file)
    results = [check.run() for check in collect_checks("my_gan")]
    registry.cache_clear()
    del sys.modules["my_gan"]  # other tests have a file of that name
    assert len(results) > 40
    assert not [result for result in results if result.status == "FAIL"]
    assert [result.check for result in results if result.not_checked] == ["architecture/my-gan/compiled-equals-plain"]


def test_the_page_has_what_the_test_above_looks_for() -> None:
    text = PAGE.read_text(encoding="utf-8")
    commands = "".join(body for language, body in blocks(text) if language == "bash")
    for command in ("ganzoo new-plugin", "pip install -e", "ganzoo check", "pytest", "ganzoo train", "ganzoo sample"):
        assert re.search(rf"^{command}\b", commands, re.MULTILINE)
    assert f"--images {IMAGES}" not in commands
    assert f"--images {IMAGES}" in shortened(commands)
    assert [language for language, _ in blocks(text)].count("diff") == 1
    assert len(re.findall(r"^```\w+$", text, re.MULTILINE)) >= len(list(blocks(text)))


def test_a_change_that_does_not_fit_is_seen(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("a\nb\n\nc\n")
    change("--- a/one.py\n+++ b/one.py\n@@ @@\n a\n-b\n+d\n \n c\n", tmp_path)
    assert (tmp_path / "one.py").read_text() == "a\nd\n\nc\n"
    with pytest.raises(AssertionError, match=r"one\.py does not hold"):
        change("--- a/one.py\n+++ b/one.py\n@@ @@\n a\n-b\n+d\n", tmp_path)
