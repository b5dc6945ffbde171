"""Checkpoints of pytorch_GAN_zoo's PGAN and DCGAN become packages that give the samples of its formulas."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import GanzooError, UsageError
from ganzoo.package.config import read_config

Z = 6
LATENTS = torch.randn(3, Z, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
STORED = 1e-6  # PGAN's biases are stored with He's constant in them, in float32
PGAN, DCGAN = "pytorch-gan-zoo-pgan", "pytorch-gan-zoo-dcgan"


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)


def make_pgan(inner: str = ".module") -> dict[str, Tensor]:
    """Return weights of a generator for 16 pixels; in older files layers have no `inner` name."""
    shapes: dict[str, tuple[int, ...]] = {"formatLayer": (16 * 12, Z), "groupScale0.0": (12, 12, 3, 3)}
    for level, (inputs, outputs) in enumerate([(12, 12), (12, 9)]):
        shapes[f"scaleLayers.{level}.0"] = (outputs, inputs, 3, 3)
        shapes[f"scaleLayers.{level}.1"] = (outputs, outputs, 3, 3)
    shapes |= {f"toRGBLayers.{level}": (3, width, 1, 1) for level, width in enumerate([12, 12, 9])}
    torch.manual_seed(0)
    return {
        f"{name}{inner}.{leaf}": torch.randn(shape if leaf == "weight" else shape[:1])
        for name, shape in shapes.items()
        for leaf in ("weight", "bias")
    }


def read_pgan(weights: dict[str, Tensor]) -> Tensor:
    """Return the samples: a layer multiplies its output, with the bias in it, by He's constant."""

    def call(name: str, x: Tensor) -> Tensor:
        weight, bias = (weights[f"{name}.module.{leaf}"].double() for leaf in ("weight", "bias"))
        y = F.linear(x, weight, bias) if weight.dim() == 2 else F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
        return y * math.sqrt(2 / weight[0].numel())

    def normalise(x: Tensor) -> Tensor:
        return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()

    x = F.leaky_relu(call("formatLayer", normalise(LATENTS)), 0.2)
    x = normalise(x.view(len(x), -1, 4, 4))
    x = normalise(F.leaky_relu(call("groupScale0.0", x), 0.2))
    for level in range(2):
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        for part in range(2):
            x = normalise(F.leaky_relu(call(f"scaleLayers.{level}.{part}", x), 0.2))
    return call("toRGBLayers.2", x)


def make_dcgan() -> dict[str, Tensor]:
    """Return weights of a generator for 32 pixels."""
    torch.manual_seed(0)
    widths = [16, 8, 4]
    weights = {"formatLayer.weight": torch.randn(Z, 16, 4, 4)}
    for level, width in enumerate(widths):
        norm = f"main.batchNorm{level}"
        weights |= {f"{norm}.{leaf}": torch.randn(width) for leaf in ("weight", "bias", "running_mean")}
        weights[f"{norm}.running_var"] = torch.rand(width) + 0.5
        if level:
            weights[f"main.convTranspose{level}.weight"] = torch.randn(widths[level - 1], width, 4, 4) / 8
    return weights | {"main.outlayer.weight": torch.randn(4, 3, 4, 4) / 8}


def read_dcgan(weights: dict[str, Tensor]) -> Tensor:
    weights = {name: each.double() for name, each in weights.items()}

    def normalise(level: int, x: Tensor) -> Tensor:
        norm = {
            leaf: weights[f"main.batchNorm{level}.{leaf}"] for leaf in ("weight", "bias", "running_mean", "running_var")
        }
        return F.relu(F.batch_norm(x, **norm))

    x = normalise(0, F.conv_transpose2d(LATENTS[:, :, None, None], weights["formatLayer.weight"]))
    for level in (1, 2):
        x = normalise(level, F.conv_transpose2d(x, weights[f"main.convTranspose{level}.weight"], stride=2, padding=1))
    return F.conv_transpose2d(x, weights["main.outlayer.weight"], stride=2, padding=1).tanh()


@pytest.fixture
def make_checkpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """Make a checkpoint with a config of the project's class."""
    made = type("BaseConfig", (), {"__module__": "models.utils.config"})
    for name in ("models", "models.utils", "models.utils.config"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["models.utils.config"].BaseConfig = made
    config = made()
    config.alpha, config.depthOtherScales = 0.0, [12, 9]
    discriminator = {"decisionLayer.module.weight": torch.ones(2)}

    def make(**networks: dict[str, Tensor]) -> dict[str, Any]:
        return {"config": config, "netD": discriminator, **networks}

    return make


def import_file(format: str) -> Path:
    return ganzoo.import_weights("weights.pth", "made", format=format, device="cpu", license="bsd-3-clause")


def sample(package: Path) -> Tensor:
    return ganzoo.load(package, "cpu").network.double().eval()(LATENTS)


@pytest.mark.parametrize("new", [True, False])
def test_the_average_of_a_checkpoint_of_pgan(make_checkpoint: Any, new: bool) -> None:
    weights = make_pgan()
    last = {name: each + 1 for name, each in weights.items()}
    torch.save(make_checkpoint(netG=last, avgG=weights), "weights.pth", _use_new_zipfile_serialization=new)
    package = import_file(PGAN)
    expected = read_pgan(weights)
    assert expected.abs().mean() > 0.3
    torch.testing.assert_close(sample(package), expected, rtol=0, atol=STORED)
    options = read_config(package).recipe["arch"]["options"]
    assert options == {"channel_base": 144, "channel_max": 12, "z_dim": Z, "position_bias": True}


def test_older_names_of_pgan() -> None:
    torch.save(make_pgan(inner=""), "weights.pth")
    torch.testing.assert_close(sample(import_file(PGAN)), read_pgan(make_pgan()), rtol=0, atol=STORED)


def test_the_generator_of_a_checkpoint_of_dcgan(make_checkpoint: Any) -> None:
    weights = make_dcgan()
    average = {name: each + 1 for name, each in weights.items()}
    torch.save(make_checkpoint(netG=weights, avgG=average), "weights.pth")
    torch.testing.assert_close(sample(import_file(DCGAN)), read_dcgan(weights), rtol=0, atol=1e-12)


@pytest.mark.parametrize("new", [True, False])
def test_objects_of_other_classes_are_refused(make_checkpoint: Any, new: bool) -> None:
    torch.save(make_checkpoint(avgG=make_pgan()) | {"more": print}, "weights.pth", _use_new_zipfile_serialization=new)
    with pytest.raises(GanzooError, match=r"weights.pth contains objects.* besides tensors"):
        import_file(PGAN)


@pytest.mark.parametrize(
    ("format", "changes", "words"),
    [
        (PGAN, {"fromRGBLayers.0.module.bias": LATENTS}, "it is a discriminator: give a file with avgG"),
        (PGAN, {"groupScale0.0.module.bias": None}, "tensor 'groupScale0.0.bias' is missing"),
        (PGAN, {"groupScale0.1.module.bias": LATENTS}, "tensor 'groupScale0.1.bias' does not belong to it"),
        (PGAN, {"scaleLayers.0.1.module.bias": LATENTS[:, 0]}, r"its layers are \[12, 3, 9\] wide"),
        (PGAN, {"toRGBLayers.2.module.bias": LATENTS[0]}, "it makes images of 6 channels; progan takes 1 or 3"),
        (DCGAN, {"decisionLayer.weight": LATENTS}, "it is a discriminator: give a file with netG"),
        (DCGAN, {"scaleLayers.0.0.module.bias": LATENTS}, "tensor 'scaleLayers.0.0.module.bias' does not belong to it"),
        (DCGAN, {"main.batchNorm0.bias": None}, "tensor 'main.batchNorm0.bias' is missing"),
    ],
)
def test_other_networks_are_refused(format: str, changes: dict[str, Any], words: str) -> None:
    weights = (make_pgan() if format == PGAN else make_dcgan()) | changes
    torch.save({name: each for name, each in weights.items() if each is not None}, "weights.pth")
    with pytest.raises(UsageError, match=f"--format {format} does not read weights.pth: {words}"):
        import_file(format)
