"""The extractors: random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import ganzoo
from ganzoo.layers import extractor
from ganzoo.plugin import DataInfo
from ganzoo_extractors.images import resize, shrink

RGB = DataInfo(shape=(3, 32, 32))


def make(name, data=RGB, **options):
    return ganzoo.create("extractor", name, data=data, **options).eval()


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def near(value, tolerance=1e-5):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


# ----------------------------------------------------------------------------
# Images.


def test_images_are_resized_as_pillow_does():
    image = draw(1, 1, 40, 30)
    by_pillow = Image.fromarray(image[0, 0].numpy()).resize((17, 11), Image.Resampling.BICUBIC)
    assert (resize(image, 11, 17)[0, 0] - torch.from_numpy(np.array(by_pillow))).abs().max() < 1e-5


def test_large_images_shrink_and_keep_their_proportions():
    assert shrink(draw(1, 3, 100, 50), 64).shape == (1, 3, 64, 32)
    small = draw(1, 3, 64, 8)
    assert shrink(small, 64) is small


# ----------------------------------------------------------------------------
# random.


@torch.no_grad()
def test_random_features_are_means_and_deviations_of_he_initialised_convolutions():
    network, x = make("random"), draw(2, 3, 32, 32)
    stds = [float(conv.weight.std()) for conv in network.convs]
    assert stds == pytest.approx([(2 / 27) ** 0.5, *[(2 / 576) ** 0.5] * 3], rel=0.05)
    expected = []
    for conv, side in zip(network.convs, (32, 16, 8, 4), strict=True):
        x = F.conv2d(x, conv.weight, stride=conv.stride, padding=1).relu()
        assert x.shape[2:] == (side, side)
        expected += [x.mean((2, 3)), x.std((2, 3), correction=0)]
    found = network(draw(2, 3, 32, 32))["features"]
    assert found.shape == (2, 512)
    assert found.flatten().tolist() == near(torch.cat(expected, 1).flatten().tolist())


@torch.no_grad()
def test_random_weights_are_the_same_everywhere_and_another_seed_is_another_network():
    torch.manual_seed(1)
    found = make("random")(draw(1, 3, 32, 32))["features"]
    assert float(found.sum()) == near(160.38026, 1e-4)
    assert not torch.allclose(make("random", seed=1)(draw(1, 3, 32, 32))["features"], found)


@torch.no_grad()
def test_grey_images_are_seen_as_three_equal_channels_and_as_they_are_saved():
    grey = draw(2, 1, 32, 32)
    found = make("random", DataInfo(shape=(1, 32, 32)))(2 * grey)["features"]
    assert torch.equal(found, make("random")((2 * grey).clamp(-1, 1).expand(-1, 3, -1, -1))["features"])
    latents = make("random", DataInfo(shape=(4, 8, 8), dtype="float32"))
    assert not torch.equal(latents(5 * draw(1, 4, 8, 8))["features"], latents(draw(1, 4, 8, 8))["features"])


def test_a_term_can_differentiate_random_features_of_a_flat_image():
    flat = torch.zeros(1, 3, 32, 32, requires_grad=True)
    extractor("random", RGB)(flat)["features"].sum().backward()
    assert flat.grad.isfinite().all()
