"""The outside path, whole: a stranger's distribution is listed, trained, sampled, and missed where it is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outside_dist import make_distribution
from strangers import Outside

PLUGIN = """
from dataclasses import dataclass
from ganzoo.plugin import Architecture, Loss, hookimpl, option

@dataclass(frozen=True, kw_only=True)
class BlobOptions:
    width: int = option(16, help="Units.", low=8)

@hookimpl
def ganzoo_architectures():
    yield Architecture(name="blobgan", summary="Blobs all the way down.", factory="acme_networks:build",
                       options=BlobOptions, sizes=(8, 16), recommended={"loss": "blobloss", "train.batch": 8})

@hookimpl
def ganzoo_losses():
    yield Loss(name="blobloss", summary="A loss.", factory="acme_networks:BlobLoss")
"""
NETWORKS = """
from torch import nn
from torch.nn.functional import softplus
from ganzoo.plugin import Networks

class Net(nn.Module):
    def __init__(self, inputs, width, outputs, last):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs), *last)

    def forward(self, x, labels=None):
        return self.net(x)

def build(options, data):
    channels, height, width = data.shape
    size = channels * height * width
    return Networks(Net(4, options.width, size, [nn.Tanh(), nn.Unflatten(1, data.shape)]),
                    Net(size, options.width, 1, []), latent_dim=4, latent="uniform")

class BlobLoss:
    def __init__(self, options, data):
        pass

    def discriminator(self, real, fake):
        return (softplus(-real) + softplus(fake)).mean()

    def generator(self, fake, real):
        return softplus(-fake).mean()
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the distribution, beside one that is broken."""
    folder = tmp_path / "site"
    folder.mkdir()
    make_distribution(folder, "acme-gans", "1.2.3", PLUGIN, entry_point="acme")
    (folder / "acme_networks.py").write_text(NETWORKS)
    make_distribution(folder, "sad-gans", "0.1", "raise SystemExit('not today')", entry_point="sad")
    return folder


def test_a_strangers_plugin_gets_everything(site: Path, tmp_path: Path) -> None:
    stranger = Outside(site, tmp_path)
    listed = stranger.python("-m", "ganzoo", "list", "architectures")
    assert "blobgan acme-gans 1.2.3 Blobs all the way down." in " ".join(listed.stdout.split())
    assert listed.stderr.count("plugin 'sad' (sad-gans 0.1): SystemExit: not today") == 1

    run = tmp_path / stranger.ganzoo("train", "--arch", "blobgan", "--size", "8", "--images", "64").strip()
    recipe = json.loads((run / "recipe.json").read_text())
    assert recipe["arch"] == {
        "name": "acme:blobgan",
        "distribution": "acme-gans",
        "version": "1.2.3",
        "schema": 1,
        "options": {"width": 16},
    }
    config = json.loads((run / "package" / "config.json").read_text())
    assert {"distribution": "acme-gans", "version": "1.2.3"} in config["requires"]
    assert config["latent"] == {"dim": 4, "distribution": "uniform"}

    assert stranger.ganzoo("sample", "0", "-n", "4", "--out", "grid.png") == "grid.png\n"
    stranger.ganzoo("train", "--resume", "0", "--images", "128")


def test_where_the_plugin_is_gone_its_models_say_how_to_get_it(site: Path, tmp_path: Path) -> None:
    Outside(site, tmp_path).ganzoo("train", "--arch", "blobgan", "--size", "8", "--images", "16")
    nobody = Outside(tmp_path / "empty", tmp_path)
    for args in (("sample", "0"), ("train", "--resume", "0", "--images", "64"), ("train", "--config", "0")):
        said = nobody.refused(*args, code=3)
        assert "'acme:blobgan', which is not installed" in said
        assert "acme-gans" in said
