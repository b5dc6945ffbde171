"""FastGAN: its networks against the paper's formulas, the reconstruction of D's features, the randomised margin."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ganzoo
import ganzoo_fastgan
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo.recipe.resolve import resolve

SPEC = next(spec for spec in ganzoo_fastgan.ganzoo_architectures() if spec.name == "fastgan")
networks, terms = import_module("ganzoo_fastgan.networks"), import_module("ganzoo_fastgan.reconstruction")
cases = import_module("ganzoo_fastgan.cases")


def build(size=32, channels=3, device="cpu", **values):
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return networks.build(SPEC.options(**values), DataInfo(shape=(channels, size, size)))


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# ----------------------------------------------------------------------------
# Networks.


@pytest.mark.parametrize(("size", "width"), [(256, 64), (1024, 64)])
def test_the_networks_have_as_many_parameters_as_the_papers_layers(size, width):
    pair = build(size, device="meta", width=width, z_dim=256)
    assert (count(pair.generator), count(pair.discriminator)) == cases.count_parameters(size, width, 256)
    assert (pair.latent_dim, pair.latent) == (256, "normal")


@pytest.mark.parametrize("size", SPEC.sizes)
def test_shapes(size):
    pair = build(size, 1, device="meta", norm_d="none")
    images = pair.generator(torch.empty(2, 64, device="meta"))
    answer = pair.discriminator(images)
    assert (images.shape, answer.logits.shape) == ((2, 1, size, size), (2, 1, 5, 5))
    assert [tuple(each.shape[2:]) for each in answer.features] == [(16, 16), (8, 8)]
    assert answer.embedding.shape == (2, 16 * 4)


def test_other_data_are_refused():
    with pytest.raises(UsageError, match="one of 32, 64, 128"):
        networks.build(SPEC.options(), DataInfo(shape=(3, 48, 48)))


@pytest.mark.parametrize(
    ("size", "gates"), [(32, {32: 4}), (64, {64: 4}), (128, {128: 8}), (1024, {128: 8, 256: 16, 512: 32})]
)
def test_maps_of_a_low_resolution_gate_those_of_16_times_the_resolution(size, gates):
    assert networks.list_gates(size) == gates


def test_the_skip_layer_excitation_computes_equation_1():
    gate = networks.Excitation(8, 6, 5).double()
    for conv in (gate.conv1, gate.conv2):
        nn.init.normal_(conv.weight)
    low, x = draw(3, 6, 8, 8), draw(3, 5, 16, 16, seed=2)
    pooled = low.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5))  # [3, 6, 4, 4]
    y = torch.einsum("nchw,dchw->nd", pooled, gate.conv1.weight)
    y = torch.where(y > 0, y, 0.2 * y) @ gate.conv2.weight[:, :, 0, 0].T
    torch.testing.assert_close(gate(low, x), x / (1 + (-y).exp())[:, :, None, None], rtol=1e-10, atol=1e-10)


def test_a_block_of_g_repeats_pixels_and_gates_a_convolution():
    block = networks.make_up_block(3, 4).double()
    conv, norm, _ = block
    nn.init.normal_(conv.weight)
    x = draw(2, 3, 4, 4)
    y = F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), conv.weight, padding=1)
    y = (y - y.mean((0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), unbiased=False, keepdim=True) + norm.eps).sqrt()
    torch.testing.assert_close(block(x), y[:, :4] * torch.sigmoid(y[:, 4:]), rtol=1e-10, atol=1e-10)


def test_a_block_of_d_is_the_mean_of_two_branches():
    block = networks.Down(4, 6, batch=False).double()
    x = draw(2, 4, 8, 8)
    (conv1, _), (conv2, _), (conv3, _) = *block.branch, block.short
    y = F.leaky_relu(F.conv2d(x, conv1.weight, conv1.bias, 2, 1), 0.2)
    y = F.leaky_relu(F.conv2d(y, conv2.weight, conv2.bias, 1, 1), 0.2)
    pooled = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean((3, 5))
    short = F.leaky_relu(
        torch.einsum("nchw,dc->ndhw", pooled, conv3.weight[:, :, 0, 0]) + conv3.bias.view(-1, 1, 1), 0.2
    )
    torch.testing.assert_close(block(x), (y + short) / 2, rtol=1e-10, atol=1e-10)


def test_norm_d_chooses_the_normalisations_and_what_the_spec_provides():
    for norm, batch, spectral in (
        ("both", True, True),
        ("batch", True, False),
        ("spectral", False, True),
        ("none", False, False),
    ):
        layers = list(build(norm_d=norm).discriminator.modules())
        assert any(isinstance(layer, nn.BatchNorm2d) for layer in layers) == batch
        assert any(hasattr(layer, "parametrizations") for layer in layers) == spectral
        words = SPEC.get_provided(SPEC.options(norm_d=norm))
        assert ("batchnorm-in-d" in words, "bounded-slope" in words) == (batch, spectral and not batch)


# ----------------------------------------------------------------------------
# Reconstruction.


class Pooled(nn.Module):
    """A discriminator whose features are the image itself, pooled by 2 and by 4."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x, labels=None):
        features = [self.weight * F.avg_pool2d(x, size) for size in (2, 4)]
        return DiscriminatorOutput(features[1].mean((1, 2, 3)), features=features)


def make_term(discriminator, size=32, **values):
    term = terms.Reconstruction(ganzoo_fastgan.ReconstructionOptions(**values), DataInfo(shape=(1, size, size)))
    term.prepare(Networks(nn.Identity(), discriminator, 1))
    return term


def make_step(discriminator, x):
    return SimpleNamespace(real_seen=x, real_output=discriminator(x))


def test_the_part_of_the_image_lies_under_the_part_of_the_maps():
    images = draw(5, 2, 32, 16)
    maps = F.avg_pool2d(images, 4)  # [5, 2, 8, 4]
    down, right = torch.tensor([[0], [4], [1], [3], [2]]), torch.tensor([[2], [0], [1], [1], [0]])
    part, image = terms.cut(maps, images, down, right)
    assert (part.shape, image.shape) == ((5, 2, 4, 2), (5, 2, 16, 8))
    torch.testing.assert_close(F.avg_pool2d(image, 4), part)
    torch.testing.assert_close(image[1], images[1, :, 16:, :8])


def test_features_without_height_and_width_are_one_pixel():
    tokens, vector = draw(2, 5, 3), draw(2, 4)
    for feature, pixel in ((tokens, tokens.mean(1)), (vector, vector)):
        (maps,) = terms.list_maps(DiscriminatorOutput(vector, features=[draw(2, 7), feature]))
        torch.testing.assert_close(maps, pixel[:, :, None, None])


def test_a_decoder_that_draws_what_is_there_has_no_distance():
    network, x = Pooled(), draw(4, 1, 32, 32).tanh()
    term = make_term(network)
    assert [layer.out_channels for layer in term.whole if isinstance(layer, nn.Conv2d)] == [2, 1]  # 8 to 32 pixels
    term.whole = term.part = nn.Identity()  # the maps are the shrunk image
    assert term.discriminator(make_step(network, x)).item() < 1e-12
    term.whole = nn.Hardtanh(0.3, 0.3 + 1e-12)
    expected = (F.avg_pool2d(x, 4) - 0.3).abs().mean()
    torch.testing.assert_close(term.discriminator(make_step(network, x)), expected)


def test_decoders_draw_at_most_16_times_the_maps_resolution():
    pair = build(512, device="meta", width=8)
    with torch.device("meta"):
        term = terms.Reconstruction(ganzoo_fastgan.ReconstructionOptions(), DataInfo(shape=(3, 512, 512)))
        term.prepare(pair)
    drawn = term.whole(torch.empty(2, 128, 8, 8, device="meta")), term.part(torch.empty(2, 64, 8, 8, device="meta"))
    assert [tuple(each.shape) for each in drawn] == [(2, 3, 128, 128)] * 2
    assert sum(isinstance(layer, nn.Conv2d) for layer in term.whole) == 4  # section 3.2


def test_the_term_trains_d_and_its_decoders():
    network, x = (
        build(channels=1).discriminator,
        torch.sign(draw(4, 1, 4, 4, dtype=torch.float32)).repeat_interleave(8, 2).repeat_interleave(8, 3),
    )
    term = make_term(network, weight=2.0)
    parameters = [*term.parameters(), *network.blocks.parameters()]
    optimizer = torch.optim.Adam(parameters, 3e-3)
    losses = []
    for _ in range(12):
        loss = term.discriminator(make_step(network, x))
        gradients = torch.autograd.grad(loss, parameters)
        assert all(each.any() for each in gradients)
        for parameter, each in zip(parameters, gradients, strict=True):
            parameter.grad = each
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]


# ----------------------------------------------------------------------------
# The margin, and the recipe.


def test_jitter_draws_a_margin_for_each_logit():
    plain, random = (ganzoo.create("loss", "hinge", **values) for values in ({}, {"jitter": 0.2}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        margins = random.discriminator(torch.zeros(4000, 1), torch.full((4000, 1), -9.0))
        one = torch.tensor([random.discriminator(torch.zeros(1, 1), torch.full((1, 1), -9.0)) for _ in range(400)])
    assert margins.item() == pytest.approx(0.9, abs=0.005)  # the mean of U(0.8, 1)
    assert 0.8 <= one.min().item() < 0.81
    assert 0.99 < one.max().item() <= 1
    fake, real = torch.tensor([[0.3], [5.0]]), torch.tensor([[-0.5], [2.0]])
    assert torch.equal(plain.discriminator(real, fake), (1.5 + 0) / 2 + (1.3 + torch.tensor(6.0)) / 2)
    assert torch.equal(plain.generator(fake), random.generator(fake))


def test_the_recipe_has_the_settings_of_the_authors():
    recipe = resolve(ganzoo.registry(), recipe="fastgan-fewshot", pairs={"dataset": "digits"})
    train, (augmentation,) = recipe.train, recipe.aug
    assert (train.batch, train.images, train.flip) == (8, 400_000, True)
    assert 0.5 ** (train.batch / train.ema_half_life) == pytest.approx(0.999, abs=1e-6)
    assert augmentation.options.policy == ("colour", "translation")
    assert [choice.name for choice in recipe.reg] == ["reconstruction"]
    assert (recipe.loss.name, recipe.loss.options.jitter) == ("hinge", 0.2)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.options.lr, optim.options.betas) == (2e-4, (0.5, 0.999))
