"""lightweight-gan: its networks compute what the package of that name computes, and its checkpoints become packages.

The values are those of lightweight_gan 1.2.1 in float64, with the weights of `draw` and with the noise of this import.
"""

from __future__ import annotations

import math
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
import ganzoo_fastgan
from ganzoo.package.config import read_config
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve

SPEC = {spec.name: spec for spec in ganzoo_fastgan.ganzoo_architectures()}["lightweight-gan"]
imports, networks = import_module("ganzoo_fastgan.lightweight_imports"), import_module("ganzoo_fastgan.lightweight_gan")
layers, cases = import_module("ganzoo_fastgan.lightweight_layers"), import_module("ganzoo_fastgan.cases")
Z_DIM = 6
Z = torch.linspace(-2, 2, 2 * Z_DIM, dtype=torch.float64).sin().view(2, Z_DIM)


def draw(name: str, *shape: int) -> Tensor:
    """Return numbers that follow from a name and a shape alone, of the size that layers have."""
    generator = torch.Generator().manual_seed(sum(ord(letter) * (place + 1) for place, letter in enumerate(name)))
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    if name.endswith("running_var"):
        return x.abs() + 0.5
    if name.endswith(("norm.weight", "norm.g", ".0.4.weight", "conv.1.weight")):
        return 1 + x / 5
    return x * (1.4 / math.prod(shape[1:]) ** 0.5) if len(shape) > 1 and shape[-1] < 16 else x / 5


def list_shapes(
    size: int, widths: list[int], channels: int = 3, attention: tuple[int, ...] = (), head: int = 2
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a generator's tensors by their names in the package.

    Args:
        size: Height and width of an image, in pixels.
        widths: The numbers of channels at 8, 16, ..., `size` pixels.
        channels: The number of channels of the image.
        attention: The resolutions with attention.
        head: The number of channels of a head of it.
    """
    found: dict[str, tuple[int, ...]] = {}

    def add(name: str, *shape: int, norm: bool = False) -> None:
        found.update({f"{name}.weight": shape, f"{name}.bias": shape[:1]})
        found.update({f"{name}.{leaf}": shape for leaf in ("running_mean", "running_var")} if norm else {})

    found["initial_conv.0.weight"], found["initial_conv.0.bias"] = (Z_DIM, 2 * Z_DIM, 4, 4), (2 * Z_DIM,)
    add("initial_conv.1", 2 * Z_DIM, norm=True)
    for level, (inputs, outputs) in enumerate(pairwise([Z_DIM, *widths])):
        block = f"layers.{level}"
        add(f"{block}.0.0.net.0", 4 * inputs, inputs, 1, 1)
        add(f"{block}.0.2.1", 2 * outputs, inputs, 4, 4)
        found[f"{block}.0.3.weight"] = (1,)
        add(f"{block}.0.4", 2 * outputs, norm=True)
        if 4 << level in attention:
            place, inner = f"{block}.2.fn", 8 * head
            found |= {f"{block}.2.norm.g": (1, inputs, 1, 1), f"{block}.2.norm.b": (1, inputs, 1, 1)}
            found |= {f"{place}.to_{name}.weight": (inner, inputs, 1, 1) for name in ("lin_q", "q")}
            found |= {f"{place}.to_{name}.weight": (2 * inner, inputs, 1, 1) for name in ("lin_kv.net.1", "kv")}
            found[f"{place}.to_lin_kv.net.0.weight"] = (inputs, 1, 3, 3)
            add(f"{place}.to_out", inputs, 2 * inner, 1, 1)
    for level in range(1, len(widths) - 3):  # the maps of 16 pixels gate those of 128
        add(f"layers.{level}.1.to_k", 1, widths[level], 1, 1)
        hidden = max(3, widths[level + 3] // 2)
        add(f"layers.{level}.1.net.0", hidden, widths[level], 1, 1)
        add(f"layers.{level}.1.net.2", widths[level + 3], hidden, 1, 1)
    add("out_conv", channels, widths[-1], 3, 3)
    return found


# ----------------------------------------------------------------------------
# The package's values.


def make_weights(**sizes: Any) -> dict[str, Tensor]:
    """Return the weights of a generator under the package's names; the arguments are those of `list_shapes`."""
    found = {name: draw(name, *shape) for name, shape in list_shapes(**sizes).items()}
    counters = [name.replace("running_mean", "num_batches_tracked") for name in found if name.endswith("running_mean")]
    return found | {name: torch.tensor(7) for name in counters}


GENERATORS: dict[str, dict[str, Any]] = {
    "gates and attention": {"size": 128, "widths": [12, 12, 12, 8, 4], "attention": (8, 16), "head": 64},
    "above 256 pixels": {"size": 512, "widths": [8, 8, 8, 8, 8, 4, 3]},
    "grey without aliases": {"size": 32, "widths": [12, 12, 8], "channels": 1},
}
BLUR = {f"layers.{level}.0.1.f": torch.tensor([1.0, 2.0, 1.0]) for level in range(3)}
DISCRIMINATORS: dict[str, tuple[int, dict[str, Any]]] = {
    "patches and attention": (64, {"patches": True, "attention": (32,)}),
    "without aliases": (32, {"antialias": True, "attention": None}),
    "above 256 pixels": (512, {"channel_base": 2048, "antialias": True, "attention": None}),
}


def make_discriminator(name: str) -> tuple[nn.Module, Tensor]:
    """Return one of `DISCRIMINATORS` with the weights of `draw`, in float64, and an image for it."""
    size, options = DISCRIMINATORS[name]
    options = {"channel_base": 512, "channel_max": 12, "head_width": 64, **options}
    network = networks.build(SPEC.options(**options), DataInfo(shape=(3, size, size))).discriminator.double()
    network.load_state_dict({key: draw(key, *each.shape) for key, each in network.state_dict().items()})
    x = torch.linspace(0, 40, 3 * size * size, dtype=torch.float64).sin().view(1, 3, size, size)
    return network, x.requires_grad_()


def list_values(images: Tensor) -> list[float]:
    return [
        *(images[index].item() for index in ((0, 0, 0, 0), (1, 0, 5, 9), (0, 0, 31, 30))),
        images.abs().mean().item(),
    ]


EXPECTED_G = {  # three values and the mean size of all; the options
    "gates and attention": (
        [-0.191386137, -0.788574339, -6.94246466, 1.685792732],
        {"channel_base": 512, "channel_max": 12, "attention": (8, 16), "head_width": 64, "antialias": False},
    ),
    "above 256 pixels": (
        [-0.351942164, -0.302266323, -0.315491419, 0.946096932],
        {"channel_base": 1024, "channel_max": 8, "attention": None, "head_width": 64},
    ),
    "grey without aliases": (
        [-0.091726867, -0.154771218, -0.652296594, 0.203520294],
        {"channel_base": 256, "channel_max": 12, "attention": None, "antialias": True},
    ),
}
EXPECTED_D = {  # the sum of all logits but that of the small image, the last of them, that one, the squared gradient
    "patches and attention": [-83.741166137, -3.232713486, -2.886734235, 47.725120632],
    "without aliases": [0.711764868, 0.711764868, -3.037315283, 0.134312491],
    "above 256 pixels": [-0.749363763, -0.749363763, -2.826066176, 0.136794395],
}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_gives_the_packages_samples(name: str) -> None:
    values, options = EXPECTED_G[name]
    imported = imports.lightweight_gan(make_weights(**GENERATORS[name]) | (BLUR if "aliases" in name else {}))
    assert imported.options == imported.options | options | {"z_dim": Z_DIM}
    network = networks.build(SPEC.options(**imported.options), imported.data).generator.double().eval()
    network.load_state_dict(imported.weights)
    with torch.no_grad():
        assert list_values(network(Z)) == pytest.approx(values, rel=1e-6)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_gives_the_packages_logits_and_gradients(name: str) -> None:
    network, x = make_discriminator(name)
    answer = network(x)
    image, small = answer.logits
    (gradient,) = torch.autograd.grad(image.sum() + small.sum(), x)
    found = [image.sum().item(), image.flatten()[-1].item(), small.item(), gradient.square().sum().item()]
    assert found == pytest.approx(EXPECTED_D[name], rel=1e-6)
    assert [tuple(each.shape[2:]) for each in answer.features] == [(16, 16), (8, 8)]


def test_the_recommended_penalties_are_the_packages() -> None:
    """It adds 10 E |grad|^2 over real and fake, of images in [0, 1], to every fourth update's loss."""
    terms = {
        name: ganzoo.create("regularizer", name, data=DataInfo(shape=(3, 4, 4)), gamma=10.0) for name in ("r1", "r2")
    }
    recipe = resolve(ganzoo.registry(), pairs={"arch": "lightweight-gan", "dataset": "digits"})
    chosen = {choice.name.rpartition(":")[2]: choice.options for choice in recipe.reg}
    assert {name: chosen[name].gamma for name in terms} == {"r1": 10.0, "r2": 10.0}
    weight = torch.randn(48, dtype=torch.float64)
    slopes = 2 * weight  # of the same logits by images in [0, 1]
    real, fake = (torch.zeros(5, 3, 4, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    outputs = {"real_output": real.flatten(1) @ weight, "fake_output": fake.flatten(1) @ (3 * weight)}
    step: Any = SimpleNamespace(
        real=real, real_seen=real, fake=fake, fake_seen=fake, real_labels=None, fake_labels=None, **outputs
    )
    found = 4 * sum(term.discriminator(step).item() for term in terms.values())  # a term of interval 4 counts 4 times
    assert found == pytest.approx(10 * torch.tensor([1.0, 9.0]).mean().item() * slopes.square().sum().item())


# ----------------------------------------------------------------------------
# Layers and networks.


def test_attention_to_3x3_pixels_and_to_all() -> None:
    layer = layers.Attention(3, 2).double()
    x = draw("x", 2, 3, 4, 5)
    y = (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    q, k, v = (each.view(2, 8, 2, 20) for each in (layer.far_q(y), *layer.far_kv(y).chunk(2, 1)))
    far = torch.einsum("nhdp,nhdr,nher->nhep", q.softmax(2) / 2**0.5, k.softmax(3), v).reshape(2, 16, 4, 5)
    q, k, v = (each.view(2, 8, 2, 4, 5) for each in (layer.near_q(y), *layer.near_kv(y).chunk(2, 1)))
    near = torch.zeros_like(q)
    for row in range(4):
        for column in range(5):
            around = [(i, j) for i in range(row - 1, row + 2) for j in range(column - 1, column + 2)]
            inside = [0 <= i < 4 and 0 <= j < 5 for i, j in around]
            keys, values = (
                torch.stack([each[..., i % 4, j % 5] * ok for (i, j), ok in zip(around, inside, strict=True)], 3)
                for each in (k, v)
            )
            weights = torch.einsum("nhd,nhdj->nhj", q[..., row, column] / 2**0.5, keys).softmax(2)
            near[..., row, column] = torch.einsum("nhj,nhdj->nhd", weights, values)
    expected = x + layer.last(torch.cat([nn.functional.gelu(far), near.reshape(2, 16, 4, 5)], 1))
    torch.testing.assert_close(layer(x), expected, rtol=1e-10, atol=1e-10)


def test_noise_is_new_in_training_and_constant_afterwards() -> None:
    block = networks.Up(4, 6, 4, SPEC.options())
    nn.init.ones_(block.strength)
    x = torch.randn(1, 4, 4, 4).expand(2, -1, -1, -1)
    assert not torch.equal(*block(x))
    assert torch.equal(*block.eval()(x))


def test_maps_gate_others_before_they_are_gated_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "GATES", {16: 8, 32: 16})  # as of 1024 pixels, where 128 is gated and gates
    network = networks.build(SPEC.options(), DataInfo(shape=(3, 32, 32))).generator
    seen: dict[str, Tensor] = {}
    network.blocks[1].register_forward_hook(lambda _, given, made: seen.update(made=made))
    network.blocks[2].register_forward_hook(lambda _, given, made: seen.update(gated=given[0]))
    network.gates["16"].register_forward_hook(lambda _, given, made: seen.update(given=given[0]))
    network(torch.randn(2, 64))
    assert torch.equal(seen["given"], seen["made"])
    assert not torch.equal(seen["gated"], seen["made"])


@pytest.mark.parametrize("case", [*cases.lightweight_networks()], ids=lambda case: case.name)
def test_the_networks_have_as_many_parameters_as_the_packages_layers(case: Any) -> None:
    with torch.device("meta"):
        pair = networks.build(SPEC.options(**case.options), case.given["data"])
    found = {name: sum(each.numel() for each in getattr(pair, name).parameters()) for name in case.expected}
    assert found == case.expected


@pytest.mark.parametrize("size", SPEC.sizes)
def test_shapes(size: int) -> None:
    with torch.device("meta"):
        pair = networks.build(SPEC.options(patches=True), DataInfo(shape=(1, size, size)))
        images = pair.generator(torch.empty(2, 64))
        answer = pair.discriminator(images)
    assert images.shape == (2, 1, size, size)
    assert [tuple(each.shape) for each in answer.logits] == [(2, 1, 5, 5), (2, 1, 1, 1)]
    assert answer.embedding.shape == (2, 32)


@pytest.mark.parametrize(
    ("shape", "options", "text"),
    [
        ((3, 48, 48), {}, "give .C, S, S. with S of 32, 64, 128"),
        ((3, 64, 64), {"attention": (16, 48)}, "neither network has maps of 48 pixels.* 4, 8, 16, 32, 64"),
        ((3, 1024, 1024), {"attention": (1024,)}, "maps of 1024 pixels.* 256, 512"),
    ],
)
def test_what_cannot_be_built_is_refused(shape: tuple[int, ...], options: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        networks.build(SPEC.options(**options), DataInfo(shape=shape))


# ----------------------------------------------------------------------------
# Files.


def write_checkpoint(path: Path, weights: dict[str, Tensor]) -> Path:
    """Write a checkpoint as the package does, with a trained generator that is not the averaged one."""
    trained = {f"G.{name}": each + 1 for name, each in weights.items()}
    gan = trained | {"D.to_logits.0.bias": torch.ones(3)} | {f"GE.{name}": each for name, each in weights.items()}
    torch.save({"GAN": gan, "version": "1.2.1", "G_scaler": {}, "D_scaler": {}}, path)
    return path


def test_a_checkpoint_becomes_a_package_of_its_averaged_generator(tmp_path: Path) -> None:
    weights = make_weights(**GENERATORS["grey without aliases"]) | BLUR
    file = write_checkpoint(tmp_path / "model_7.pt", {name: each.float() for name, each in weights.items()})
    package = ganzoo.import_weights(file, tmp_path / "made", format="lightweight-gan", device="cpu")
    found = ganzoo.load(package, "cpu").network.eval()(Z.float()).detach()
    assert list_values(found) == pytest.approx(EXPECTED_G["grey without aliases"][0], abs=1e-5)
    assert read_config(package).recipe["arch"]["options"]["channel_base"] == 256


WEIGHTS = make_weights(size=32, widths=[12, 12, 8])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"layers.1.1.dct_weights": Z}, "its gates weigh frequencies .freq_chan_attn., which .* cannot"),
        ({"layers.0.2.fn.to_out.bias": Z}, "tensor 'layers.0.2.fn.to_out.bias' does not belong to it"),
        ({"layers.0.0.3.weight": None}, "tensor 'layers.0.0.3.weight' is missing"),
        ({"out_conv.weight": None}, "tensor 'out_conv.weight' is missing"),
        ({"out_conv.weight": torch.zeros(4, 8, 3, 3)}, "it makes images of 4 channels; lightweight-gan takes 1 or 3"),
        ({f"layers.{level}.0.4.weight": Z for level in range(3, 9)}, "it makes images of 2048 pixels; .* 32, 64, 128"),
        ({"layers.1.0.4.weight": torch.zeros(14)}, r"its layers are \[12, 7, 8\] wide, which no channel_base"),
    ],
)
def test_other_generators_are_refused(changes: dict[str, Tensor | None], text: str, tmp_path: Path) -> None:
    weights = {name: each for name, each in (WEIGHTS | changes).items() if each is not None}
    file = write_checkpoint(tmp_path / "model_7.pt", weights)
    with pytest.raises(UsageError, match=f"--format lightweight-gan does not read {file}: {text}"):
        ganzoo.import_weights(file, tmp_path / "made", format="lightweight-gan", device="cpu")


def test_a_discriminator_is_refused() -> None:
    for name in ("D.to_logits.0.bias", "to_logits.0.bias"):
        with pytest.raises(UsageError, match="it is a discriminator: give a file with GE"):
            imports.lightweight_gan({name: Z})
