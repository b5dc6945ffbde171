"""Synthetic points in the plane, divided by their RMS, and pictures of points.

The mixtures are those for counting modes: the ring and the grid of VEEGAN (Srivastava et al. 2017,
arXiv:1705.07761) and PacGAN (Lin et al. 2018, arXiv:1712.04086). Around centres c, a point is
c + sigma N(0, I), so E x^2 = mean c^2 + sigma^2, over coordinates. The functions of the other shapes say their E x^2.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_datasets.specs.included import PointsOptions, points_info

# ----------------------------------------------------------------------------
# Drawing from the distributions.


class Points:
    """An endless source of points ``[n, 2]``, float32, whose coordinates have E x^2 = 1 on average.

    For a mixture, labels are the indices of the modes, and `info.meta` has the modes' centres and sigma.
    """

    def __init__(self, options: PointsOptions) -> None:
        self.info = points_info(options)
        self._draw: Callable[[torch.Generator, int], tuple[Tensor, Tensor | None]]
        if self.info.num_classes:
            centres = torch.tensor(self.info.meta["modes"], dtype=torch.float32)  # [K, 2]
            self._draw = partial(_draw_mixture, centres, self.info.meta["sigma"])
        else:
            curves = {"spiral": _draw_spiral, "two-moons": _draw_moons, "checkerboard": _draw_checkerboard}
            self._draw = curves[options.shape]

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, Tensor | None]:
        """Return points ``[n, 2]`` and their modes, int64 ``[n]`` or None. All random numbers come from `generator`."""
        return self._draw(generator, n)


def _draw_mixture(centres: Tensor, sigma: float, generator: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
    """Draw from Gaussians of equal weight and equal sigma around centres ``[K, 2]``."""
    labels = torch.randint(len(centres), (n,), generator=generator)
    noise = torch.randn(n, 2, generator=generator)
    return centres[labels].add_(noise, alpha=sigma), labels


def _draw_spiral(generator: torch.Generator, n: int) -> tuple[Tensor, None]:
    """Draw from t (cos t, sin t) and its mirror image, with t = T sqrt(u): E x^2 = E t^2 / 2 = T^2 / 4."""
    turn, sigma = 3 * math.pi, 0.1
    t = turn * torch.rand(n, generator=generator).sqrt_()
    arm = torch.stack([t * t.cos(), t * t.sin()], dim=1)
    return _add_mirror_image(arm, sigma, math.sqrt(turn**2 / 4 + sigma**2), generator), None


def _draw_moons(generator: torch.Generator, n: int) -> tuple[Tensor, None]:
    """Draw from (cos t - 1/2, sin t - 1/4) and its mirror image, t uniform on [0, pi].

    E x^2 = (1 - E cos t - E sin t / 2 + 5/16) / 2 = 21/32 - 1 / (2 pi), as E cos t = 0 and E sin t = 2 / pi.
    """
    sigma = 0.05
    t = math.pi * torch.rand(n, generator=generator)
    moon = torch.stack([t.cos().sub_(1 / 2), t.sin().sub_(1 / 4)], dim=1)
    return _add_mirror_image(moon, sigma, math.sqrt(21 / 32 - 1 / math.tau + sigma**2), generator), None


def _draw_checkerboard(generator: torch.Generator, n: int) -> tuple[Tensor, None]:
    """Draw from every other square of 4x4 on [-2, 2]^2; each coordinate alone is uniform there, so E x^2 = 4/3."""
    square = torch.randint(8, (n,), generator=generator)
    row, pair = square.div(2, rounding_mode="floor"), square.remainder(2)
    corner = torch.stack([2 * pair + row.remainder(2), row], dim=1) - 2
    return (torch.rand(n, 2, generator=generator) + corner).div_(math.sqrt(4 / 3)), None


def _add_mirror_image(curve: Tensor, sigma: float, rms: float, generator: torch.Generator) -> Tensor:
    """Mirror half of the points ``[n, 2]`` at the origin, add noise of standard deviation `sigma`, divide by `rms`."""
    sign = torch.randint(2, (len(curve), 1), generator=generator).mul_(2).sub_(1)
    noise = torch.randn(curve.shape, generator=generator)
    return curve.mul_(sign).add_(noise, alpha=sigma).div_(rms)


# ----------------------------------------------------------------------------
# Drawing a picture.

SIDE = 1024  # pixels of the picture
FRAME, MODES, SAMPLES, LOST = (221, 221, 221), (224, 122, 40), (28, 84, 178), (200, 30, 50)  # colours
INK = 0.45  # opacity of one dot


def show(samples: NDArray[np.floating], info: DataInfo) -> dict[str, bytes]:
    """Return a scatter plot of points as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(draw_scatter(samples, info)).save(buffer, "PNG")
    return {"points.png": buffer.getvalue()}


def draw_scatter(samples: NDArray[np.floating], info: DataInfo) -> NDArray[np.uint8]:
    """Draw points ``[N, 2]`` and return a picture, uint8 ``[1024, 1024, 3]``.

    If `info` has modes, there is a ring of 3 sigma around each, which contains 1 - exp(-9/2) = 98.9 % of a perfect
    sampler's points. The frame depends on `info` alone, so that pictures of different times can be compared. A point
    outside of it is drawn on the edge, in red. Points that are not finite are not drawn.
    """
    modes = np.asarray(info.meta.get("modes", ()), dtype=np.float64).reshape(-1, 2)
    sigma = float(info.meta.get("sigma", 0.0))
    reach = 1.2 * (np.abs(modes).max() + 3 * sigma if len(modes) else 2.1)  # for other shapes the RMS is 1
    points = np.asarray(samples, dtype=np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    inside = np.abs(points).max(axis=1, initial=0) <= reach

    def to_pixels(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return (np.clip(points / reach, -1, 1) * (1, -1) + 1) * ((SIDE - 1) / 2)

    canvas = np.full((SIDE, SIDE, 3), 255.0)
    radius = float(np.clip(3.5 - np.log10(max(len(points), 1) / 64), 1.25, 3.5))
    ring = max(3 * sigma / reach * SIDE / 2, 6.0)
    _draw_marks(canvas, to_pixels(modes), MODES, 0.5, ring + 1, lambda far: 1.25 - np.abs(far - ring))
    for chosen, colour in ((inside, SAMPLES), (~inside, LOST)):
        _draw_marks(canvas, to_pixels(points[chosen]), colour, INK, radius, lambda far: radius + 0.5 - far)
    canvas[[0, -1]] = canvas[:, [0, -1]] = FRAME
    picture: NDArray[np.uint8] = np.rint(canvas).astype(np.uint8)
    return picture


def _draw_marks(
    canvas: NDArray[np.float64],
    centres: NDArray[np.float64],
    colour: tuple[int, int, int],
    opacity: float,
    radius: float,
    coverage: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> None:
    """Draw the same round, translucent mark at each of the centres. Marks that overlap are darker.

    Args:
        canvas: The picture, ``[SIDE, SIDE, 3]``; it is changed in place.
        centres: The centres of the marks, ``[N, 2]``, x and y in pixels.
        colour: The colour of the marks, red, green, blue.
        opacity: The opacity of one mark at a pixel that it covers completely.
        radius: The radius of the mark in pixels. A pixel farther from the centre is covered by at most a half.
        coverage: Returns the covered share of pixels from their distances to the centre; it is clipped to 0..1.
    """
    half = math.ceil(radius) + 1
    side = SIDE + 2 * half + 1  # with a margin for marks on the edge
    window = np.arange(-half, half + 1)
    density = np.zeros(side * side)  # of ink; the transparencies of marks that overlap are multiplied
    for part in np.array_split(centres, len(centres) // 4096 + 1):
        nearest = np.rint(part).astype(np.int64)
        far = np.hypot(
            *np.broadcast_arrays(
                (nearest[:, 0] - part[:, 0])[:, None, None] + window,
                (nearest[:, 1] - part[:, 1])[:, None, None] + window[:, None],
            )
        )  # [n, K, K]
        rows, columns = nearest[:, 1, None, None] + window[:, None] + half, nearest[:, 0, None, None] + window + half
        ink = -np.log1p(-opacity * np.clip(coverage(far), 0, 1))
        density += np.bincount((rows * side + columns).ravel(), ink.ravel(), minlength=side * side)
    through = np.exp(-density.reshape(side, side)[half : half + SIDE, half : half + SIDE, None])
    canvas[...] = canvas * through + np.array(colour) * (1 - through)
