"""Averages of any profile, made after the training, compared with the average of all weights of a small run."""

from __future__ import annotations

import shutil

import pytest
import torch

import ganzoo
from ganzoo.compute.profiles import LARGEST, Profile, compute_weight, find_coefficients, find_exponent
from ganzoo.engine import checkpoint
from ganzoo.engine.ema import name_averaged
from ganzoo.engine.snapshots import average, list_snapshots
from ganzoo.errors import Interrupted, UsageError
from ganzoo.package.config import read_config

WIDTHS = (0.05, 0.1)
SETTINGS = {
    "train.batch": 8, "train.checkpoint_every": 8, "train.keep": 20, "train.ema_profiles": WIDTHS, "arch.norm": True,
    "optim.g.lr": 0.05,
}  # fmt: skip


@pytest.fixture(autouse=True)
def components(toys: object) -> None:
    pass


def train(**more):
    return ganzoo.train(arch="toy", loss="bce", dataset="toy-array", device="cpu", images=96, **more)


def test_the_exponents_are_those_of_the_paper():
    assert find_exponent(0.05) == pytest.approx(16.97, abs=0.005)
    assert find_exponent(0.10) == pytest.approx(6.94, abs=0.005)
    assert find_exponent(LARGEST) == pytest.approx(0, abs=1e-6)
    for width in (0.0, 0.3):
        with pytest.raises(ValueError, match=r"is not between 0 and 0\.289"):
            find_exponent(width)


def test_a_running_average_has_its_profile_and_width():
    exponent, t = find_exponent(0.1), 400
    weights = torch.zeros(t, dtype=torch.float64)
    for j in range(t):
        new = compute_weight(Profile(j + 1, exponent))
        weights[: j + 1] *= 1 - new
        weights[j] += new
    ends = torch.arange(t + 1, dtype=torch.float64) / t
    torch.testing.assert_close(weights, ends.pow(exponent + 1).diff(), rtol=1e-9, atol=1e-15)
    middles = (ends[1:] + ends[:-1]) / 2
    mean = (weights * middles).sum()
    assert float((weights * (middles - mean) ** 2).sum().sqrt()) == pytest.approx(0.1, rel=1e-2)


def test_a_profile_between_snapshots_is_near_and_its_factors_sum_to_1(monkeypatch):
    stored = [Profile(count, find_exponent(width)) for count in range(100, 2001, 100) for width in WIDTHS]
    for width, largest in ((0.05, 1e-12), (0.075, 3e-3), (0.15, 8e-3)):
        wanted = Profile(2000, find_exponent(width))
        factors = find_coefficients(stored, wanted)
        assert sum(factors) == pytest.approx(1, abs=1e-12)
        ends = torch.arange(2001, dtype=torch.float64)[:, None]
        counts, powers = (torch.tensor(each, dtype=torch.float64) for each in zip(*stored, wanted, strict=True))
        weights = (ends / counts).clamp(max=1).pow(powers + 1).diff(dim=0)
        apart = weights[:, :-1] @ torch.tensor(factors, dtype=torch.float64) - weights[:, -1]
        assert float(apart.abs().sum()) < largest
    monkeypatch.setattr("ganzoo.compute.profiles.CHUNK", 300)
    assert find_coefficients(stored, wanted) == pytest.approx(factors, abs=1e-6)


def test_any_average_equals_the_direct_one_of_all_weights():
    run = train(options=SETTINGS)
    states = [checkpoint.load(run.get_checkpoint_path(images))[0] for images in range(8, 97, 8)]
    assert [int(path.stem) for path in list_snapshots(run)] == list(range(8, 97, 8))
    for width in (0.03, 0.05, 0.077, 0.2):
        made, images = average(run, width)
        assert images == 96
        shares = (torch.arange(13, dtype=torch.float64) / 12).pow(find_exponent(width) + 1).diff()
        network = ganzoo.load(run).networks.generator
        assert made.keys() == network.state_dict().keys()
        for name in (averaged := name_averaged(network)):
            direct = sum(
                share * state[f"generator/{name}"].double() for share, state in zip(shares, states, strict=True)
            )
            torch.testing.assert_close(made[name].double(), direct, rtol=0, atol=2e-6)
        for name in network.state_dict().keys() - set(averaged):
            assert torch.equal(made[name], network.state_dict()[name])
    moved = max(
        float((made[name] - states[-1][f"generator/{name}"]).abs().max()) for name, _ in network.named_parameters()
    )
    assert moved > 1e-2


@pytest.mark.parametrize("more", [{"train.g_steps": 2, "train.d_steps": 2}, {"train.update": "shared"}])
def test_a_run_that_was_interrupted_stores_the_same_averages(monkeypatch, more):
    settings = SETTINGS | {"train.checkpoint_every": 32, **more}
    whole, calls = train(options=settings, name="whole"), []

    def stop(trainer):
        calls.append(trainer.images)
        return len(calls) == 4

    with monkeypatch.context() as patched:
        patched.setattr("ganzoo.engine.trainer.Trainer.stopping", property(stop))
        with pytest.raises(Interrupted):
            train(options=settings, name="torn")
    torn = ganzoo.train(resume=True)
    assert [path.name for path in list_snapshots(torn)] == [path.name for path in list_snapshots(whole)]
    assert len(list_snapshots(whole)) == 3
    for one, other in zip(list_snapshots(whole), list_snapshots(torn), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_package_of_another_profile_is_complete_and_says_so(tmp_path):
    run = train(options=SETTINGS | {"train.checkpoint_every": 48})
    made = ganzoo.package(run, tmp_path / "made", profile=0.2)
    config = read_config(made)
    assert (config.profile, config.images, config.metrics) == (0.2, 96, ())
    weights, _ = average(run, 0.2)
    for name, tensor in ganzoo.load(made).networks.generator.state_dict().items():
        assert torch.equal(tensor, weights[name])
    assert "power function of width 0.2" in (made / "README.md").read_text(encoding="utf-8")
    assert ganzoo.verify(made)
    assert (made / "discriminator.safetensors").is_file()
    with pytest.raises(UsageError, match=r"--profile 0\.5: width 0\.5 is not between 0 and 0\.289"):
        ganzoo.package(run, tmp_path / "other", profile=0.5)
    shutil.rmtree(run.path / "averages")
    for without, words in ((run, r"those in .*averages were removed"), (made, r"train with train\.ema_profiles=")):
        with pytest.raises(UsageError, match=f"has no snapshots to make an average of: {words}"):
            ganzoo.package(without, tmp_path / "other", profile=0.2)


def test_before_the_first_snapshot_the_advice_is_to_go_on(monkeypatch, tmp_path):
    with monkeypatch.context() as patched:
        patched.setattr("ganzoo.engine.trainer.Trainer.stopping", property(lambda trainer: trainer.images >= 16))
        with pytest.raises(Interrupted):
            train(options=SETTINGS | {"train.checkpoint_every": 48})
    (run,) = ganzoo.list_runs()
    words = rf"first is stored after 48 images, and it stopped after 16: `ganzoo train --resume {run.path}` goes on"
    with pytest.raises(UsageError, match=words):
        ganzoo.package(run, tmp_path / "made", profile=0.2)
    with run.training(), pytest.raises(UsageError, match="after 48 images, and it is being trained: wait"):
        ganzoo.package(run, tmp_path / "made", profile=0.2)
