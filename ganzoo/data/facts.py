"""Facts about a dataset's samples, measured where they are packed: classes, copies, values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ganzoo.data.copies import Numbers, find_lookalikes, group_copies
from ganzoo.data.holdout import find_digests
from ganzoo.data.source import ArraySource, pick, scale

CHUNK = 1024  # samples at a time
GREY = 2  # of 255: channels that differ by no more are equal, because JPEG rounds each of them


@dataclass(frozen=True)
class Values:
    """The numbers in samples, as they are stored.

    Args:
        low, high: The smallest and the largest number.
        mean, std: Mean and standard deviation of each channel, in the range of the networks.
        constant: How many samples consist of one number.
        grey: How many images have equal channels, although they have three.
    """

    low: float
    high: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    constant: int
    grey: int


def count_classes(source: ArraySource) -> list[int]:
    """Return the number of samples of each class; empty where the samples have no classes."""
    if source.labels is None or not source.info.num_classes:
        return []
    numbers = source.locate(torch.arange(len(source), device=source.labels.device))
    return torch.bincount(pick(source.labels, numbers).cpu(), minlength=source.info.num_classes).tolist()


def measure_values(source: ArraySource, most: int | None = None) -> Values:
    """Return the numbers in samples.

    Args:
        source: The source of the samples, or of a part of a dataset.
        most: The largest number of samples that are read, at even distances; None for all.
    """
    num = len(source) if most is None else min(most, len(source))
    numbers = source.locate(torch.linspace(0, len(source) - 1, num, device=source.data.device).long())
    lows, highs, constant, grey = list[float](), list[float](), 0, 0
    first, second = torch.zeros(2, source.info.shape[0], dtype=torch.float64)
    for index in torch.split(numbers, CHUNK):
        samples = pick(source.data, index).cpu()
        flat = samples.flatten(1)
        low, high = flat.amin(1), flat.amax(1)
        lows.append(float(low.min()))
        highs.append(float(high.max()))
        constant += int((low == high).sum())
        if source.info.modality == "image" and samples.shape[1] == 3:
            spread = samples.amax(1).float() - samples.amin(1).float()
            unit = 255.0 if samples.dtype == torch.uint8 else 2.0
            grey += int((spread.flatten(1).amax(1) <= GREY / 255 * unit).sum())
        channels = scale(samples).flatten(2).double() if samples.dim() > 2 else scale(samples).double()[:, :, None]
        first += channels.mean(2).sum(0)
        second += channels.square().mean(2).sum(0)
    mean = first / num
    std = (second / num - mean.square()).clamp_min(0).sqrt()
    return Values(min(lows), max(highs), tuple(mean.tolist()), tuple(std.tolist()), constant, grey)


@dataclass(frozen=True)
class Copies:
    """Samples that are copies of others, by their numbers.

    Args:
        equal: The groups of equal samples, each in the order of the samples.
        alike: The pairs of images that look alike; of equal images the first one is compared.
    """

    equal: list[list[int]]
    alike: list[tuple[int, int]]

    @property
    def num_equal(self) -> int:
        """The number of samples that are equal to an earlier one."""
        return sum(len(group) - 1 for group in self.equal)

    @property
    def num_alike(self) -> int:
        """The number of images that look like an earlier one."""
        return len({other for _, other in self.alike})


def find_copies(source: ArraySource, alike: bool = True) -> Copies:
    """Return the samples of a source that are copies of others.

    Args:
        source: The source of the samples, or of a part of a dataset.
        alike: Whether images that look alike are searched, which takes longer.
    """
    digests = find_digests(source)
    groups = [group.tolist() for group in group_copies(digests)]
    if not alike or source.info.modality != "image":
        return Copies(groups, [])
    first: Numbers = np.sort(np.unique(digests, return_index=True)[1])
    places = source.locate(torch.from_numpy(first).to(source.data.device))
    pairs = find_lookalikes(pick(source.data, index).cpu() for index in torch.split(places, CHUNK))
    return Copies(groups, [(int(first[one]), int(first[other])) for one, other in pairs])
