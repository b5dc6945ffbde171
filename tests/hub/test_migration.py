"""A package of an older plugin gives the same samples with the newer one; a package of a newer plugin is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch
from onhub import edit

import ganzoo
import toys
from ganzoo.errors import GanzooError, MissingPlugin
from ganzoo.plugin import Architecture, DataInfo, Networks, hookimpl, option
from ganzoo.registry import register, registry


@dataclass(frozen=True, kw_only=True)
class Old:
    channels: int = option(8, help="Hidden units.", low=1)


@dataclass(frozen=True, kw_only=True)
class New:
    width: int = option(64, help="Hidden units.", low=1)
    z_dim: int = option(9, help="Latents; they were always 4.", low=1)


def build_old(options: Old, data: DataInfo) -> Networks:
    return toys.build_toy(toys.ToyOptions(width=options.channels, z_dim=4), data)


def build_new(options: New, data: DataInfo) -> Networks:
    return toys.build_toy(toys.ToyOptions(width=options.width, z_dim=options.z_dim), data)


def migrate(options: dict, from_version: int) -> dict:
    assert from_version == 1
    return {"width": options["channels"], "z_dim": 4}


def install(version: int, migrated: str = "test_migration:migrate") -> None:
    """Install the old or the new version of the plugin, and the toys."""
    now = {"version": 2, "migrate": migrated, "options": New, "factory": "test_migration:build_new"}
    then = {"options": Old, "factory": "test_migration:build_old"}
    spec = Architecture(
        name="grown", summary="Grew.", recommended={"loss": "toy-bce", "train.batch": 16},
        **(then if version == 1 else now),
    )  # fmt: skip
    module = ModuleType("growing")
    module.ganzoo_architectures = hookimpl(lambda: [spec], specname="ganzoo_architectures")
    registry.cache_clear()
    for each in (toys, module):
        assert register(each).error == ""


@pytest.fixture(autouse=True)
def own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    registry.cache_clear()


def train_version(version: int) -> Path:
    install(version)
    return ganzoo.train(arch="grown", dataset="toy-array", images=32, device="cpu").package


def test_an_older_package_reproduces_its_samples(hub, repo: str) -> None:
    package = train_version(1)
    before = ganzoo.load(package, device="cpu").sample_raw(4, seed=1)
    ganzoo.publish(package, repo, device="cpu")
    install(2)
    for what in (package, repo):
        generator = ganzoo.load(what, device="cpu")
        assert generator.networks.latent_dim == 4
        assert torch.equal(generator.sample_raw(4, seed=1), before)
    ganzoo.verify(repo, device="cpu")
    run = ganzoo.train(init=repo, images=16, device="cpu")
    assert run.recipe()["arch"] | {"distribution": "", "version": ""} == {
        "name": "growing:grown", "distribution": "", "version": "", "schema": 2, "options": {"width": 8, "z_dim": 4},
    }  # fmt: skip


def test_where_the_new_plugin_does_not_migrate_the_option_is_named() -> None:
    package = train_version(1)
    install(2, migrated="")
    with pytest.raises(GanzooError, match=r"unknown key 'arch\.channels'"):
        ganzoo.load(package, device="cpu")


def test_a_package_of_a_newer_plugin_says_upgrade() -> None:
    package = train_version(2)
    install(1)
    with pytest.raises(MissingPlugin, match=r"was stored by a newer plugin \(schema 2, here 1\): upgrade growing"):
        ganzoo.load(package, device="cpu")


def test_options_of_another_version_name_that_version() -> None:
    """A newer plugin may add an option without a new schema. The user who loads its package made no mistake."""
    package = train_version(1)
    newer = {"channels": 8, "depth": 3}
    edit(package, lambda c: c["recipe"]["arch"].update(version="9.1", options=newer))
    with pytest.raises(
        MissingPlugin, match=r"arch 'grown' was stored by growing 9\.1, .*'arch\.depth'.*: upgrade growing"
    ):
        ganzoo.load(package, device="cpu")
