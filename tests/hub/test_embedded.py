"""Models that come with a plugin are named ``plugin:name`` and read like any other package, without the network."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from onhub import FILES, commits

import ganzoo
from ganzoo.errors import GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.plugin import Model, hookimpl
from ganzoo.registry import register, registry
from ganzoo.runs import where
from outside_dist import make_distribution, run_python

PLUGIN = """
from ganzoo.plugin import Model, hookimpl

@hookimpl
def ganzoo_models():
    yield Model(name="tiny", summary="Tiny.", path="acme_weights:models/tiny")
"""


@pytest.fixture
def offered(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package in the data of ``acme_weights``, which offers it as ``acme:tiny``."""
    folder = Path(shutil.copytree(package, tmp_path / "acme_weights" / "tiny"))
    (tmp_path / "acme_weights" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("acme_weights", None)
    offer("acme_weights:tiny")
    yield folder
    sys.modules.pop("acme_weights", None)


def offer(path: str, name: str = "tiny", plugin: str = "acme") -> None:
    module = ModuleType(plugin)
    spec = Model(name=name, summary="Tiny.", path=path)
    module.ganzoo_models = hookimpl(lambda: [spec], specname="ganzoo_models")
    register(module)


def call(*words: str | Path) -> int:
    from ganzoo.cli import main

    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    return done.value.code


def test_it_is_read_like_any_package(offered: Path, tmp_path: Path) -> None:
    wanted = ganzoo.load(offered, "cpu").sample(3, seed=1)
    assert np.array_equal(ganzoo.load("acme:tiny", "cpu").sample(3, seed=1), wanted)
    assert ganzoo.verify("acme:tiny", "cpu").samples == 8
    assert ganzoo.evaluate("acme:tiny", "toy-mean", num=8, device="cpu").values
    again = ganzoo.package("acme:tiny", tmp_path / "again", license="mit", device="cpu")
    assert np.array_equal(ganzoo.load(again, "cpu").sample(3, seed=1), wanted)
    assert where.find_package("acme:tiny") == offered


def test_it_is_published(hub: Any, offered: Path, repo: str, new_cache: Callable[[], None]) -> None:
    before = {path.name: path.read_bytes() for path in offered.iterdir()}
    ganzoo.publish("acme:tiny", repo)
    assert sorted(commits(hub, repo)[0]["files"]) == [".gitattributes", *FILES]
    new_cache()
    assert np.array_equal(ganzoo.load(repo, "cpu").sample(3), ganzoo.load("acme:tiny", "cpu").sample(3))
    assert {path.name: path.read_bytes() for path in offered.iterdir()} == before


def test_training_starts_from_it_and_stores_its_name(offered: Path) -> None:
    run = ganzoo.train(init="acme:tiny", images=16, options={"optim.g.lr": 0.0, "arch.norm": True}, device="cpu")
    assert run.recipe()["train"]["init"] == "acme:tiny"
    assert run.recipe()["arch"] == json.loads((offered / "config.json").read_text())["recipe"]["arch"]
    weights = ganzoo.load("acme:tiny", "cpu").network.state_dict()
    after = ganzoo.load(run, "cpu").network.state_dict()
    assert all((after[name] == weights[name]).all() for name in weights if "running" not in name and "num" not in name)
    run = ganzoo.train(config="acme:tiny", images=16, device="cpu")
    assert run.recipe()["train"]["init"] is None
    assert run.recipe()["arch"]["options"]["norm"] is True


def test_the_commands_take_it(offered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sample", "acme:tiny", "-n", "4", "--device", "cpu") == 0
    assert capsys.readouterr().out == "tiny-seed0.png\n"
    assert call("verify", "acme:tiny", "--device", "cpu") == 0
    assert "8 reproduced" in capsys.readouterr().out
    assert call("list", "models") == 0
    assert "  acme:tiny" in capsys.readouterr().out
    assert call("info", "acme:tiny") == 0
    shown = capsys.readouterr().out
    assert "model acme:tiny (registered)\n  Tiny.\n" in shown
    assert "  arch       toys:toy\n" in shown
    assert call("info", "acme:tiny", "--json") == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["model"]["images"]) == ("model", 64)
    assert call("evaluate", "acme:tiny", "--metric", "toy-mean", "-n", "8", "--device", "cpu") == 0


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("acme:tinny", UsageError, r"^no model 'acme:tinny' is installed: did you mean acme:tiny\?$"),
        ("acne:tiny", UsageError, r"^no model 'acne:tiny' is installed: did you mean acme:tiny\?$"),
        ("acme:elephant", UsageError, r"^no model 'acme:elephant' is installed; `ganzoo list model` shows what is"),
        ("other:elephant", MissingPlugin, r"^model 'other:elephant' needs the plugin 'other', which is not installed$"),
        ("tiny", NotFound, r"^no run 'tiny': did you mean the model acme:tiny\?$"),
    ],
)
def test_a_wrong_name_gets_close_ones(offered: Path, name: str, error: type[GanzooError], words: str) -> None:
    with pytest.raises(error, match=words):
        ganzoo.load(name)
    with pytest.raises(
        UsageError, match="acme:tiny is not a model on the Hub, so it has no revision: remove revision='v1'"
    ):
        ganzoo.load("acme:tiny", revision="v1")


def test_a_directory_of_that_name_is_named_by_a_path(offered: Path, trained: Path) -> None:
    shutil.copytree(trained, "acme:mine")
    with pytest.raises(UsageError, match="no model 'acme:mine' is installed"):
        where.find_package("acme:mine")
    assert where.find_package("./acme:mine") == where.find_package(Path("acme:mine")) == Path("acme:mine")


def test_missing_files_are_named(offered: Path) -> None:
    (offered / "model.safetensors").unlink()
    with pytest.raises(GanzooError, match=r"acme_weights.tiny has no model\.safetensors: the package is incomplete"):
        ganzoo.load("acme:tiny")
    shutil.rmtree(offered)
    with pytest.raises(NotFound, match=r"^model 'tiny' is not at acme_weights:tiny, as its plugin says: reinstall"):
        ganzoo.load("acme:tiny")
    offer("acme_nothing:tiny", "none", "nothing")
    with pytest.raises(NotFound, match=r"^model 'none' cannot be read: ModuleNotFoundError: No module named 'acme_no"):
        ganzoo.load("nothing:none")


def test_a_zipped_plugin_is_an_error(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as file:
        file.writestr("acme_zipped/__init__.py", "")
        for path in package.iterdir():
            file.write(path, f"acme_zipped/tiny/{path.name}")
    monkeypatch.syspath_prepend(tmp_path / "zipped.zip")
    offer("acme_zipped:tiny")
    with pytest.raises(NotFound, match=r"^model 'tiny' is in a zip file, at acme_zipped:tiny: install its plugin as"):
        ganzoo.load("acme:tiny")
    sys.modules.pop("acme_zipped")


@pytest.mark.parametrize("path", ["acme", "acme:", "acme:/etc", "acme:../x", "acme:a/../b", "acme:a:b", ""])
def test_a_spec_names_a_folder_inside_a_package(path: str) -> None:
    with pytest.raises(ValueError, match="is not of the form 'package:folder'"):
        Model(name="tiny", summary="Tiny.", path=path)


SAMPLE = """
import socket, sys

def refused(*args, **keywords):
    raise OSError("no network")

socket.socket.connect = socket.getaddrinfo = refused
from ganzoo.cli import main
main(["sample", sys.argv[1], "-n", "4", "--out", sys.argv[2], "--device", "cpu"])
"""


def test_any_distribution_offers_models_without_network_or_cache(tmp_path: Path) -> None:
    site, home = tmp_path / "site", tmp_path / "home"
    site.mkdir()
    make_distribution(site, "acme-models", "1.0", PLUGIN, entry_point="acme")
    (site / "acme_weights").mkdir()
    (site / "acme_weights" / "__init__.py").touch()
    ring = where.locate_folder(where.resolve_embedded("ganzoo:ring"))
    shutil.copytree(ring, site / "acme_weights" / "models" / "tiny")
    folders = {name: str(home) for name in ("HOME", "HF_HOME", "XDG_CACHE_HOME", "GANZOO_CACHE")}
    done = run_python(SAMPLE, "acme:tiny", str(tmp_path / "a.npz"), path=site, **folders)
    assert (done.returncode, done.stderr) == (0, "")
    assert not home.exists()
    wanted = ganzoo.load("ganzoo:ring", "cpu").sample(4)
    assert np.allclose(np.load(tmp_path / "a.npz")["samples"], wanted, atol=1e-5)


def test_completion_and_bare_names_of_other_kinds_do_not_change() -> None:
    assert registry().resolve("dataset", "digits").qualified == "datasets:digits"
    assert registry().resolve("model", "digits").qualified == "ganzoo:digits"
