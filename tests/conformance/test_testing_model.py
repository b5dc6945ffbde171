"""Weights that come with a plugin are loaded, and mistakes in them are reported."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

import ganzoo
from ganzoo.plugin import Model, hookimpl
from ganzoo.registry import register, registry
from ganzoo.testing import check


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = {"train.images": 64, "train.batch": 32, "arch.width": 8}
        return ganzoo.train(arch="mlp", dataset="points", options=options, device="cpu").package.resolve()


@pytest.fixture
def weights(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the package into the data of a plugin, and register that."""
    shutil.copytree(package, tmp_path / "acme_weights" / "points")
    (tmp_path / "acme_weights" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("acme_weights", None)
    module = ModuleType("acme_models")
    spec = Model(name="acme-points", summary="Points.", path="acme_weights:points")
    module.ganzoo_models = hookimpl(lambda: [spec], specname="ganzoo_models")
    registry.cache_clear()
    register(module)
    yield tmp_path / "acme_weights" / "points"
    sys.modules.pop("acme_weights", None)
    registry.cache_clear()


def statuses() -> dict[str, tuple[str, str]]:
    return {result.check.rpartition("/")[2]: (result.status, result.message) for result in check("acme-points")}


def test_a_package_that_is_whole_passes(weights: Path) -> None:
    found = statuses()
    assert [found[name][0] for name in ("package-is-included", "samples-as-loaded")] == ["PASS", "PASS"]


def test_changed_weights_are_reported(weights: Path) -> None:
    content = bytearray((weights / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (weights / "model.safetensors").write_bytes(content)
    found = statuses()
    assert found["package-is-included"][0] == "PASS"
    assert found["samples-as-loaded"][0] == "FAIL"
    assert "model.safetensors" in found["samples-as-loaded"][1]


def test_missing_weights_are_reported(weights: Path) -> None:
    (weights / "model.safetensors").unlink()
    status, words = statuses()["package-is-included"]
    assert status == "FAIL"
    assert "acme_weights:points has no model.safetensors" in words
