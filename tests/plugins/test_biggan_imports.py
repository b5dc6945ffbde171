"""Generators of the authors' code and of pytorch-pretrained-biggan give the samples that these computed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

import ganzoo
import ganzoo_biggan
from ganzoo.plugin import UsageError

imports = import_module("ganzoo_biggan.imports")
SPECS = {spec.name: spec for spec in ganzoo_biggan.ganzoo_architectures()}
Z = torch.linspace(-1, 1, 16).view(2, 8)
LABELS = torch.tensor([2, 1])


def draw(index: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(index))


def make_spectral(
    name: str, index: int, shape: tuple[int, ...], suffixes: tuple[str, ...]
) -> Iterator[tuple[str, Tensor]]:
    """Yield a weight and its singular vectors under the names that a project gives them."""
    weight = draw(index, *shape) / math.prod(shape[1:]) ** 0.5
    u = normalize(draw(1000 + index, shape[0]), dim=0)
    v = normalize(weight.flatten(1).t() @ u, dim=0)
    values = (weight, u, v) if len(suffixes) == 3 else (weight, u[None])
    yield from ((f"{name}.{suffix}", value) for suffix, value in zip(suffixes, values, strict=True))


def make_authors_weights(deep: bool, shared: bool, classes: int = 3, width: int = 32) -> dict[str, Tensor]:
    """Return the weights of a generator for 32 pixels under the authors' names; if shared, with attention."""
    part = 8 if deep else 2
    condition = (3 + part) if shared else classes
    first = 8 + 3 if deep else part if shared else 8
    layers: dict[str, tuple[int, ...]] = {"linear": (width * 16, first), "output_layer.2": (3, width, 3, 3)}
    maps: dict[str, tuple[int, ...]] = {}
    for index in range(6 if deep else 3):
        block, inner = f"blocks.{index}.0", width // 4
        if deep:
            sizes = {1: (inner, width, 1, 1), 2: (inner, inner, 3, 3), 3: (inner, inner, 3, 3), 4: (width, inner, 1, 1)}
            layers |= {f"{block}.conv{number}": size for number, size in sizes.items()}
        else:
            layers |= {f"{block}.conv{number}": (width, width, 3, 3) for number in (1, 2)}
            layers[f"{block}.conv_sc"] = (width, width, 1, 1)
        for number in range(1, 5 if deep else 3):
            maps[f"{block}.bn{number}"] = (width if number == 1 or not deep else inner, condition)
    weights: dict[str, Tensor] = {}
    for index, (name, shape) in enumerate(layers.items()):
        weights |= dict(make_spectral(name, index, shape, ("weight", "u0")))
        weights |= {f"{name}.bias": draw(2000 + index, shape[0]) / 5, f"{name}.sv0": torch.ones(1)}
    for index, (name, (channels, dim)) in enumerate(maps.items()):
        for number, leaf in enumerate(("gain", "bias")):
            seed = 3000 + 10 * index + number
            if shared:
                weights |= dict(make_spectral(f"{name}.{leaf}", seed, (channels, dim), ("weight", "u0")))
            else:
                weights[f"{name}.{leaf}.weight"] = draw(seed, dim, channels) / 5
    for index, (name, channels) in enumerate({**{k: v[0] for k, v in maps.items()}, "output_layer.0": width}.items()):
        weights[f"{name}.stored_mean"] = draw(5000 + index, channels) / 5
        weights[f"{name}.stored_var"] = draw(6000 + index, channels).abs() + 0.5
    weights |= {"output_layer.0.gain": draw(7000, width), "output_layer.0.bias": draw(7001, width)}
    if shared:
        weights["shared.weight"] = draw(7002, classes, 3)
        place = f"blocks.{3 if deep else 1}.1"
        for number, (name, shape) in enumerate(
            {"theta": (4, width), "phi": (4, width), "g": (16, width), "o": (width, 16)}.items()
        ):
            weights |= dict(make_spectral(f"{place}.{name}", 8000 + number, (*shape, 1, 1), ("weight", "u0")))
        weights[f"{place}.gamma"] = torch.tensor(0.7)
    return weights


def make_pretrained_weights(classes: int = 3, width: int = 8, dims: int = 8) -> dict[str, Tensor]:
    """Return the weights of a generator for 128 pixels under the names of pytorch-pretrained-biggan."""
    suffixes = ("weight_orig", "weight_u", "weight_v")
    shapes: dict[str, tuple[int, ...]] = {"gen_z": (256 * width, 2 * dims), "conv_to_rgb": (width, width, 3, 3)}
    norms = {"bn": width}
    widths = [multiple * width for multiple in (16, 16, 8, 4, 2, 1)]
    blocks = [pair for inputs, outputs in pairwise(widths) for pair in ((inputs, inputs), (inputs, outputs))]
    for index, (inputs, outputs) in enumerate(blocks):
        name, inner = f"layers.{index + (index >= 8)}", inputs // 4
        sizes = [(inner, inputs, 1, 1), (inner, inner, 3, 3), (inner, inner, 3, 3), (outputs, inner, 1, 1)]
        shapes |= {f"{name}.conv_{number}": size for number, size in enumerate(sizes)}
        norms |= {f"{name}.bn_{number}": inner if number else inputs for number in range(4)}
    weights = {"embeddings.weight": draw(9000, dims, classes)}
    for index, (name, shape) in enumerate(shapes.items()):
        weights |= dict(make_spectral(f"generator.{name}", index, shape, suffixes))
        weights[f"generator.{name}.bias"] = draw(2000 + index, shape[0]) / 5
    for index, (name, channels) in enumerate(norms.items()):
        weights[f"generator.{name}.running_means"] = draw(5000 + index, 51, channels) / 5
        weights[f"generator.{name}.running_vars"] = draw(6000 + index, 51, channels).abs() + 0.5
        for number, leaf in enumerate(("scale", "offset") if name != "bn" else ()):
            shape = (channels, 2 * dims)
            weights |= dict(make_spectral(f"generator.{name}.{leaf}", 3000 + 10 * index + number, shape, suffixes))
    weights |= {"generator.bn.weight": draw(7000, width), "generator.bn.bias": draw(7001, width)}
    channels = 2 * width
    for number, (name, shape) in enumerate(
        {"theta": (2, channels), "phi": (2, channels), "g": (8, channels), "o_conv": (channels, 8)}.items()
    ):
        name = f"generator.layers.8.snconv1x1_{name}"
        weights |= dict(make_spectral(name, 8000 + number, (*shape, 1, 1), suffixes))
    weights["generator.layers.8.gamma"] = torch.tensor([0.7])
    return weights


def list_values(images: Tensor) -> list[float]:
    return [
        *(images[index].item() for index in ((0, 0, 0, 0), (1, 1, 5, 9), (0, 2, 31, 30))),
        images.abs().mean().item(),
    ]


CASES = {
    "biggan": ("biggan-pytorch", lambda: make_authors_weights(False, True)),
    "without a shared embedding": ("biggan-pytorch", lambda: make_authors_weights(False, False)),
    "biggan-deep": ("biggan-deep-pytorch", lambda: make_authors_weights(True, True)),
    "pretrained": ("pytorch-pretrained-biggan", make_pretrained_weights),
}
EXPECTED = {  # three pixels and the mean size of all, as the other project computes them; the options
    "biggan": (
        [0.4481272, 0.3356498, -0.5519444, 0.3814455],
        {"width_g": 8, "z_dim": 8, "shared_dim": 3, "hierarchical": True, "spectral_g": True, "attention": (16,)},
    ),
    "without a shared embedding": (
        [0.4672548, 0.3101009, -0.5526799, 0.3589121],
        {"z_dim": 8, "shared_dim": 0, "hierarchical": False, "attention": None},
    ),
    "biggan-deep": (
        [0.6509835, 0.4516116, -0.0980385, 0.3011833],
        {"width_g": 8, "z_dim": 8, "shared_dim": 3, "attention": (16,)},
    ),
    "pretrained": (
        [-0.9298168, 0.2952223, 0.9999993, 0.5122280],
        {"width_g": 8, "z_dim": 8, "shared_dim": 8, "spectral_g": False, "attention": (64,)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_generator_gives_its_samples(name: str):
    format, make = CASES[name]
    expected, options = EXPECTED[name]
    imported = getattr(imports, format.replace("-", "_"))(make())
    assert imported.options == imported.options | options
    spec = SPECS["biggan" if format == "biggan-pytorch" else "biggan-deep"]
    assert format in spec.imports
    module = import_module(spec.factory.partition(":")[0])
    network = module.build(spec.options(**imported.options), imported.data).generator.eval()
    network.load_state_dict(imported.weights)
    with torch.no_grad():
        assert list_values(network(Z, LABELS)) == pytest.approx(expected, abs=1e-5)


def test_a_file_of_the_authors_becomes_a_package(tmp_path: Path):
    torch.save(make_authors_weights(False, False), tmp_path / "G.pth")
    package = ganzoo.import_weights(tmp_path / "G.pth", tmp_path / "made", format="biggan-pytorch", device="cpu")
    found = list_values(ganzoo.load(package, "cpu")(Z, LABELS))
    assert found == pytest.approx(EXPECTED["without a shared embedding"][0], abs=1e-5)


@pytest.mark.parametrize(
    ("format", "changes", "text"),
    [
        ("biggan-pytorch", {"embed.weight": torch.zeros(3)}, "it is a discriminator: give the file of G"),
        ("biggan-pytorch", {"l2.weight": torch.zeros(3)}, "tensor 'l2.weight' does not belong to it"),
        ("biggan-pytorch", {"blocks.7.0.conv1.weight": torch.zeros(3)}, "images of 1024 pixels; .* 32, 64, 128, 256"),
        ("biggan-pytorch", {"linear.weight": torch.zeros(100, 2)}, "100 outputs, which fit no network for 32 pixels"),
        ("biggan-deep-pytorch", {}, "it is a generator of BigGAN: add --format biggan-pytorch"),
        ("pytorch-pretrained-biggan", {}, "tensor 'generator.gen_z.weight_orig' is missing"),
    ],
)
def test_other_files_are_refused(format: str, changes: dict[str, Tensor], text: str, tmp_path: Path):
    torch.save(make_authors_weights(False, True) | changes, tmp_path / "G.pth")
    with pytest.raises(UsageError, match=text):
        ganzoo.import_weights(tmp_path / "G.pth", tmp_path / "made", format=format, device="cpu")
