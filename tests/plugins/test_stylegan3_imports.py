"""Weights of StyleGAN3's code give the samples of a plain reading of the paper, with every zero written out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.package.config import CARD, read_config

Z, W, SIZE, LAYERS = 5, 6, 16, 5
LATENTS = torch.randn(2, Z, generator=torch.Generator().manual_seed(3))
CUTOFFS = [2 * 4 ** min(layer / 3, 1) for layer in range(LAYERS)]  # to half of the image's size (equation 35)
STOPS = [2**2.1 * (8 * 2**0.3 / 2**2.1) ** min(layer / 3, 1) for layer in range(LAYERS)]
RATES = [2 ** math.ceil(math.log2(min(2 * stop, SIZE))) for stop in STOPS]
WIDTHS = [16, 16, 14, 9, 9]  # 144 / (2 f), at most 16
PIXELS = [rate + 20 for rate in RATES[:-1]] + [SIZE]
NAMES = [f"L{index}_{PIXELS[min(index, 4)]}_{width}" for index, width in enumerate([*WIDTHS, 3])]


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)


def make_filter(taps: int, index: int, rate: int, radial: bool = False) -> Tensor:
    """Return a sinc in Kaiser's window for the band of a layer (equations 4 to 8), or a jinc (equation 12)."""
    half = max(STOPS[index], RATES[index] / 2) - CUTOFFS[index]
    attenuation = 2.285 * (taps - 1) * math.pi * (4 * half / rate) + 7.95
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    else:
        beta = 0.5842 * max(attenuation - 21, 0) ** 0.4 + 0.07886 * max(attenuation - 21, 0)
    places = (torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) / rate
    window = torch.kaiser_window(taps, periodic=False, beta=beta, dtype=torch.float64)
    if radial:
        angle = 2 * math.pi * CUTOFFS[index] * (places[:, None].square() + places.square()).sqrt()
        square = torch.special.bessel_j1(angle) / angle * window[:, None] * window
        return (square / square.sum()).float()
    row = torch.sinc(2 * CUTOFFS[index] * places) * window
    return (row / row.sum()).float()


def make_weights(kernel: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(0)
    shapes = {
        "mapping.w_avg": (W,), "mapping.fc0.weight": (W, Z), "mapping.fc0.bias": (W,),
        "mapping.fc1.weight": (W, W), "mapping.fc1.bias": (W,),
        "synthesis.input.weight": (16, 16), "synthesis.input.freqs": (16, 2), "synthesis.input.phases": (16,),
        "synthesis.input.affine.weight": (4, W), "synthesis.input.affine.bias": (4,),
    }  # fmt: skip
    for index, name in enumerate(NAMES):
        inputs, outputs = ([16, *WIDTHS][index], [*WIDTHS, 3][index])
        size = kernel if index < LAYERS else 1
        shapes |= {f"synthesis.{name}.weight": (outputs, inputs, size, size), f"synthesis.{name}.bias": (outputs,)}
        shapes |= {f"synthesis.{name}.affine.weight": (inputs, W), f"synthesis.{name}.affine.bias": (inputs,)}
    weights = {name: torch.randn(shape) for name, shape in shapes.items()}
    for name in weights:
        if name.startswith("mapping.fc"):
            weights[name] *= 100
    for index, name in enumerate(NAMES):
        weights[f"synthesis.{name}.magnitude_ema"] = torch.rand(()) + 0.5
        if index < LAYERS:
            before = max(index - 1, 0)
            rate = 2 * max(RATES[before], RATES[index])
            weights[f"synthesis.{name}.up_filter"] = make_filter(6 * rate // RATES[before], before, rate)
            radial = kernel == 1 and index < LAYERS - 2
            weights[f"synthesis.{name}.down_filter"] = make_filter(6 * rate // RATES[index], index, rate, radial)
    return weights | {"synthesis.input.transform": torch.eye(3)}


# ----------------------------------------------------------------------------
# The paper's generator.


def normalise(x: Tensor) -> Tensor:
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def read_paper(weights: dict[str, Tensor]) -> Tensor:
    x = normalise(LATENTS)
    for index in range(2):
        matrix, bias = weights[f"mapping.fc{index}.weight"], weights[f"mapping.fc{index}.bias"]
        x = F.leaky_relu(0.01 * (x @ matrix.t() / matrix.shape[1] ** 0.5 + bias), 0.2) * 2**0.5
    return torch.cat([make_image(weights, w) for w in x])


def make_image(weights: dict[str, Tensor], w: Tensor) -> Tensor:
    x = make_input({name.removeprefix("synthesis.input."): each for name, each in weights.items()}, w)
    for index, name in enumerate(NAMES):
        own = {leaf.removeprefix(f"synthesis.{name}."): each for leaf, each in weights.items()}
        kernel = own["weight"] * (own["affine.weight"] @ w / W**0.5 + own["affine.bias"])[:, None, None]
        if index == LAYERS:
            y = F.conv2d(x * own["magnitude_ema"].rsqrt(), kernel / kernel.shape[1] ** 0.5)
            return (y + own["bias"][:, None, None]) / 4
        kernel = kernel / kernel.square().sum((1, 2, 3), keepdim=True).sqrt()
        y = F.conv2d(x * own["magnitude_ema"].rsqrt(), kernel, padding=kernel.shape[-1] - 1)
        x = filter_twice(y + own["bias"][:, None, None], own["up_filter"], own["down_filter"], index)
    raise AssertionError


def make_input(own: dict[str, Tensor], w: Tensor) -> Tensor:
    """Return waves on a grid that the style turns by a rotation matrix and then moves."""
    cos, sin, right, down = own["affine.weight"] @ w / W**0.5 + own["affine.bias"]
    turn = torch.tensor([[cos, -sin], [sin, cos]]) / (cos.square() + sin.square()).sqrt()
    move = torch.stack([right, down]) / (cos.square() + sin.square()).sqrt()
    places = (torch.arange(PIXELS[0]) - (PIXELS[0] - 1) / 2) / RATES[0]
    y, x = torch.meshgrid(places, places, indexing="ij")
    grid = torch.stack([x, y], -1) - move  # [H, W, 2]
    waves = torch.sin(2 * math.pi * (grid @ turn.t() @ own["freqs"].t() + own["phases"]))
    return (waves @ own["weight"].t() / 16**0.5).permute(2, 0, 1)[None]


def filter_twice(y: Tensor, rise: Tensor, fall: Tensor, index: int) -> Tensor:
    """Raise the rate, apply the rectifier, and lower the rate, with as many zeros on the left as the authors have."""
    before = max(index - 1, 0)
    rate = 2 * max(RATES[before], RATES[index])
    up, down, size = rate // RATES[before], rate // RATES[index], PIXELS[index]
    zeros = torch.zeros(1, y.shape[1], y.shape[2] * up, y.shape[3] * up)
    zeros[:, :, ::up, ::up] = y
    total = (size - 1) * down + 1 - zeros.shape[2] + len(rise) + len(fall) - 2
    left = (total + up) // 2
    x = F.pad(zeros, (left, total - left) * 2)
    x = F.leaky_relu(convolve(x, up * rise), 0.2) * 2**0.5
    return convolve(x, fall)[:, :, ::down, ::down]


def convolve(x: Tensor, filter: Tensor) -> Tensor:
    square = filter if filter.dim() == 2 else filter[:, None] * filter
    return F.conv2d(x.transpose(0, 1), square[None, None]).transpose(0, 1)


@pytest.mark.parametrize("rotates", [False, True])
def test_weights_give_the_samples_of_the_paper(rotates: bool) -> None:
    weights = make_weights(1 if rotates else 3)
    torch.save({f"G_ema.{name}": each for name, each in weights.items()}, "G.pt")
    package = ganzoo.import_weights("G.pt", "made", format="stylegan3", device="cpu")
    made, expected = ganzoo.load(package, "cpu")(LATENTS), read_paper(weights)
    assert expected.abs().mean() > 0.1
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-4)
    options = read_config(package).recipe["arch"]["options"]
    widths = {"channel_base": 72, "channel_max": 8} if rotates else {"channel_base": 144, "channel_max": 16}
    sizes = {"z_dim": Z, "w_dim": W, "mapping": 2, "layers": 5, "full_padding": True, "rotates": rotates}
    assert options == options | widths | sizes
    assert "NVIDIA Source Code License" in (package / CARD).read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"synthesis.b4.const": LATENTS}, "it is a generator of StyleGAN2: add --format stylegan2-ada-pytorch"),
        ({"b4.fc.weight": LATENTS}, "it is a discriminator: give a file with G_ema"),
        ({"synthesis.input.transform": torch.ones(3, 3)}, "its input is transformed"),
        ({"synthesis.input.phases": None}, "tensor 'synthesis.input.phases' is missing"),
        ({"synthesis.input.affine.weight": None}, "tensor 'synthesis.input.affine.weight' is missing"),
        ({"synthesis.L0_36_16.skip": LATENTS}, "tensor 'synthesis.L0_36_16.skip' does not belong to it"),
        ({f"synthesis.{NAMES[2]}.up_filter": torch.ones(24)}, f"filter 'synthesis.{NAMES[2]}.up_filter' is not that"),
        ({f"synthesis.{NAMES[1]}.weight": torch.ones(2, 16, 3, 3)}, r"its layers are \[16, 2, 14, 9, 9\] wide"),
        ({f"synthesis.{NAMES[5]}.weight": torch.ones(4, 9, 1, 1)}, "it makes images of 4 channels"),
        (
            {f"synthesis.{name}.weight": None for name in NAMES[3:]},
            "it has 3 layers, for 36 pixels; stylegan3 has 5 or",
        ),
    ],
)
def test_other_networks_are_refused(changes: dict[str, Any], words: str) -> None:
    weights = {name: each for name, each in (make_weights() | changes).items() if each is not None}
    torch.save(weights, "G.pt")
    with pytest.raises(UsageError, match=f"--format stylegan3 does not read G.pt: {words}"):
        ganzoo.import_weights("G.pt", "made", format="stylegan3", device="cpu")
