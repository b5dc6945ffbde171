"""r3gan-mp: magnitudes, sums, gains, the constant channel, forced weights, counts, the recipe."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from torch import nn

import ganzoo
import ganzoo_r3gan
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, NoOptions
from ganzoo.recipe.resolve import resolve

_, SPEC = ganzoo_r3gan.ganzoo_architectures()
magnitude, unit = import_module("ganzoo_r3gan.r3gan_mp"), import_module("ganzoo_r3gan.unit")
TINY = {"widths": (32,), "blocks": 2, "group_width": 8, "z_dim": 16}


def build(size=8, classes=0, device="cpu", channels=3, **values):
    data = DataInfo(shape=(channels, size, size), num_classes=classes)
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return magnitude.build(SPEC.options(**values), data)


def draw(*shape, seed=1, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def list_units(pair):
    both = (pair.generator, pair.discriminator)
    return [module for net in both for module in net.modules() if isinstance(module, unit.UnitWeight)]


def measure(x):
    return x.square().mean().item()


# ----------------------------------------------------------------------------
# Magnitudes.


def test_layers_preserve_magnitudes():
    x = draw(64, 96, 8, 8)
    assert measure(unit.UnitConv2d(96, 64)(x)) == pytest.approx(1, abs=0.05)
    inside = unit.UnitConv2d(96, 64, 3, groups=2)(x)[:, :, 1:-1, 1:-1]  # zeros beyond the borders have no magnitude
    assert measure(inside) == pytest.approx(1, abs=0.05)
    assert measure(unit.UnitLinear(96, 64)(x[:, :, 0, 0])) == pytest.approx(1, abs=0.1)
    assert measure(unit.UnitEmbedding(7, 50)(torch.arange(7))) == pytest.approx(1, abs=1e-3)
    assert unit.UnitBasis(5)(4.0).square().mean((1, 2)).tolist() == pytest.approx([1.0] * 5, abs=1e-3)
    rectified = torch.nn.functional.leaky_relu(draw(100_000), 0.2)
    assert measure(rectified * magnitude.GAIN) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_block_computes_a_sum_that_preserves_magnitudes(share):
    block = magnitude.Block(16, SPEC.options(widths=(16,), group_width=8, residual=share)).double()
    x, act = draw(3, 16, 8, 8, dtype=torch.float64), nn.LeakyReLU(0.2)
    y = block.last(magnitude.GAIN * act(block.grouped(magnitude.GAIN * act(block.first(x)))))
    expected = ((1 - share) * x + share * y) / math.sqrt((1 - share) ** 2 + share**2)
    torch.testing.assert_close(block(x), expected)


def test_networks_of_any_depth_start_with_magnitudes_near_one():
    for blocks in (1, 8):
        pair = build(16, 5, **{**TINY, "blocks": blocks})
        labels = torch.arange(64) % 5
        with torch.no_grad():
            images = pair.generator(draw(64, 16), labels)
            answer = pair.discriminator(draw(64, 3, 16, 16), labels)
        assert 0.2 < measure(images) < 2
        assert 0.02 < measure(answer.logits) < 2  # the low-pass filters take from white noise what images lack
        assert measure(answer.features[0]) > 0.02


def test_gains_scale_outputs_and_ones_take_the_place_of_biases():
    pair = build(**TINY)
    z, x = draw(4, 16), draw(4, 3, 8, 8)
    images, logits = pair.generator(z), pair.discriminator(x).logits
    for network in (pair.generator, pair.discriminator):
        nn.init.constant_(network.gain, 3.0)
    torch.testing.assert_close(pair.generator(z), 3 * images)
    torch.testing.assert_close(pair.discriminator(x).logits, 3 * logits)
    dark = pair.discriminator(torch.zeros(1, 3, 8, 8)).logits
    assert abs(dark.item()) > 1e-4
    assert not [name for name, _ in pair.generator.named_parameters() if name.endswith("bias")]


# ----------------------------------------------------------------------------
# Forced weights.


def test_the_gradient_of_a_weight_is_orthogonal_to_it_and_its_length_does_not_matter():
    layer, x = unit.UnitLinear(8, 4).double(), draw(5, 8, dtype=torch.float64)
    before = layer(x)
    before.square().sum().backward()
    products = (layer.weight * layer.weight.grad).sum(1)
    lengths = layer.weight.norm(dim=1) * layer.weight.grad.norm(dim=1)
    assert (products / lengths).abs().max() < 1e-3
    with torch.no_grad():
        layer.weight *= 7
    torch.testing.assert_close(layer(x), before, rtol=1e-3, atol=1e-4)


def test_after_a_step_the_weights_of_both_networks_have_mean_square_one():
    pair = build(classes=3, **TINY)
    units = list_units(pair)
    with torch.no_grad():
        for module in units:
            module.weight *= 5
    z, labels = draw(2, 16), torch.tensor([0, 2])
    before = pair.generator(z, labels)
    unit.UnitWeights(NoOptions(), DataInfo(shape=(3, 8, 8))).after_step(pair)
    for module in units:
        squares = module.weight.flatten(1).square().mean(1)
        torch.testing.assert_close(squares, torch.ones_like(squares), rtol=1e-3, atol=0)
    torch.testing.assert_close(pair.generator(z, labels), before, rtol=1e-2, atol=1e-3)
    everything = sum(p.numel() for net in (pair.generator, pair.discriminator) for p in net.parameters())
    assert sum(module.weight.numel() for module in units) == everything - 2  # all but the two gains


def test_another_architecture_is_refused():
    with pytest.raises(UsageError, match="unit-weights"):
        resolve(ganzoo.registry(), pairs={"arch": "dcgan", "reg": "unit-weights", "dataset": "digits"})


# ----------------------------------------------------------------------------
# Counts, and the recipe.


@pytest.mark.parametrize("classes", [0, 7])
def test_parameter_counts_by_formula(classes):
    pair = build(32, classes, "meta", widths=(48, 32, 16), group_width=8, blocks=3, z_dim=10, class_dim=6)
    levels = (48, 32, 16, 16)
    body = sum(3 * (2 * w * 2 * w + 9 * 8 * 2 * w) for w in levels) + 48 * 32 + 32 * 16 + 16 * 48 + 1
    labels_g, labels_d = (6 * 48 + classes * 6, 48 * 48 + classes * 48) if classes else (0, 48)
    found = [sum(parameter.numel() for parameter in net.parameters()) for net in (pair.generator, pair.discriminator)]
    assert found == [body + 11 * 48 + 16 * 3 + labels_g, body + 4 * 16 + labels_d]


def test_the_recipe_has_its_settings():
    recipe = resolve(ganzoo.registry(), recipe="r3gan-mp-cifar10", pairs={"dataset": "digits"})
    assert [choice.name for choice in recipe.reg] == ["r1", "r2", "unit-weights"]
    for optim in (recipe.optim_g, recipe.optim_d):
        assert [optim.options.lr.at(1000 * 512 * times) for times in (0, 1, 4)] == [1e-2, 1e-2, 5e-3]
    gammas = [recipe.reg[0].options.gamma.at(images) for images in (0, 20e6)]
    assert gammas == pytest.approx([0.05, 0.005])
    assert (recipe.train.images, recipe.train.batch, recipe.train.conditional) == (20_000_000, 512, True)
