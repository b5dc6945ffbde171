"""Pixel blitting and geometric transformations of ADA (Karras et al. 2020, arXiv:2006.06676, appendix B).

All transformations of an image are one matrix. Images that are only blitted (mirrored, turned by quarters, moved by
whole pixels) are copied pixel by pixel. All others are resampled: doubled with the wavelet filter SYM6, looked up
bilinearly, and halved with the same filter. What comes into view is the mirror image of what is at the border.

The gradient adds what several pixels of the result give to one of the image; on CUDA in no fixed order.
"""

from __future__ import annotations

from math import pi
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from ganzoo_augmentations.pixels import read_pixels, reflect
from ganzoo_augmentations.wavelets import SHIFT, locate_samples, make_doubling, make_halving, scale_to_ends

BILINEAR, REFLECT, CORNERS = 0, 2, True  # how torch's grid_sampler interpolates, and what it finds outside


def transform(
    images: Tensor, labels: Tensor | None, taps: Tensor, blit: float | Tensor, geometry: float | Tensor
) -> tuple[Tensor, Tensor | None]:
    """Transform images ``[N, C, H, W]``, and their label images in the same way.

    Args:
        images: The images, ``[N, C, H, W]``, in the range of the networks.
        labels: Label images of any size and number of channels, or None.
        taps: The wavelet filter SYM6, ``[12]``.
        blit: Probability of each kind of pixel blitting; the number 0 for none.
        geometry: Probability of each geometric transformation; the number 0 for none.
    """
    height, width = images.shape[2:]
    matrix = draw_blits(images, blit)
    resampled = None
    if not is_zero(geometry):
        own, resampled = draw_geometry(images, geometry)
        matrix = matrix @ own

    def move(x: Tensor) -> Tensor:
        units = height / x.shape[2], width / x.shape[3]  # pixels of the images in a pixel of the labels
        result = x if is_zero(blit) else copy_pixels(x, matrix, units)
        return result if resampled is None else torch.where(resampled, resample(x, matrix, taps, units), result)

    return move(images), None if labels is None else move(labels)


def is_zero(p: float | Tensor) -> bool:
    """Return whether a probability is the number 0, so that nothing needs to be computed; a tensor may change."""
    return isinstance(p, float) and p == 0


# ----------------------------------------------------------------------------
# Matrices from pixels of the result to pixels of the image, [N, 3, 3]: the inverse of the paper's G, the product of the
# inverses of the single steps in the paper's order. The origin is the centre of the image.


def draw_blits(images: Tensor, p: float | Tensor) -> Tensor:
    """Draw the pixel blitting, each kind with probability `p`.

    Images are mirrored left to right with probability 1/2, turned by a number of quarters (of halves if they are not
    square), and moved by up to an eighth of each side.
    """
    (n, _, height, width), device = images.shape, images.device
    mirror, turn, right, down = torch.rand(4, n, device=device)
    chosen = torch.rand(3, n, device=device) < p
    sign = torch.where(chosen[0] & (mirror < 0.5), -1.0, 1.0)
    turns = (4 * turn).floor() if height == width else 2 * (2 * turn).floor()
    turns = torch.where(chosen[1], turns, 0)  # 0, 1, 2 or 3
    odd = turns % 2
    cos, sin = (1 - odd) * (1 - turns), odd * (2 - turns)
    right, down = (
        torch.where(chosen[2], ((2 * draw - 1) / 8 * side).round(), 0)
        for draw, side in ((right, width), (down, height))
    )
    return _matrix(sign, 0, 0, 1) @ _matrix(cos, -sin, sin, cos) @ _matrix(1, 0, 0, 1, -right, -down)


def draw_geometry(images: Tensor, p: float | Tensor) -> tuple[Tensor, Tensor]:
    """Draw the geometric transformations, each with probability `p`; return also which images they change.

    With s = 2^n, n ~ N(0, 0.2^2), the images are scaled by s, rotated, scaled by s and 1 / s along the axes, rotated
    again, and moved by a share ~ N(0, 0.125^2) of each side. One of the two rotations is made with probability `p`.

    Returns:
        The matrices ``[N, 3, 3]``, and bool ``[N, 1, 1, 1]``.
    """
    (n, _, height, width), device = images.shape, images.device
    scale, stretch, right, down = torch.randn(4, n, device=device)
    before, after = (2 * torch.rand(2, n, device=device) - 1) * pi
    each = 1 - (1 - p) ** 0.5  # probability of each of the two rotations
    draw = torch.rand(5, n, device=device)
    chosen = torch.stack([draw[0] < p, draw[1] < each, draw[2] < p, draw[3] < each, draw[4] < p])
    scale, stretch = (
        torch.where(own, 2 ** (0.2 * draw), 1) for own, draw in ((chosen[0], scale), (chosen[2], stretch))
    )
    before, after = torch.where(chosen[1], before, 0), torch.where(chosen[3], after, 0)
    right, down = (torch.where(chosen[4], draw * side / 8, 0) for draw, side in ((right, width), (down, height)))
    matrix = (
        _matrix(1 / scale, 0, 0, 1 / scale)
        @ _rotation(before)
        @ _matrix(1 / stretch, 0, 0, stretch)
        @ _rotation(after)
        @ _matrix(1, 0, 0, 1, -right, -down)
    )
    return matrix, chosen.any(0)[:, None, None, None]


def _rotation(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return _matrix(cos, -sin, sin, cos)


def _matrix(*entries: Tensor | float) -> Tensor:
    """Return matrices ``[N, 3, 3]`` that map (x, y) to (a x + b y + e, c x + d y + f), from a, b, c, d, e and f."""
    a, b, c, d, e, f = (*entries, 0, 0)[:6]
    like = next(entry for entry in entries if isinstance(entry, Tensor))
    rows = [each if isinstance(each, Tensor) else torch.full_like(like, each) for each in (a, b, e, c, d, f, 0, 0, 1)]
    return torch.stack(rows, 1).reshape(-1, 3, 3)


# ----------------------------------------------------------------------------
# Moving pixels.


def copy_pixels(x: Tensor, matrix: Tensor, units: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Return maps ``[N, C, H, W]`` moved by matrices that map pixels to pixels; no pixel is blended."""
    height, width = x.shape[2:]
    rows, columns = (torch.arange(side, device=x.device) - (side - 1) / 2 for side in (height, width))
    rows, columns = _map(matrix, rows, columns, units)  # [N, H, W]
    found = [(each + (side - 1) / 2).round().long() for each, side in ((rows, height), (columns, width))]
    return read_pixels(x, reflect(found[0], height), reflect(found[1], width))


def resample(x: Tensor, matrix: Tensor, taps: Tensor, units: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Return maps ``[N, C, H, W]`` moved by any matrices ``[N, 3, 3]``.

    Args:
        x: The maps that move, ``[N, C, H, W]``.
        matrix: The matrices from pixels of the result to pixels of the images.
        taps: The wavelet filter SYM6, ``[12]``.
        units: Height and width of a pixel of the maps, in pixels of the images.
    """
    taps, sides = taps.to(x.dtype), x.shape[2:]
    doubling, halving = ([make(taps, side) for side in sides] for make in (make_doubling, make_halving))
    doubled = doubling[0] @ x @ doubling[1].mT  # [N, C, 2 H - 1, 2 W - 1]
    positions = [locate_samples(side, x) for side in sides]  # [2 H + 10], [2 W + 10], in pixels
    rows, columns = _map(
        matrix.to(x.dtype), positions[0], positions[1], units, scales=scale_to_ends(sides), shift=SHIFT
    )
    return halving[0] @ look_up(doubled, torch.stack([columns, rows], 3)) @ halving[1].mT


def _map(
    matrix: Tensor,
    rows: Tensor,
    columns: Tensor,
    units: tuple[float, float],
    scales: tuple[float, float] = (1.0, 1.0),
    shift: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return the rows and columns that matrices map all pairs of rows ``[h]`` and columns ``[w]`` to, ``[N, h, w]``.

    At the end, `shift` is added, and rows and columns are multiplied by the two `scales`.
    """
    (a, b, e), (c, d, f) = (matrix[:, row, :, None, None].unbind(1) for row in (0, 1))
    y, x = rows[:, None] * units[0], columns * units[1]
    down, right = scales[0] / units[0], scales[1] / units[1]
    return (
        (c * down) * x + ((d * y + f) * down + shift * scales[0]),
        (a * right) * x + ((b * y + e) * right + shift * scales[1]),
    )


def look_up(maps: Tensor, grid: Tensor) -> Tensor:
    """Return maps ``[N, C, h, w]``, interpolated bilinearly at coordinates ``[N, h', w', 2]`` from -1 to 1.

    It is linear in the maps, so its gradient is its transpose. Autograd is told so, because torch's `grid_sample` has
    no second derivative, and penalties need it.
    """
    result: Tensor = _LookUp.apply(maps, grid)  # type: ignore[no-untyped-call]
    return result


class _LookUp(Function):
    """Interpolate maps ``[N, C, h, w]`` at the coordinates."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.size = maps.shape
        return torch.grid_sampler_2d(maps, grid, BILINEAR, REFLECT, CORNERS)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradients[0], grid, ctx.size), None  # type: ignore[no-untyped-call]


class _Spread(Function):
    """The transpose of `_LookUp`: each number is added to the four pixels that it would be interpolated from."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, size: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        maps = gradient.new_zeros(1).expand(size)  # only its size is read
        wanted = [True, False]  # not the gradient by the grid
        spread: Tensor = torch.ops.aten.grid_sampler_2d_backward(
            gradient.contiguous(), maps, grid, BILINEAR, REFLECT, CORNERS, wanted
        )[0]
        return spread

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return look_up(gradients[0], grid), None, None
