"""The distributions of this folder, installed with pip and used from their own processes, as users do."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from strangers import Outside

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that installs a distribution of this folder, offline and once, and returns its directory."""

    @functools.cache
    def installed(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        # a copy, because setuptools writes into the folder of the sources
        source = shutil.copytree(HERE / name, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
        flags = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "install", *flags, "--target", folder / "site", source]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder / "site"

    return installed


@pytest.fixture
def outside(install: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Outside]:
    """Return a function that installs a distribution of this folder and returns it with a folder to work in."""
    return lambda name: Outside(install(name), tmp_path)
