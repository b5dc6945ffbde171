"""BigGAN's networks: sizes against public ones, blocks against the paper's formulas, latents, truncation; recipes."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ganzoo
import ganzoo_biggan
from ganzoo.layers import ConditionalBatchNorm2d, SelfAttention2d
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve

SPECS = {spec.name: spec for spec in ganzoo_biggan.ganzoo_architectures()}
MODULES = {name: import_module(f"ganzoo_biggan.{name.replace('-', '_')}") for name in SPECS}
latents = import_module("ganzoo_biggan.latents")


def build(name="biggan", size=32, channels=3, classes=0, device="cpu", **values):
    data = DataInfo(shape=(channels, size, size), num_classes=classes)
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MODULES[name].build(SPECS[name].options(**values), data)


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# ----------------------------------------------------------------------------
# Sizes. The counts are those of the authors' code, BigGAN-PyTorch.


@pytest.mark.parametrize(
    ("name", "size", "classes", "width", "z_dim", "values", "generator", "discriminator"),
    [
        ("biggan", 32, 10, 64, 128, {"shared_dim": 0, "hierarchical": False}, 4_304_387, 4_207_361),
        ("biggan", 64, 1000, 96, 80, {"attention": (32,)}, 70_067_076, 45_511_970),
        ("biggan", 128, 1000, 96, 120, {"attention": (64,)}, 70_433_988, 87_982_370),
        ("biggan", 256, 1000, 96, 140, {"attention": (64,)}, 82_235_844, 99_225_890),
        ("biggan-deep", 32, 10, 64, 128, {}, 3_079_299, 651_649),
        ("biggan-deep", 64, 1000, 128, 128, {"attention": (32,)}, 49_829_636, 20_951_554),
        ("biggan-deep", 128, 1000, 128, 128, {"attention": (64,)}, 50_244_484, 34_590_210),
        ("biggan-deep", 256, 1000, 128, 128, {"attention": (64,)}, 55_736_708, 38_247_426),
        ("biggan", 512, 1000, 96, 160, {"attention": (64,)}, 82_468_068, 99_401_282),
    ],
)
def test_the_authors_networks_have_their_parameter_counts(
    name, size, classes, width, z_dim, values, generator, discriminator
):
    values = {"width_g": width, "width_d": width, "z_dim": z_dim, **values}
    pair = build(name, size, classes=classes, device="meta", **values)
    assert (count(pair.generator), count(pair.discriminator)) == (generator, discriminator)
    assert (pair.latent_dim, pair.latent) == (z_dim, "normal")


@pytest.mark.parametrize(("size", "millions"), [(128, 50.4), (256, 55.9), (512, 56.2)])
def test_deep_networks_are_as_large_as_the_published_ones(size, millions):
    """The README of pytorch-pretrained-biggan says so; its last layer has 128 channels, of which 3 are the image."""
    pair = build("biggan-deep", size, classes=1000, device="meta", width_g=128, attention=(64,))
    others = (128 - 3) * (9 * 128 + 1)
    assert (count(pair.generator) + others) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(
    ("data", "values", "text"),
    [
        (DataInfo(shape=(3, 16, 16)), {}, "one of 32, 64, 128, 256, 512"),
        (DataInfo(shape=(3, 32, 64)), {}, "one of 32, 64, 128, 256, 512"),
        (DataInfo(shape=(3, 32, 32), label_shape=(4,)), {}, "classes as labels"),
        (DataInfo(shape=(3, 32, 32)), {"attention": (32,)}, "arch.attention=32 is not .* give 16 or 8"),
        (DataInfo(shape=(3, 32, 32)), {"multiples_g": (4, 4)}, "arch.multiples_g=4,4 does not fit .* give 4 numbers"),
        (DataInfo(shape=(3, 32, 32)), {"multiples_g": (4, 2, 4, 1)}, "numbers that do not grow, such as 4,4,4,4"),
    ],
)
def test_other_data_are_refused(name, data, values, text):
    with pytest.raises(UsageError, match=text):
        MODULES[name].build(SPECS[name].options(**values), data)


# ----------------------------------------------------------------------------
# Latents.


def test_parts_of_z_go_to_the_first_layer_and_the_blocks():
    parts = latents.SplitLatents(3, 10, True, 3, num_classes=4).double()
    z, labels = draw(5, 8), torch.tensor([0, 3, 3, 1, 2])
    assert (parts.latent_dim, parts.first_dim, parts.dim) == (8, 2, 5)  # 10 is rounded down to four parts of 2
    first, conditions = parts(z, labels)
    assert torch.equal(first, z[:, :2])
    for index, condition in enumerate(conditions, 1):
        assert torch.equal(condition, torch.cat([parts.embedding.weight[labels], z[:, 2 * index : 2 * index + 2]], 1))
    assert [tuple(each.shape) for each in latents.SplitLatents(3, 8, True, 3, 0).double()(z, None)[1]] == [(5, 2)] * 3
    whole = latents.SplitLatents(3, 8, False, 3, num_classes=4).double()(z, labels)
    assert torch.equal(whole[0], z)
    assert [tuple(each.shape) for each in whole[1]] == [(5, 3)] * 3
    assert latents.SplitLatents(3, 8, False, 0, num_classes=4)(z, labels)[1] == [labels] * 3


def test_latents_that_cannot_be_split_are_refused():
    with pytest.raises(UsageError, match=r"add arch\.shared_dim=128 or"):
        build(classes=3, shared_dim=0)
    with pytest.raises(UsageError, match="too short for 4 parts"):
        build(z_dim=3)


@pytest.mark.parametrize("truncation", [0.02, 0.25, 0.5, 0.9])
def test_truncated_latents_follow_the_truncated_normal_distribution(truncation):
    z, limit = draw(1000), 2 * truncation
    found = latents.truncate_latents(z.float(), truncation)
    assert found.abs().max() <= limit * (1 + 1e-6)
    low, high = torch.special.ndtr(torch.tensor([-limit, limit], dtype=torch.float64))
    share = (torch.special.ndtr(found.double()) - low) / (high - low)  # the truncated distribution function
    torch.testing.assert_close(share, torch.special.ndtr(z), atol=1e-5, rtol=0)


def test_a_truncation_of_1_changes_nothing_and_one_of_0_everything():
    z = draw(10)
    assert latents.truncate_latents(z, 1) is z
    assert not latents.truncate_latents(z, 0).any()
    with pytest.raises(ValueError, match="not between 0 and 1"):
        latents.truncate_latents(z, 1.5)


# ----------------------------------------------------------------------------
# Blocks, against the formulas of the paper's figures: changes of the resolution are apart from the convolutions there.


def normalise(x, norm, condition):
    scale, shift = ((layer.weight @ condition.T).T[..., None, None] for layer in (norm.gain, norm.bias))
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    return (1 + scale) * (x - mean) / (var + 1e-5).sqrt() + shift


def double(x):
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def pool(x):
    return x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean((3, 5))


def convolve(x, layer):
    return F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[2] // 2)


def make_up(module, *args):
    block = module.Up(*args, latents.WholeLatents(1, 5, 0, 0), nn.Identity()).double()
    for layer in block.modules():
        if isinstance(layer, ConditionalBatchNorm2d):
            nn.init.normal_(layer.gain.weight)
            nn.init.normal_(layer.bias.weight)
    return block


def test_a_block_of_biggans_g():
    block = make_up(MODULES["biggan"], 8, 6)
    x, c = draw(3, 8, 5, 5), draw(3, 5, seed=2)
    y = convolve(double(normalise(x, block.norm1, c).clamp(min=0)), block.conv1)
    y = convolve(normalise(y, block.norm2, c).clamp(min=0), block.conv2)
    torch.testing.assert_close(block(x, c), y + convolve(double(x), block.shortcut), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("outputs", "doubles"), [(4, True), (8, False)])
def test_a_block_of_biggan_deeps_g(outputs, doubles):
    block = make_up(MODULES["biggan-deep"], 8, outputs, doubles)
    x, c = draw(3, 8, 5, 5), draw(3, 5, seed=2)
    resize = double if doubles else nn.Identity()
    y = convolve(normalise(x, block.norm1, c).clamp(min=0), block.conv1)
    y = convolve(resize(normalise(y, block.norm2, c).clamp(min=0)), block.conv2)
    y = convolve(normalise(y, block.norm3, c).clamp(min=0), block.conv3)
    y = convolve(normalise(y, block.norm4, c).clamp(min=0), block.conv4)
    torch.testing.assert_close(block(x, c), y + resize(x[:, :outputs]), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("outputs", "halves", "first"), [(6, True, True), (6, True, False), (4, False, False)])
def test_a_block_of_biggans_d(outputs, halves, first):
    block = MODULES["biggan"].Down(4, outputs, halves, first, nn.Identity()).double()
    x, resize = draw(2, 4, 6, 6), pool if halves else nn.Identity()
    y = convolve(convolve(x if first else x.clamp(min=0), block.conv1).clamp(min=0), block.conv2)
    short = x if isinstance(block.shortcut, nn.Identity) else convolve(x, block.shortcut)
    assert isinstance(block.shortcut, nn.Identity) == (outputs == 4)
    torch.testing.assert_close(block(x), resize(y) + resize(short), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("outputs", "halves"), [(12, True), (8, False)])
def test_a_block_of_biggan_deeps_d(outputs, halves):
    block = MODULES["biggan-deep"].Down(8, outputs, halves, nn.Identity()).double()
    x, resize = draw(2, 8, 6, 6), pool if halves else nn.Identity()
    y = x
    for conv in (block.conv1, block.conv2, block.conv3):
        y = convolve(y.clamp(min=0), conv)
    short = resize(x) if outputs == 8 else torch.cat([resize(x), convolve(resize(x), block.others)], 1)
    torch.testing.assert_close(block(x), convolve(resize(y.clamp(min=0)), block.conv4) + short, rtol=1e-10, atol=1e-10)


# ----------------------------------------------------------------------------
# What surrounds the blocks.


def test_the_head_reads_sums_over_pixels_and_adds_a_projection_on_the_label():
    network = build(classes=4, norm_d="none").discriminator
    x, labels = draw(3, 3, 32, 32, dtype=torch.float32), torch.tensor([0, 3, 3])
    found = network(x, labels)
    assert [tuple(each.shape) for each in found.features] == [(3, 32, 16, 16)] + [(3, 32, 8, 8)] * 3
    torch.testing.assert_close(found.embedding, found.features[-1].clamp(min=0).sum((2, 3)))
    weight, bias, table = network.head.psi.weight[0], network.head.psi.bias, network.head.embedding.weight
    expected = (found.embedding * (weight + table[labels])).sum(1) + bias
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.class_logits.gather(1, labels[:, None])[:, 0], found.logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SPECS)
def test_without_projection_d_ignores_labels_but_wants_them(name):
    network = build(name, classes=4, projection=False).discriminator.eval()
    x = draw(2, 3, 32, 32, dtype=torch.float32)
    assert torch.equal(network(x, torch.tensor([0, 1])).logits, network(x, torch.tensor([2, 3])).logits)
    with pytest.raises(ValueError, match="pass labels"):
        network(x)


def test_spectral_norms_and_attention_stand_where_the_paper_has_them():
    pair = build("biggan", 128, classes=3, device="meta", attention=(64,))
    normalised = [name for name, layer in pair.generator.named_modules() if hasattr(layer, "parametrizations")]
    assert len(normalised) == 1 + 5 * (3 + 4) + 4 + 1  # five blocks: convolutions, gains and biases; attention
    assert not [name for name in normalised if name.startswith("latents")]  # not the shared embedding
    for network, index in ((pair.generator, 3), (pair.discriminator, 0)):
        found = [isinstance(block.attention, SelfAttention2d) for block in network.blocks]
        assert found == [each == index for each in range(len(found))]
    deep = build("biggan-deep", 128, device="meta", attention=(64,))
    for network, index in ((deep.generator, 7), (deep.discriminator, 1)):
        found = [isinstance(block.attention, SelfAttention2d) for block in network.blocks]
        assert found == [each == index for each in range(len(found))]
    plain = build(classes=3, norm_d="none", spectral_g=False)
    for network in (plain.generator, plain.discriminator):
        assert not [layer for layer in network.modules() if hasattr(layer, "parametrizations")]


@pytest.mark.parametrize("init", ["orthogonal", "normal", "xavier"])
def test_first_weights(init):
    pair = build(classes=3, init=init, norm_d="none", spectral_g=False)
    for network in (pair.generator, pair.discriminator):
        for name, layer in network.named_modules():
            if not isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
                continue
            matrix = layer.weight.flatten(1)
            if init == "orthogonal":
                short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
                torch.testing.assert_close(short @ short.T, torch.eye(len(short)), atol=1e-5, rtol=0)
            elif layer.weight.numel() > 1000:
                fans = layer.weight[0].numel() + layer.weight[:, 0].numel()
                wanted = 0.02 if init == "normal" else math.sqrt(2 / fans)
                assert layer.weight.std().item() == pytest.approx(wanted, rel=0.1), name


# ----------------------------------------------------------------------------
# Recipes.


@pytest.mark.parametrize(
    ("name", "terms", "policy"),
    [
        ("biggan", [], ()),
        ("diffaugment-biggan", [], ("translation", "cutout")),
        ("cr-biggan", ["cr"], ()),
        ("diffaugment-cr-biggan", ["cr"], ("cutout",)),
    ],
)
def test_the_recipes_for_cifar10_have_the_published_settings(name, terms, policy):
    recipe = resolve(ganzoo.registry(), recipe=f"{name}-cifar10", pairs={"dataset": "digits"})
    train = recipe.train
    assert (recipe.loss.name, [choice.name for choice in recipe.reg]) == ("hinge", terms)
    assert tuple(each for choice in recipe.aug for each in choice.options.policy) == policy
    assert (train.batch, train.d_steps, train.images, train.conditional) == (50, 4, 50_000_000, True)
    assert 0.5 ** (200 / train.ema_half_life) == pytest.approx(0.9999, abs=1e-9)
    assert train.ema_ramp * 1000 * 200 == pytest.approx(train.ema_half_life, rel=1e-3)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.options.lr, optim.options.betas, optim.options.eps) == (2e-4, (0, 0.999), 1e-8)
    assert all(choice.options.weight == 10 for choice in recipe.reg)


@pytest.mark.parametrize(
    ("name", "size", "width", "z_dim"),
    [
        ("biggan", 128, 96, 120),
        ("biggan", 256, 96, 140),
        ("biggan-deep", 128, 128, 128),
        ("biggan-deep", 256, 128, 128),
    ],
)
def test_the_recipes_for_imagenet_have_the_authors_settings(name, size, width, z_dim):
    recipe = resolve(ganzoo.registry(), recipe=f"{name}-imagenet-{size}", pairs={"dataset": "digits"})
    options, train = recipe.arch.options, recipe.train
    assert (recipe.arch.name, options.width_g, options.width_d, options.z_dim) == (name, width, width, z_dim)
    assert (options.attention, options.init, options.shared_dim) == ((64,), "orthogonal", 128)
    assert (train.batch, train.micro_batch, train.images) == (2048, 256, 150_000 * 2048)
    assert (recipe.optim_g.options.lr, recipe.optim_d.options.lr, recipe.dataset.options.size) == (1e-4, 4e-4, size)
    assert 0.5 ** (2048 / train.ema_half_life) == pytest.approx(0.9999, abs=1e-9)
