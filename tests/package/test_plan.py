"""The networks of a package: D is built with the regularizers that change its structure, and with no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import ganzoo
import toy_terms
from ganzoo.errors import MissingPlugin
from ganzoo.package import package
from ganzoo.package import plan as planning
from ganzoo.package.config import CONFIG, DISCRIMINATOR, read_config
from ganzoo.plugin import DataInfo, Networks
from toys import ToyOptions, build_toy


class Changing:
    def __init__(self, change: Callable[[nn.Module], object]) -> None:
        self.change = change

    def prepare(self, networks: Networks) -> None:
        self.change(networks.discriminator)


def test_regularizers_that_change_the_discriminator_are_recognised() -> None:
    changes: dict[str, Callable[[Any], object]] = {
        "nothing": lambda d: d.eval().train(),
        "forward": lambda d: d(torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64)),
        "normalised": lambda d: parametrizations.spectral_norm(d.one),
        "hooked": lambda d: d.one.register_forward_hook(print),
        "replaced": lambda d: setattr(d, "two", nn.Linear(8, 1)),
        "attribute": lambda d: setattr(d, "slope", 0.1),
        "buffer": lambda d: d.register_buffer("more", torch.zeros(1)),
    }
    networks = build_toy(ToyOptions(), DataInfo(shape=(1, 4, 4), num_classes=2))
    found = planning.prepare_networks(networks, {name: Changing(change) for name, change in changes.items()})
    assert list(found) == list(changes)[2:]


def test_a_discriminator_is_read_without_regularizers_that_did_not_change_it(toys, tmp_path):
    ganzoo.register(toy_terms)
    run = ganzoo.train(arch="toy", dataset="toy-array", images=32, reg=["toy-r1", "toy-spectral"])
    folder = Path(shutil.copytree(run.package, tmp_path / "copy"))
    assert read_config(folder).recipe["changes_d"] == ["toy-spectral"]

    def rename(index: int, name: str) -> None:
        config = json.loads((folder / CONFIG).read_text())
        config["recipe"]["reg"][index]["name"] = name
        (folder / CONFIG).write_text(json.dumps(config))

    def read_discriminator() -> None:
        planned = planning.make_plan(read_config(folder), ganzoo.registry(), "copy")
        package.read_weights(folder, planned, DISCRIMINATOR)

    rename(0, "gone:toy-r1")
    read_discriminator()
    rename(1, "gone:toy-spectral")
    with pytest.raises(MissingPlugin, match="'gone:toy-spectral', which is not installed"):
        read_discriminator()
