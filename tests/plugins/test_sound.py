"""Vocoders and sounds from noise: their networks, lengths, terms and weights of other projects."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
import ganzoo_sound
from ganzoo.errors import UsageError
from ganzoo.layers import measure_spectra
from ganzoo.plugin import DataInfo, Networks
from ganzoo.recipe.resolve import resolve
from ganzoo_sound import activations, cases, discriminators, hifigan, imports, vocos, wavegan
from ganzoo_sound.options import HiFiGANOptions, VocosOptions

SPECS = {spec.name: spec for spec in ganzoo_sound.ganzoo_architectures()}


def describe(hop: int = 256, frames: int = 8, num: int = 5, **meta: Any) -> DataInfo:
    return DataInfo(shape=(1, frames * hop), modality="audio", label_shape=(num, frames), meta=meta)


def build(name: str, data: DataInfo, device: str = "cpu", **values: Any) -> Networks:
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ganzoo.create("architecture", name, data=data, **values)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ----------------------------------------------------------------------------
# Numbers of parameters.


@pytest.mark.parametrize(
    ("version", "plain", "width", "rates", "kernels", "convs"),
    [
        ("v1", 13_926_017, 512, (8, 8, 2, 2), (3, 7, 11), 6),
        ("v2", 925_985, 128, (8, 8, 2, 2), (3, 7, 11), 6),
        ("v3", 1_462_273, 256, (8, 8, 4), (3, 5, 7), 2),
    ],
)
def test_hifigans_generators_have_the_papers_parameters(version, plain, width, rates, kernels, convs):
    assert cases.count_hifigan(width, rates, kernels, convs, norm=False) == plain  # published: 13.92, 0.92, 1.46 M
    generator = build("hifigan", describe(num=80), "meta", version=version).generator
    norms = sum(tensor.numel() for name, tensor in generator.named_parameters() if name.endswith("original0"))
    assert count(generator) - norms == plain


def test_the_discriminators_have_the_papers_parameters():
    assert cases.count_msd(32) == 29_610_627 + 2 * (4 + 4 + 8 + 16 + 32 + 32 + 32) * 32 + 2
    data = describe(frames=32)
    for kind, expected in (("mpd", cases.count_mpd(32)), ("msd", cases.count_msd(32)), ("mrd", cases.count_mrd(32))):
        pair = build("hifigan", data, "meta", discriminators=(kind,), width_d=32)
        assert count(pair.discriminator) == expected
    norms = 5 * ((1 + 4 + 16 + 32 + 32) * 32 + 1)
    assert cases.count_mpd(32) - norms == 41_092_165


@pytest.mark.parametrize("name", SPECS)
def test_the_cases_hold(name):
    module, function = SPECS[name].cases.split(":")
    for case in getattr(import_module(module), function)():
        pair = build(name, case.given["data"], "meta", **case.options)
        assert {"generator": count(pair.generator), "discriminator": count(pair.discriminator)} == case.expected


# ----------------------------------------------------------------------------
# Lengths.


@pytest.mark.parametrize("hop", [1, 2, 3, 7, 12, 64, 100, 147, 256, 300, 441])
def test_a_sound_has_a_hop_for_each_frame(hop):
    made = [
        vocos.Generator(VocosOptions(width=4, depth=1), describe(hop)),
        hifigan.Generator(HiFiGANOptions(version="v3", width=32), describe(hop)),
    ]
    for generator in made:
        for frames in (1, 2, 3, 32, 33):
            with torch.no_grad():
                assert generator(torch.empty(2, 0), torch.zeros(2, 5, frames)).shape == (2, 1, frames * hop)


@pytest.mark.parametrize("rate", [*range(2, 20), 32])
def test_upsampling_makes_exactly_its_rate_of_values(rate):
    layer = hifigan.make_upsampling(3, 2, rate)
    assert layer.kernel_size == (2 * rate,)
    for num in (1, 2, 5):
        assert layer(torch.zeros(1, 3, num)).shape == (1, 2, num * rate)


def test_hops_that_cannot_be_made_are_refused():
    with pytest.raises(UsageError, match=r"a hop of 22 values has a prime factor above 8: add arch.rates=22"):
        build("hifigan", describe(22), "meta")
    assert hifigan.choose_rates(HiFiGANOptions(rates=(22,)), 22) == (22,)
    with pytest.raises(UsageError, match=r"arch.rates=4,4 is 16 values for each frame, and the data's hop is 64"):
        build("hifigan", describe(64), "meta", rates=(4, 4))
    with pytest.raises(UsageError, match=r"a sound of 1000 values has 16 frames, .* use a length of 992"):
        build("vocos", DataInfo(shape=(1, 1000), modality="audio", label_shape=(5, 16)))
    with pytest.raises(UsageError, match=r"--dataset audio dataset.mel=80"):
        build("vocos", DataInfo(shape=(1, 1000), modality="audio", num_classes=2))
    with pytest.raises(UsageError, match=r"arch.n_fft=64 is less than two hops of 64: use 256"):
        build("vocos", describe(64, 64), n_fft=64)
    with pytest.raises(UsageError, match=r"arch.width=4 cannot be halved 4 times: use 16 or more"):
        build("hifigan", describe(256), width=4)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"discriminators": ("mpd", "mpd")}, "no kind or one twice"),
        ({"windows": (4096,)}, "arch.windows=4096 needs sounds of more than 2048 values, and these have 2048"),
        ({"discriminators": ("msd",), "width_d": 6}, "arch.width_d=6 is not a multiple of 4, .* use 8"),
        ({"periods": (2048,)}, "arch.periods=2048 is longer than a sound of 2048 values"),
    ],
)
def test_discriminators_that_do_not_fit_are_refused(values, text):
    with pytest.raises(UsageError, match=text):
        build("vocos", describe(256, 8), "meta", **values)


# ----------------------------------------------------------------------------
# Networks.


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 256), (300, 100), (64, 32)])
def test_the_head_makes_the_sound_of_its_true_spectrum(n_fft, hop):
    sound = 0.3 * draw(2, 12 * hop).float()
    spectra = torch.view_as_complex(measure_spectra(sound, n_fft, hop))
    found = vocos.make_sounds(spectra.abs().log(), spectra.angle() + 6 * torch.pi, n_fft, hop)
    assert (found[:, 0] - sound).abs().max() < 1e-5


def test_a_huge_magnitude_is_clipped_and_has_a_finite_gradient():
    magnitudes = torch.full((1, 4, 5), 200.0, requires_grad=True)
    sounds = vocos.make_sounds(magnitudes, torch.zeros(1, 4, 5), 8, 2)
    assert torch.equal(sounds, vocos.make_sounds(torch.full((1, 4, 5), 5.0), torch.zeros(1, 4, 5), 8, 2))
    (slope,) = torch.autograd.grad(sounds.sum(), magnitudes)
    assert slope.isfinite().all()


def test_a_block_of_vocos_is_convnexts():
    block, x = vocos.Block(6, 18, 0.25).double(), draw(2, 9, 6)
    y = F.conv1d(x.mT, block.depthwise.weight, block.depthwise.bias, padding=3, groups=6).mT
    y = (y - y.mean(2, keepdim=True)) / (y.var(2, unbiased=False, keepdim=True) + 1e-6).sqrt()
    y = (y @ block.wide.weight.T + block.wide.bias) * 1.0
    y = 0.5 * y * (1 + torch.erf(y / 2**0.5))
    assert torch.allclose(block(x), x + 0.25 * (y @ block.narrow.weight.T + block.narrow.bias), atol=1e-12)


def test_snake_has_its_formula_and_trains_both_numbers():
    x = draw(2, 3, 7)
    for separate in (False, True):
        layer = activations.Snake(3, separate).double()
        for parameter in layer.parameters():
            nn.init.normal_(parameter)
        a = layer.alpha.exp()
        b = layer.beta.exp() if separate else a
        assert torch.allclose(layer(x), x + torch.sin(a * x) ** 2 / b, atol=1e-6)
        assert len(list(layer.parameters())) == 1 + separate
    pair = build("hifigan", describe(4), activation="snakebeta", width=8)
    assert sum(name.endswith("beta") for name, _ in pair.generator.named_parameters()) == 1 + 6 * 3 + 1


def test_the_discriminator_of_periods_sees_values_a_period_apart():
    member = discriminators.PeriodDiscriminator(3, 1)
    x = torch.zeros(1, 1, 240, requires_grad=True)
    _, maps = member(x)
    assert [tuple(m.shape[2:]) for m in maps] == [(27, 3), (9, 3), (3, 3), (1, 3), (1, 3), (1, 3)]
    (slope,) = torch.autograd.grad(maps[0][0, :, :, 1].sum(), x)
    assert set((slope[0, 0].nonzero().flatten() % 3).tolist()) == {1}
    assert member(torch.zeros(1, 1, 241))[1][0].shape[2] == 27  # a mirror image makes the last period whole


def test_scales_are_means_and_bands_do_not_depend_on_loudness():
    scale = discriminators.ScaleDiscriminator(2, 4)
    x = draw(1, 1, 512).float()
    pooled = F.avg_pool1d(F.avg_pool1d(x, 4, 2, 2), 4, 2, 2)
    scale.eval()
    plain = discriminators._run(scale.layers, scale.last, pooled)[0]
    assert torch.equal(scale(x)[0], plain)
    band = discriminators.BandDiscriminator(128, 2)
    assert torch.allclose(band(x)[0], band(0.1 * x + 3)[0], atol=1e-4)
    assert band.edges == [0, 6, 16, 32, 48, 65]


def test_weights_count_a_kind_by_the_mean_of_its_members():
    data, x = describe(256, 8), draw(2, 1, 2048).float()
    values = {"width": 4, "depth": 1, "width_d": 1}
    plain = build("vocos", data, heads="sum", mrd_weight=1.0, **values).discriminator
    weighted = build("vocos", data, **values).discriminator
    one, other = plain(x), weighted(x)
    assert one.weights is None
    assert other.weights == pytest.approx([1 / 5] * 5 + [0.1 / 3] * 3)
    assert all(map(torch.equal, one.logits, other.logits))
    ratios = [float((b / a).detach().nanmedian()) for a, b in zip(one.features, other.features, strict=True)]
    assert ratios == pytest.approx([1 / 5] * 5 * 6 + [0.1 / 3] * 3 * 26, rel=1e-5)


@pytest.mark.parametrize("length", [64, 1024, 16_384])
def test_wavegan_makes_sounds_of_each_length(length):
    pair = build("wavegan", DataInfo(shape=(2, length), modality="audio"), "meta")
    assert pair.generator(torch.empty(3, 100, device="meta")).shape == (3, 2, length)
    assert pair.discriminator(torch.empty(3, 2, length, device="meta")).shape == (3, 1)
    assert (pair.latent, pair.latent_dim) == ("uniform", 100)
    with pytest.raises(UsageError, match=r"not 5000: use 4096"):
        build("wavegan", DataInfo(shape=(1, 5000), modality="audio"))


def test_phase_shuffle_moves_each_sample_and_mirrors_its_ends():
    layer, x = wavegan.PhaseShuffle(2), torch.arange(8.0).expand(200, 3, 8)
    torch.manual_seed(0)
    rows = {tuple(row) for row in layer(x)[:, 0].tolist()}
    assert rows == {
        (2, 1, 0, 1, 2, 3, 4, 5), (1, 0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6, 7, 6),
        (2, 3, 4, 5, 6, 7, 6, 5),
    }  # fmt: skip
    assert torch.equal(layer.eval()(x), x)


# ----------------------------------------------------------------------------
# Terms together, recipes.


@pytest.mark.parametrize("name", ["vocos", "hifigan"])
def test_the_published_recipes_have_the_published_numbers(name):
    recipe = resolve(ganzoo.registry(), recipe="vocos" if name == "vocos" else "hifigan-v1")
    images, steps = recipe.train.images, {"vocos": 1_000_000, "hifigan": 2_500_000}[name]
    assert (recipe.train.batch, images, recipe.train.update) == (16, 16 * steps, "shared")
    assert [term.name for term in recipe.reg] == ["mel", "feature-matching"]
    assert (recipe.reg[0].options.weight, recipe.reg[1].options.match) == (45, "pairs")
    audio = recipe.dataset.options
    assert (audio.mel_hop, audio.n_fft) == (256, 1024)
    assert audio.margin == audio.hop == audio.length
    for optim in (recipe.optim_g, recipe.optim_d):
        assert optim.name == "adamw"
        if name == "hifigan":
            rate = optim.options.lr.at(16 * 809 * 100)
            assert rate == pytest.approx(2e-4 * 0.999**100, rel=1e-3)  # the authors' factor of an epoch


# ----------------------------------------------------------------------------
# Weights of the authors' code.


def make_theirs(num: int, width: int, rates: list[int], kernels: list[int], dilations: list[list[int]], twice: bool):
    """Return random tensors with the names and shapes of a checkpoint of HiFi-GAN."""
    tensors, seeds = {}, iter(range(10_000))

    def add(name, *shape, over=0):
        tensors[f"{name}.weight_v"] = 0.3 * draw(*shape, seed=next(seeds)).float()
        tensors[f"{name}.weight_g"] = draw(shape[0], 1, 1, seed=next(seeds)).float().abs() + 0.1
        tensors[f"{name}.bias"] = 0.1 * draw(over or shape[0], seed=next(seeds)).float()

    widths = [width >> number for number in range(len(rates) + 1)]
    add("conv_pre", width, num, 7)
    for stage, (rate, (a, b)) in enumerate(zip(rates, pairwise(widths), strict=True)):
        add(f"ups.{stage}", a, b, 2 * rate, over=b)
        for index, (kernel, each) in enumerate(zip(kernels, dilations, strict=True)):
            for number, _ in enumerate(each):
                for group in ("convs1", "convs2") if twice else ("convs",):
                    add(f"resblocks.{stage * len(kernels) + index}.{group}.{number}", b, b, kernel)
    add("conv_post", 1, widths[-1], 7)
    return tensors


def run_theirs(t, mel, rates, kernels, dilations, twice):
    """Return the sound that the paper's network makes with these tensors, written with torch's functions alone."""

    def weight(name):
        v, g = t[f"{name}.weight_v"], t[f"{name}.weight_g"]
        return g * v / v.flatten(1).norm(dim=1)[:, None, None]

    def conv(name, x, dilation=1):
        w = weight(name)
        return F.conv1d(x, w, t[f"{name}.bias"], padding=dilation * (w.shape[2] - 1) // 2, dilation=dilation)

    x = conv("conv_pre", mel)
    for stage, rate in enumerate(rates):
        name = f"ups.{stage}"
        x = F.conv_transpose1d(F.leaky_relu(x, 0.1), weight(name), t[f"{name}.bias"], rate, (2 * rate - rate) // 2)
        total = 0
        for index, each in enumerate(dilations):
            y, block = x, f"resblocks.{stage * len(kernels) + index}"
            for number, dilation in enumerate(each):
                if twice:
                    inner = conv(f"{block}.convs1.{number}", F.leaky_relu(y, 0.1), dilation)
                    y = y + conv(f"{block}.convs2.{number}", F.leaky_relu(inner, 0.1))
                else:
                    y = y + conv(f"{block}.convs.{number}", F.leaky_relu(y, 0.1), dilation)
            total = total + y
        x = total / len(kernels)
    return torch.tanh(conv("conv_post", F.leaky_relu(x)))


@pytest.mark.parametrize(
    ("rates", "kernels", "dilations", "twice"),
    [
        ([4, 2], [3, 7, 11], [[1, 3, 5]] * 3, True),
        ([8, 2], [3, 5, 7], [[1, 2], [2, 6], [3, 12]], False),
    ],
)
def test_weights_of_the_authors_give_the_papers_sound(rates, kernels, dilations, twice, tmp_path: Path):
    shape = (6, 16, rates, kernels, dilations, twice)
    theirs = make_theirs(*shape)
    torch.save({"generator": theirs}, tmp_path / "g_02500000")
    ganzoo.import_weights(tmp_path / "g_02500000", tmp_path / "out", format="hifi-gan", device="cpu")
    generator = ganzoo.load(tmp_path / "out", device="cpu")
    mel = draw(2, 6, 11).float()
    found = torch.from_numpy(generator.apply(mel.numpy()))
    assert torch.allclose(found, run_theirs(theirs, mel, *shape[2:]), atol=1e-5)
    assert generator.data.meta["mel"]["hop"] == rates[0] * rates[1]
    plain = {name: each for name, each in theirs.items() if "weight" not in name}
    for name in theirs:
        if name.endswith("weight_v"):
            v, g = theirs[name], theirs[name.replace("_v", "_g")]
            plain[name.removesuffix("_v")] = g * v / v.flatten(1).norm(dim=1)[:, None, None]
    assert imports.hifi_gan(plain).options == imports.hifi_gan(theirs).options


@pytest.mark.parametrize(
    ("tensors", "text"),
    [
        ({"mpd.discriminators.0.convs.0.weight_v": torch.ones(1)}, "it is a discriminator: give the file of the gener"),
        ({"conv_pre.weight_v": torch.ones(4, 6, 7)}, "tensor 'ups.0.weight' is missing"),
        ({"layer.weight": torch.ones(1)}, "tensor 'conv_pre.weight' is missing"),
    ],
)
def test_other_files_are_refused(tensors, text):
    with pytest.raises(UsageError, match=text):
        imports.hifi_gan(tensors)
