"""SNGAN's networks: sizes against public ones, blocks against the papers' formulas, labels, attention; its recipes."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ganzoo
import ganzoo_sngan
from ganzoo.layers import SelfAttention2d
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve

(SPEC,) = ganzoo_sngan.ganzoo_architectures()
networks, blocks = import_module("ganzoo_sngan.networks"), import_module("ganzoo_sngan.blocks")


def build(size=32, channels=3, classes=0, device="cpu", **values):
    data = DataInfo(shape=(channels, size, size), num_classes=classes)
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return networks.build(SPEC.options(**values), data)


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# ----------------------------------------------------------------------------
# Sizes. The counts are those of the package torch-mimicry 0.1.16.


@pytest.mark.parametrize(
    ("size", "classes", "values", "generator", "discriminator"),
    [
        (32, 0, {}, 4_276_739, 1_053_825),
        (48, 0, {}, 4_878_083, 10_141_441),
        (64, 0, {}, 12_220_675, 10_141_441),
        (128, 0, {}, 32_150_787, 29_017_857),
        (32, 10, {}, 4_304_387, 1_055_105),
        (32, 10, {"attention": (16,), "spectral_g": True}, 4_386_308, 1_075_586),
    ],
)
def test_the_papers_networks_have_their_known_parameter_counts(size, classes, values, generator, discriminator):
    pair = build(size, classes=classes, device="meta", width_g=64, width_d=64, **values)
    assert (count(pair.generator), count(pair.discriminator)) == (generator, discriminator)
    assert (pair.latent_dim, pair.latent) == (128, "normal")


@pytest.mark.parametrize("size", SPEC.sizes)
@pytest.mark.parametrize("classes", [0, 5])
def test_shapes(size, classes):
    pair = build(size, 1, classes, device="meta", norm_d="layer", pooling="mean", attention=(size // 2,))
    labels = torch.empty(2, dtype=torch.int64, device="meta") if classes else None
    images = pair.generator(torch.empty(2, 128, device="meta"), labels)
    assert (images.shape, pair.discriminator(images, labels).logits.shape) == ((2, 1, size, size), (2,))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (DataInfo(shape=(3, 16, 16)), "one of 32, 48, 64, 128"),
        (DataInfo(shape=(3, 32, 64)), "one of 32, 48, 64, 128"),
        (DataInfo(shape=(3, 32, 32), label_shape=(4,)), "classes as labels"),
    ],
)
def test_other_data_are_refused(data, text):
    with pytest.raises(UsageError, match=text):
        networks.build(SPEC.options(), data)


@pytest.mark.parametrize(("resolution", "size", "text"), [(32, 32, "give 16 or 8"), (16, 48, "give 24 or 12")])
def test_attention_at_a_resolution_that_one_network_lacks_is_refused(resolution, size, text):
    with pytest.raises(UsageError, match=f"arch.attention={resolution} is not .* {text}"):
        build(size, device="meta", attention=(resolution,))


# ----------------------------------------------------------------------------
# Blocks, against the formulas of the papers: the shortcut's convolution is at the higher resolution there.


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_a_block_of_g_computes_the_papers_formula(upsampling):
    block = blocks.Up(8, 6, 3, upsampling, nn.Identity()).double()
    for norm in (block.norm1, block.norm2):
        nn.init.normal_(norm.gain.weight)
        nn.init.normal_(norm.bias.weight)
    nn.init.normal_(block.shortcut.bias)
    x, labels = draw(4, 8, 5, 5), torch.tensor([0, 2, 2, 1])

    def normalise(x, norm):
        scale, shift = 1 + norm.gain.weight[labels][..., None, None], norm.bias.weight[labels][..., None, None]
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        return scale * (x - mean) / (var + 1e-5).sqrt() + shift

    def double(x):
        if upsampling == "nearest":
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        for dim in (2, 3):  # a new pixel is 3/4 of the nearest old one and 1/4 of the next
            end = x.shape[dim] - 1
            left = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, end)], dim)
            right = torch.cat([x.narrow(dim, 1, end), x.narrow(dim, end, 1)], dim)
            x = torch.stack([(3 * x + left) / 4, (3 * x + right) / 4], dim + 1).flatten(dim, dim + 1)
        return x

    y = F.conv2d(double(normalise(x, block.norm1).clamp(min=0)), block.conv1.weight, block.conv1.bias, padding=1)
    y = F.conv2d(normalise(y, block.norm2).clamp(min=0), block.conv2.weight, block.conv2.bias, padding=1)
    expected = y + F.conv2d(double(x), block.shortcut.weight, block.shortcut.bias)
    torch.testing.assert_close(block(x, labels), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("outputs", "halves", "norm", "dims"),
    [(6, True, "none", ()), (6, False, "layer", (1, 2, 3)), (4, False, "none", ()), (6, True, "batch", (0, 2, 3))],
)
def test_a_block_of_d_computes_the_papers_formula(outputs, halves, norm, dims):
    inner = 5 if norm == "batch" else 4
    block = blocks.Down(4, inner, outputs, halves, *networks.NORMS[norm][1:], nn.Identity()).double()
    x = draw(2, 4, 6, 6)

    def normalise(x):
        if not dims:
            return x
        return (x - x.mean(dims, keepdim=True)) / (x.var(dims, unbiased=False, keepdim=True) + 1e-5).sqrt()

    def pool(x):
        return x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean((3, 5)) if halves else x

    y = x
    for conv in (block.conv1, block.conv2):
        y = F.conv2d(normalise(y).clamp(min=0), conv.weight, conv.bias, padding=1)
    short = x
    if not isinstance(block.shortcut, nn.Identity):
        short = F.conv2d(normalise(x) if norm == "batch" else x, block.shortcut.weight, block.shortcut.bias)
    assert isinstance(block.shortcut, nn.Identity) == (outputs == 4)  # as wide as before, at the same resolution
    torch.testing.assert_close(block(x), pool(y) + pool(short), rtol=1e-10, atol=1e-10)


def test_the_first_block_of_d_reads_the_image_without_an_activation():
    block = blocks.FirstDown(3, 4, nn.Identity, nn.Identity, nn.Identity()).double()
    x = draw(2, 3, 6, 6)
    y = block.conv2(block.conv1(x).clamp(min=0))
    expected = F.avg_pool2d(y + block.shortcut(x), 2)
    torch.testing.assert_close(block(x), expected, rtol=1e-10, atol=1e-10)
    assert not torch.allclose(block(x), block(x.clamp(min=0)))


def test_with_batch_norm_the_first_block_of_d_normalises_its_maps_and_its_shortcut():
    block = blocks.FirstDown(3, 4, nn.BatchNorm2d, nn.BatchNorm2d, nn.Identity()).double()
    plain = blocks.FirstDown(3, 4, nn.Identity, nn.Identity, nn.Identity()).double()
    plain.load_state_dict(block.state_dict(), strict=False)
    x = draw(2, 3, 6, 6)
    y = F.batch_norm(block.conv1(x), None, None, training=True).clamp(min=0)
    short = F.batch_norm(F.avg_pool2d(x, 2), None, None, training=True)
    expected = F.avg_pool2d(block.conv2(y), 2) + block.shortcut(short)
    torch.testing.assert_close(block(x), expected, rtol=1e-10, atol=1e-10)
    assert not torch.allclose(block(x), plain(x))


def test_features_are_sums_or_means_over_the_last_maps():
    sums, means = (build(48, width_d=8, norm_d="none", pooling=pooling).discriminator for pooling in ("sum", "mean"))
    assert means.load_state_dict(sums.state_dict())
    for network in (sums, means):
        nn.init.zeros_(network.head.psi.bias)
    x = draw(2, 3, 48, 48, dtype=torch.float32)
    torch.testing.assert_close(sums(x).logits, 9 * means(x).logits)  # 3x3 maps
    torch.testing.assert_close(sums(x).embedding, sums(x).features[0].sum((2, 3)))


def test_the_head_adds_a_projection_on_the_label():
    network = build(classes=4, width_d=8, norm_d="none").discriminator
    x, labels = draw(3, 3, 32, 32, dtype=torch.float32), torch.tensor([0, 3, 3])
    features = network.blocks(x).clamp(min=0).sum((2, 3))
    weight, table = network.head.psi.weight[0], network.head.embedding.weight
    found = network(x, labels)
    torch.testing.assert_close(found.logits, (features * (weight + table[labels])).sum(1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.class_logits.gather(1, labels[:, None])[:, 0], found.logits, rtol=1e-4, atol=1e-4)


# ----------------------------------------------------------------------------
# Normalisation, attention, first weights.


def list_normalised(network):
    return [layer for layer in network.modules() if hasattr(layer, "parametrizations")]


def test_norm_d_and_spectral_g_normalise_the_layers_that_the_papers_normalise():
    pair = build(classes=3)
    assert len(list_normalised(pair.discriminator)) == 3 + 3 + 2 + 2 + 2  # four blocks, psi and the embedding
    assert not list_normalised(pair.generator)
    assert not list_normalised(build(norm_d="none").discriminator)
    assert len(list_normalised(build(spectral_g=True, attention=(16,)).generator)) == 1 + 3 * 3 + 4 + 1
    layer = build(norm_d="layer").discriminator
    assert sum(isinstance(module, nn.GroupNorm) for module in layer.modules()) == 6  # not in the first block
    words = {norm: SPEC.get_provided(SPEC.options(norm_d=norm)) for norm in ("spectral", "none", "layer", "batch")}
    assert [norm for norm in words if "bounded-slope" in words[norm]] == ["spectral"]
    assert [norm for norm in words if "batchnorm-in-d" in words[norm]] == ["batch"]


def test_attention_stands_where_the_maps_get_its_resolution():
    pair = build(64, device="meta", attention=(8, 32))
    for stack, names in ((pair.generator.blocks, "0 2"), (pair.discriminator.blocks, "0 2")):
        found = [index for index, block in enumerate(stack) if isinstance(block.attention, SelfAttention2d)]
        assert found == [int(name) for name in names.split()]
    plain, attending = build(48).generator.eval(), build(48, attention=(24,)).generator.eval()
    attending.load_state_dict(plain.state_dict(), strict=False)
    z = draw(2, 128, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(plain(z), attending(z))  # its weight starts at 0
        attending.blocks[1].attention.gamma.fill_(1.0)
        assert not torch.equal(plain(z), attending(z))


def test_initial_weights_are_glorots():
    for network in (build(width_g=16).generator, build(width_d=32, norm_d="none").discriminator):
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fans = layer.weight[0].numel() + layer.weight[:, 0].numel()
                gain = math.sqrt(2) if ".conv" in name else 1
                bound = gain * math.sqrt(6 / fans)
                assert layer.weight.abs().max().item() <= bound
                assert layer.weight.std().item() == pytest.approx(
                    bound / math.sqrt(3), rel=0.1 if layer.weight.numel() > 1000 else 0.4
                )
                assert not layer.bias.any()


def test_orthogonal_first_weights():
    pair = build(width_g=8, width_d=8, norm_d="none", init="orthogonal")
    for network in (pair.generator, pair.discriminator):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                matrix = layer.weight.detach().flatten(1)
                matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
                torch.testing.assert_close(matrix @ matrix.T, torch.eye(len(matrix)), atol=1e-5, rtol=0)


# ----------------------------------------------------------------------------
# Recipes.


@pytest.mark.parametrize(
    ("name", "loss", "terms", "images"),
    [
        ("sngan", "hinge", [], 50_000 * 5 * 64),
        ("cgan-pd", "hinge", [], 50_000 * 5 * 64),
        ("wgan-gp", "wasserstein", ["wgan-gp"], 100_000 * 5 * 64),
    ],
)
def test_the_recipes_for_cifar10_have_the_papers_settings(name, loss, terms, images):
    recipe = resolve(ganzoo.registry(), recipe=f"{name}-cifar10", pairs={"dataset": "digits"})
    train = recipe.train
    assert (recipe.loss.name, [choice.name for choice in recipe.reg], train.images) == (loss, terms, images)
    assert (train.batch, train.g_batch, train.d_steps, train.ema_half_life) == (64, 128, 5, 0)
    assert (train.conditional, train.flip) == (name == "cgan-pd", False)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.name, optim.options.betas) == ("adam", (0.0, 0.9))
        assert [optim.options.lr.at(share * images) for share in (0, 0.5, 1)] == [2e-4, 1e-4, 0]
    assert all(choice.options.weight == 10 for choice in recipe.reg)


@pytest.mark.parametrize(
    ("name", "classes", "generator", "discriminator"),
    [
        ("sngan-cifar10", 0, 4_276_739, 1_053_825),
        ("cgan-pd-cifar10", 10, 4_304_387, 1_055_105),
        ("wgan-gp-cifar10", 0, 1_204_483, 1_053_825),
        ("sagan-imagenet-128", 1000, 42_017_412, 39_448_258),
    ],
)
def test_the_recipes_networks_have_known_parameter_counts(name, classes, generator, discriminator):
    recipe = resolve(ganzoo.registry(), recipe=name, pairs={"dataset": "digits"})
    with torch.device("meta"):
        size = recipe.dataset.options.size
        data = DataInfo(shape=(3, size, size), num_classes=classes)
        pair = networks.build(recipe.arch.options, data)
    assert (count(pair.generator), count(pair.discriminator)) == (generator, discriminator)
    assert recipe.train.conditional == bool(classes)
