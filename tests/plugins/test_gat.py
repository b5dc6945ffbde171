"""GAT's networks: sizes, attention and blocks against the paper's formulas, positions, labels; its recipes."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch

import ganzoo
import ganzoo_gat
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve
from ganzoo_gat.cases import count_parameters

(SPEC,) = ganzoo_gat.ganzoo_architectures()
networks, transformer = import_module("ganzoo_gat.networks"), import_module("ganzoo_gat.transformer")
TINY = {"width": 16, "depth": 2, "heads": 2, "z_dim": 5}


def build(shape=(1, 8, 8), classes=0, device="cpu", **values):
    data = DataInfo(shape=shape, num_classes=classes)
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return networks.build(SPEC.options(**values), data)


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def stir(module):
    """Return a module in float64 whose parameters are all drawn."""
    for index, parameter in enumerate(module.double().parameters()):
        parameter.data = 0.3 * draw(*parameter.shape, seed=index)
    return module


def normalise(x):
    return x / ((x * x).mean(-1, keepdim=True) + 1e-6).sqrt()


# ----------------------------------------------------------------------------
# Sizes and shapes.


@pytest.mark.parametrize(
    ("size", "generator", "discriminator"),
    [
        ((384, 12, 6), 29_256_512, 32_535_680),
        ((768, 12, 12), 116_545_088, 97_096_448),
        ((1024, 24, 16), 408_469_024, 314_853_344),
        ((1152, 28, 16), 601_936_640, 459_195_200),
    ],
)
def test_the_papers_networks_have_counted_numbers_of_parameters(size, generator, discriminator):
    values = dict(zip(("width", "depth", "heads"), size, strict=True), patch=2, class_dim=2048)
    pair = build((4, 32, 32), 1000, "meta", **values)
    found = [sum(parameter.numel() for parameter in net.parameters()) for net in (pair.generator, pair.discriminator)]
    data = DataInfo(shape=(4, 32, 32), num_classes=1000)
    assert found == [generator, discriminator] == list(count_parameters(SPEC.options(**values), data).values())


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("shape", [(1, 8, 12), (4, 4, 4)])
def test_images_that_are_not_square_and_latents_of_four_channels_fit(shape, classes):
    pair = build(shape, classes, "meta", depth=5, patch=2)
    labels = torch.empty(2, dtype=torch.int64, device="meta") if classes else None
    made = pair.generator(torch.empty(2, 64, device="meta"), labels)
    answer = pair.discriminator(made.samples, labels)
    assert [image.shape for image in (*made.intermediates, made.samples)] == [(2, *shape)] * 4
    assert (answer.logits.shape, answer.embedding.shape, len(answer.features)) == ((2,), (2, 64), 5)


@pytest.mark.parametrize(
    ("shape", "values", "text"),
    [
        ((1, 30, 32), {}, "arch.patch=4 does not divide images of 30x32"),
        ((1, 8, 8), {"heads": 3}, "arch.width=64 is not a multiple of 4 [*] arch.heads: give 12 times"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(shape, values, text):
    with pytest.raises(UsageError, match=text):
        build(shape, **values)


def test_labels_that_are_not_classes_are_refused():
    with pytest.raises(UsageError, match="classes as labels"):
        networks.build(SPEC.options(), DataInfo(shape=(1, 8, 8), label_shape=(4,)))


# ----------------------------------------------------------------------------
# Attention, positions and patches.


def test_attention_computes_the_formula_with_rotations_as_complex_numbers():
    heads, length, rows, columns = 2, 8, 2, 3
    attention = stir(transformer.Attention(heads * length, heads, fused=False))
    x = draw(2, 1 + rows * columns, heads * length)
    q, k, v = attention.inputs(x).view(2, -1, 3, heads, length).unbind(2)  # [N, T, heads, d] each
    q, k = (normalise(part) * gain for part, gain in zip((q, k), attention.gain, strict=True))
    places = [(0, 0)] + [(row, column) for row in range(rows) for column in range(columns)]  # the class token first
    frequencies = [1.0, 1 / 100]  # 10,000 ** -(i / 2)
    angles = torch.tensor([[axis * f for axis in place for f in frequencies] for place in places], dtype=torch.float64)
    turns = torch.polar(torch.ones_like(angles), angles)[None, :, None]  # [1, T, 1, d / 2]
    q, k = (torch.complex(part[..., :4].contiguous(), part[..., 4:].contiguous()) * turns for part in (q, k))
    scores = torch.einsum("nihd,njhd->nhij", q, k.conj()).real / math.sqrt(length)
    expected = attention.output(torch.einsum("nhij,njhd->nihd", scores.softmax(-1), v).flatten(2))
    rotations = transformer.compute_rotations(rows, columns, length, extra=1).double()
    torch.testing.assert_close(attention(x, rotations), expected, rtol=1e-6, atol=1e-6)
    attention.fused = True
    torch.testing.assert_close(attention(x, rotations), expected, rtol=1e-6, atol=1e-6)


def test_rotated_scores_depend_on_the_distance_alone():
    rotations = transformer.compute_rotations(5, 5, 16).double()
    q, k = (transformer.rotate(draw(16, seed=seed).expand(25, 16), rotations) for seed in (1, 2))
    scores = (q @ k.T).view(5, 5, 5, 5)
    torch.testing.assert_close(scores[1, 2, 3, 3], scores[0, 1, 2, 2], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(scores[4, 0, 2, 1], scores[3, 3, 1, 4], rtol=1e-6, atol=1e-6)
    assert abs(scores[1, 2, 3, 3] - scores[1, 2, 3, 2]) > 1e-3


def test_each_position_has_features_of_its_own():
    positions = transformer.compute_positions(4, 6, 16)
    assert positions.shape == (24, 16)
    torch.testing.assert_close(positions.square().sum(1), torch.full((24,), 8.0))
    distances = torch.cdist(positions, positions) + 9 * torch.eye(24)
    assert distances.min() > 0.1
    first = [math.sin(2), math.sin(0.2), math.sin(0.02), math.sin(0.002)]  # of row 2
    torch.testing.assert_close(positions[2 * 6 + 5, :4], torch.tensor(first))


def test_patches_are_split_and_joined():
    x = draw(2, 3, 4, 6)
    rows = transformer.split_into_patches(x, 2)
    torch.testing.assert_close(rows[1, 4], x[1, :, 2:4, 2:4].permute(1, 2, 0).flatten())
    assert torch.equal(transformer.join_patches(rows, 2, (3, 4, 6)), x)


# ----------------------------------------------------------------------------
# Blocks and networks.


def gate(layer, x):
    one, two = (layer.inputs(x)[..., part] for part in (slice(0, 42), slice(42, 84)))
    return layer.output(one * torch.sigmoid(one) * two)


def test_the_blocks_compute_the_papers_formulas():
    options = SPEC.options(width=16, heads=2)
    rotations = transformer.compute_rotations(2, 2, 8).double()
    x, w = draw(3, 4, 16), draw(3, 16, seed=2)
    block = stir(networks.ModulatedBlock(options))
    a1, b1, a2, b2 = (part[:, None] for part in block.modulation(w).split(16, dim=1))
    y = x + b1 * block.attention((1 + a1) * normalise(x), rotations)
    torch.testing.assert_close(block(x, w, rotations), y + b2 * gate(block.layer, (1 + a2) * normalise(y)))
    block = stir(networks.Block(options))
    y = x + block.scale1 * block.attention(block.norm1.gain * normalise(x), rotations)
    y = y + block.scale2 * gate(block.layer, block.norm2.gain * normalise(y))
    torch.testing.assert_close(block(x, rotations), y)


def test_the_image_is_the_sum_of_the_heads_and_starts_from_positions_alone():
    pair = build((1, 8, 8), 3, **{**TINY, "depth": 8})
    network, z, labels = stir(pair.generator), draw(2, 5), torch.tensor([2, 0])
    w = torch.nn.functional.silu(network.mapping(z, labels))
    x, images = network.positions.expand(2, -1, -1), [0.0]
    assert network.levels == [1, 3, 5, 7]
    for index, block in enumerate(network.blocks):
        x = block(x, w, network.rotations)
        if index in (1, 3, 5, 7):
            patches = network.heads[index // 2](x, w)
            images.append(images[-1] + transformer.join_patches(patches, 4, (1, 8, 8)))
    made = network(z, labels)
    for found, expected in zip((*made.intermediates, made.samples), images[1:], strict=True):
        torch.testing.assert_close(found, expected)


def test_the_style_depends_on_the_directions_of_the_latent_and_the_class():
    network, labels = stir(build(classes=3, **TINY).generator), torch.tensor([1, 2])
    z = draw(2, 5)
    torch.testing.assert_close(network.mapping(7 * z, labels), network.mapping(z, labels))
    assert not torch.allclose(network.mapping(z, labels), network.mapping(z, labels.flip(0)))


def test_the_logit_is_a_product_of_the_token_and_the_class():
    network, labels = stir(build(classes=3, **TINY).discriminator), torch.tensor([1, 2])
    answer = network(draw(2, 1, 8, 8), labels)
    token = network.norm.gain * normalise(answer.features[-1][:, 0])
    torch.testing.assert_close(answer.embedding, token)
    expected = (network.last(token) * network.mapping(network.embedding(labels))).sum(1)
    torch.testing.assert_close(answer.logits, expected)


def test_without_projection_the_logit_does_not_depend_on_the_class():
    network, x = build(classes=3, projection=False, **TINY).discriminator, draw(2, 1, 8, 8, dtype=torch.float32)
    assert torch.equal(network(x, torch.tensor([0, 1])).logits, network(x, torch.tensor([2, 0])).logits)


def test_slow_layers_start_as_glorots_and_learn_slowly():
    layer = networks.SlowLinear(64, 32)
    bound = math.sqrt(6 / (64 + 32))
    effective = layer.weight * networks.RATE
    assert effective.abs().max().item() == pytest.approx(bound, rel=0.05)
    torch.testing.assert_close(layer(torch.eye(64)), effective.T)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.5)
    layer(torch.ones(1, 64)).sum().backward()
    optimizer.step()
    moved = layer.weight * networks.RATE - effective
    torch.testing.assert_close(moved, torch.full_like(moved, -0.5 * 0.01))


def test_a_fused_network_asks_for_penalties_without_second_derivatives():
    assert {"double-backward", "style"} < set(SPEC.get_provided(SPEC.options()))
    pairs = {"arch": "gat", "dataset": "digits", "arch.attention": "fused"}
    resolve(ganzoo.registry(), pairs=pairs)
    text = "regularizer 'r1' does not go with architecture 'gat' .no-double-backward.: add arch.attention=plain"
    with pytest.raises(UsageError, match=text):
        resolve(ganzoo.registry(), pairs={**pairs, "reg.r1.mode": "exact"})


# ----------------------------------------------------------------------------
# Recipes.


@pytest.mark.parametrize(
    ("name", "width", "rate", "images"), [("xl2", 1152, 2e-4 * 2 / 3, 76_870_020), ("b2", 768, 2e-4, 204_800_000)]
)
def test_the_recipes_have_the_papers_settings(name, width, rate, images):
    recipe = resolve(ganzoo.registry(), recipe=f"gat-{name}-imagenet-256", pairs={"dataset": "digits"})
    train, arch = recipe.train, recipe.arch.options
    assert (arch.width, arch.width // arch.heads, arch.attention, arch.patch) == (
        width,
        72 if name == "xl2" else 64,
        "fused",
        2,
    )
    assert (recipe.loss.name, train.batch, train.images, train.conditional) == ("rpgan", 512, images, True)
    for choice in recipe.reg:
        assert (choice.options.mode, choice.options.gamma * 64, choice.options.sigma * 8) == ("fd", 0.1, 0.01)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.options.betas, optim.options.clip) == ((0.0, 0.99), 1.0)
        assert optim.options.lr == pytest.approx(rate)
    assert 0.5 ** (train.batch / train.ema_half_life) == pytest.approx(0.999, abs=1e-8)
