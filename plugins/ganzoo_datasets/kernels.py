"""Random blur kernels for a batch: each image gets its own (Wang et al. 2021, arXiv:2107.10833, section 3.2).

All functions compute on the device of their arguments. A kernel is ``[N, SIDE, SIDE]``, sums to 1, and is 0 outside of
the side that was drawn for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE = 21  # pixels of the largest kernel
SMALLEST = 7  # pixels of the smallest one; sides are odd
# Gaussian, generalised Gaussian, plateau: each with one width, then with two widths and an angle.
SHAPES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)  # their shares
TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class Blur:
    """How kernels are drawn. The ranges are those of Real-ESRGAN's first blur.

    Args:
        sigma: The least and the largest width in pixels.
        generalised: The range of the exponent of a generalised Gaussian; 1 is a Gaussian.
        plateau: The range of the exponent of a plateau, whose edge is the steeper the larger it is.
        ringing: The share of sinc filters, whose edges ring.
    """

    sigma: tuple[float, float] = (0.2, 3.0)
    generalised: tuple[float, float] = (0.5, 4.0)
    plateau: tuple[float, float] = (1.0, 2.0)
    ringing: float = 0.1


def draw_kernels(blur: Blur, num: int, generator: torch.Generator) -> Tensor:
    """Return random kernels ``[num, SIDE, SIDE]``, on the generator's device."""
    draws = torch.rand(8, num, generator=generator, device=generator.device)  # a row for each choice
    sides = draw_sides(draws[0])
    shares = torch.tensor(SHAPES, device=generator.device).cumsum(0)
    shape = torch.bucketize(draws[1], shares).clamp(max=len(SHAPES) - 1)  # [num], from 0 to 5
    low, high = blur.sigma
    first = low + (high - low) * draws[2]
    second = torch.where(shape % 2 == 1, low + (high - low) * draws[3], first)
    angle = math.pi * (2 * draws[4] - 1)
    smooth, steep = (_draw_exponent(bounds, draws[5]) for bounds in (blur.generalised, blur.plateau))
    exponent = torch.where(shape < 2, torch.ones_like(smooth), torch.where(shape < 4, smooth, steep))
    kernels = make_gaussians(first, second, angle, exponent, shape >= 4, sides)
    least = torch.where(sides < 13, math.pi / 3, math.pi / 5)
    rings = make_sincs(least + (math.pi - least) * draws[6], sides)
    return torch.where((draws[7] < blur.ringing)[:, None, None], rings, kernels)


def draw_sides(draw: Tensor) -> Tensor:
    """Return odd numbers from 7 to 21 ``[N]`` for numbers from 0 to 1."""
    steps = (SIDE - SMALLEST) // 2 + 1
    return SMALLEST + 2 * (draw * steps).long().clamp(max=steps - 1)


def make_gaussians(
    first: Tensor, second: Tensor, angle: Tensor, exponent: Tensor, plateau: Tensor, sides: Tensor
) -> Tensor:
    """Return kernels of the squared distance q from the middle in ellipses, eq. 3 to 5 of the paper's appendix.

    A generalised Gaussian is exp(-q^b / 2), a plateau 1 / (1 + q^b).

    Args:
        first: The width along the first axis in pixels, ``[N]``.
        second: The width along the second axis in pixels, ``[N]``.
        angle: The angle of the first axis, ``[N]``.
        exponent: The exponent b, ``[N]``; 1 for a Gaussian.
        plateau: Whether it is a plateau, bool ``[N]``.
        sides: The numbers of pixels of a side, ``[N]``.
    """
    x, y = _make_grid(first)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    along, across = (cos * x + sin * y) / first[:, None, None], (cos * y - sin * x) / second[:, None, None]
    power = (along.square() + across.square()).clamp(min=TINY) ** exponent[:, None, None]
    values = torch.where(plateau[:, None, None], 1 / (1 + power), (-power / 2).exp())
    return _normalise(values, sides)


def make_sincs(cutoff: Tensor, sides: Tensor) -> Tensor:
    """Return low-pass filters whose edge in frequency is a circle: w J1(w r) / (2 pi r), eq. 6 of the paper.

    Args:
        cutoff: The largest frequency w that passes, from 0 to pi, ``[N]``.
        sides: The numbers of pixels of a side, ``[N]``.
    """
    x, y = _make_grid(cutoff)
    radius, w = (x.square() + y.square()).sqrt(), cutoff[:, None, None]
    around = w * torch.special.bessel_j1(w * radius) / (2 * math.pi * radius.clamp(min=0.5))
    return _normalise(torch.where(radius > 0, around, w.square() / (4 * math.pi)), sides)


def blur_images(images: Tensor, kernels: Tensor) -> Tensor:
    """Return images ``[N, C, h, w]``, each blurred by its kernel; they are continued by their last pixels."""
    num, channels, height, width = images.shape
    padded = F.pad(images, (SIDE // 2,) * 4, mode="replicate")
    weights = kernels.to(images.dtype).repeat_interleave(channels, 0)[:, None]  # [N C, 1, SIDE, SIDE]
    blurred = F.conv2d(padded.reshape(1, num * channels, *padded.shape[2:]), weights, groups=num * channels)
    return blurred.view(num, channels, height, width)


def _draw_exponent(bounds: tuple[float, float], draw: Tensor) -> Tensor:
    """Return numbers that are below 1 with probability 1/2, and uniform on either side of it."""
    low, high = bounds
    below, above = low + (1 - low) * 2 * draw, 1 + (high - 1) * (2 * draw - 1)
    return torch.where(draw < 0.5, below, above)


def _make_grid(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the columns and rows of a kernel, from -10 to 10."""
    places = torch.arange(SIDE, device=like.device, dtype=like.dtype) - SIDE // 2
    return places.expand(SIDE, SIDE), places[:, None].expand(SIDE, SIDE)


def _normalise(values: Tensor, sides: Tensor) -> Tensor:
    """Return kernels that sum to 1, and are 0 outside of their sides."""
    x, y = _make_grid(values)
    inside = torch.maximum(x.abs(), y.abs()) <= (sides // 2)[:, None, None]
    values = values * inside
    return values / values.sum((1, 2), keepdim=True)
