"""Large images in overlapping tiles, so that a translator needs the memory of one tile alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from ganzoo.errors import UsageError

OVERLAP = 4  # neighbouring tiles share a quarter of their side
MARGIN = 3 / 8  # the share of the overlap, at the edge of either tile, that is dropped; the rest is blended
LEAST = 16  # pixels of a tile, of which 4 overlap


def check_tile(tile: int, shape: tuple[int, ...], built: tuple[int, ...], multiple: int) -> None:
    """Raise UsageError unless a model can translate images in tiles of this side.

    Args:
        tile: The height and width of a tile, in pixels of the input.
        shape: The shape of one input, ``(C, H, W)``.
        built: The shape of the labels that the model was built for.
        multiple: The number that each side of a label must be a multiple of; 0 for labels of the built size alone.
    """
    if len(shape) != 3:
        raise UsageError("tiles are parts of images, and the inputs of this model are not images: remove --tile")
    if not multiple:
        if built[1] != built[2] or tile != built[1]:
            way_out = f"use --tile {built[1]}" if built[1] == built[2] else "remove --tile"
            raise UsageError(f"this model takes images of {built[2]}x{built[1]} pixels alone: {way_out}")
        if min(shape[1:]) < tile:
            raise UsageError(
                f"inputs are {shape[2]}x{shape[1]} (width x height), less than a tile of {tile}: resize them"
            )
        return
    nearest = max(-(-LEAST // multiple), round(tile / multiple)) * multiple
    if tile != nearest:
        raise UsageError(
            f"a tile of this model has at least {LEAST} pixels and a multiple of {multiple}, not {tile}: "
            f"use --tile {nearest}"
        )


def translate_in_tiles(translate: Callable[[Tensor, int], Tensor], images: Tensor, tile: int, multiple: int) -> Tensor:
    """Return the samples of images ``[N, C, H, W]``, translated tile by tile, ``[N, c, s H, s W]``.

    In the middle of the overlap of two tiles the weight of one falls linearly while that of the other rises. The pixels
    nearer to the edge of a tile are not used, because the network did not see what is beyond. So the samples equal
    those of the whole image if the network consists of convolutions that see no further than 3/32 of a tile in each
    direction. Networks that normalise over the image give each tile other statistics.

    Args:
        translate: A function from a tile of each image and the tile's number to the samples, on the CPU.
        images: The images, of any height and width.
        tile: The height and width of a tile; smaller images have one tile.
        multiple: A number of which all starts of tiles but the last ones are multiples.
    """
    height, width = images.shape[2:]
    rows, columns = (list_starts(side, tile, multiple) for side in (height, width))
    high, wide = min(tile, height), min(tile, width)
    total, weights = torch.zeros(0), torch.zeros(0)
    for number, (top, left) in enumerate(product(rows, columns)):
        made = translate(images[:, :, top : top + high, left : left + wide], number)
        scale = made.shape[2] // high
        if not number:
            total = made.new_zeros(*made.shape[:2], scale * height, scale * width)
            weights = made.new_zeros(scale * height, scale * width)
        down = make_ramps(high, top > 0, top + high < height, tile // OVERLAP)
        across = make_ramps(wide, left > 0, left + wide < width, tile // OVERLAP)
        weight = (down[:, None] * across).repeat_interleave(scale, 0).repeat_interleave(scale, 1).to(made)
        place = slice(scale * top, scale * (top + high)), slice(scale * left, scale * (left + wide))
        total[:, :, *place] += weight * made
        weights[place] += weight
    return total / weights


def list_starts(side: int, tile: int, multiple: int) -> list[int]:
    """Return where the tiles of a side begin; the last one ends with the image."""
    if side <= tile:
        return [0]
    stride = max(multiple, (tile - tile // OVERLAP) // multiple * multiple)
    return [*range(0, side - tile, stride), side - tile]


def make_ramps(side: int, before: bool, after: bool, overlap: int) -> Tensor:
    """Return the weights of a tile along a side: 1, falling to 0 where there are tiles before or after it.

    Args:
        side: The length of the tile.
        before: Whether there is a tile before this one.
        after: Whether there is a tile after this one.
        overlap: The length of the overlap.
    """
    margin, weights = int(overlap * MARGIN), torch.ones(side)
    length = overlap - 2 * margin
    ramp = torch.cat([torch.zeros(margin), torch.arange(1, length + 1) / (length + 1)])
    if before:
        weights[: len(ramp)] = ramp
    if after:
        weights[-len(ramp) :] = torch.minimum(weights[-len(ramp) :], ramp.flip(0))
    return weights
