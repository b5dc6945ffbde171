"""The commands as a person calls them: in this process where that is enough, and runs to try them on."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_calls import Answer, Ganzoo, end_processes
from ganzoo import train
from ganzoo.cli import main
from ganzoo.errors import Interrupted
from ganzoo.registry import registry


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder, with a registry and plugin modules of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "")  # --no-plugin changes it: monkeypatch takes that back
    before = set(sys.modules)
    registry.cache_clear()
    yield tmp_path
    end_processes()
    registry.cache_clear()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def ganzoo(capsys: pytest.CaptureFixture[str]) -> Ganzoo:
    """Return a function that runs a command in this process."""

    def call(*args: str | Path) -> Answer:
        registry.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        return Answer(stop.value.code, *capsys.readouterr())

    return call


# ----------------------------------------------------------------------------
# Runs, trained once.


def _flags(**more: object) -> dict[str, object]:
    return {"arch": "dcgan", "images": 256, "size": 16, "batch": 16, **more}


class _Stop:
    """Interrupts the run that it listens to, as Ctrl-C does, at its first tick."""

    stopped = False

    def tick(self, event: object) -> None:
        if not self.stopped:
            self.stopped = True
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of runs: 0 finished, 1 interrupted, 2 conditional; none is to be changed."""
    folder = tmp_path_factory.mktemp("templates")
    registry.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_RUNS", str(folder))
        options = {"arch.width": 2}
        train(**_flags(options=options))
        with pytest.raises(Interrupted):
            train(**_flags(options=options, listener=_Stop(), name="stopped"))
        train(**_flags(options=options, conditional=True, name="conditional"))
    return folder


@pytest.fixture
def runs(templates: Path, tmp_path: Path) -> Path:
    """Return ``runs`` here, a copy of the templates."""
    return Path(shutil.copytree(templates, tmp_path / "runs"))


# ----------------------------------------------------------------------------
# Somebody who may not do everything.


@pytest.fixture
def public(templates: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder that everybody may read (pytest's own are closed to others).

    The templates have had all imported by then: nobody may not read everywhere where Python looks for modules.
    """
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    yield folder
    shutil.rmtree(folder)
