"""The training samples that are nearest to generated ones: copies among them show that a model memorised its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.evaluate.extract import Extraction
from ganzoo.evaluate.reals import BATCH, RealSamples
from ganzoo.latents.picture import Picture, draw_table, require_pictures, to_cells
from ganzoo.latents.space import describe_model
from ganzoo.latents.styles import check_cells
from ganzoo.package.generator import Generator
from ganzoo.package.labels import Labels


@dataclass(frozen=True, eq=False, repr=False)
class Neighbours(Picture):
    """A row for each sample: the sample, and the nearest training samples with their distances.

    `arrays` has ``samples`` ``[n, ...]``, ``neighbours`` ``[n, k, ...]``, and their ``distances`` ``[n, k]``: the root
    mean square difference of the numbers in [-1, 1], or the distance of the features.
    """


def find_neighbours(
    generator: Generator,
    reals: RealSamples,
    num: int,
    k: int,
    seed: int,
    labels: Labels = None,
    truncation: float | None = None,
    extraction: Extraction | None = None,
    name: str = "",
) -> Neighbours:
    """Return samples of a model beside their nearest training samples.

    Args:
        generator: The trained model, as `ganzoo.load` returns it.
        reals: The training samples that are searched.
        num: The number of samples.
        k: The number of training samples beside each.
        seed: The seed of the samples.
        labels: The classes of the samples, as in `Generator.sample`.
        truncation: The truncation of latents, as in `Generator.sample`.
        extraction: The extractor whose features are compared; None to compare pixels.
        name: The name of the training samples, for the picture's text.

    Raises:
        UsageError: The samples are not pictures, or `k` is not possible.
    """
    require_pictures(generator, "a picture of neighbours")
    check_cells(num, k + 1)
    if not 1 <= k <= reals.num:
        raise UsageError(f"{k} neighbours: ask for 1 to {reals.num:,}, the number of training samples")
    samples = generator.sample_raw(num, labels, seed, truncation)
    distances, indices = find_nearest(samples, reals, k, extraction)
    nearest = collect_samples(reals, indices)
    cells, found = to_cells(samples), to_cells(nearest.flatten(0, 1))
    rows = [[cell, *found[row * k : (row + 1) * k]] for row, cell in enumerate(cells)]
    captions = [["", *(f"{each:.3g}" for each in row)] for row in distances.tolist()]
    measure = f"features of {extraction.choice.name}" if extraction else "pixels"
    words = (
        f"{describe_model(generator)}: {num} samples of seed {seed}, each with the {k} nearest of {reals.num:,} "
        f"samples of {name or 'the training'}, by {measure}"
    )
    heads = ["sample", "nearest", *[""] * (k - 1)]
    image = draw_table(rows, [str(row) for row in range(num)], heads, captions)
    arrays = {"samples": samples.numpy(), "neighbours": nearest.numpy(), "distances": distances.numpy()}
    return Neighbours(image, words, arrays)


def find_nearest(
    samples: Tensor, reals: RealSamples, k: int, extraction: Extraction | None = None
) -> tuple[Tensor, Tensor]:
    """Return the distances ``[n, k]`` of the nearest real samples, and their positions in the order of `reals`.

    Args:
        samples: The samples ``[n, *shape]``.
        reals: The real samples that are searched.
        k: The number of real samples for each sample.
        extraction: The extractor of `reals` whose features are compared; None to compare the numbers themselves.
    """
    if extraction:
        wanted = torch.cat([extraction(part.to(reals.device))["features"] for part in torch.split(samples, BATCH)])
        scale, batches = 1.0, _iterate_features(extraction)
    else:
        wanted = samples.to(reals.device).flatten(1)
        scale, batches = wanted.shape[1] ** -0.5, (batch.flatten(1) for batch, _ in reals.iterate_batches())
    distances = torch.empty(len(wanted), 0, device=reals.device)
    indices = torch.empty(len(wanted), 0, dtype=torch.long, device=reals.device)
    start = 0
    for batch in batches:
        exact = "donot_use_mm_for_euclid_dist"  # a sample is at a distance of 0 from itself
        new = torch.cdist(wanted.float(), batch.to(reals.device).float(), compute_mode=exact) * scale
        numbers = torch.arange(start, start + len(batch), device=reals.device).expand(len(wanted), -1)
        start += len(batch)
        together = torch.cat([distances, new], 1)
        distances, kept = together.topk(min(k, together.shape[1]), largest=False)
        indices = torch.cat([indices, numbers], 1).gather(1, kept)
    return distances.cpu(), indices.cpu()


def _iterate_features(extraction: Extraction) -> Iterator[Tensor]:
    yield from torch.split(extraction.real_features["features"], BATCH)


def collect_samples(reals: RealSamples, indices: Tensor) -> Tensor:
    """Return the real samples at positions ``[n, k]`` in the order of `reals`, ``[n, k, *shape]`` on the CPU."""
    wanted, found, start = set(indices.flatten().tolist()), dict[int, Tensor](), 0
    for batch, _ in reals.iterate_batches():
        found.update({each: batch[each - start].cpu() for each in wanted if start <= each < start + len(batch)})
        start += len(batch)
    return torch.stack([torch.stack([found[each] for each in row]) for row in indices.tolist()])
