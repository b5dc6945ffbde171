"""ProGAN's networks against the paper's formulas, and the settings of its recipe."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from torch.nn import functional as F

import ganzoo
import ganzoo_progan
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve

(SPEC,) = ganzoo_progan.ganzoo_architectures()
networks = import_module("ganzoo_progan.networks")


def build(size=16, channels=1):
    options = SPEC.options(channel_base=16, channel_max=8, z_dim=6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pair = networks.build(options, DataInfo(shape=(channels, size, size)))
    return pair.generator.double(), pair.discriminator.double()


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def activate(x):
    return torch.where(x < 0, 0.2 * x, x)


def convolve(x, layer):
    """Convolve as the paper does: weights are multiplied by He's constant sqrt(2 / fan_in) (section 4.1)."""
    constant = math.sqrt(2 / layer.weight[0].numel())
    return F.conv2d(x, constant * layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (DataInfo(shape=(3, 28, 28)), "one of 16, 32, 64, 128"),
        (DataInfo(shape=(3, 32, 64)), "one of 16, 32, 64, 128"),
        (DataInfo(shape=(3, 32, 32), num_classes=10), "takes no labels: remove --conditional"),
    ],
)
def test_other_data_are_refused(data, text):
    with pytest.raises(UsageError, match=text):
        networks.build(SPEC.options(), data)


def test_a_block_of_g_repeats_pixels_and_normalises_their_vectors():
    block, x = networks.Up(3, 4).double(), draw(2, 3, 5, 5)
    y = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for layer in (block.conv1, block.conv2):
        y = activate(convolve(y, layer))
        y = y / (y.square().mean(1, keepdim=True) + 1e-8).sqrt()
    torch.testing.assert_close(block(x), y, rtol=1e-10, atol=1e-10)


def test_a_block_of_d_ends_in_means_of_four_pixels():
    block, x = networks.Down(3, 4).double(), draw(2, 3, 6, 6)
    y = activate(convolve(activate(convolve(x, block.conv1)), block.conv2))
    expected = y.unflatten(2, (3, 2)).unflatten(4, (3, 2)).mean((3, 5))
    torch.testing.assert_close(block(x), expected, rtol=1e-10, atol=1e-10)


def test_the_first_layer_is_a_convolution_by_4x4_of_a_latent_on_a_sphere():
    generator, _ = build()
    z, weight = draw(3, 6), generator.first.weight.view(8, 4, 4, 6)
    torch.testing.assert_close(generator(z), generator(2 * z))
    kernel = (weight * math.sqrt(2 / 96)).permute(0, 3, 1, 2).flip(2, 3)  # fan_in = 6 x 4 x 4
    on_sphere = z / z.square().mean(1, keepdim=True).sqrt()
    expected = F.conv2d(on_sphere[:, :, None, None], kernel, padding=3)
    found = generator.first(on_sphere).view(3, 8, 4, 4)
    torch.testing.assert_close(found, expected)


def test_d_sees_the_deviation_of_the_whole_batch():
    _, network = build()
    x = draw(6, 1, 16, 16)
    seen = []
    network.conv.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network(x)
    maps = network.blocks(activate(convolve(x, network.first)))
    deviation = (maps.var(0, unbiased=False) + 1e-8).sqrt().mean()
    assert seen[0].shape[1] == maps.shape[1] + 1
    torch.testing.assert_close(seen[0][:, :-1], maps)
    torch.testing.assert_close(seen[0][:, -1], deviation.expand(6, 4, 4))


def test_the_recipe_has_the_papers_settings():
    recipe = resolve(ganzoo.registry(), recipe="progan-celebahq-1024", pairs={"dataset": "digits"})
    assert recipe.loss.name == "wasserstein"
    penalty, drift = recipe.reg
    assert (penalty.name, penalty.options.weight, penalty.options.target) == ("wgan-gp", 10, 1)
    assert (drift.name, drift.options.weight) == ("drift", 0.001)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.options.lr, optim.options.betas, optim.options.eps) == (0.001, (0.0, 0.99), 1e-8)
    train = recipe.train
    assert (train.batch, train.d_steps, train.images) == (3, 1, 13_600_000)
    assert 0.5 ** (train.batch / train.ema_half_life) == pytest.approx(0.999, abs=1e-6)
