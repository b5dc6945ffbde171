"""DCGAN's networks: their sizes against the published ones, shapes, initial weights, labels and modes."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch
from torch import nn

import ganzoo_dcgan
from ganzoo.plugin import DataInfo
from outputs import compute

SPEC, _ = ganzoo_dcgan.ganzoo_architectures()


def build(size=32, channels=3, classes=0, device="cpu", seed=0, **options):
    module, _, attribute = SPEC.factory.partition(":")
    factory = getattr(import_module(module), attribute)
    data = DataInfo(shape=(channels, size, size), num_classes=classes)
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory(SPEC.options(**options), data)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_spec():
    assert (SPEC.name, SPEC.sizes, SPEC.channels, SPEC.conditional) == (
        "dcgan",
        (16, 32, 64, 128, 256),
        (1, 3),
        "optional",
    )
    assert SPEC.options() == ganzoo_dcgan.DCGANOptions(width=32, z_dim=100)
    words = {norm: set(SPEC.get_provided(SPEC.options(norm_d=norm))) for norm in ("batch", "none", "spectral", "layer")}
    apart = {"double-backward", "features", "embedding"}
    assert words == {
        "batch": apart | {"batchnorm-in-d"}, "none": apart, "spectral": apart | {"bounded-slope"}, "layer": apart,
    }  # fmt: skip
    assert SPEC.recommended["optim.g.betas"] == (0.5, 0.999)


# ----------------------------------------------------------------------------
# Sizes and shapes.


def test_the_papers_networks_have_their_published_parameter_counts():
    networks = build(64, 3, device="meta", width=64, z_dim=100)
    assert count(networks.generator) == 3_576_704
    assert count(networks.discriminator) == 2_765_568


@pytest.mark.parametrize(
    ("size", "channels"),
    [
        (16, [16, 8]),
        (32, [32, 16, 8]),
        (64, [64, 32, 16, 8]),
        (128, [64, 64, 32, 16, 8]),
        (256, [64, 64, 64, 32, 16, 8]),
    ],
)
def test_channels_double_towards_4x4_eightfold_at_most(size, channels):
    networks = build(size, device="meta", width=8, z_dim=5)
    ups = [layer for layer in networks.generator.modules() if isinstance(layer, nn.ConvTranspose2d)]
    downs = [layer for layer in networks.discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.in_channels for layer in ups] == [5, *channels]
    assert [layer.out_channels for layer in downs] == [*channels[::-1], 1]


@pytest.mark.parametrize("size", SPEC.sizes)
@pytest.mark.parametrize("channels", SPEC.channels)
@pytest.mark.parametrize("classes", [0, 10])
def test_shapes(size, channels, classes):
    networks = build(size, channels, classes, device="meta")
    assert (networks.latent_dim, networks.latent) == (100, "normal")
    z = torch.empty(2, 100, device="meta")
    labels = torch.empty(2, dtype=torch.int64, device="meta") if classes else None
    images = networks.generator(z, labels)
    logits = networks.discriminator(images, labels).logits
    assert (images.shape, logits.shape) == ((2, channels, size, size), (2,))
    assert all(value.is_meta for value in (images, logits, *networks.generator.state_dict().values()))


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 8, 8), (3, 32, 64)])
def test_other_shapes_are_refused(shape):
    factory = import_module("ganzoo_dcgan.networks").build
    with pytest.raises(ValueError, match="16, 32, 64, 128, 256"):
        factory(SPEC.options(), DataInfo(shape=shape))


def test_images_of_another_size_are_refused():
    with pytest.raises(RuntimeError):
        build(16, width=4).discriminator(torch.zeros(2, 3, 32, 32))


@pytest.mark.parametrize("size", [16, 64])
def test_images_fill_but_never_leave_their_range(size):
    images = build(size, width=8).generator(20 * draw(8, 100))
    assert images.abs().max() <= 1
    louder = build(size, width=8)
    nn.init.normal_(louder.generator.last.weight)
    images = louder.generator(draw(8, 100))
    assert 0.99 < images.abs().max() <= 1
    assert images.min() < 0 < images.max()


# ----------------------------------------------------------------------------
# Layers and weights.


def test_state_dict_names_of_size_32():
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    generator = [
        *["first.0.weight", *(f"first.1.{name}" for name in norm)],
        *["blocks.0.0.weight", *(f"blocks.0.1.{name}" for name in norm)],
        *["blocks.1.0.weight", *(f"blocks.1.1.{name}" for name in norm)],
        "last.weight",
    ]
    discriminator = [
        "first.0.weight",
        *["blocks.0.0.weight", *(f"blocks.0.1.{name}" for name in norm)],
        *["blocks.1.0.weight", *(f"blocks.1.1.{name}" for name in norm)],
        "last.weight",
    ]
    for classes, extra in ((0, []), (10, ["embedding.weight"])):
        networks = build(32, classes=classes, device="meta")
        assert list(networks.generator.state_dict()) == [*extra, *generator]
        assert list(networks.discriminator.state_dict()) == [*extra, *discriminator]


def test_batch_normalisation_everywhere_but_at_the_image():
    networks = build(64, device="meta")
    generator, discriminator = list(networks.generator.modules()), list(networks.discriminator.modules())
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in generator) == 4
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in discriminator) == 3
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in networks.discriminator.first)
    assert type(networks.generator.last) is nn.ConvTranspose2d
    assert [layer.negative_slope for layer in discriminator if isinstance(layer, nn.LeakyReLU)] == [0.2] * 4


@pytest.mark.parametrize(("norm", "biases"), [("none", 4), ("spectral", 4), ("layer", 0)])
def test_other_normalisations_of_the_discriminator(norm, biases):
    """A convolution that no shift of a normalisation follows has a bias: without any, D(2x) would be 2 D(x)."""
    discriminator = build(32, 1, width=8, norm_d=norm).discriminator
    convolutions = [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert sum(layer.bias is not None for layer in convolutions) == biases
    assert sum(isinstance(layer, nn.GroupNorm) for layer in discriminator.modules()) == (2 if norm == "layer" else 0)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in discriminator.modules()) == 0
    together, alone = draw(4, 1, 32, 32), draw(4, 1, 32, 32)[:1]
    assert torch.allclose(discriminator.eval()(together).logits[:1], discriminator(alone).logits, atol=1e-5)


def test_a_spectral_discriminators_layers_have_a_largest_singular_value_of_1():
    discriminator = build(32, 1, width=8, norm_d="spectral").discriminator
    with torch.no_grad():
        for _ in range(50):
            discriminator(draw(2, 1, 32, 32))
    layers = [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]
    for layer in layers:
        assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(1, abs=0.05)


def test_without_normalisation_the_signal_reaches_the_logits():
    x = draw(64, 1, 32, 32)
    assert 0.1 < build(32, 1, norm_d="none").discriminator(x).logits.std() < 10


def test_initial_weights_are_the_papers():
    networks = build(64, width=64)
    for network in (networks.generator, networks.discriminator):
        for layer in network.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                assert layer.bias is None
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
                assert abs(layer.weight.mean().item()) < 0.002
        norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
        scales = torch.cat([layer.weight for layer in norms])
        assert scales.mean().item() == pytest.approx(1, abs=0.005)
        assert scales.std().item() == pytest.approx(0.02, rel=0.1)
        assert all((layer.bias == 0).all() for layer in norms)


def test_the_same_seed_gives_the_same_weights():
    states = [build(16, width=8, seed=seed).generator.state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["last.weight"], states[2]["last.weight"])


def test_building_on_meta_draws_nothing_from_the_cpu():
    factory = import_module("ganzoo_dcgan.networks").build
    before = torch.random.get_rng_state()
    with torch.device("meta"):
        factory(SPEC.options(), DataInfo(shape=(3, 32, 32), num_classes=10))
    assert torch.equal(torch.random.get_rng_state(), before)


# ----------------------------------------------------------------------------
# Labels.


def test_labels_change_the_output_and_learn():
    networks = build(16, classes=3, width=8)
    z, images = draw(4, 100), draw(4, 3, 16, 16)
    labels, others = torch.tensor([0, 0, 2, 2]), torch.tensor([2, 0, 2, 0])
    for network, inputs in ((networks.generator.eval(), z), (networks.discriminator.eval(), images)):
        with torch.no_grad():
            change = compute(network, inputs, labels) - compute(network, inputs, others)
        moved = [bool(row.any()) for row in change]
        assert moved == [True, False, False, True]
        compute(network, inputs, labels).square().sum().backward()
        rows = network.embedding.weight.grad.abs().sum(1)
        assert [bool(row > 0) for row in rows] == [True, False, True]


@pytest.mark.parametrize("pack", [1, 2])
def test_the_discriminators_logit_has_the_product_of_the_labels_and_its_own_embedding(pack):
    """Equation 3 of Miyato & Koyama 2018; the embeddings of the labels of a pack are summed."""
    discriminator = build(16, channels=1, classes=3, width=8, pack=pack).discriminator.eval()
    images, labels = draw(4, 1, 16, 16), torch.tensor([0, 1, 2, 1])
    maps = discriminator.blocks(discriminator.first(images.view(4 // pack, pack, 16, 16))).flatten(1)
    vectors = discriminator.embedding.weight[labels].view(4 // pack, pack, -1).sum(1)
    expected = maps @ discriminator.last.weight.flatten() + (maps * vectors).sum(1)
    assert torch.allclose(discriminator(images, labels).logits, expected, atol=1e-6)


def test_missing_or_unexpected_labels_are_refused():
    plain, conditional = build(16, width=8), build(16, classes=3, width=8)
    z, images, labels = draw(2, 100), draw(2, 3, 16, 16), torch.tensor([0, 1])
    for network, inputs in ((conditional.generator, z), (conditional.discriminator, images)):
        with pytest.raises(ValueError, match="pass labels"):
            network(inputs)
    for network, inputs in ((plain.generator, z), (plain.discriminator, images)):
        with pytest.raises(ValueError, match="labels=None"):
            network(inputs, labels)


# ----------------------------------------------------------------------------
# Modes and derivatives.


@pytest.mark.parametrize("classes", [0, 3])
def test_in_eval_mode_a_sample_does_not_see_its_batch(classes):
    networks = build(32, classes=classes, width=8)
    generator, discriminator = networks.generator, networks.discriminator
    z, labels = draw(6, 100), torch.arange(6) % 3 if classes else None
    one = labels[:1] if classes else None
    with torch.no_grad():
        discriminator(generator(z, labels), labels)  # moves the running statistics off their start
        images = generator.eval()(z, labels)
        logits = discriminator.eval()(images, labels).logits
        alone = generator(z[:1], one)
        judged = discriminator(images[:1], one).logits
    assert (alone.shape, judged.shape) == ((1, 3, 32, 32), (1,))
    torch.testing.assert_close(alone, images[:1], rtol=0, atol=1e-5)
    torch.testing.assert_close(judged, logits[:1], rtol=1e-4, atol=1e-5)


def test_in_training_mode_a_sample_sees_its_batch():
    generator = build(16, width=8).generator
    with torch.no_grad():
        assert not torch.allclose(generator(draw(6, 100))[:3], generator(draw(6, 100)[:3]), atol=1e-4)


def test_the_discriminator_has_second_derivatives():
    discriminator = build(16, width=4).discriminator
    images = draw(4, 3, 16, 16).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(images).logits.sum(), images, create_graph=True)
    slope.square().sum().backward()
    for name, parameter in discriminator.named_parameters():
        if name.endswith("weight"):
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0, name
