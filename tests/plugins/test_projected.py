"""Projected GAN with tiny, random networks of timm: levels, mixing, what is trained; generators of other architectures.

All but the last tests need timm, which the extra ``ganzoo[timm]`` installs.
"""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ganzoo
import ganzoo_projected
from ganzoo.layers import Frozen, build_networks
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve
from ganzoo.testing import Check, collect_checks

(SPEC,) = ganzoo_projected.ganzoo_architectures()
SMALL = {"backbone": "test_efficientnet", "pretrained": False, "channels": 4, "width_d": 4, "resize": 128}
DATA = DataInfo(shape=(1, 32, 32))


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # timm uses functions of torch that are deprecated
    try:
        import timm
    except ImportError:
        timm = None
needs_timm = pytest.mark.skipif(timm is None, reason="timm is not installed")
CHECKS = collect_checks("projected:projected", options=SMALL) if timm else []


def build(data=DATA, **values):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ganzoo.create("architecture", "projected", data=data, **{**SMALL, **values})


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).tanh()


@pytest.mark.parametrize("check", [pytest.param(each, id=each.name) for each in CHECKS])
def test_contract(check: Check) -> None:
    result = check.run()
    if result.status == "SKIP":
        pytest.skip(result.message)
    assert result.status == "PASS", result.message


# ----------------------------------------------------------------------------
# The discriminators.


@needs_timm
def test_four_levels_have_discriminators_whose_logits_have_one_resolution():
    network = build(channels=8, width_d=6, resize=224).discriminator.eval()
    assert [tuple(each.shape) for each in network.project(draw(2, 1, 32, 32))] == [
        (2, 8, 112, 112), (2, 8, 56, 56), (2, 16, 28, 28), (2, 32, 14, 14),
    ]  # fmt: skip
    assert [tuple(each.shape) for each in network(draw(2, 1, 32, 32))] == [(2, 1, 4, 4)] * 4
    convs = [[layer.out_channels for layer in member if isinstance(layer, nn.Conv2d)] for member in network.members]
    assert convs == [[6, 12, 24, 48, 1], [12, 24, 48, 1], [24, 48, 1], [48, 1]]


@needs_timm
def test_the_papers_discriminators_have_as_many_parameters_as_the_authors():
    with torch.device("meta"):
        network = ganzoo.create("architecture", "projected", data=DATA, pretrained=False).discriminator
    mixing = [*network.channel_mixing.parameters(), *network.scale_mixing.parameters()]
    assert network.backbone.network.channels == [24, 40, 112, 320]
    assert sum(parameter.numel() for parameter in network.members.parameters()) == 10_331_328
    assert sum(parameter.numel() for parameter in mixing) == 376_768


@needs_timm
def test_features_are_mixed_across_channels_then_from_coarse_to_fine():
    network = build().discriminator.eval()
    x = draw(2, 1, 32, 32)
    large = F.interpolate(x.repeat(1, 3, 1, 1), (128, 128), mode="bilinear", align_corners=False)
    backbone = network.backbone.network
    levels = backbone.network((large - backbone.mean) / backbone.std)[-4:]
    mixed = [F.conv2d(y, m.weight, m.bias) for y, m in zip(levels, network.channel_mixing, strict=True)]
    expected, above = [], 0
    for y, m in zip(mixed[::-1], network.scale_mixing[::-1], strict=True):
        y = F.interpolate(y + above, scale_factor=2, mode="bilinear", align_corners=True)
        above = F.conv2d(y, m.weight, m.bias)
        expected.insert(0, above)
    found = network.project(x)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(backbone.mean[0, 0, 0], torch.tensor(2 * 0.485 - 1))
    for mixing, wanted in (("channels", mixed), ("none", levels)):
        other = build(mixing=mixing).discriminator.eval()
        other.channel_mixing.load_state_dict(network.channel_mixing.state_dict() if mixing == "channels" else {})
        other.backbone.network.load_state_dict(backbone.state_dict())
        for one, each in zip(other.project(x), wanted, strict=True):
            torch.testing.assert_close(one, each)
        assert [len(logits) for logits in other(x)] == [2] * 4


@needs_timm
def test_only_the_discriminators_are_trained_and_the_mixing_is_stored():
    network = build().discriminator
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert {name.partition(".")[0] for name in trained} == {"members"}
    stored = {name.partition(".")[0] for name in network.state_dict()}
    assert stored == {"members", "channel_mixing", "scale_mixing"}
    assert isinstance(network.backbone, Frozen)
    assert network.backbone.name == "timm test_efficientnet, random"
    image = draw(2, 1, 32, 32).requires_grad_()
    (slope,) = torch.autograd.grad(sum(each.sum() for each in network(image)), image)
    assert slope.abs().sum() > 0


@needs_timm
def test_trained_weights_are_loaded_at_the_first_call(monkeypatch):
    calls, create = [], timm.create_model

    def fake(name, pretrained, **more):
        calls.append(pretrained)
        network = create(name, pretrained=False, **more)
        with torch.no_grad():
            for parameter in network.parameters() if pretrained else ():
                parameter.fill_(0.01)
        return network

    monkeypatch.setattr(timm, "create_model", fake)
    network = build(pretrained=True).discriminator
    assert network.backbone.name == "timm test_efficientnet r160_in1k (trained on ImageNet)"
    assert calls == [False]  # a published generator is built and sampled without them
    network(draw(2, 1, 32, 32))
    network(draw(2, 1, 32, 32))
    assert calls == [False, True]
    assert {round(float(each.mean()), 4) for each in network.backbone.network.parameters()} == {0.01}

    def fail(name, pretrained, **more):
        return 1 / 0 if pretrained else create(name, pretrained=False, **more)

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(ganzoo.GanzooError, match=r"could not be loaded .* add arch.pretrained=false"):
        build(pretrained=True).discriminator(draw(2, 1, 32, 32))


@needs_timm
def test_a_network_that_timm_does_not_have_is_refused():
    with pytest.raises(UsageError, match=r"arch.backbone: timm has no network 'nope'"):
        build(backbone="nope")
    with pytest.raises(UsageError, match=r"no weights for 'efficientnet_b0_gn'.*arch.pretrained=false"):
        build(backbone="efficientnet_b0_gn", pretrained=True)


@needs_timm
def test_a_run_trains_around_another_generator_and_its_card_names_the_backbone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {f"arch.{name}": value for name, value in SMALL.items()}
    more = {"arch.generator": "dcgan", "arch.settings": "width=2,z_dim=5", "train.batch": 4, "train.images": 8}
    run = ganzoo.train(arch="projected", dataset="digits", options={**settings, **more, "train.execution": "eager"})
    generator = ganzoo.load(run.path)
    assert generator.sample(2).shape == (2, 32, 32, 1)
    assert generator.networks.latent_dim == 5
    assert "timm test_efficientnet, random" in (run.path / "package" / "README.md").read_text()


# ----------------------------------------------------------------------------
# Without timm.


def test_settings_reach_the_other_architecture():
    pair = build_networks("fastgan", DATA, ("width=2", "z_dim=7"))
    assert (pair.latent_dim, pair.generator.last.in_channels) == (7, 4)


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("nope", (), "no architecture 'nope' is installed"),
        ("fastgan", ("widht=2",), "unknown key 'widht': did you mean 'width'"),
        ("fastgan", ("width",), "'width' is not a setting .*NAME=VALUE"),
    ],
)
def test_what_the_other_architecture_does_not_take_is_refused(name, settings, text):
    with pytest.raises(UsageError, match=text):
        build_networks(name, DATA, settings)


def test_what_the_generator_promises_is_promised():
    def resolve_with(generator):
        given = {"arch": "projected", "arch.generator": generator, "dataset": "digits", "dataset.size": 64}
        return resolve(ganzoo.registry(), pairs=given)

    assert {"style", "truncation"} <= {*resolve_with("stylegan2").arch.provides}
    assert "truncation" in resolve_with("biggan").arch.provides
    assert not {"features", "embedding", "bounded-slope", "style"} & {*resolve_with("biggan").arch.provides}
    with pytest.raises(UsageError, match="arch 'sngan' takes 32, 48, 64, 128; dataset 'digits' is 256"):
        resolve(ganzoo.registry(), recipe="projected-fastgan", pairs={"dataset": "digits", "arch.generator": "sngan"})


def test_the_recipe_has_the_settings_of_the_paper():
    recipe = resolve(ganzoo.registry(), recipe="projected-fastgan", pairs={"dataset": "digits"})
    assert recipe.arch.options.generator == "fastgan:fastgan"
    assert recipe.arch.options.settings[:2] == ("width=128", "z_dim=256")
    assert (recipe.arch.options.backbone, recipe.arch.options.channels) == ("tf_efficientnet_lite0", 64)
    assert (recipe.loss.name, list(recipe.reg), [each.name for each in recipe.aug]) == ("hinge", [], ["diffaugment"])
    train = recipe.train
    assert (train.batch, train.ema_half_life, train.images) == (64, 20_000, 10_000_000)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.name, optim.options.lr, optim.options.betas) == ("adam", 2e-4, (0.0, 0.99))
