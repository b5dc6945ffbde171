"""The extractor inception and the metric fid, against torch-fidelity's own network (`inception_peers/write.py`).

Random weights of the same names and shapes stand for the true ones, whose file is 91 MB. Tests of the network need
torch-fidelity and torchvision, and are skipped where they are not installed.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.evaluate.statistics import Statistics
from ganzoo.plugin import DataInfo, GanzooError, NotFound, UsageError
from ganzoo.plugin.network import without_network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # these packages use functions of others that are deprecated
    try:
        import torch_fidelity
    except (ImportError, RuntimeError):  # of torchvision too, which fails so beside another build of torch
        torch_fidelity = None
needs_fidelity = pytest.mark.skipif(torch_fidelity is None, reason="torch-fidelity or torchvision is not installed")
PEERS_FOLDER = Path(__file__).parent / "inception_peers"
PEERS = {name: torch.from_numpy(value) for name, value in np.load(PEERS_FOLDER / "values.npz").items()}
RGB = DataInfo(shape=(3, 40, 36))
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


def make(data=RGB, **options):
    return ganzoo.create("extractor", "inception", data=data, **options).eval()


@pytest.fixture
def peers(monkeypatch):
    monkeypatch.syspath_prepend(str(PEERS_FOLDER))
    import weights

    yield weights
    sys.modules.pop("weights", None)


@pytest.fixture
def module(monkeypatch, tmp_path):
    """The module, whose downloads would go into an empty folder."""
    from ganzoo_extractors import inception

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    return inception


def save_weights(module, monkeypatch, path, weights):
    """Write a file of weights, which counts as that of the true ones."""
    torch.save(weights, path)
    monkeypatch.setattr(module, "SHA256", module.compute_sha256(path))
    return str(path)


# ----------------------------------------------------------------------------
# The network.


@needs_fidelity
@torch.no_grad()
def test_features_and_probabilities_are_those_of_torch_fidelity(peers, module, monkeypatch, tmp_path):
    network = make(weights=save_weights(module, monkeypatch, tmp_path / "w.pth", peers.make_weights()))
    for side, seed in (("real", 1), ("fake", 2)):
        found = network(peers.make_images(6, seed) / 127.5 - 1)
        assert (found["features"] - PEERS[f"{side}/features"]).abs().max() < 1e-5
        shares = (PEERS[f"{side}/logits"][:, :1] - PEERS[f"{side}/logits"]).exp()
        assert torch.allclose(found["probabilities"][:, :1] / found["probabilities"][:, :16], shares, rtol=1e-4)
        assert found["probabilities"].shape == (6, 1008)


@needs_fidelity
@torch.no_grad()
def test_inception_sees_bytes_of_grey_images_and_cannot_be_differentiated(peers, module, monkeypatch, tmp_path):
    path = save_weights(module, monkeypatch, tmp_path / "w.pth", peers.make_weights())
    network = make(DataInfo(shape=(1, 40, 36)), weights=path)
    grey = peers.make_images(2, 1)[:, :1]
    found = network((grey / 127.5 - 1 + 1e-3 * torch.rand(grey.shape)).clamp(max=1.001))["features"]
    assert torch.equal(found, network.network(grey.expand(-1, 3, -1, -1))[0])
    with torch.enable_grad(), pytest.raises(UsageError, match="extractor 'inception' cannot be differentiated"):
        network(torch.zeros(2, 1, 40, 36).requires_grad_())


# ----------------------------------------------------------------------------
# The file of weights.


@needs_fidelity
def test_inception_takes_the_known_weights_alone(module, monkeypatch, tmp_path):
    assert module.SHA256 == SHA256
    assert SHA256.startswith(module.FILE.rpartition("-")[2].removesuffix(".pth"))
    torch.save({}, tmp_path / "w.pth")
    with pytest.raises(GanzooError, match=rf"w\.pth is not weights-inception.*, whose SHA-256 is {SHA256}: download"):
        make(weights=str(tmp_path / "w.pth"))
    almost = module.compute_sha256(tmp_path / "w.pth")
    monkeypatch.setattr(module, "SHA256", almost[:8] + SHA256[8:])  # the first digits are not enough
    with pytest.raises(GanzooError, match=r"w\.pth is not weights-inception"):
        make(weights=str(tmp_path / "w.pth"))
    path = save_weights(module, monkeypatch, tmp_path / "w.pth", {"x": Path("y")})
    with pytest.raises(GanzooError, match=r"w\.pth contains more than tensors: download it from https://github\.com"):
        make(weights=path)


@needs_fidelity
def test_nothing_is_downloaded_unasked_or_offline(peers, module, monkeypatch, tmp_path):
    asked = []

    def fail(url, file, hash_prefix, progress):
        asked.append(hash_prefix)
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(UsageError, match=r"weights=weights-.*6726825d\.pth.* or extractor\.inception\.download=true"):
        make()
    offline = r"is not downloaded offline: remove --offline or HF_HUB_OFFLINE, or add extractor\.inception\.weights"
    with without_network(True), pytest.raises(NotFound, match=offline):
        make(download=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NotFound, match=offline):
        make(download=True)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert not asked
    with pytest.raises(NotFound, match=r"cannot be downloaded \(no network\): add extractor\.inception\.weights=FILE"):
        make(download=True)
    assert asked == [SHA256]  # torch compares all digits that it gets
    downloaded = Path(torch.hub.get_dir()) / "checkpoints" / module.FILE
    save_weights(module, monkeypatch, downloaded, peers.make_weights())
    with without_network(True):
        make()


# ----------------------------------------------------------------------------
# The metric.


def measure_fid(step):
    metric = ganzoo.create("metric", "fid")
    for side in ("real", "fake"):
        statistics = Statistics()
        statistics.add(PEERS[f"{side}/features"][:, ::step])
        getattr(metric, side)(statistics)
    return metric.compute()


@pytest.mark.parametrize("step", [8, 512])  # 256 features, which are more than images, and 4
def test_fid_of_features_is_that_of_torch_fidelity(step):
    assert measure_fid(step) == {"fid": pytest.approx(float(PEERS[f"fid/{step}"]), rel=1e-6)}


def test_fid_of_fewer_images_than_features_is_exact():
    """Most eigenvalues of the covariances are rounding errors; the nuclear norm of 6x6 numbers has none of them."""
    real, fake = (PEERS[f"{side}/features"][:, ::8].double() for side in ("real", "fake"))
    rows = [side - side.mean(0) for side in (real, fake)]
    overlap = torch.linalg.svdvals(rows[0] @ rows[1].T).sum() / 5
    traces = sum(float(each.square().sum()) / 5 for each in rows)
    exact = float((real.mean(0) - fake.mean(0)).square().sum() - 2 * overlap) + traces
    assert measure_fid(8)["fid"] == pytest.approx(exact, rel=1e-12)
