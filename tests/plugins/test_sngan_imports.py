"""Generators of torch-mimicry become packages that give its samples, which it computed from the weights below."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

import ganzoo
from ganzoo.package.config import read_config
from ganzoo.plugin import UsageError

LAYERS = {"c1": 3, "c2": 3, "c_sc": 1}  # the convolutions of a block, with the size of their kernels


def draw(index: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(index))


def make_weights(widths: list[int], lowest: int, classes: int, dims: int = 6) -> dict[str, Tensor]:
    """Return weights under mimicry's names: an SNGAN without classes; with classes a SAGAN, attention in its middle."""
    shapes: dict[str, tuple[int, ...]] = {"l1": (widths[0] * lowest**2, dims)}
    norms = {}
    for level, (inputs, outputs) in enumerate(pairwise(widths), 2):
        for layer, kernel in LAYERS.items():
            shapes[f"block{level}.{layer}"] = (outputs, outputs if layer == "c2" else inputs, kernel, kernel)
        norms |= {f"block{level}.b1": inputs, f"block{level}.b2": outputs}
    last, width = len(widths) + 1, widths[-1]
    shapes[f"c{last}"] = (3, width, 3, 3)
    if classes:
        shapes |= {f"attn_block.{name}": (width // 8, width, 1, 1) for name in ("theta", "phi")}
        shapes |= {"attn_block.g": (width // 2, width, 1, 1), "attn_block.o": (width, width // 2, 1, 1)}
    weights: dict[str, Tensor] = {}
    for index, (name, shape) in enumerate(shapes.items()):
        weight = draw(index, *shape) / math.prod(shape[1:]) ** 0.5
        if classes:
            u = normalize(draw(1000 + index, shape[0]), dim=0)
            v = normalize(weight.flatten(1).t() @ u, dim=0)
            weights |= {f"{name}.weight_orig": weight, f"{name}.weight_u": u, f"{name}.weight_v": v}
        else:
            weights[f"{name}.weight"] = weight
        if not name.startswith("attn"):
            weights[f"{name}.bias"] = draw(2000 + index, shape[0]) / 5
    for index, (name, width) in enumerate({**norms, f"b{last}": widths[-1]}.items()):
        inner = f"{name}.bn" if classes and "." in name else name
        weights[f"{inner}.running_mean"] = draw(3000 + index, width) / 5
        weights[f"{inner}.running_var"] = draw(4000 + index, width).abs() + 0.5
        weights[f"{inner}.num_batches_tracked"] = torch.tensor(7)
        if inner != name:
            weights[f"{name}.embed.weight"] = draw(5000 + index, classes, 2 * width)
        else:
            weights |= {f"{name}.weight": draw(6000 + index, width), f"{name}.bias": draw(7000 + index, width)}
    if classes:
        weights["attn_block.gamma"] = torch.tensor(0.7)
    return weights


def list_values(images: Tensor) -> list[float]:
    return [
        *(images[index].item() for index in ((0, 0, 0, 0), (1, 1, 5, 9), (0, 2, 31, 30))),
        images.abs().mean().item(),
    ]


@pytest.mark.parametrize(
    ("widths", "lowest", "classes", "options", "expected"),
    [
        (
            [64, 32, 16, 8],
            6,
            0,
            {"attention": None, "spectral_g": False},
            [-0.0523409, 0.5531728, -0.3641917, 0.4771240],
        ),
        ([32] * 4, 4, 3, {"attention": [16], "spectral_g": True}, [0.1121018, 0.9926103, -0.4541110, 0.5903639]),
    ],
)
def test_a_generator_of_mimicry_gives_its_samples(widths, lowest, classes, options, expected, tmp_path: Path):
    torch.save({"model_state_dict": make_weights(widths, lowest, classes), "global_step": 7}, tmp_path / "netG.pth")
    package = ganzoo.import_weights(tmp_path / "netG.pth", tmp_path / "made", format="mimicry", device="cpu")
    labels = torch.tensor([2, 1]) if classes else None
    assert list_values(ganzoo.load(package, "cpu")(draw(1, 2, 6), labels)) == pytest.approx(expected, abs=1e-5)
    found = read_config(package).recipe["arch"]["options"]
    assert found == found | options | {"width_g": 8, "z_dim": 6, "upsampling": "bilinear"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"block1.c1.weight": torch.zeros(3)}, "it is a discriminator: give the file of netG"),
        ({"l2.weight": torch.zeros(3)}, "tensor 'l2.weight' does not belong to it"),
        ({"c6.weight": torch.zeros(3, 8, 3, 3)}, "it makes images of 96 pixels"),
    ],
)
def test_other_files_are_refused(changes, text, tmp_path: Path):
    torch.save(make_weights([64, 32, 16, 8], 6, 0) | changes, tmp_path / "netG.pth")
    with pytest.raises(UsageError, match=text):
        ganzoo.import_weights(tmp_path / "netG.pth", tmp_path / "made", format="mimicry", device="cpu")
