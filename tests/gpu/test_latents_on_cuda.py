"""Moving latents on a CUDA device gives what it gives on the CPU, and no tensors of two devices meet."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import ganzoo
from devices import cuda
from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo

DEVICE = "cuda"


def load(device: str) -> Generator:
    """Return a small model of styles with classes."""
    torch.manual_seed(0)
    data = DataInfo(shape=(1, 32, 32), num_classes=3)
    networks = ganzoo.create("architecture", "stylegan2", data=data, channel_base=128, channel_max=16, z_dim=8, w_dim=8)
    networks.generator.to(device)
    return Generator(networks, data, {"images": 0}, ("style", "truncation"))


@cuda
@pytest.mark.parametrize("space", ["z", "w"])
def test_all_that_moves_latents_runs_on_cuda(space: str) -> None:
    here, there = load("cpu"), load(DEVICE)
    both = [ganzoo.interpolate(each, (0, 1), frames=3, space=space, labels=1) for each in (here, there)]
    for one, other in zip(*(each.frames for each in both), strict=True):
        assert np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean() < 2
    found = [ganzoo.find_directions(each, num=2, space=space, labels=1) for each in (here, there)]
    np.testing.assert_allclose(found[0].vectors, found[1].vectors, atol=1e-2)
    assert ganzoo.find_directions(there, "pca", num=2).draw(steps=3).image.size[0] > 0
    sample = there.sample(1, labels=2, seed=5)[0]
    near = ganzoo.project_image(there, sample, space=space, steps=5, starts=8, restarts=2, extractor="random")
    assert near.losses[-1] <= near.losses[0]
    assert ganzoo.mix_styles(there, (0, 1), (2, 3), labels=1).image.size[0] > 0
    assert ganzoo.show_truncation(there, (0, 1)).image.size[0] > 0


@cuda
@pytest.mark.parametrize("extractor", ["", "random"])
def test_neighbours_are_found_on_cuda(extractor: str) -> None:
    found = [
        ganzoo.find_neighbours("ganzoo:digits", num=2, k=2, extractor=extractor, device=device)
        for device in ("cpu", DEVICE)
    ]
    np.testing.assert_allclose(found[0].arrays["distances"], found[1].arrays["distances"], rtol=0.05)
