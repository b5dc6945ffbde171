"""The outside path, whole: a stranger's distribution is listed, trained, sampled, and missed where it is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from outside_dist import make_distribution

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


def ganzoo(*args: str, cwd: Path, site: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site or "")}
    command = [sys.executable, "-m", "ganzoo", *args]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_strangers_plugin_gets_everything(site: Path, tmp_path: Path) -> None:
    listed = ganzoo("list", "architectures", cwd=tmp_path, site=site)
    assert "blobgan  acme-gans 1.2.3  Blobs all the way down." in listed.stdout
    assert listed.stderr.count("plugin 'sad' (sad-gans 0.1): SystemExit: not today") == 1

    trained = ganzoo("train", "--arch", "blobgan", "--size", "8", "--images", "64", cwd=tmp_path, site=site)
    assert trained.returncode == 0, trained.stderr
    run = tmp_path / trained.stdout.strip()
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

    sampled = ganzoo("sample", "0", "-n", "4", "--out", "grid.png", cwd=tmp_path, site=site)
    assert (sampled.returncode, sampled.stdout) == (0, "grid.png\n"), sampled.stderr
    resumed = ganzoo("train", "--resume", "0", "--images", "128", cwd=tmp_path, site=site)
    assert resumed.returncode == 0, resumed.stderr


def test_where_the_plugin_is_gone_its_models_say_how_to_get_it(site: Path, tmp_path: Path) -> None:
    trained = ganzoo("train", "--arch", "blobgan", "--size", "8", "--images", "16", cwd=tmp_path, site=site)
    assert trained.returncode == 0, trained.stderr
    for args in (("sample", "0"), ("train", "--resume", "0", "--images", "64"), ("train", "--config", "0")):
        missed = ganzoo(*args, cwd=tmp_path, site=None)
        assert missed.returncode == 3
        assert "'acme:blobgan', which is not installed" in missed.stderr
        assert "acme-gans" in missed.stderr
        assert missed.stderr.count("\n") == 1
