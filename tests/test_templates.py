"""The plugins that `ganzoo new-plugin` writes: each kind passes its own tests, trains, and is in the house style."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganzoo.cli.new_plugin import command
from strangers import Outside

ROOT = Path(__file__).resolve().parents[1]
KINDS = (
    "architecture", "loss", "dataset", "regularizer", "augmentation", "metric", "extractor", "tracker", "diagnosis",
    "exporter",
)  # fmt: skip
TRAINED = KINDS[:-2]  # kinds that a recipe names; all runs use a diagnosis, and an exporter works with models
TINY = ("--images", "128", "--batch", "16", "arch.width=4")


@dataclass(frozen=True)
class Made:
    """A plugin that was written: its name, its directory, and the arguments of the command that trains with it."""

    name: str
    folder: Path
    train: tuple[str, ...]


def make(name: str, kind: str, target: Path) -> Made:
    """Write a plugin, and the metadata with which Python finds it as an installed distribution."""
    done = CliRunner().invoke(command, [name, "--kind", kind, "--dir", str(target)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    folder = Path(done.stdout.strip())
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{name.replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = (f"{point} = {module}\n" for point, module in project["entry-points"]["ganzoo"].items())
    (info / "entry_points.txt").write_text("[ganzoo]\n" + "".join(points))
    ganzoo, *train = done.stderr.splitlines()[-1].split()
    assert ganzoo == "ganzoo"
    return Made(name, folder, tuple(train))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Return a function that returns the plugin of a kind."""
    target = tmp_path_factory.mktemp("made")
    plugins = {kind: make(f"acme-{kind}", kind, target) for kind in KINDS}
    return plugins.__getitem__


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass(made: Callable[[str], Made], kind: str) -> None:
    plugin = made(kind)
    flags = ("-v", "-p", "no:cacheprovider", "-W", "error")
    done = Outside(plugin.folder, plugin.folder).python("-m", "pytest", *flags)
    assert done.returncode == 0, done.stdout
    assert f"test_contract[{kind}/{plugin.name}/factory-resolves] PASSED" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRAINED)
def test_the_command_that_it_names_trains(made: Callable[[str], Made], kind: str, tmp_path: Path) -> None:
    plugin = made(kind)
    run = tmp_path / Outside(plugin.folder, tmp_path).ganzoo(*plugin.train, *TINY).strip()
    recipe = json.loads((run / "recipe.json").read_text())
    assert f'"name": "{plugin.name}:{plugin.name}"' in json.dumps(recipe)
    if kind == "metric":
        assert f'"{plugin.name}/distance": ' in (run / "stats.jsonl").read_text()
    if kind == "extractor":
        assert f'"{plugin.name}/fd": ' in (run / "stats.jsonl").read_text()
    if kind == "tracker":
        lines = (run / "journal.txt").read_text().splitlines()
        assert lines[-1] == "128 finished"
        assert any("loss" in line for line in lines)


# ----------------------------------------------------------------------------
# Style. The tools come with `pip install -e '.[dev]'`. Names of every length keep the style.

STYLE = [("a" + kind[:3], kind) for kind in KINDS] + [((f"acme-{kind}-" + 40 * "x")[:40], kind) for kind in KINDS]


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    """Return plugins of each kind, with the shortest names and the longest."""
    target = tmp_path_factory.mktemp("styled")
    return [make(name, kind, target) for name, kind in STYLE]


def tool(*args: str | Path, cwd: Path = ROOT, **environ: str) -> None:
    if not find_spec(str(args[0])):
        pytest.skip(f"{args[0]} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", *map(str, args)], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, **environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_ruff_finds_nothing(styled: list[Made]) -> None:
    house = ("--config", ROOT / "pyproject.toml", "--config", 'lint.extend-ignore = ["TID253", "D103"]')
    for plugin in styled:
        tool("ruff", "check", "--no-cache", ".", cwd=plugin.folder)
        tool("ruff", "check", "--no-cache", *house, ".", cwd=plugin.folder)
        tool("ruff", "format", "--no-cache", "--check", ".", cwd=plugin.folder)


@pytest.mark.slow
def test_mypy_finds_nothing(styled: list[Made]) -> None:
    path = os.pathsep.join([str(ROOT), *(str(plugin.folder) for plugin in styled)])
    packages = [plugin.folder / plugin.name.replace("-", "_") for plugin in styled]
    tool("mypy", "--strict", *packages, styled[0].folder / "tests", MYPYPATH=path)
