"""R3GAN's networks: sizes against the published ones, blocks, filters, weights, labels, derivatives; its recipes."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import safetensors.torch
import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.nn.functional import softplus

import ganzoo
import ganzoo_r3gan
from counting import Counting
from ganzoo.compute.convolution import direct_second_derivatives
from ganzoo.layers import input_gradients
from ganzoo.plugin import DataInfo, UsageError, options
from ganzoo.recipe.resolve import resolve
from outputs import compute

SPEC, _ = ganzoo_r3gan.ganzoo_architectures()
RECIPES = {recipe.name: recipe for recipe in ganzoo_r3gan.ganzoo_recipes()}
networks = import_module("ganzoo_r3gan.networks")


def build(size=16, channels=3, classes=0, device="cpu", seed=0, **values):
    data = DataInfo(shape=(channels, size, size), num_classes=classes)
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return networks.build(SPEC.options(**values), data)


def tiny(size=8, seed=0, **values):
    """Networks of a few thousand weights, every one drawn: at the start the blocks' last layers are 0."""
    pair = build(size, seed=seed, **({"widths": (8,), "blocks": 1, "group_width": 4, "z_dim": 5} | values))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        for network in (pair.generator, pair.discriminator):
            for block in blocks(network):
                nn.init.normal_(block.last.weight, 0.0, 0.2)
                nn.init.normal_(block.first.bias, 0.0, 0.2)
                nn.init.normal_(block.grouped.bias, 0.0, 0.2)
    return pair


def blocks(network):
    return [module for module in network.modules() if isinstance(module, networks.Block)]


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def draw(*shape, seed=1, dtype=None):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


WORDS = ("double-backward", "features", "embedding")


def test_spec():
    assert (SPEC.name, SPEC.conditional) == ("r3gan", "optional")
    assert SPEC.get_provided(SPEC.options()) == (*WORDS, "class-logits")
    assert SPEC.get_provided(SPEC.options(projection=False)) == WORDS
    assert SPEC.sizes == (8, 16, 32, 64, 128, 256, 512, 1024)
    assert (SPEC.recommended["loss"], SPEC.recommended["reg"]) == ("rpgan", ("r1", "r2"))
    assert SPEC.recommended["optim.d.betas"] == (0.0, 0.99)


# ----------------------------------------------------------------------------
# Sizes and shapes.


@pytest.mark.parametrize(
    ("name", "size", "classes", "generator", "discriminator"),
    [
        ("cifar10", 32, 10, 20.8, 21.3),
        ("ffhq-64", 64, 0, 22.4, 22.4),
        ("ffhq-256", 256, 0, 23.1, 23.0),
        ("imagenet-32", 32, 1000, 82.9, None),
        ("imagenet-64", 64, 1000, 103.6, 107.2),
    ],
)
def test_the_recipes_networks_have_their_published_parameter_counts(name, size, classes, generator, discriminator):
    settings = RECIPES[f"r3gan-{name}"].settings
    values = {key.removeprefix("arch."): value for key, value in settings.items() if key.startswith("arch.")}
    pair = build(size, classes=classes, device="meta", **values)
    assert count(pair.generator) / 1e6 == pytest.approx(generator, abs=0.05)
    if discriminator is None:  # published as 86.6, to which it would round with 1,008 parameters more
        assert count(pair.discriminator) == 86_548_992
    else:
        assert count(pair.discriminator) / 1e6 == pytest.approx(discriminator, abs=0.05)
    assert settings["train.conditional"] == bool(classes)


@pytest.mark.parametrize("classes", [0, 7])
@pytest.mark.parametrize("expansion", [1, 2])
def test_parameter_counts_by_formula(classes, expansion):
    widths, group, depth, z, embedding = (48, 32, 16), 8, 3, 10, 6
    pair = build(
        32, 2, classes, "meta", widths=widths, group_width=group, blocks=depth, expansion=expansion, z_dim=z,
        class_dim=embedding,
    )  # fmt: skip
    levels = (48, 32, 16, 16)
    inner = [width * expansion for width in levels]
    body = sum(depth * (2 * w * i + 9 * group * i + 2 * i) for w, i in zip(levels, inner, strict=True))
    body += 48 * 32 + 32 * 16  # where the width changes; not between 16 and 16
    edges = 16 * 48 + 2 * 16  # basis, and to or from the image
    labels_g, labels_d = (embedding * 48 + classes * embedding, 48 * 48 + classes * 48) if classes else (0, 48)
    assert count(pair.generator) == body + edges + z * 48 + labels_g
    assert count(pair.discriminator) == body + edges + labels_d


@pytest.mark.parametrize(
    ("size", "widths", "expected"),
    [
        (8, None, [96, 64]),
        (32, None, [96, 64, 32, 16]),
        (256, None, [96, 64, 32, 16, 16, 16, 16]),
        (32, (32,), [32, 32, 32, 32]),
        (64, (48, 32), [48, 32, 32, 32, 32]),
    ],
)
def test_the_last_width_holds_for_all_resolutions_above(size, widths, expected):
    assert networks.list_widths(SPEC.options(widths=widths), size) == expected
    pair = build(size, device="meta", widths=widths, blocks=1)
    assert [block.first.in_channels for block in blocks(pair.generator)] == expected
    assert [block.first.in_channels for block in blocks(pair.discriminator)] == expected[::-1]


@pytest.mark.parametrize("size", [8, 16, 32, 64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("classes", [0, 10])
def test_shapes(size, channels, classes):
    pair = build(size, channels, classes, device="meta")
    assert (pair.latent_dim, pair.latent) == (64, "normal")
    z = torch.empty(2, 64, device="meta")
    labels = torch.empty(2, dtype=torch.int64, device="meta") if classes else None
    images = pair.generator(z, labels)
    logits = pair.discriminator(images, labels).logits
    assert (images.shape, logits.shape) == ((2, channels, size, size), (2,))
    assert all(value.is_meta for value in (images, logits, *pair.generator.state_dict().values()))


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 28, 28), (3, 24, 24), (3, 32, 64)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(UsageError, match="8, 16, 32, 64"):
        networks.build(SPEC.options(), DataInfo(shape=shape))


def test_labels_that_are_not_classes_are_refused():
    with pytest.raises(UsageError, match="classes as labels"):
        networks.build(SPEC.options(), DataInfo(shape=(3, 32, 32), label_shape=(40,)))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"widths": (32,) * 4}, "have 3 resolutions from 4 up: give 1 to 3, or images of 32 pixels"),
        ({"widths": ()}, "give 1 to 3$"),
        ({"widths": (32, 20)}, "group_width=16 does not divide the 40 channels"),
        ({"group_width": 128}, "give arch.widths that are multiples of 128"),
    ],
)
def test_widths_that_do_not_fit_are_refused(values, text):
    with pytest.raises(UsageError, match=text):
        build(16, device="meta", **values)


# ----------------------------------------------------------------------------
# Blocks.


def test_a_block_starts_as_the_identity_and_learns():
    for network in (build().generator, build().discriminator):
        for block in blocks(network):
            x = draw(2, block.first.in_channels, 4, 4)
            assert torch.equal(block(x), x)
            with torch.no_grad():
                block.last.weight[0, 0, 0, 0] = 1.0
            change = block(x) - x
            assert change[:, 0].abs().max() > 0.01
            assert not change[:, 1:].any()


def test_a_block_computes_the_papers_formula():
    (block,) = blocks(tiny().generator)[:1]
    x = draw(2, 8, 5, 5)
    w1, w3 = block.first.weight[:, :, 0, 0], block.last.weight[:, :, 0, 0]
    act = lambda y: torch.where(y > 0, y, 0.2 * y)  # noqa: E731
    y = act(torch.einsum("oi,nihw->nohw", w1, x) + block.first.bias[:, None, None])
    y = nn.functional.pad(y, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)  # [N, 16, 5, 5, 3, 3]
    full = torch.block_diag(*(w.flatten(1) for w in block.grouped.weight.split(4))).view(16, 16, 3, 3)
    y = act(torch.einsum("oikl,nihwkl->nohw", full, y) + block.grouped.bias[:, None, None])
    expected = x + torch.einsum("oi,nihw->nohw", w3, y)
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-5)


def test_the_3x3_convolutions_do_not_mix_groups():
    for network, width in ((build().generator, 16), (build(group_width=8).discriminator, 8)):
        for block in blocks(network):
            inner = block.grouped.in_channels
            assert block.grouped.weight.shape == (inner, width, 3, 3)
            x = draw(1, inner, 4, 4)
            moved = x.clone()
            moved[:, 0] += 1
            changed = (block.grouped(moved) - block.grouped(x)).abs().amax((0, 2, 3)) > 0
            assert changed.tolist() == [True] * width + [False] * (inner - width)


def test_only_layers_before_activations_have_biases():
    for network in (build(classes=3).generator, build(classes=3).discriminator):
        biases = [name for name, _ in network.named_parameters() if name.endswith("bias")]
        assert len(biases) == 2 * len(blocks(network))
        assert all(name.endswith(("first.bias", "grouped.bias")) for name in biases)


# ----------------------------------------------------------------------------
# Filters.


def ramp(size):
    """An image that rises by 2 a column and 3 a row, and one that is 1 everywhere: [1, 2, size, size]."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.stack([2.0 * columns + 3.0 * rows, torch.ones(size, size)])[None]


def test_upsampling_is_linear_interpolation_exactly():
    up = networks.Up(2, 2)(ramp(6))
    assert torch.equal(up[..., :-1, :-1], ramp(12)[..., :-1, :-1] * torch.tensor([0.5, 1.0])[:, None, None])
    assert torch.equal(up[0, 1, -1], torch.tensor([0.5] * 11 + [0.25]))  # zeros beyond the lower border
    assert torch.equal(up[0, 1, :, -1], torch.tensor([0.5] * 11 + [0.25]))


def test_downsampling_keeps_constants_and_ramps_exactly():
    down = networks.Down(2, 2)(ramp(12))
    assert torch.equal(down[..., 1:, 1:], ramp(6)[..., 1:, 1:] * torch.tensor([2.0, 1.0])[:, None, None])
    assert torch.equal(down[0, 1, 0], torch.tensor([0.5625] + [0.75] * 5))  # zeros beyond the upper border


def test_down_of_up_keeps_constants_and_ramps_exactly():
    there_and_back = networks.Down(2, 2)(networks.Up(2, 2)(ramp(6)))
    assert torch.equal(there_and_back[..., 1:-1, 1:-1], ramp(6)[..., 1:-1, 1:-1])


def test_up_and_down_are_transposes_but_for_a_factor():
    small, large = draw(1, 3, 4, 4), draw(1, 3, 8, 8, seed=2)
    up, down = networks.Up(3, 3), networks.Down(3, 3)
    torch.testing.assert_close((up(small) * large).sum(), 4 * (small * down(large)).sum())


def test_downsampling_removes_the_finest_pattern():
    stripes = torch.tensor([1.0, -1.0]).repeat(4).expand(1, 1, 8, 8)
    assert not networks.Down(1, 1)(stripes)[..., 1:, 1:].any()


def test_resampling_changes_the_width_by_a_1x1_convolution_at_the_lower_resolution():
    for layer, sides, expected in ((networks.Up(6, 4), 5, (2, 4, 10, 10)), (networks.Down(6, 4), 10, (2, 4, 5, 5))):
        seen = []
        layer.conv.register_forward_hook(lambda module, args, out, seen=seen: seen.append(out.shape))
        assert layer(draw(2, 6, sides, sides)).shape == expected
        assert (layer.conv.kernel_size, layer.conv.bias, seen) == ((1, 1), None, [(2, 4, 5, 5)])
    assert not list(networks.Up(4, 4).parameters())


# ----------------------------------------------------------------------------
# Initial weights.


def test_initial_weights_are_the_papers():
    pair = build(32, classes=50, widths=(128, 128, 64, 64), blocks=2, group_width=16)
    residual = math.sqrt(2 / (1 + 0.2**2)) * 8**-0.25
    for network in (pair.generator, pair.discriminator):
        for block in blocks(network):
            width = block.first.in_channels
            assert block.first.weight.std().item() == pytest.approx(residual / math.sqrt(width), rel=0.05)
            assert block.grouped.weight.std().item() == pytest.approx(residual / math.sqrt(9 * 16), rel=0.05)
            assert not any(tensor.any() for tensor in (block.last.weight, block.first.bias, block.grouped.bias))
        for layer in (module.conv for module in network.modules() if isinstance(module, (networks.Up, networks.Down))):
            if not isinstance(layer, nn.Identity):
                assert layer.weight.std().item() == pytest.approx(layer.in_channels**-0.5, rel=0.05)
    generator, discriminator = pair.generator, pair.discriminator
    for tensor, std in (
        (generator.linear.weight, 128**-0.5),  # z and the class embedding, 64 each
        (generator.basis, 1),
        (generator.embedding.weight, 1),
        (generator.last.weight, 64**-0.5),
        (discriminator.first.weight, 3**-0.5),
        (discriminator.basis.weight, 1 / 4),
        (discriminator.linear.weight, 128**-0.5),
        (discriminator.embedding.weight, 128**-0.5),
    ):
        tolerance = 5 / math.sqrt(2 * tensor.numel())
        assert tensor.std().item() == pytest.approx(std, rel=tolerance)
        assert abs(tensor.mean().item()) < 5 * std / math.sqrt(tensor.numel())


def test_the_residual_gain_falls_with_the_number_of_blocks():
    for depth in (1, 4):
        block = blocks(build(16, device="cpu", widths=(128,), blocks=depth).discriminator)[0]
        expected = math.sqrt(2 / 1.04) * (3 * depth) ** -0.25 / math.sqrt(128)
        assert block.first.weight.std().item() == pytest.approx(expected, rel=0.03)


def test_images_start_at_unit_scale_and_are_unbounded():
    generator = build(32).generator
    with torch.no_grad():
        images = generator(draw(64, 64))
        assert 0.3 < images[..., :-4, :-4].std() < 1.5
        assert images.abs().max() > 1
        torch.testing.assert_close(generator(3 * draw(4, 64)), 3 * images[:4])  # linear while blocks are identities


def test_the_same_seed_gives_the_same_networks():
    states = [build(classes=3, seed=seed).generator.state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["basis"], states[2]["basis"])
    z, labels = draw(3, 64), torch.tensor([0, 1, 2])
    assert torch.equal(
        build(classes=3, seed=3).generator(z, labels),
        build(classes=3, seed=3).generator(z, labels),
    )


def test_building_on_meta_draws_nothing_from_the_cpu():
    before = torch.random.get_rng_state()
    with torch.device("meta"):
        networks.build(SPEC.options(), DataInfo(shape=(3, 32, 32), num_classes=10))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weights_survive_safetensors_without_constants():
    for role in ("generator", "discriminator"):
        network, other = (getattr(tiny(seed=seed), role) for seed in (0, 5))
        state = safetensors.torch.load(safetensors.torch.save(network.state_dict()))
        assert set(state) == {name for name, _ in network.named_parameters()}
        other.load_state_dict(state, strict=True)
        x = draw(2, 5) if role == "generator" else draw(2, 3, 8, 8)
        assert torch.equal(compute(other, x), compute(network, x))


# ----------------------------------------------------------------------------
# Labels.


def test_the_discriminators_logit_is_the_product_with_the_labels_embedding():
    discriminator = tiny(classes=4).discriminator
    images, labels = draw(5, 3, 8, 8), torch.tensor([0, 3, 1, 3, 2])
    seen = []
    discriminator.linear.register_forward_hook(lambda module, args, out: seen.append(out))
    logits = discriminator(images, labels).logits
    one_hot = nn.functional.one_hot(labels, 4).float()
    assert seen[0].shape == (5, 8)
    torch.testing.assert_close(logits, ((seen[0] @ discriminator.embedding.weight.T) * one_hot).sum(1))
    torch.testing.assert_close(discriminator(images, labels).class_logits, seen[0] @ discriminator.embedding.weight.T)


def test_the_generators_embedding_is_concatenated_to_z():
    generator = tiny(classes=4, class_dim=3).generator
    plain = tiny(z_dim=8).generator
    plain.load_state_dict({key: value for key, value in generator.state_dict().items() if key != "embedding.weight"})
    z, labels = draw(5, 5), torch.tensor([0, 3, 1, 3, 2])
    joined = torch.cat([z, generator.embedding.weight[labels]], 1)
    torch.testing.assert_close(generator(z, labels), plain(joined), rtol=0, atol=0)


def test_labels_change_the_output_and_learn():
    pair = build(classes=3)
    labels, others = torch.tensor([0, 0, 2, 2]), torch.tensor([2, 0, 2, 0])
    for network, inputs in ((pair.generator, draw(4, 64)), (pair.discriminator, draw(4, 3, 16, 16))):
        with torch.no_grad():
            change = compute(network, inputs, labels) - compute(network, inputs, others)
        assert [bool(row.any()) for row in change] == [True, False, False, True]
        compute(network, inputs, labels).square().sum().backward()
        assert [bool(row.any()) for row in network.embedding.weight.grad] == [True, False, True]


def test_missing_or_unexpected_labels_are_refused():
    z, images, labels = draw(2, 64), draw(2, 3, 16, 16), torch.tensor([0, 1])
    plain, conditional = build(), build(classes=3)
    for network, inputs in ((conditional.generator, z), (conditional.discriminator, images)):
        with pytest.raises(ValueError, match="built for labels: pass labels"):
            network(inputs)
    for network, inputs in ((plain.generator, z), (plain.discriminator, images)):
        with pytest.raises(ValueError, match="labels=None"):
            network(inputs, labels)


# ----------------------------------------------------------------------------
# Batches and derivatives.


def test_a_sample_does_not_see_its_batch():
    pair = tiny(16)
    z = draw(6, 5)
    with torch.no_grad():
        images = pair.generator(z)
        logits = pair.discriminator(images).logits
        torch.testing.assert_close(pair.generator(z[2:3]), images[2:3], rtol=0, atol=1e-5)
        torch.testing.assert_close(pair.discriminator(images[2:3]).logits, logits[2:3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("classes", [0, 3])
def test_the_gradient_penalty_has_the_right_gradient(classes):
    """Of E|dD/dx|^2 in every weight of D, against central differences in float64 along a random direction."""
    discriminator = tiny(classes=classes).discriminator.double()
    labels = torch.tensor([0, 1, 2]) if classes else None
    images = draw(3, 3, 8, 8, dtype=torch.float64).requires_grad_()
    weights = list(discriminator.parameters())

    def penalty():
        (slope,) = torch.autograd.grad(discriminator(images, labels).logits.sum(), images, create_graph=True)
        return slope.square().sum()

    grads = torch.autograd.grad(penalty(), weights, allow_unused=True)
    for seed, (weight, grad) in enumerate(zip(weights, grads, strict=True)):
        direction = draw(*weight.shape, seed=seed, dtype=torch.float64)
        direction /= direction.norm()
        sides = []
        for step in (1e-6, -2e-6):
            with torch.no_grad():
                weight += step * direction
            sides.append(penalty().item())
        with torch.no_grad():
            weight += 1e-6 * direction
        slope = 0.0 if grad is None else (grad * direction).sum().item()  # none: biases act through kinks alone
        assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("classes", [0, 3])
def test_the_last_map_is_weighed_as_by_a_convolution(classes):
    discriminator = tiny(classes=classes).discriminator.double()
    images, labels = draw(3, 3, 8, 8, dtype=torch.float64), torch.tensor([0, 1, 2]) if classes else None
    features = discriminator.linear(discriminator.basis(discriminator.stages(discriminator.first(images))).flatten(1))
    wanted = (features * discriminator.embedding(labels) if classes else features).sum(1)
    torch.testing.assert_close(discriminator(images, labels).logits, wanted, rtol=1e-12, atol=1e-12)


def test_the_penalties_of_the_recipe_for_cifar10_take_few_convolutions():
    """A D update's forwards, penalties and gradients, counted without computing: one kernel for each derivative."""
    values = {key[5:]: value for key, value in RECIPES["r3gan-cifar10"].settings.items() if key.startswith("arch.")}
    with FakeTensorMode(), Counting() as counted:
        discriminator = networks.build(SPEC.options(**values), DataInfo(shape=(3, 32, 32))).discriminator
        images = [torch.empty(2, 3, 32, 32, requires_grad=True) for _ in ("real", "fake")]
        logits = [discriminator(each).logits for each in images]
        loss = softplus(logits[1] - logits[0]).mean()
        loss = loss + sum(input_gradients(*each).square().sum() for each in zip(logits, images, strict=True))
        with direct_second_derivatives():
            torch.autograd.grad(loss, list(discriminator.parameters()))
    assert counted.convolutions < 300  # with torch's formula 1,794


def test_every_weight_of_the_discriminator_has_a_penalty_gradient():
    discriminator = tiny(16).discriminator
    images = draw(4, 3, 16, 16).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(images).logits.sum(), images, create_graph=True)
    slope.square().sum().backward()
    for name, parameter in discriminator.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad.abs().max() > 0, name


# ----------------------------------------------------------------------------
# Recipes.


@pytest.mark.parametrize(
    ("name", "size", "batch", "images", "gamma", "p", "half_life"),
    [
        ("cifar10", 32, 512, 20e6, (0.05, 0.005), 0.55, 5e6),
        ("ffhq-64", 64, 256, 20e6, (2, 0.2), 0.3, 5e5),
        ("ffhq-256", 256, 256, 20e6, (150, 15), 0.3, 5e5),
        ("imagenet-32", 32, 4096, 200e6, (0.5, 0.05), 0.5, 50e6),
        ("imagenet-64", 64, 4096, 200e6, (1, 0.1), 0.4, 50e6),
    ],
)
def test_recipes_resolve_to_the_published_settings(name, size, batch, images, gamma, p, half_life):
    recipe = resolve(ganzoo.registry(), recipe=f"r3gan-{name}", pairs={"dataset": "digits"})
    assert (recipe.dataset.options.size, recipe.train.flip) == (size, True)
    assert (recipe.loss.name, [choice.name for choice in recipe.reg]) == ("rpgan", ["r1", "r2"])
    assert (recipe.train.batch, recipe.train.images, recipe.train.update) == (batch, images, "alternating")
    (ada,) = (choice.options for choice in recipe.aug)
    assert [ada.blit, ada.geometry, ada.colour, ada.filter, ada.noise, ada.cutout] == [1, 1, 0.5, 0, 0, 1]
    scheduled = [(ada.p, (0, p)), *((choice.options.gamma, gamma) for choice in recipe.reg)]
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.name, optim.options.betas[0]) == ("adam", 0)
        scheduled += [(optim.options.lr, (2e-4, 5e-5)), (optim.options.betas[1], (0.9, 0.99))]
    for schedule, (start, end) in scheduled:
        middle = pytest.approx((start + end) / 2)
        assert (schedule.at(0), schedule.at(images / 2), schedule.at(2 * images)) == (start, middle, end)
        quarter = end + (start - end) * (1 + math.sqrt(0.5)) / 2
        assert schedule.at(images / 4) == pytest.approx(quarter)
    assert len(recipe.arch.options.widths) == size.bit_length() - 2
    assert recipe.train.ema_half_life == half_life
    assert recipe.train.ema_ramp * images == pytest.approx(half_life)
    assert options.read(type(recipe.arch.options), options.to_json(recipe.arch.options)) == recipe.arch.options


def test_the_recommended_settings_resolve():
    recipe = resolve(ganzoo.registry(), flags={"arch": "r3gan"})
    assert (recipe.loss.name, [choice.name for choice in recipe.reg]) == ("rpgan", ["r1", "r2"])
    assert recipe.origins["reg.r2.gamma"] == "arch 'r3gan'"
