"""The fully connected networks: their sizes, shapes, initial weights, latents, labels and derivatives."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib import import_module
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

import ganzoo_mlp
from ganzoo.compute.streams import draw_latents
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.check import check_recipe
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo_datasets.specs.included import PointsOptions, points_info
from ganzoo_mlp.modes import choose_settings
from outputs import Plain, compute

(SPEC,) = ganzoo_mlp.ganzoo_architectures()
POINTS = DataInfo(shape=(2,), modality="points")
IMAGE = DataInfo(shape=(3, 8, 8))


def build(data=POINTS, device="cpu", seed=0, **options):
    module, _, attribute = SPEC.factory.partition(":")
    factory = getattr(import_module(module), attribute)
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory(SPEC.options(**options), data)


def labelled(data=POINTS, **labels):
    return DataInfo(shape=data.shape, modality=data.modality, **labels)


def linears(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def expected(inputs, width, depth, outputs):
    return (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_plugin_module_is_light():
    code = "import sys, ganzoo_mlp; print([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_spec():
    assert (SPEC.name, SPEC.sizes, SPEC.channels, SPEC.conditional) == ("mlp", (), (), "optional")
    assert set(SPEC.modalities) == {"image", "points", "tabular"}
    assert SPEC.get_provided(SPEC.options(projection=False)) == ("double-backward", "features", "embedding")
    assert SPEC.get_provided(SPEC.options())[3:] == ("labels-in-embedding",)


def test_its_recommendations_are_a_complete_recipe():
    recipe = resolve(registry(), flags={"arch": "mlp", "dataset": "points"})
    check_recipe(recipe)
    assert recipe.loss.name == "rpgan"
    assert {choice.name: choice.options.gamma for choice in recipe.reg} == {"r1": 0.02, "r2": 0.02}
    assert (recipe.optim_g.options.betas, recipe.optim_d.options.betas) == ((0.0, 0.99), (0.0, 0.99))


def test_the_recipe_for_modes_depends_on_their_number():
    for shape, lr in (("ring", 3e-4), ("grid", 1.5e-4), ("staggered-100", 1e-3)):
        settings = choose_settings(points_info(PointsOptions(shape=shape)), "cpu")
        recipe = resolve(registry(), pairs={"dataset": "points", "dataset.shape": shape, **settings})
        check_recipe(recipe)
        assert recipe.optim_g.options.lr.at(0) == lr
        end = recipe.reg[0].options.gamma.at(recipe.train.images)
        assert end == pytest.approx(0.0003 if shape == "staggered-100" else 0.003)
    found = [choose_settings(points_info(PointsOptions(shape=shape)), "cpu") for shape in ("spiral", "grid")]
    assert found[0] == found[1]


# ----------------------------------------------------------------------------
# Sizes and shapes.


@pytest.mark.parametrize("data", [POINTS, DataInfo(shape=(7,), modality="tabular"), IMAGE])
@pytest.mark.parametrize(("depth", "width"), [(1, 5), (3, 128), (4, 16)])
def test_parameter_counts(data, depth, width):
    networks = build(data, device="meta", depth=depth, width=width, z_dim=9)
    numbers = torch.Size(data.shape).numel()
    assert count(networks.generator) == expected(9, width, depth, numbers)
    assert count(networks.discriminator) == expected(numbers, width, depth, 1)


@pytest.mark.parametrize(
    "data",
    [
        DataInfo(shape=(1,), modality="points"),
        POINTS,
        DataInfo(shape=(40,), modality="tabular"),
        DataInfo(shape=(1, 8, 8)),
        DataInfo(shape=(5, 7, 7)),
        DataInfo(shape=(3, 64, 64)),
    ],
)
@pytest.mark.parametrize("labels", [{}, {"num_classes": 4}, {"label_shape": (3,)}, {"label_shape": (2, 5)}])
@pytest.mark.parametrize("latent", ["normal", "mixed"])
def test_shapes(data, labels, latent):
    data = labelled(data, **labels)
    networks = build(data, device="meta", width=8, latent=latent)
    z = torch.empty(6, networks.latent_dim, device="meta")
    given = None
    if data.labelled:
        dtype = torch.int64 if data.num_classes else torch.float32
        given = torch.empty(6, *data.label_shape, dtype=dtype, device="meta")
    samples = networks.generator(z, given)
    logits = networks.discriminator(samples, given).logits
    assert (samples.shape, logits.shape) == ((6, *data.shape), (6,))
    assert (samples.dtype, logits.dtype) == (torch.float32, torch.float32)


def test_images_above_64_pixels_are_refused():
    with pytest.raises(UsageError, match=r"at most 64 pixels a side, not 65: .*dataset\.size"):
        build(DataInfo(shape=(3, 65, 65)))


@pytest.mark.parametrize(("data", "pack"), [(POINTS, 1), (labelled(num_classes=3), 1), (POINTS, 2)])
def test_waves_enter_beside_the_samples(data, pack):
    discriminator = build(data, frequency=0.5, pack=pack).discriminator
    x, labels = draw(4, 2), torch.tensor([0, 1, 2, 0]) if data.num_classes else None
    entered = []
    linears(discriminator)[0].register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
    discriminator(x, labels)
    angles = x @ discriminator.waves.frequencies
    seen = entered[0].view(4, -1)[:, :66]
    torch.testing.assert_close(seen, torch.cat([x, angles.sin(), angles.cos()], 1))
    assert entered[0].shape == (4 // pack, pack * (66 + data.num_classes))


def test_frequencies_of_waves_are_in_periods_and_are_kept_with_the_weights():
    frequencies = build(DataInfo(shape=(500,), modality="tabular"), frequency=0.5).discriminator.waves.frequencies
    assert frequencies.std().item() == pytest.approx(math.pi, rel=0.03)
    assert "waves.frequencies" in build(frequency=0.5).discriminator.state_dict()
    assert build().discriminator.waves is None


def test_images_are_bounded_and_points_are_not():
    images, points = (build(data, width=32, z_dim=2).generator(100 * draw(64, 2)) for data in (IMAGE, POINTS))
    assert 0.99 < images.abs().max() <= 1
    assert points.abs().max() > 10


# ----------------------------------------------------------------------------
# Layers and weights.


def test_no_layers_but_linear_and_leaky():
    networks = build(depth=3)
    for network in (networks.generator, networks.discriminator):
        layers = [layer for layer in network.modules() if not list(layer.children())]
        assert list(map(type, layers)) == [nn.Linear, nn.LeakyReLU] * 3 + [nn.Linear]
        assert {layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)} == {0.2}
        assert all(one.out_features == other.in_features for one, other in pairwise(linears(network)))
    assert type(build(IMAGE).generator.layers[-1]) is nn.Tanh


def test_initial_weights():
    networks = build(DataInfo(shape=(500,), modality="tabular"), width=600, z_dim=400)
    for network in (networks.generator, networks.discriminator):
        *hidden, last = linears(network)
        for layer in hidden:
            bound = layer.in_features**-0.5
            assert layer.weight.std().item() == pytest.approx((2 / 1.04) ** 0.5 * bound, rel=0.02)
            assert layer.weight.abs().max() > 3 * layer.weight.std()  # normal, not uniform
            assert layer.bias.abs().max().item() == pytest.approx(bound, rel=0.02)
            assert layer.bias.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
        assert last.weight.std().item() == pytest.approx(last.in_features**-0.5, rel=0.1)
        assert not last.bias.any()


def test_samples_start_at_the_datas_scale():
    data = DataInfo(shape=(500,), modality="tabular")
    samples = build(data, width=500, z_dim=100).generator(draw(200, 100))
    assert samples.square().mean().sqrt().item() == pytest.approx(1, rel=0.2)


def test_the_same_seed_gives_the_same_networks():
    one, same, other = (build(seed=seed) for seed in (0, 0, 1))
    z = draw(5, 2)
    assert torch.equal(one.generator(z), same.generator(z))
    assert torch.equal(one.discriminator(z).logits, same.discriminator(z).logits)
    assert not torch.equal(one.generator(z), other.generator(z))
    assert not torch.equal(one.discriminator(z).logits, other.discriminator(z).logits)


def test_building_on_meta_draws_nothing_from_the_cpu():
    before = torch.get_rng_state()
    with torch.device("meta"):
        import_module("ganzoo_mlp.networks").build(SPEC.options(latent="mixed"), IMAGE)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("options", [{}, {"latent": "mixed", "codes": 3}, {"frequency": 0.5}])
def test_weights_survive_safetensors(options):
    for network, other, x in zip(
        *[(n.generator, n.discriminator) for n in (build(**options), build(seed=1, **options))],
        (draw(4, build(**options).latent_dim), draw(4, 2)),
        strict=True,
    ):
        assert not torch.equal(compute(network, x), compute(other, x))
        other.load_state_dict(load(save(network.state_dict())))
        assert torch.equal(compute(network, x), compute(other, x))


# ----------------------------------------------------------------------------
# Latents.


@pytest.mark.parametrize(
    ("shape", "modality", "z_dim"), [((2,), "points", 2), ((7,), "tabular", 7), ((1, 32, 32), "image", 32)]
)
def test_z_is_as_long_as_a_sample_32_at_most(shape, modality, z_dim):
    data = DataInfo(shape=shape, modality=modality)
    networks = build(data)
    assert (networks.latent_dim, networks.latent) == (z_dim, "normal")
    assert build(data, z_dim=5).latent_dim == 5
    assert build(data, latent="mixed", codes=6).latent_dim == min(2 * math.prod(shape), 32) + 6


def test_codes_of_mixed_latents_are_scaled():
    networks = build(latent="mixed", codes=6, z_dim=3, code_scale=5.0)
    assert (networks.latent_dim, networks.latent) == (9, "normal+onehot6")
    z = draw_latents(networks.latent, torch.Generator().manual_seed(0), 20, 9)
    first = networks.generator.layers[0]
    entered = []
    first.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
    networks.generator(z)
    assert torch.equal(entered[0][:, :3], z[:, :3])
    assert torch.equal(entered[0][:, 3:], 5 * z[:, 3:])
    assert entered[0][:, 3:].sum(1).eq(5).all()


# ----------------------------------------------------------------------------
# Labels.


def test_classes_enter_as_one_hot_behind_the_input():
    networks = build(labelled(num_classes=3), z_dim=4)
    labels = torch.tensor([2, 0])
    for network, inputs in ((networks.generator, draw(2, 4)), (networks.discriminator, draw(2, 2))):
        entered = []
        linears(network)[0].register_forward_pre_hook(lambda _, given, seen=entered: seen.append(given[0]))
        network(inputs, labels)
        assert torch.equal(entered[0], torch.cat([inputs, torch.tensor([[0.0, 0, 1], [1, 0, 0]])], 1))


@pytest.mark.parametrize("data", [POINTS, IMAGE])
def test_array_labels_enter_unchanged(data):
    networks = build(labelled(data, label_shape=(2, 3)), z_dim=4)
    labels = draw(5, 2, 3, seed=2)
    for network, inputs in ((networks.generator, draw(5, 4)), (networks.discriminator, draw(5, *data.shape))):
        entered = []
        linears(network)[0].register_forward_pre_hook(lambda _, given, seen=entered: seen.append(given[0]))
        network(inputs, labels)
        assert torch.equal(entered[0], torch.cat([inputs.flatten(1), labels.flatten(1)], 1))


def test_missing_or_unexpected_labels_are_refused():
    for networks, labels, way_out in (
        (build(labelled(num_classes=3)), None, "pass labels$"),
        (build(labelled(label_shape=(3,))), None, "pass labels$"),
        (build(), torch.tensor([0, 1]), "labels=None"),
    ):
        for network in (networks.generator, networks.discriminator):
            with pytest.raises(ValueError, match=way_out):
                network(draw(2, 2), labels)


# ----------------------------------------------------------------------------
# Derivatives, and recording.


def test_every_parameter_learns_from_the_discriminators_answer():
    networks = build(labelled(num_classes=3), width=8, latent="mixed", codes=2)
    labels = torch.tensor([0, 1, 2, 1])
    z = draw(4, networks.latent_dim)
    networks.discriminator(networks.generator(z, labels), labels).logits.sum().backward()
    for network in (networks.generator, networks.discriminator):
        assert all(parameter.grad.any() for parameter in network.parameters())


def test_the_discriminator_has_second_derivatives():
    discriminator = build(IMAGE, width=8).discriminator
    images = draw(4, 3, 8, 8).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(images).logits.sum(), images, create_graph=True)
    slope.square().sum().backward()
    for layer in linears(discriminator):
        assert torch.isfinite(layer.weight.grad).all()
        assert layer.weight.grad.abs().max() > 0


@pytest.mark.parametrize("options", [{"frequency": 0.5}, {"latent": "mixed", "codes": 3}])
@pytest.mark.parametrize("labels", [{}, {"num_classes": 3}, {"label_shape": (2,)}])
def test_networks_record_as_one_graph_for_any_batch(options, labels):
    data = labelled(**labels)
    networks = build(data, width=8, **options)
    given = None
    if labels:
        given = draw(4, 2) if data.label_shape else torch.tensor([0, 1, 2, 0])
    for network, x in ((networks.generator, draw(4, networks.latent_dim)), (networks.discriminator, draw(4, 2))):
        batch = torch.export.Dim("batch", min=2, max=1024)
        dynamic = {"labels": None if given is None else {0: batch}}
        program = torch.export.export(Plain(network), (x, given), dynamic_shapes={"x": {0: batch}, **dynamic}).module()
        torch.testing.assert_close(program(x, given), compute(network, x, given))
        twice = (torch.cat([x, x]), None if given is None else torch.cat([given, given]))
        torch.testing.assert_close(program(*twice), compute(network, *twice))
