"""Networks of the package stylegan2_pytorch 1.9.0: ours compute what it computed, and its files are read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
import ganzoo_stylegan2
from ganzoo.errors import Corrupt, UsageError
from ganzoo.layers import input_gradients
from ganzoo.package.config import read_config
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve

NAME = "stylegan2-lucidrains"
SPEC = next(spec for spec in ganzoo_stylegan2.ganzoo_architectures() if spec.name == NAME)
lucidrains, imports = (
    import_module("ganzoo_stylegan2.stylegan2_lucidrains"),
    import_module("ganzoo_stylegan2.lucidrains_imports"),
)
SIZE, LEVELS, CAPACITY, Z, DEPTH = 16, 3, 2, 6, 3
WIDTHS = [16, 8, 4]  # of G at 4, 8 and 16 pixels
WIDTHS_D = [8, 16, 32, 64]
NOISE = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(2))
IMAGES = DataInfo(shape=(3, SIZE, SIZE))


def draw(index: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(index))


def build(**options: Any) -> Any:
    chosen = {"capacity": CAPACITY, "channel_max": 64, "z_dim": Z, "mapping": DEPTH, **options}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return lucidrains.build(SPEC.options(**chosen), IMAGES)


# ----------------------------------------------------------------------------
# Weights under the names of the package.


def name_layer(name: str, *shape: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape} | ({f"{name}.bias": shape[:1]} if bias else {})


def name_attention(name: str, width: int) -> dict[str, tuple[int, ...]]:
    inner = f"{name}.0.fn.fn"
    shapes: dict[str, tuple[int, ...]] = {
        f"{name}.{index}.fn.norm.{leaf}": (1, width, 1, 1) for index in (0, 1) for leaf in "gb"
    }
    shapes |= name_layer(f"{inner}.to_q", 512, width, 1, 1, bias=False)
    shapes |= name_layer(f"{inner}.to_kv.net.0", width, 1, 3, 3, bias=False)
    shapes |= name_layer(f"{inner}.to_kv.net.1", 1024, width, 1, 1, bias=False)
    shapes |= name_layer(f"{inner}.to_out", width, 512, 1, 1)
    shapes |= name_layer(f"{name}.1.fn.fn.0", 2 * width, width, 1, 1)
    return shapes | name_layer(f"{name}.1.fn.fn.2", width, 2 * width, 1, 1)


def name_generator(constant: bool, numbers: Iterable[int], channels: int = 3) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a generator's tensors; `numbers` are the package's `attn_layers`."""
    first = {"initial_block": (1, 16, 4, 4)} if constant else {"to_initial_block.weight": (Z, 16, 4, 4)}
    shapes: dict[str, tuple[int, ...]] = {**first, **name_layer("initial_conv", 16, 16, 3, 3)}
    for level, (inputs, outputs) in enumerate(zip([16, *WIDTHS], WIDTHS, strict=False)):
        block = f"blocks.{level}"
        for number, width in ((1, inputs), (2, outputs)):
            shapes |= name_layer(f"{block}.to_style{number}", width, Z)
            shapes |= name_layer(f"{block}.to_noise{number}", outputs, 1)
            shapes[f"{block}.conv{number}.weight"] = (outputs, width, 3, 3)
        shapes |= name_layer(f"{block}.to_rgb.to_style", outputs, Z)
        shapes[f"{block}.to_rgb.conv.weight"] = (channels, outputs, 1, 1)
        if level < LEVELS - 1:
            shapes[f"{block}.to_rgb.upsample.1.f"] = (3,)
        if LEVELS - level in numbers:
            shapes |= name_attention(f"attns.{level}", inputs)
    return shapes


def name_discriminator(numbers: Iterable[int]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for level, (inputs, outputs) in enumerate(zip([3, *WIDTHS_D], WIDTHS_D, strict=False)):
        block = f"blocks.{level}"
        shapes |= name_layer(f"{block}.conv_res", outputs, inputs, 1, 1)
        shapes |= name_layer(f"{block}.net.0", outputs, inputs, 3, 3)
        shapes |= name_layer(f"{block}.net.2", outputs, outputs, 3, 3)
        if level < LEVELS:
            shapes |= {f"{block}.downsample.0.f": (3,)} | name_layer(f"{block}.downsample.1", outputs, outputs, 3, 3)
        if level + 1 in numbers:
            shapes |= name_attention(f"attn_blocks.{level}", outputs)
    shapes |= name_layer("final_conv", WIDTHS_D[-1], WIDTHS_D[-1], 3, 3)
    return shapes | name_layer("to_logit", 1, 4 * WIDTHS_D[-1])


def rename_discriminator(weights: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a discriminator of the package under the names of ours, in which attention is a block."""
    place, parts = 0, {"conv_res": "shortcut", "net.0": "conv1", "net.2": "conv2", "downsample.1": "conv3"}
    for level in range(LEVELS + 1):
        for name, value in weights.items():
            *path, leaf = name.split(".")
            if path[:2] == ["blocks", str(level)] and leaf != "f":
                yield f"blocks.{place}.{parts['.'.join(path[2:])]}.{leaf}", value
        place += 1
        if any(name.startswith(f"attn_blocks.{level}.") for name in weights):
            theirs = f"attn_blocks.{level}"
            named = dict(imports._name_attention(theirs, f"blocks.{place}"))
            yield from ((ours, imports._fit(ours, weights[name])) for name, ours in named.items())
            place += 1
    for theirs, ours in (("final_conv", "conv"), ("to_logit", "linear")):
        yield from ((f"{ours}.{leaf}", weights[f"{theirs}.{leaf}"]) for leaf in ("weight", "bias"))


def make_weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Return tensors of these shapes; a kernel is divided by the root of its number of inputs."""
    return {
        name: torch.tensor([1.0, 2.0, 1.0])
        if name.endswith(".f")
        else draw(seed + index, *shape) / max(1, math.prod(shape[1:])) ** 0.5
        for index, (name, shape) in enumerate(shapes.items())
    }


def make_mapping(seed: int = 1000) -> dict[str, Tensor]:
    """Return weights of a mapping network, which multiplies them by 0.1."""
    shapes = [name_layer(f"net.{2 * layer}", Z, Z) for layer in range(DEPTH)]
    return {
        name: 10 * each for name, each in make_weights({k: v for part in shapes for k, v in part.items()}, seed).items()
    }


def make_file(constant: bool = True, numbers: Iterable[int] = (), channels: int = 3) -> dict[str, Tensor]:
    """Return the tensors of the package's networks: those that are trained, and their averages."""
    shapes = name_generator(constant, numbers, channels)
    parts = {
        "S": make_mapping(9000),
        "G": make_weights(shapes, 8000),
        "D": make_weights(name_discriminator(numbers), 5000),
    }
    parts |= {"SE": make_mapping(), "GE": make_weights(shapes), "D_aug.D": parts["D"]}
    return {f"{part}.{name}": each for part, named in parts.items() for name, each in named.items()}


# ----------------------------------------------------------------------------
# The numbers of the package's classes for these weights in float64, printed by a script.

WAYS = {"plain": (True, ()), "attention": (False, (1, 3))}  # a learned constant, attn_layers
IMAGE_VALUES = {  # three pixels, the mean absolute value, that of gradients of styles, the sum of squares of all
    "plain": [2.28957754, -2.4898667, 9.97336608, 3.88045189, 4888.09466, 834387685000.0],
    "attention": [-3.72840826, -13.4015909, -0.496806669, 6.35779452, 6872.42765, 1208095100000.0],
}
LOGIT_VALUES = {  # two logits, the penalty, the sum of squares of its gradients
    "plain": [1.80849094, 1.72716096, 0.170720235, 7.34278581],
    "attention": [-1.03555333, -0.991079116, 0.238733323, 17.5615033],
}


def import_file(tensors: dict[str, Tensor]) -> Path:
    """Return the package of the averaged generator of a file."""
    torch.save({"GAN": tensors, "version": "1.9.0"}, "model_7.pt")
    return ganzoo.import_weights("model_7.pt", "made", format=NAME, device="cpu")


@pytest.mark.parametrize("way", WAYS)
def test_samples_and_gradients_are_those_of_the_package(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second half of the blocks has the style of another latent."""
    monkeypatch.chdir(tmp_path)
    constant, numbers = WAYS[way]
    package = import_file(make_file(constant, numbers))
    network: Any = ganzoo.load(package, "cpu").network.double()
    network.synthesis.noise.copy_(NOISE)
    z = draw(1, 4, Z).double()
    w = torch.cat([network.mapping(z)[:, :1], network.mapping(-z)[:, 1:]], 1).detach().requires_grad_()
    parameters = [each.requires_grad_() for each in network.synthesis.parameters()]
    images = network.synthesis(w)
    slopes = torch.autograd.grad(images.square().sum(), [w, *parameters])
    found = [images[0, 0, 0, 0], images[1, 1, 5, 9], images[3, 2, 15, 14], images.abs().mean(), slopes[0].abs().mean()]
    found.append(torch.stack([each.square().sum() for each in slopes]).sum())
    assert [each.item() for each in found] == pytest.approx(IMAGE_VALUES[way], rel=1e-5)
    chosen = {"capacity": 2, "channel_max": 16, "z_dim": Z, "mapping": DEPTH, "constant": constant}
    options = read_config(package).recipe["arch"]["options"]
    assert options == options | chosen | {
        "attention": [16 >> number for number in sorted(numbers, reverse=True)] or None
    }


@pytest.mark.parametrize("way", WAYS)
def test_the_discriminator_and_its_penalty_are_those_of_the_package(way: str) -> None:
    """The package adds 10 E |grad|^2 to every fourth update, for colours from 0 to 1."""
    numbers = WAYS[way][1]
    network = build(attention=tuple(16 >> number for number in numbers) or None).discriminator.double()
    network.load_state_dict(dict(rename_discriminator(make_weights(name_discriminator(numbers), 5000))))
    x = (2 * torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(3)).double() - 1).requires_grad_()
    logits = network(x).logits
    settings = SPEC.recommended
    squares = input_gradients(logits, x).square().flatten(1).sum(1).mean()
    for name in ("r1", "r2"):
        penalty = settings[f"reg.{name}.gamma"] / 2 * squares * settings[f"reg.{name}.interval"]
        found = [logits[0], logits[3], penalty, *sum_gradients(penalty, network)]
        assert [each.item() for each in found] == pytest.approx(LOGIT_VALUES[way], rel=1e-6)


def sum_gradients(value: Tensor, network: nn.Module) -> list[Tensor]:
    """Return the sum of the squares of the gradients of all parameters."""
    slopes = torch.autograd.grad(value, list(network.parameters()), retain_graph=True, allow_unused=True)
    return [torch.stack([each.square().sum() for each in slopes if each is not None]).sum()]


def test_the_recommended_settings_weigh_terms_as_the_package(tmp_path: Path) -> None:
    """The package adds E (|J^T y| - a)^2 to every 32nd update; G's images have twice the contrast here."""
    settings = resolve(ganzoo.registry(), pairs={"arch": NAME, "dataset": "digits"})
    lengths = next(each.options for each in settings.reg if each.name == "path-length")
    assert lengths.interval == 32
    assert lengths.weight * lengths.interval * 2**2 == 1
    assert (settings.loss.name, lengths.decay, lengths.shrink) == ("hinge", 0.01, 1)


# ----------------------------------------------------------------------------
# What is not in the file.


def test_the_mean_of_styles_and_the_noise_are_those_of_a_seed() -> None:
    one, two = (imports.stylegan2_lucidrains(make_file()) for _ in range(2))
    assert all(torch.equal(value, two.weights[name]) for name, value in one.weights.items())
    noise = one.weights["synthesis.noise"]
    assert noise.min() >= 0
    assert noise.max() <= 1
    assert noise.mean().item() == pytest.approx(0.5, abs=0.05)
    network = build().generator
    network.load_state_dict(one.weights)
    styles = network.eval().mapping(draw(77, 4000, Z))[:, 0]
    error = (network.mapping.mean - styles.mean(0)) / styles.std(0)
    assert error.abs().max() < 0.15  # a mean of 2000 styles has the error 1 / sqrt(2000)
    assert (styles.mean(0) / styles.std(0)).abs().max() > 1
    images = network(draw(78, 3, Z), truncation=0.0)
    torch.testing.assert_close(images, network.synthesis(network.mapping.mean.expand(3, LEVELS, -1)))


def test_each_sample_has_new_noise_in_training() -> None:
    synthesis = build(mixing=0.0).generator.synthesis.train()
    w = draw(1, 1, LEVELS, Z).expand(2, -1, -1)
    torch.testing.assert_close(*synthesis(w))  # its strengths start at 0
    for block in synthesis.blocks:
        nn.init.ones_(block.conv2.strength)
    assert not torch.allclose(*synthesis(w))
    synthesis.eval()
    torch.testing.assert_close(*synthesis(w))
    noise = synthesis.noise.clone()
    before = synthesis(w)
    synthesis.noise[4:, :] += 1  # blocks of 8 and 16 pixels see it
    assert not torch.allclose(synthesis(w), before)
    for block in synthesis.blocks[1:]:
        nn.init.zeros_(block.conv2.strength)
    after = synthesis(w)
    synthesis.noise.copy_(noise)
    assert torch.equal(synthesis(w), after)


def test_the_first_weights_are_those_of_the_package() -> None:
    network = build(capacity=32, z_dim=64).generator
    first, conv = network.mapping.network[0], network.synthesis.blocks[0].conv1.conv
    stds = [first.weight.std(), conv.weight.std() * (9 * 64) ** 0.5, conv.affine.weight.std() * 8]
    assert [each.item() for each in stds] == pytest.approx([1, 2**0.5, 2**0.5], rel=0.05)
    assert first.scale == pytest.approx(0.1)
    assert (conv.affine.bias - 1).abs().max() <= 1 / 8
    assert (conv.affine.bias - 1).abs().max() > 1 / 16


def test_the_first_styles_depend_on_the_latent_as_in_the_package() -> None:
    network = ganzoo.create("architecture", NAME, data=DataInfo(shape=(1, 16, 16))).generator
    styles = network.eval().mapping(draw(5, 500, 512))[:, 0]
    # a layer of 512 multiplies squares by 0.1^2 * 512 * (1 + 0.2^2) / 2 on average, the first by 0.01 of a unit vector
    wanted = (0.01 * 1.04 / 2) * (0.01 * 512 * 1.04 / 2) ** 7
    assert styles.square().mean().item() == pytest.approx(wanted, rel=0.5)
    assert styles.var(0).mean() > 0.2 * styles.square().mean()


# ----------------------------------------------------------------------------
# Refusals.


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict.fromkeys(f"SE.{name}" for name in make_mapping()), r"it has no tensors SE\.\*"),
        ({"GE.blocks.0.to_rgb.conv.weight": draw(0, 4, 16, 1, 1)}, "it makes images with transparency"),
        ({"GE.blocks.0.to_rgb.conv.weight": draw(0, 1, 16, 1, 1)}, "it makes images of 1 channels"),
        ({"GE.blocks.0.to_rgb.upsample.1.f": torch.ones(3)}, r"upsample.1.f' is not that of the package, \[1, 2, 1\]"),
        ({"GE.blocks.1.to_rgb.upsample.1.f": None}, "upsample.1.f' is missing, as in early versions of the package"),
        ({"GE.blocks.1.to_noise1.bias": None}, "tensor 'GE.blocks.1.to_noise1.bias' is missing"),
        ({"GE.blocks.1.conv2.weight": None}, "tensor 'GE.blocks.1.conv2.weight' is missing"),
        ({"GE.blocks.0.skip": torch.ones(3)}, "tensor 'GE.blocks.0.skip' does not belong to it"),
        ({"GE.blocks.1.conv2.weight": torch.ones(5, 5, 3, 3)}, r"its layers are \[16, 5, 4\] wide, which no"),
        ({"GE.blocks.9.conv2.weight": torch.ones(5, 5, 3, 3)}, "it makes images of 2048 pixels; stylegan2-"),
        ({"SE.net.2.weight": torch.ones(Z, 5)}, "layer 'SE.net.2' does not map 6 numbers to as many"),
    ],
)  # fmt: skip
def test_other_networks_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        imports.stylegan2_lucidrains({name: each for name, each in (make_file() | changes).items() if each is not None})


def test_tensors_of_other_shapes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Corrupt, match=r"synthesis\.conv\.bias"):
        import_file(make_file() | {"GE.initial_conv.bias": torch.ones(5)})


def test_attention_is_for_sizes_of_maps() -> None:
    with pytest.raises(UsageError, match=r"arch\.attention=16 is not possible for 16 pixels: choose among 2, 4, 8"):
        build(attention=(8, 16))
