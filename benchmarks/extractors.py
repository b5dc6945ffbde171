"""What the features of each extractor see: the Frechet distance of spoilt real images, in multiples of the floor.

    python benchmarks/extractors.py [--emoji FOLDER] [--extractors random,squeezenet] [--num 950] [--quick]

Half of the data is the reference. The floor is the distance of the other half, of as many images; each row spoils these
images in one way. A ratio of 1 means that an extractor does not see the damage, and one below 1 that it likes it. The
data are the bundled digits; with --emoji FOLDER, where npm put emoji-datasource-google, emoji of 64x64 pixels. Last
comes the time of 10,000 images of 3x32x32 by each extractor, with their statistics and the distance.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from common import format_table, parse_arguments, save, time_call
from torch import Tensor
from torch.nn import functional as F

import ganzoo
from ganzoo.compute.streams import seeded
from ganzoo.evaluate.statistics import Statistics, frechet_distance
from ganzoo.plugin import DataInfo, GanzooError

EXTRACTORS = ("pixels", "random", "in-place", "squeezenet", "mobilenet")
TIMED = {"random": 10_000, "squeezenet": 500, "mobilenet": 100}  # images that are timed
COMPONENTS = 200  # principal components of the Gaussian
BATCH = 64
Extract = Callable[[Tensor], Tensor]


def main() -> None:
    """Measure, print and, unless quick, save the table and the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emoji", metavar="FOLDER")
    parser.add_argument("--extractors", type=lambda text: text.split(","), default=EXTRACTORS)
    parser.add_argument("--num", type=int, default=950, help="images on each side")
    parser.add_argument("--quick", action="store_true", help="two extractors, 60 images, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        arguments.extractors, arguments.num = ("pixels", "random"), 60
    images, labels = load(arguments.emoji)
    num = min(arguments.num, len(images) // 2)
    columns = {name: measure(name, images, labels, num) for name in arguments.extractors}
    names = list(next(iter(columns.values())))
    data = "emoji" if arguments.emoji else "digits"
    print(f"{data} {'x'.join(map(str, images.shape[1:]))}, {num} against {num}")
    print(
        format_table(
            [("", *columns), *((row, *(values.get(row, "-") for values in columns.values())) for row in names)]
        )
    )
    times = {name: time_extractor(name, BATCH if arguments.quick else TIMED[name]) for name in columns if name in TIMED}
    for name, seconds in times.items():
        print(f"{name}: {seconds:.3g} s for 10,000 images of 3x32x32")
    if not arguments.quick:
        save(f"extractors-{data}", {"num": num, "ratios": columns, "seconds_for_10000": times})


# ----------------------------------------------------------------------------
# Data, and what spoils it.


def load(emoji: str | None) -> tuple[Tensor, Tensor]:
    """Return all images ``[N, C, H, W]`` in [-1, 1] in a random order, and their classes ``[N]``."""
    if emoji:
        items = list(ganzoo.create("dataset", "emoji", path=emoji).items())
        data, labels = np.stack([item.load() for item in items]), [item.label for item in items]
    else:
        digits = ganzoo.create("dataset", "digits", size=32)
        data, labels = digits.data, digits.labels
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    return (torch.from_numpy(data).float() / 127.5 - 1)[order], torch.as_tensor(labels)[order]


def spoil(reference: Tensor, images: Tensor, labels: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield ways to spoil images, each with the spoilt images, as many as before."""
    draw = torch.Generator().manual_seed(1)
    noise = torch.randn(images.shape, generator=draw)
    yield "floor", images
    yield "blur of 1 px", blur(images)
    yield "noise of 12/255", (images + noise * 12 / 127.5).clamp(-1, 1)
    yield "noise of 40/255", (images + noise * 40 / 127.5).clamp(-1, 1)
    yield "shift by 1 px", images.roll(1, 3)
    yield "tiles shuffled", shuffle_tiles(images, images.shape[2] // 4, draw)
    yield "largest class missing", repeat(images[labels != labels.bincount().argmax()], len(images))
    yield "half of the classes", repeat(images[labels < (labels.max() + 1) // 2], len(images))
    yield "100 images repeated", repeat(images[:100], len(images))
    yield "Gaussian of the pixels", draw_gaussian(reference, len(images), draw)


def blur(images: Tensor) -> Tensor:
    """Return images blurred by a Gaussian whose standard deviation is one pixel."""
    kernel = torch.exp(-(torch.arange(-3.0, 4) ** 2) / 2)
    kernel, channels = kernel / kernel.sum(), images.shape[1]
    padded = F.pad(images, (3, 3, 3, 3), mode="reflect")
    wide = F.conv2d(padded, kernel.expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(wide, kernel[:, None].expand(channels, 1, -1, 1), groups=channels)


def shuffle_tiles(images: Tensor, side: int, draw: torch.Generator) -> Tensor:
    """Return images whose square tiles change places, differently in each."""
    height, width = images.shape[2:]
    tiles = F.unfold(images, side, stride=side)  # [N, C side side, tiles]
    order = torch.rand(len(tiles), 1, tiles.shape[2], generator=draw).argsort(2).expand_as(tiles)
    return F.fold(tiles.gather(2, order), (height, width), side, stride=side)


def repeat(images: Tensor, num: int) -> Tensor:
    """Return `num` images, the given ones again and again."""
    return images[torch.arange(num) % len(images)]


def draw_gaussian(images: Tensor, num: int, draw: torch.Generator) -> Tensor:
    """Return draws of a Gaussian with the mean and the first principal components of images."""
    rows = images.flatten(1)
    mean = rows.mean(0)
    _, sizes, directions = torch.linalg.svd(rows - mean, full_matrices=False)
    z = torch.randn(num, min(COMPONENTS, len(sizes)), generator=draw)
    z = z * sizes[: z.shape[1]] / (len(rows) - 1) ** 0.5
    drawn: Tensor = mean + z @ directions[: z.shape[1]]
    return drawn.view(num, *images.shape[1:]).clamp(-1, 1)


# ----------------------------------------------------------------------------
# Extractors.


class Reals:
    """Images and classes, as an extractor that learns gets them."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]


def make_extractor(name: str, images: Tensor, labels: Tensor | None) -> Extract:
    """Return a function from images to features; `pixels` averages them over cells to about 16x16."""
    if name == "pixels":
        return lambda batch: F.adaptive_avg_pool2d(batch, 16 if batch.shape[1] == 1 else 9).flatten(1)
    classes = 0 if labels is None else int(labels.max()) + 1
    with seeded(0):
        network: Any = ganzoo.create(
            "extractor", name, data=DataInfo(shape=tuple(images.shape[1:]), num_classes=classes)
        )
        if labels is not None and hasattr(network, "prepare"):
            network.prepare(Reals(images, labels))
    network.eval()
    return lambda batch: network(batch)["features"]


def measure(name: str, images: Tensor, labels: Tensor, num: int) -> dict[str, float]:
    """Return each row's distance in multiples of the floor; the floor itself is times 1000, at total variance 1."""
    reference, rest, classes = images[:num], images[num : 2 * num], labels[num : 2 * num]
    try:
        extract = make_extractor(name, reference, labels[:num])
    except GanzooError as error:
        print(f"{name} is left out: {error}")
        return {}
    real = gather(extract, reference)
    found = {row: compare(real, gather(extract, fake)) for row, fake in spoil(reference, rest, classes)}
    floor = found.pop("floor")
    return {"floor": 1000 * floor / float(real.covariance.trace()), **{row: far / floor for row, far in found.items()}}


@torch.no_grad()
def gather(extract: Extract, images: Tensor) -> Statistics:
    """Return the statistics of the features of images."""
    statistics = Statistics()
    for batch in torch.split(images, BATCH):
        statistics.add(extract(batch))
    return statistics


def compare(real: Statistics, fake: Statistics) -> float:
    """Return the Frechet distance of two sides."""
    return frechet_distance(real.mean, real.covariance, fake.mean, fake.covariance)


def time_extractor(name: str, num: int) -> float:
    """Return the seconds in which an extractor compares 10,000 images, measured on `num`."""
    images = torch.rand(num, 3, 32, 32) * 2 - 1
    extract = make_extractor(name, images, None)
    real = gather(extract, images[:BATCH])
    network = time_call(lambda: gather(extract, images))
    return network * 10_000 / num + time_call(lambda: compare(real, real))


if __name__ == "__main__":
    main()
