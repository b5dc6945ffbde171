"""StyleGAN2's networks against the paper's formulas and lucidrains' kernels; styles, truncation; its recipes."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from torch.nn import functional as F

import ganzoo
import ganzoo_stylegan2
from ganzoo.compute.streams import Streams
from ganzoo.data.opening import open_source
from ganzoo.engine import forward
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.layers import upsample
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.named import Facts
from ganzoo.recipe.resolve import resolve

SPEC = next(spec for spec in ganzoo_stylegan2.ganzoo_architectures() if spec.name == "stylegan2")
RECIPES = {recipe.name: recipe for recipe in ganzoo_stylegan2.ganzoo_recipes()}
networks, modulated = import_module("ganzoo_stylegan2.networks"), import_module("ganzoo_stylegan2.modulated")
TINY = {"channel_base": 16, "channel_max": 8, "z_dim": 6, "w_dim": 6}


def build(size=16, channels=1, classes=0, **values):
    data = DataInfo(shape=(channels, size, size), num_classes=classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pair = networks.build(SPEC.options(**TINY | values), data)
    return pair.generator.double(), pair.discriminator.double()


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (DataInfo(shape=(3, 28, 28)), "one of 16, 32, 64, 128"),
        (DataInfo(shape=(3, 32, 64)), "one of 16, 32, 64, 128"),
        (DataInfo(shape=(3, 32, 32), label_shape=(4,)), "classes as labels"),
    ],
)
def test_other_data_are_refused(data, text):
    with pytest.raises(UsageError, match=text):
        networks.build(SPEC.options(), data)


# ----------------------------------------------------------------------------
# Modulated convolutions.


def make_kernels(conv, w):
    """Return each sample's kernels, by equations 1 and 3."""
    scales = F.linear(w, conv.affine.weight / math.sqrt(w.shape[1]), conv.affine.bias)
    kernels = scales[:, None, :, None, None] * conv.weight / math.sqrt(conv.weight[0].numel())
    return kernels / kernels.square().sum((2, 3, 4), keepdim=True).sqrt() if conv.demodulate else kernels


@pytest.mark.parametrize("demodulate", [True, False])
def test_each_sample_is_convolved_with_its_own_kernels(demodulate):
    conv = modulated.ModulatedConv2d(4, 5, 3, 6, demodulate=demodulate).double()
    x, w = draw(2, 4, 6, 6), draw(2, 6, seed=2)
    kernels = make_kernels(conv, w)
    expected = torch.cat([F.conv2d(each[None], kernel, padding=1) for each, kernel in zip(x, kernels, strict=True)])
    torch.testing.assert_close(conv(x, w), expected, rtol=1e-7, atol=1e-7)
    if demodulate:
        norms = kernels.square().sum((2, 3, 4))
        torch.testing.assert_close(norms, torch.ones_like(norms), rtol=1e-5, atol=1e-5)


def test_a_convolution_at_twice_the_resolution_interpolates_first():
    conv = modulated.ModulatedConv2d(4, 5, 3, 6, up=True).double()
    x, w = draw(2, 4, 6, 6), draw(2, 6, seed=2)
    y = upsample(x, taps=4)
    kernels = make_kernels(conv, w).flip(3, 4)  # the transpose of a convolution turns its kernel
    expected = torch.cat([F.conv2d(each[None], kernel, padding=1) for each, kernel in zip(y, kernels, strict=True)])
    found = conv(x, w)
    assert found.shape == expected.shape == (2, 5, 12, 12)
    torch.testing.assert_close(found[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("demodulate", "size", "expected", "slopes"),
    [
        (True, 3, [-0.66389778288, -0.66673247633, 0.69658072081], [1.96427479602, 8.22993700261, 1.85128846078]),
        (False, 1, [1.40444064098, -0.52507987327, 2.67224686011], [37.8748412673, 798.965045320, 277.796289787]),
    ],
)
def test_values_and_gradients_are_those_of_lucidrains(demodulate, size, expected, slopes):
    """The package stylegan2_pytorch 1.9.0 computed them; there a style is added to 1, and weights have no scale."""
    conv = modulated.ModulatedConv2d(4, 5, size, 4, demodulate=demodulate).double()
    conv.scale = 1.0
    with torch.no_grad():
        conv.weight.copy_(draw(5, 4, size, size, seed=1))
        conv.affine.weight.copy_(2 * torch.eye(4))  # the layer divides by the root of its 4 inputs
    x, w = draw(2, 4, 6, 6, seed=2).requires_grad_(), draw(2, 4, seed=3).requires_grad_()
    y = conv(x, w)
    assert [y[0, 0, 0, 0].item(), y[1, 4, 5, 2].item(), y.abs().mean().item()] == pytest.approx(expected, abs=1e-9)
    found = torch.autograd.grad(y.square().sum(), (x, w, conv.weight))
    assert [each.abs().mean().item() for each in found] == pytest.approx(slopes, rel=1e-9)


def test_noise_is_new_in_training_and_fixed_afterwards():
    layer = modulated.StyledConv2d(3, 4, 6, 5).double()
    x, w = draw(1, 3, 5, 5).expand(2, -1, -1, -1), draw(1, 6, seed=2).expand(2, -1)
    assert torch.equal(layer(x, w), layer(x, w))  # its strength starts at 0
    with torch.no_grad():
        layer.strength.fill_(0.5)
        layer.bias.fill_(-0.1)
    y = layer(x, w)
    assert not torch.allclose(y[0], y[1])
    layer.eval()
    expected = layer.conv(x, w) + 0.5 * layer.noise - 0.1
    torch.testing.assert_close(layer(x, w), math.sqrt(2) * torch.where(expected < 0, 0.2 * expected, expected))


# ----------------------------------------------------------------------------
# Styles.


def test_styles_depend_on_the_direction_of_a_latent_and_on_its_class():
    generator, _ = build(classes=3)
    mapping, z = generator.eval().mapping, draw(4, 6)
    labels = torch.tensor([0, 1, 2, 1])
    w = mapping(z, labels)
    assert w.shape == (4, 6, 6)  # six layers at 16 pixels: two for each of 4, 8 and 16
    torch.testing.assert_close(w, mapping(3 * z, labels))
    assert torch.equal(w, w[:, :1].expand_as(w))
    assert not torch.allclose(w[0], mapping(z[:1], labels[1:2])[0])


def test_a_second_style_begins_at_a_random_layer():
    generator, _ = build(mixing=0.75)
    z = draw(1, 6).expand(4000, -1)
    torch.manual_seed(0)
    w = generator.train().mapping(z)
    plain = generator.eval().mapping(z)
    second = (w != plain).all(2)
    starts = second.sum(1)  # the number of layers with the second style
    assert torch.equal(second, second.cummax(1).values)  # they are the last ones
    assert second.any(1).double().mean().item() == pytest.approx(0.75, abs=0.03)
    shares = starts.bincount(minlength=7).double() / len(z)
    assert shares[1:6].tolist() == pytest.approx([0.15] * 5, abs=0.02)
    assert shares[6] == 0
    generator, _ = build(mixing=0.0)
    assert torch.equal(generator.train().mapping(z[:4]), generator.eval().mapping(z[:4]))


def test_truncation_moves_styles_to_their_running_mean():
    generator, _ = build(mixing=0.0)
    z = draw(8, 6)
    w = generator.train().mapping(z)
    mean = 0.005 * w[:, 0].mean(0)
    torch.testing.assert_close(generator.mapping.mean, mean)
    generator.eval()
    torch.testing.assert_close(generator.mapping(z, truncation=0.3), mean + 0.3 * (w - mean))
    images = generator(z, truncation=0.0)
    torch.testing.assert_close(images, images[:1].expand_as(images))
    torch.testing.assert_close(generator.mapping.mean, mean)


def test_every_layer_has_a_style_and_images_of_all_resolutions_are_added():
    generator, _ = build(channels=3)
    synthesis = generator.eval().synthesis
    w = draw(2, 6, 6).requires_grad_()
    image = synthesis(w)
    (slopes,) = torch.autograd.grad(image.square().sum(), w)
    assert slopes.abs().amax((0, 2)).gt(0).all()
    with torch.no_grad():
        for block in synthesis.blocks[1:]:
            block.image.weight.zero_()
            block.bias.zero_()
        first = synthesis.blocks[0](synthesis.constant.expand(2, -1, -1, -1), None, w[:, :2])[1]
        torch.testing.assert_close(synthesis(w), upsample(upsample(first)))


def test_path_lengths_regularize_the_generator(tmp_path):
    pairs = {
        "arch": "stylegan2",
        "dataset": "digits",
        "dataset.size": 16,
        "reg": "r1,path-length",
        "reg.path-length.interval": 2,
        "train.batch": 4,
        **{f"arch.{name}": value for name, value in TINY.items()},
    }
    recipe = resolve(ganzoo.registry(), pairs=pairs)
    source = open_source(recipe.dataset.build(), name="digits", key="digits", notify=print, cache=tmp_path)
    gan = assemble(recipe, source.info, torch.device("cpu"))
    batches = Batches(source, Streams(0, gan.device), gan)
    terms = []
    for images in (0, 4, 8):
        update_discriminator(gan, batches, images)
        terms.append(update_generator(gan, batches, images + 4, 0).get("reg.path-length/g"))
    assert [term is not None and float(term) > 0 for term in terms] == [True, False, True]
    assert gan.regularizers["path-length"].average > 0
    assert gan.generator.mapping.mean.abs().sum() > 0


# ----------------------------------------------------------------------------
# The discriminator.


@pytest.mark.parametrize("residual", [True, False])
def test_a_block_of_d_filters_before_it_halves_the_resolution(residual):
    block = networks.Down(3, 4, residual).double()
    x = draw(2, 3, 8, 8)
    row = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8
    kernel = (row[:, None] * row).expand(3, 1, 4, 4)

    def activate(y):
        return torch.where(y < 0, 0.2 * y, y) * math.sqrt(2)

    y = activate(F.conv2d(x, block.conv1.weight / math.sqrt(27), block.conv1.bias, padding=1))
    y = F.conv2d(F.conv2d(y, kernel, padding=2, groups=3), block.conv2.weight / math.sqrt(27), stride=2)
    y = activate(y)
    if residual:
        short = F.conv2d(F.conv2d(x, kernel, padding=1, groups=3, stride=2), block.shortcut.weight / math.sqrt(3))
        y = (y + short) / math.sqrt(2)
    torch.testing.assert_close(block(x), y, rtol=1e-10, atol=1e-10)


def test_the_logit_is_an_inner_product_with_the_embedded_class():
    _, network = build(classes=3)
    x, labels = draw(4, 1, 16, 16), torch.tensor([2, 0, 1, 2])
    output = network(x, labels)
    table = network.embedding.weight.t() / math.sqrt(3) + network.embedding.bias
    unit = F.normalize(table[labels], dim=1)
    torch.testing.assert_close(output.logits, (network.last(output.embedding) * unit).sum(1))
    _, mapped = build(classes=3, mapping_d=2)
    assert mapped.state_dict().keys() - network.state_dict().keys() == {
        f"mapping.{index}.{kind}" for index in (0, 2) for kind in ("weight", "bias")
    }
    y = unit * math.sqrt(8)  # the class before the layers, whose weights are stored as a hundredfold
    for layer in mapped.mapping[::2]:
        y = F.linear(y, layer.weight * 0.01 / math.sqrt(8), layer.bias * 0.01)
        y = torch.where(y < 0, 0.2 * y, y) * math.sqrt(2)
    mapped.load_state_dict(network.state_dict(), strict=False)
    torch.testing.assert_close(mapped(x, labels).logits, (network.last(output.embedding) * y).sum(1) / math.sqrt(8))
    _, plain = build(classes=3, projection=False)
    assert torch.equal(plain(x, labels).logits, plain(x, labels.flip(0)).logits)


# ----------------------------------------------------------------------------
# Recipes.

TABLE = {  # batch, group, channel_base, learning rate, gamma, half-life, layers of the mapping network, size
    "stylegan2-ffhq-1024": (32, 4, 32768, 0.002, 10, 10_000, 8, 1024),
    "stylegan2-ffhq-256": (64, 8, 16384, 0.0025, 1, 20_000, 8, 256),
    "stylegan2-ada-ffhq-256": (64, 8, 16384, 0.0025, 1, 20_000, 8, 256),
    "stylegan2-ada-afhq-cat-512": (64, 8, 32768, 0.0025, 0.5, 20_000, 8, 512),
    "stylegan2-ada-metfaces-1024": (32, 4, 32768, 0.002, 2, 10_000, 8, 1024),
    "stylegan2-ada-cifar10": (64, 32, 32768, 0.0025, 0.01, 500_000, 2, 32),
    "stylegan2-cifar10": (64, 32, 32768, 0.0025, 0.01, 500_000, 2, 32),
    "stylegan2-diffaug-lecam-cifar10": (64, 32, 32768, 0.0025, 0.01, 500_000, 2, 32),
    "stylegan2-imagenet-128": (256, 8, 16384, 0.0025, 0.2048, 20_000, 2, 128),
    "stylegan2-ada-cub200-128": (64, 8, 16384, 0.0025, 0.2048, 20_000, 2, 128),
    "stylegan2-diffaug-afhqv2-256": (64, 8, 16384, 0.0025, 1, 20_000, 8, 256),
    "stylegan2-ada-afhq-512": (64, 8, 32768, 0.0025, 0.5, 20_000, 8, 512),
}
IMAGES = {  # of StudioGAN's trainings, in millions
    "cifar10": 64,
    "imagenet-128": 51.2,
    "cub200-128": 6.4,
    "afhqv2-256": 12.8,
    "afhq-512": 12.8,
}


def list_settings(recipe, size):
    arch, r1, paths = recipe.arch.options, recipe.reg[0], [each for each in recipe.reg if each.name == "path-length"]
    lazy = 4 / 5 if "cifar" in recipe.preset else 1  # the authors correct G's rates without a term, too
    for optim, share in ((recipe.optim_g, lazy), (recipe.optim_d, 1)):
        assert (optim.name, optim.options.betas, optim.options.eps) == ("adam", (0.0, 0.99**share), 1e-8)
        assert optim.options.lr == pytest.approx(share * recipe.optim_d.options.lr, rel=1e-12)
    assert (arch.channel_max, arch.z_dim, arch.w_dim, r1.options.interval) == (512, 512, 512, 16)
    assert [choice.options.interval for choice in paths] == [4] * len(paths)
    assert (arch.mapping_d, arch.mixing, arch.residual, len(paths)) == (
        (8, 0, False, 0) if "cifar" in recipe.preset else (8, 0.9, True, 1)
    )
    train = recipe.train
    return (
        train.batch, arch.group, arch.channel_base, recipe.optim_d.options.lr, r1.options.gamma, train.ema_half_life,
        arch.mapping, size,
    )  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_the_recipes_have_the_settings_of_the_authors_table(name):
    recipe = resolve(ganzoo.registry(), recipe=name, pairs={"dataset": "digits"})
    assert list_settings(recipe, recipe.dataset.options.size) == TABLE[name]
    augmentation = "ada" if "-ada-" in name else "diffaugment" if "-diffaug-" in name else None
    assert [choice.name for choice in recipe.aug] == [augmentation] * (augmentation is not None)
    assert [choice.options.weight for choice in recipe.reg if choice.name == "lecam"] == [0.3] * ("-lecam-" in name)
    cifar, study = "cifar" in name, RECIPES[name].source.startswith(ganzoo_stylegan2.recipes.STUDIOGAN)
    images = IMAGES[RECIPES[name].dataset] if study else 100 if cifar else 25
    assert recipe.train.images == images * 1e6
    assert (recipe.train.conditional, recipe.train.flip) == (cifar or study, study or not cifar)
    assert recipe.train.ema_ramp == (0.05 if cifar else None)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (32, (32, 4, 16384, 0.0025, 2e-4 * 1024 / 32, 10_000, 2)),
        (512, (8, 4, 32768, 0.0025, 2e-4 * 2**18 / 8, 2500, 2)),
        (1024, (4, 4, 32768, 0.002, 2e-4 * 2**20 / 4, 1250, 2)),
    ],
)
def test_auto_follows_from_the_size_of_the_images(size, expected):
    facts = Facts(DataInfo(shape=(3, size, size)), "cpu")
    pairs = {"dataset": "digits", "dataset.size": size}
    recipe = resolve(ganzoo.registry(), recipe="stylegan2-ada-auto", pairs=pairs, facts=lambda dataset: facts)
    found = list_settings(recipe, size)
    assert found[:-1] == pytest.approx(expected)
    assert (recipe.train.ema_ramp, [choice.name for choice in recipe.aug]) == (0.05, ["ada"])


def test_further_forwards_do_not_move_the_mean_of_styles():
    generator = ganzoo.create("architecture", "stylegan2", data=DataInfo(shape=(1, 16, 16))).generator.train()
    mean, z = generator.mapping.mean, torch.randn(4, 64)
    before = mean.clone()
    with forward.still(generator):
        generator(z)
    assert torch.equal(mean, before)
    generator(z)
    assert not torch.equal(mean, before)
