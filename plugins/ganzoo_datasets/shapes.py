"""`shapes`: scenes of one shape whose factors are known, so that it can be counted which combinations a GAN draws."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo_datasets.specs.made import COLOURS, GROUNDS, PLACES, ShapesOptions, shapes_info

RADII = (0.15, 0.22)  # of a shape, in widths of the image
SHIFT = 0.03  # the largest distance of a centre from the middle of its place, per axis


class Shapes:
    """An endless source of scenes, uint8 ``[n, 3, size, size]``; labels are the combinations of factors.

    Each combination of shape, colour, ground and place is equally likely. Radius and exact centre are uniform, and
    are not among the factors.
    """

    def __init__(self, options: ShapesOptions) -> None:
        self.info = shapes_info(options)
        self._size = options.size

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
        """Return scenes ``[n, 3, size, size]`` and classes ``[n]``. All random numbers come from `generator`."""
        labels = torch.randint(self.info.num_classes, (n,), generator=generator)
        radii, across, down = torch.rand(3, n, generator=generator)
        radii = RADII[0] + (RADII[1] - RADII[0]) * radii
        return draw_scenes(labels, radii, SHIFT * (2 * across - 1), SHIFT * (2 * down - 1), self._size), labels


def split_labels(labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the indices of shape, colour, ground and place of classes ``[n]``, each ``[n]``."""
    rest, place = labels.div(PLACES**2, rounding_mode="floor"), labels.remainder(PLACES**2)
    rest, ground = rest.div(len(GROUNDS), rounding_mode="floor"), rest.remainder(len(GROUNDS))
    return rest.div(len(COLOURS), rounding_mode="floor"), rest.remainder(len(COLOURS)), ground, place


def draw_scenes(labels: Tensor, radii: Tensor, across: Tensor, down: Tensor, size: int) -> Tensor:
    """Draw scenes, with edges that are one pixel soft.

    Args:
        labels: The classes ``[n]`` of the scenes.
        radii: The radii ``[n]``, in widths of the image.
        across: The distances ``[n]`` of the centres from the middle of their place to the right, in widths.
        down: The same distances downwards.
        size: Height and width in pixels.
    """
    shape, colour, ground, place = split_labels(labels)
    centre_x = (place.remainder(PLACES) + 0.5) / PLACES + across
    centre_y = (place.div(PLACES, rounding_mode="floor") + 0.5) / PLACES + down
    axis = (torch.arange(size) + 0.5) / size
    x = axis[None, None, :] - centre_x[:, None, None]  # [n, 1, size]
    y = axis[None, :, None] - centre_y[:, None, None]  # [n, size, 1]
    distance = measure_distance(x, y, radii[:, None, None])  # [shapes, n, size, size]
    chosen = distance[shape, torch.arange(len(labels))]
    cover = (0.5 - chosen * size).clamp_(0, 1)[:, None]  # [n, 1, size, size]
    inks, grounds = (torch.tensor(list(each.values()), dtype=torch.float32) for each in (COLOURS, GROUNDS))
    inside, outside = inks[colour][:, :, None, None], grounds[ground][:, :, None, None]
    return (outside + cover * (inside - outside)).round_().to(torch.uint8)


def measure_distance(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    """Return the signed distance of points from the edge of each shape around 0, ``[shapes, ...]``; inside it is < 0.

    Circle and square have the same area.
    """
    from_centre = (x.square() + y.square()).sqrt()
    square = torch.maximum(x.abs() + 0 * y, y.abs() + 0 * x) - radius * math.sqrt(math.pi) / 2
    slope = math.sqrt(3) / 2
    sides = torch.stack([y + 0 * x, slope * x - 0.5 * y, -slope * x - 0.5 * y])
    triangle = sides.amax(0) - 0.62 * radius
    ring = (from_centre - 0.75 * radius).abs() - 0.25 * radius
    return torch.stack([from_centre - radius, square, triangle, ring])


def recognise_scenes(images: Tensor) -> Tensor:
    """Return the classes of scenes ``[n]``, so that it can be counted which combinations a generator draws.

    It is right for every scene of `draw_scenes` from 32 pixels on. For other images it returns the nearest class.

    Args:
        images: Scenes uint8 ``[n, 3, size, size]``.
    """
    pixels = images.float()
    size = images.shape[-1]
    inks, grounds = (torch.tensor(list(each.values()), dtype=torch.float32) for each in (COLOURS, GROUNDS))
    corners = pixels[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].median(-1).values  # no shape reaches a corner
    ground = torch.cdist(corners, grounds).argmin(1)
    away = (pixels - grounds[ground][:, :, None, None]).square().sum(1).sqrt()  # [n, size, size]
    cover = away / away.amax((1, 2), keepdim=True).clamp_min(1)
    mask = cover.gt(0.5).float()
    area = mask.sum((1, 2)).clamp_min(1)
    colour = torch.cdist((pixels * mask[:, None]).sum((2, 3)) / area[:, None], inks).argmin(1)
    halves = [(mask[:, :, size // 2 :].sum((1, 2)) > area / 2), (mask[:, size // 2 :].sum((1, 2)) > area / 2)]
    spans = [cover.amax(axis).sum(1) for axis in (1, 2)]
    fill = cover.sum((1, 2)) / (spans[0] * spans[1]).clamp_min(
        1
    )  # of its box: a square 1, a circle 0.79, a ring 0.59, a triangle 0.5
    across, down = (
        (mask.amax(axis) * torch.arange(size)).sum(1) / mask.amax(axis).sum(1).clamp_min(1) for axis in (1, 2)
    )
    hollow = mask[torch.arange(len(mask)), down.round().long(), across.round().long()] == 0
    shape = torch.where(hollow, 3, torch.where(fill > 0.9, 1, torch.where(fill > 0.65, 0, 2)))
    place = halves[0].long() + PLACES * halves[1].long()
    return ((shape * len(COLOURS) + colour) * len(GROUNDS) + ground) * PLACES**2 + place
