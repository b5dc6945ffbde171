"""StyleGAN3's filters and bands against scipy's and the authors' figures; its pictures move as its input does."""

from __future__ import annotations

import copy
import math
from importlib import import_module

import pytest
import torch
from torch.nn import functional as F

import ganzoo
import ganzoo_stylegan2
from ganzoo.engine import forward
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve

SPEC = next(spec for spec in ganzoo_stylegan2.ganzoo_architectures() if spec.name == "stylegan3")
stylegan3, filters = import_module("ganzoo_stylegan2.stylegan3"), import_module("ganzoo_stylegan2.filters")
TINY = {"channel_base": 128, "channel_max": 8, "z_dim": 6, "w_dim": 6}


def build(size=16, channels=1, classes=0, **values):
    """Return a generator whose biases are not 0 and whose averages of magnitudes have settled."""
    data = DataInfo(shape=(channels, size, size), num_classes=classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = stylegan3.build(SPEC.options(**TINY | values), data).generator.double()
        for layer in generator.synthesis.layers:
            torch.nn.init.normal_(layer.bias, std=0.2)
    return settle(generator)


def settle(generator):
    """Let each average of magnitudes become that of one batch, first the first layer's."""
    parts = [part for part in generator.modules() if isinstance(part, stylegan3.Magnitude)]
    w = draw(4, len(generator.synthesis.layers) + 2, 6)
    hooks = [part.register_forward_hook(replace_square) for part in parts]
    with torch.no_grad():
        generator.synthesis(w)
    for hook in hooks:
        hook.remove()
    return generator.eval()


def replace_square(part, given, answer):
    part.square.copy_(given[0].square().mean())
    return part.square.rsqrt()


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (DataInfo(shape=(3, 28, 28)), "stylegan3 cannot build .* one of 16, 32, 64, 128"),
        (DataInfo(shape=(3, 32, 32), label_shape=(4,)), "stylegan3 takes classes as labels"),
    ],
)
def test_other_data_are_refused(data, text):
    with pytest.raises(UsageError, match=text):
        stylegan3.build(SPEC.options(), data)


# ----------------------------------------------------------------------------
# Filters and bands.

FIRWIN = {  # half of the taps of scipy.signal.firwin(taps, cutoff, width=2 * half_width, fs=rate), scipy 1.17.1
    (12, 2.0, 6.0, 32): [0.0007919021497406, 0.01001831815662, 0.038949522472, 0.09241278989918, 0.1565256153446,
                         0.2013018519778],
    (12, 512.0, 118.346, 2048): [0.02337422666264, 0.0344492772599, -0.05088068280113, -0.07861522547463,
                                 0.1396104423564, 0.4320619619968],
    (12, 8.0, 1.0, 64): [-0.05225937197461, -0.02645688299587, 0.03401599242326, 0.1149706183441, 0.1916176972402,
                         0.2381119469628],
}  # fmt: skip


@pytest.mark.parametrize("given", FIRWIN)
def test_kaiser_filters_are_those_of_scipy(given):
    row = filters.make_kaiser_filter(*given)
    assert row[:6].tolist() == pytest.approx(FIRWIN[given], abs=1e-12)
    assert torch.equal(row, row.flip(0))
    assert row.sum().item() == pytest.approx(1, abs=1e-15)


def test_a_radial_filter_is_a_jinc_in_a_separable_window():
    square = filters.make_jinc_filter(12, 2.0, 6.0, 32)
    expected = [0.0002052621264188, 0.002278629985468, 0.00819804793923, 0.01854215748527, 0.03053335952923,
                0.03875488540243]  # with scipy.special.j1 and scipy.signal.windows.kaiser  # fmt: skip
    assert square[5, :6].tolist() == pytest.approx(expected, abs=1e-13)
    torch.testing.assert_close(square, square.t())
    assert square.sum().item() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("layer", [0, 4, 8, 12])
def test_filters_suppress_frequencies_above_their_stopband(layer):
    band = filters.plan_bands(1024, 14)[layer]
    rate = 2 * band.rate
    row = filters.make_kaiser_filter(12, band.cutoff, band.half_width, rate)
    x = (torch.arange(12, dtype=torch.float64) - 5.5) / rate
    frequencies = torch.linspace(band.cutoff + band.half_width, rate / 2, 200, dtype=torch.float64)
    answer = (row * torch.cos(2 * math.pi * frequencies[:, None] * x)).sum(1).abs().max().item()
    attenuation = 2.285 * 11 * math.pi * 4 * band.half_width / rate + 7.95
    assert -20 * math.log10(answer) == pytest.approx(attenuation, abs=6)  # the formula is empirical
    if band.half_width < band.cutoff:  # else the transition begins below 0
        half = (row * torch.cos(2 * math.pi * band.cutoff * x)).sum()
        assert half.item() == pytest.approx(0.5, abs=0.04)


TABLE = [  # cutoff, half-width, rate: as the authors' network for FFHQ 1024x1024 prints its 14 layers
    (2, 6, 16), (3.1748, 4.8252, 16), (5.03968, 10.9603, 32), (8, 8, 32), (12.6992, 19.3008, 64),
    (20.1587, 43.8413, 128), (32, 32, 128), (50.7968, 77.2032, 256), (80.6349, 47.3651, 256), (128, 128, 512),
    (203.187, 308.813, 1024), (322.54, 189.46, 1024), (512, 118.346, 1024), (512, 118.346, 1024),
]  # fmt: skip
WIDTHS = [512] * 7 + [323, 203, 128, 81, 51, 32, 32]
SIZES = [36, 36, 52, 52, 84, 148, 148, 276, 276, 532, 1044, 1044, 1044, 1024]


def test_the_layers_have_the_authors_bands_widths_and_sizes():
    bands = filters.plan_bands(1024, 14)
    assert [(band.cutoff, band.half_width, band.rate) for band in bands] == [pytest.approx(row, 1e-5) for row in TABLE]
    with torch.device("meta"):
        options = SPEC.options(channel_base=32768, channel_max=512, layers=14)
        layers = stylegan3.Synthesis(3, 1024, options).layers
    assert [layer.size for layer in layers] == SIZES
    assert [len(layer.bias) for layer in layers] == WIDTHS
    assert [(len(layer.rise), len(layer.fall)) for layer in layers][:3] == [(12, 12), (12, 12), (24, 12)]


# ----------------------------------------------------------------------------
# The input and the layers.


def test_a_style_rotates_and_translates_the_input():
    part = stylegan3.FourierFeatures(5, 6, filters.Band(2.0, 6.0, 16)).double()
    w = draw(2, 6)
    torch.testing.assert_close(part(w, (0, 0), 0)[0], part(w, (0, 0), 0)[1])  # at first, all styles do the same
    x, y, phases = *part.frequencies, part.phases
    places = (torch.arange(36, dtype=torch.float64) - 17.5) / 16
    waves = torch.sin(2 * math.pi * (x * places[:, None] + y * places[:, None, None] + phases))
    plain = (waves @ part.weight.t() / math.sqrt(5)).permute(2, 0, 1)
    torch.testing.assert_close(part(w, (0, 0), 0)[0], plain)
    with torch.no_grad():
        part.bias.copy_(3 * torch.tensor([0.0, 1.0, 2 / 16, -3 / 16]))  # a quarter turn, 2 pixels right and 3 up
    expected = plain.rot90(-1, (1, 2)).roll((-3, 2), (1, 2))
    torch.testing.assert_close(part(w, (0, 0), 0)[0, :, 3:-3, 3:-3], expected[:, 3:-3, 3:-3])
    torch.testing.assert_close(part(w, (0, 0), math.pi)[0], part(w, (0, 0), 0)[0].flip(1, 2))


@pytest.mark.parametrize(("target", "size"), [((3.0, 5.0, 16), 36), ((5.0, 11.0, 32), 52), ((8.0, 8.0, 32), 32)])
@pytest.mark.parametrize("radial", [False, True])
def test_a_layer_filters_before_and_after_its_nonlinearity(target, size, radial):
    source, target = filters.Band(2.0, 6.0, 16), filters.Band(*target)
    layer = stylegan3.FilteredConv2d(3, 4, 3, 6, source, target, (size - target.rate) // 2, radial).double().eval()
    torch.nn.init.normal_(layer.bias)
    layer.magnitude.square.fill_(4.0)
    x, w, up = draw(2, 3, 36, 36), draw(2, 6, seed=2), target.rate // 8
    y = layer.conv(x, w) / 2 + layer.bias[:, None, None]
    rise = (up**2 * layer.rise[:, None] * layer.rise).expand(4, 1, 6 * up, 6 * up)
    y = F.conv_transpose2d(y, rise, stride=up, groups=4)
    cut = (y.shape[-1] - 2 * (size + 5)) // 2
    y = math.sqrt(2) * F.leaky_relu(y[..., cut:-cut, cut:-cut] if cut else y, 0.2)
    fall = layer.fall if radial else layer.fall[:, None] * layer.fall
    expected = F.conv2d(y, fall.expand(4, 1, 12, 12), stride=2, groups=4)
    assert expected.shape == (2, 4, size, size)
    torch.testing.assert_close(layer(x, w), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("processes", [1, 4])
def test_the_average_of_magnitudes_halves_in_20000_real_images(monkeypatch, processes):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: processes > 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: processes)
    part = stylegan3.Magnitude().double()
    x = 3 * torch.ones(500 // processes, 2, 1, 1, dtype=torch.float64)
    for _ in range(40):  # an update of D and one of G for each batch of real images
        part(x)
        part(x)
    assert part.square.item() == pytest.approx(9 - 8 / 2, rel=1e-9)
    assert part(x).item() == pytest.approx(part.square.item() ** -0.5)
    before = part.square.clone()
    with forward.still(part):
        part(x)
    part.eval()(x)
    assert torch.equal(part.square, before)


# ----------------------------------------------------------------------------
# Equivariance.


@pytest.fixture(scope="module", params=[False, True], ids=["t", "r"])
def generator(request):
    return build(32, layers=5, rotates=request.param)


def test_each_layer_has_the_filters_of_its_input_and_of_its_output(generator, request):
    bands, layers = filters.plan_bands(32, 5), generator.synthesis.layers
    assert [layer.up for layer in layers] == [2, 2, 4, 2, 2]
    for index, (layer, band) in enumerate(zip(layers, bands, strict=True)):
        source = bands[max(index - 1, 0)]
        rate = 2 * max(source.rate, band.rate)
        rise = filters.make_kaiser_filter(6 * layer.up, source.cutoff, source.half_width, rate)
        square = "[r]" in request.node.name and index < 3  # the last two are critically sampled
        make = filters.make_jinc_filter if square else filters.make_kaiser_filter
        torch.testing.assert_close(layer.rise, rise, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(layer.fall, make(12, band.cutoff, band.half_width, rate), rtol=1e-6, atol=1e-6)


def measure(expected, found):
    """Return how much larger the expected image is than its difference from the one found, in decibels."""
    return 10 * math.log10(expected.var().item() / (expected - found).square().mean().item())


def move(generator, **moves):
    w = draw(2, len(generator.synthesis.layers) + 2, 6, seed=3)
    with torch.no_grad():
        return generator.synthesis(w), generator.synthesis(w, **moves)


def rectify(layer, x, w):
    """Compute a layer whose nonlinearity comes before the rate rises, so that it has aliases."""
    y = F.leaky_relu(layer.conv(x, w, layer.magnitude(x)) + layer.bias[:, None, None], 0.2)
    crop = (layer.up * (x.shape[-1] + 5) - layer.down * (layer.size + 5)) // 2
    y = stylegan3.interpolate(math.sqrt(2) * y, layer.rise, layer.up, crop)
    return stylegan3.decimate(y, layer.fall, layer.down)


def test_a_picture_moves_as_its_input_does(generator, monkeypatch):
    plain, moved = move(generator, shift=(1 / 32, -3 / 32))
    assert measure(plain[..., 3:, :-1], moved[..., :-3, 1:]) > 65
    monkeypatch.setattr(stylegan3.FilteredConv2d, "forward", rectify)
    plain, moved = move(settle(copy.deepcopy(generator)), shift=(1 / 32, -3 / 32))
    assert measure(plain[..., 3:, :-1], moved[..., :-3, 1:]) < 50


CENTRE = torch.arange(10, 22, dtype=torch.float64)  # pixels from which the borders are far
X, Y = CENTRE.expand(12, 12), CENTRE[:, None].expand(12, 12)


def sample(image, x, y):
    """Return the values of a band-limited image at places, in pixels from its first one."""

    def weigh(places):
        distance = places[..., None] - torch.arange(32, dtype=torch.float64)
        window = torch.special.i0(6 * (1 - (distance / 12).square()).clamp_min(0).sqrt()) * (distance.abs() < 12)
        rows = torch.sinc(distance) * window
        return rows / rows.sum(-1, keepdim=True)

    return torch.einsum("nchw,...h,...w->nc...", image, weigh(y), weigh(x))


def test_a_picture_moves_by_parts_of_a_pixel(generator):
    plain, moved = move(generator, shift=(0.37 / 32, -1.62 / 32))
    assert measure(sample(plain, X - 0.37, Y + 1.62), moved[..., 10:22, 10:22]) > 45


def test_only_config_r_turns_its_picture(generator, request):
    plain, turned = move(generator, angle=0.5)
    x, y, cos, sin = X - 15.5, Y - 15.5, math.cos(0.5), math.sin(0.5)
    found = measure(sample(plain, cos * x + sin * y + 15.5, cos * y - sin * x + 15.5), turned[..., 10:22, 10:22])
    assert found > 38 if "[r]" in request.node.name else found < 15


# ----------------------------------------------------------------------------
# Recipes.

FIGURE_16 = {  # batch, half-life, C_base of config T, rates of G and D, gamma, augmentations
    "stylegan3-t-ffhq-256": (64, 20_000, 2**14, 0.0025, 0.0025, 1.0, []),
    "stylegan3-t-ffhq-1024": (32, 10_000, 2**15, 0.0025, 0.002, 32.8, []),
    "stylegan3-t-afhqv2-512": (32, 10_000, 2**15, 0.0025, 0.002, 8.2, ["ada"]),
    "stylegan3-r-ffhq-256": (64, 20_000, 2**14, 0.0025, 0.0025, 1.0, ["blur"]),
    "stylegan3-r-ffhq-1024": (32, 10_000, 2**15, 0.0025, 0.002, 32.8, ["blur"]),
    "stylegan3-r-afhqv2-512": (32, 10_000, 2**15, 0.0025, 0.002, 16.4, ["blur", "ada"]),
    "stylegan3-cifar10": (64, 500_000, 2**15, 0.0025, 0.0025, 0.01, ["ada"]),
}


@pytest.mark.parametrize("name", FIGURE_16)
def test_the_recipes_have_the_settings_of_the_papers_table(name):
    recipe = resolve(ganzoo.registry(), recipe=name, pairs={"dataset": "digits"})
    arch, train, (r1,) = recipe.arch.options, recipe.train, recipe.reg
    rates, cifar = [optim.options.lr for optim in (recipe.optim_g, recipe.optim_d)], "cifar10" in name
    found = (train.batch, train.ema_half_life, arch.channel_base, *rates, r1.options.gamma)
    assert (*found, [choice.name for choice in recipe.aug]) == FIGURE_16[name]
    assert (arch.layers, arch.mapping, arch.mixing, arch.rotates) == (14, 2, 0, "-r-" in name)
    assert (arch.group, arch.residual, train.conditional) == ((32, False, True) if cifar else (4, True, False))
    assert (r1.name, r1.options.interval, train.flip) == ("r1", 16, True)
    assert all(optim.options.betas == (0, 0.99) for optim in (recipe.optim_g, recipe.optim_d))
    assert train.images == (64_000_000 if cifar else 25_000_000)
