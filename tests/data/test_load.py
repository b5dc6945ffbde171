"""The dataset of a recipe, opened: its packed store belongs to one version of the plugin and of its code."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo.data.load import load_source, make_key
from ganzoo.data.source import ArraySource
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

PLUGIN = """
import numpy as np
from ganzoo.plugin import DataInfo, Dataset, Item, NoOptions, hookimpl

@hookimpl
def ganzoo_datasets():
    yield Dataset(name="grey", summary="One grey picture.", factory="greys:Greys")

class Greys:
    info = DataInfo(shape=(1, 4, 4))

    def __init__(self, options: NoOptions) -> None:
        pass

    def items(self):
        return [Item(name="one", load=lambda: np.full((1, 4, 4), LEVEL, np.uint8), stamp="1")]
"""


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


def choose_dataset(name: str) -> Choice:
    return resolve(registry(), pairs={"arch": "dcgan", "dataset": name}).dataset


def read_level(file: Path, level: int) -> int:
    """Return what is read by a plugin that reads this level."""
    registry.cache_clear()
    file.write_text(PLUGIN.replace("LEVEL", str(level)))
    registry().add_file(file)
    source = load_source(choose_dataset("grey"), torch.device("cpu"), pytest.fail)
    assert isinstance(source, ArraySource)
    return int(source.data[0, 0, 0, 0])


def test_a_plugin_that_reads_its_files_in_another_way_gets_another_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    levels = [read_level(tmp_path / "greys.py", level) for level in (3, 77, 3)]
    assert levels == [3, 77, 3]
    assert len(list((tmp_path / "cache" / "datasets").iterdir())) == 2


def test_the_name_of_a_store_depends_on_the_version_of_the_plugin() -> None:
    choice = choose_dataset("digits")
    plugin = replace(choice.component.plugin, version="9.9")
    newer = replace(choice, component=replace(choice.component, plugin=plugin))
    assert make_key(choice) == make_key(choose_dataset("digits"))
    assert make_key(choice) != make_key(newer)
