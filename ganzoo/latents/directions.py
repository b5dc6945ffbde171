"""Directions of latents in which samples change most, found without labels and without training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.compute.streams import restrict_latents
from ganzoo.errors import UsageError
from ganzoo.latents.picture import ARRAYS, Picture, check_suffix, draw_table, encode_arrays, require_pictures, to_cells
from ganzoo.latents.reading import read_first_layers
from ganzoo.latents.space import Space, describe_model
from ganzoo.latents.styles import check_cells, choose_one_label, describe_label
from ganzoo.package.generator import Generator
from ganzoo.package.labels import Labels
from ganzoo.plugin.files import write_atomic

METHODS = ("sefa", "pca")
NUM_DRAWN = 4096  # latents whose styles are measured


@dataclass(frozen=True, eq=False)
class Directions:
    """Directions of a model's latents. A notebook shows what they do to the sample of seed 0.

    Args:
        generator: The trained model, as `ganzoo.load` returns it.
        space: The space of the directions: ``z`` or ``w``.
        method: How they were found: ``sefa`` or ``pca``.
        vectors: The directions, unit vectors float32 ``[num, dim]``; the one that changes most comes first.
        values: The eigenvalue of each direction.
        scales: The standard deviation of random latents along each direction: the unit in which latents are moved.
        labels: The class for which they were found, as in `Generator.sample`.
    """

    generator: Generator
    space: str
    method: str
    vectors: NDArray[np.float32]
    values: NDArray[np.float64]
    scales: NDArray[np.float32]
    labels: Labels = None

    def __repr__(self) -> str:
        return f"<{self._describe()}>"

    def _repr_png_(self) -> bytes | None:
        data = self.generator.data
        return self.draw().encode(".png") if data.modality == "image" and data.shape[0] in (1, 3) else None

    def _describe(self) -> str:
        model = describe_model(self.generator)
        return f"{len(self.vectors)} directions of {model} by {self.method} in {self.space}"

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """The numbers by name, as `save` writes them."""
        return {"vectors": self.vectors, "values": self.values, "scales": self.scales}

    def move(self, points: Tensor, number: int, amount: float) -> Tensor:
        """Return latents ``[n, dim]``, or styles ``[n, ..., dim]``, moved along a direction.

        Latents stay where latents can be: uniform ones are clipped to [-1, 1], and one-hot codes do not change.

        Args:
            points: The latents or styles, in the space of the directions.
            number: The number of the direction, from 0 on.
            amount: How far, in standard deviations of random latents along that direction.
        """
        moved = points + torch.from_numpy(self.vectors[number] * self.scales[number] * amount).to(points)
        return moved if self.space == "w" else restrict_latents(self.generator.networks.latent, moved, points)

    def generate(self, points: Tensor, labels: Labels = None) -> Tensor:
        """Return the samples of latents or styles, float32 ``[n, *shape]`` on the CPU."""
        chosen = choose_one_label(self.generator, len(points), self.labels if labels is None else labels)
        return Space(self.generator, self.space).generate(points, chosen)

    def draw_points(self, seed: int, labels: Labels = None) -> Tensor:
        """Return the latent or style of a seed, ``[1, ...]``, to be moved."""
        chosen = choose_one_label(self.generator, 1, self.labels if labels is None else labels)
        return Space(self.generator, self.space).draw([seed], chosen)

    def draw(self, seed: int = 0, strength: float = 3.0, steps: int = 7, labels: Labels = None) -> Picture:
        """Return a picture with a row for each direction, and the sample of a seed in the middle of each row.

        Args:
            seed: The seed of the sample.
            strength: The amount at the ends of a row, in standard deviations.
            steps: The number of samples in a row.
            labels: The class of the sample; None for the class of the directions.

        Raises:
            UsageError: The samples are not pictures, or an argument is out of range.
        """
        require_pictures(self.generator, "a picture of directions")
        if steps < 2:
            raise UsageError(f"{steps} steps: a row needs at least 2")
        if not 0 < strength < 1e6:
            raise UsageError(f"strength {strength:g}: give a number above 0, in standard deviations, such as 3")
        check_cells(len(self.vectors), steps)
        chosen = choose_one_label(self.generator, 1, self.labels if labels is None else labels)
        start, amounts = self.draw_points(seed, labels), np.linspace(-strength, strength, steps)
        moved = [self.move(start, row, float(amount)) for row in range(len(self.vectors)) for amount in amounts]
        cells = to_cells(self.generate(torch.cat(moved), labels))
        rows = [cells[row * steps : (row + 1) * steps] for row in range(len(self.vectors))]
        heads = [f"{amount:+.2g}" if amount else "0" for amount in amounts]
        words = f"{self._describe()}, seed {seed}, up to {strength:g} sigma{describe_label(self.generator, chosen)}"
        return Picture(draw_table(rows, [str(row) for row in range(len(rows))], heads), words, self.arrays)

    def save(self, path: str | Path) -> Path:
        """Write the directions, their eigenvalues and scales as ``.npz`` or ``.safetensors``; return the path."""
        path = Path(path)
        check_suffix(path, ARRAYS)
        write_atomic(path, [encode_arrays(self.arrays, path.suffix.lower())])
        return path


def find_directions(generator: Generator, method: str, num: int, space: str | None, labels: Labels) -> Directions:
    """Return the directions in which samples change most.

    ``sefa`` (Shen & Zhou 2021, Closed-Form Factorization of Latent Semantics in GANs, arXiv:2007.06600, eq. 6 to 8):
    the eigenvectors of A^T A with the largest eigenvalues, where A are the weights of the first layers that the latents
    meet. ``pca`` (Härkönen et al. 2020, GANSpace, arXiv:2004.02546, section 2.2): the principal components of styles.

    Args:
        generator: The trained model, as `ganzoo.load` returns it.
        method: ``sefa``, or ``pca`` for models with styles.
        num: The number of directions, at most the length of a latent.
        space: ``z`` or ``w``; None for w if the model has styles, and otherwise z.
        labels: The class of the samples, by number or name; None for the first class.

    Raises:
        UsageError: The method is unknown, cannot be used here, or finds fewer directions.
    """
    if method not in METHODS:
        raise UsageError(f"method {method!r}: use sefa or pca")
    chosen = Space(generator, space or ("w" if "style" in generator.provides else "z"))
    if method == "pca" and chosen.name == "z":
        raise UsageError("principal components need styles w, since random latents z have none: use method sefa")
    label = choose_one_label(generator, 1, labels)
    drawn = _draw_many(chosen, label)
    if method == "pca":
        matrix = drawn - drawn.mean(0)
        values, vectors = _find_eigenvectors(matrix.T @ matrix / (len(drawn) - 1))
    else:
        weights = read_first_layers(chosen, label)
        if not len(weights):
            raise UsageError(
                "no layer of this generator reads the latents as they are, so sefa finds no directions"
                + (": use method pca" if chosen.name == "w" else "")
            )
        weights[:, _count_moved(generator, chosen) :] = 0  # one-hot codes are not moved
        values, vectors = _find_eigenvectors(weights.T @ weights)
    most = _count_moved(generator, chosen)
    if not 1 <= num <= most:
        raise UsageError(f"{num} directions: this model's {chosen.name} has {most} numbers, so ask for 1 to {most}")
    vectors = vectors[:num]
    scales = ((drawn - drawn.mean(0)) @ vectors.T).std(0)
    return Directions(
        generator, chosen.name, method, vectors.float().numpy(), values[:num].numpy(), scales.float().numpy(), labels
    )


def _draw_many(space: Space, label: Tensor | None) -> Tensor:
    """Return many random latents or styles, float64 ``[n, dim]``; of styles that differ by layer, their mean."""
    generator = space.generator
    labels = None if label is None else label.expand(NUM_DRAWN, *label.shape[1:])
    points = space.enter(generator.draw_latents(NUM_DRAWN, 0), labels).double()
    return points if points.dim() == 2 else points.flatten(1, -2).mean(1)


def _count_moved(generator: Generator, space: Space) -> int:
    """Return the number of entries of a latent that a direction may change: all but those of a one-hot code."""
    if space.name == "w":
        return int(space.draw([0], generator.make_labels(1)).shape[-1])
    kind = generator.networks.latent
    codes = 0 if kind in ("normal", "uniform") else int(kind.removeprefix("normal+onehot"))
    return generator.networks.latent_dim - codes


def _find_eigenvectors(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues of a symmetric matrix, the largest first, and its eigenvectors ``[num, dim]`` as rows.

    The sign of an eigenvector is arbitrary; here its largest entry is positive.
    """
    values, columns = torch.linalg.eigh(matrix)
    vectors = columns.T.flip(0)
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return values.flip(0), vectors * largest.sign()
