"""Style mixing, and the ladder of truncation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from ganzoo.errors import UsageError
from ganzoo.latents.picture import Picture, draw_table, require_pictures, to_cells
from ganzoo.latents.space import Space, describe_model
from ganzoo.package.generator import Generator
from ganzoo.package.labels import Labels

MOST_CELLS = 1024


def mix_styles(
    generator: Generator, rows: Sequence[int], columns: Sequence[int], coarse: int | None, labels: Labels
) -> Picture:
    """Return a grid of mixed styles: the coarse ones of a row's seed, the fine ones of a column's (Karras et al. 2019,
    A Style-Based Generator Architecture for Generative Adversarial Networks, arXiv:1812.04948, figure 3).

    The first row and the first column show the samples that give their styles.

    Args:
        generator: The model, with one style for each layer.
        rows: The seeds of the coarse styles.
        columns: The seeds of the fine styles.
        coarse: The number of layers, from the lowest resolution on, whose style is the row's; None for half of them.
        labels: The class of all samples, by number or name; None for the first class.

    Raises:
        UsageError: The model has no styles, or one style for all layers.
    """
    require_pictures(generator, "mixing styles")
    space = Space(generator, "w")
    check_cells(len(rows) + 1, len(columns) + 1)
    chosen = choose_one_label(generator, len(rows) + len(columns), labels)
    w = space.draw([*rows, *columns], chosen)
    if w.dim() != 3:
        raise UsageError("this model has one style for all layers, so nothing can be mixed: interpolate in space w")
    num = w.shape[1]
    coarse = num // 2 if coarse is None else coarse
    if not 0 <= coarse <= num:
        raise UsageError(f"{coarse} coarse layers: this model has {num} layers, so take 0 to {num}")
    first, second = w[: len(rows)], w[len(rows) :]
    mixed = torch.stack([torch.cat([a[:coarse], b[coarse:]]) for a in first for b in second])
    own, made = to_cells(space.generate(w)), to_cells(space.generate(mixed))
    table = [[None, *own[len(rows) :]]]
    for number in range(len(rows)):
        table.append([own[number], *made[number * len(columns) : (number + 1) * len(columns)]])
    titles = ["", *(f"seed {seed}" for seed in rows)]
    words = (
        f"{describe_model(generator)}: styles of rows {_join(rows)} in {coarse} of {num} layers, of columns "
        f"{_join(columns)} in the others{describe_label(generator, chosen)}"
    )
    image = draw_table(table, titles, ["", *(f"seed {seed}" for seed in columns)])
    return Picture(image, words, {"w": mixed.reshape(len(rows), len(columns), *w.shape[1:]).numpy()})


def show_truncation(generator: Generator, seeds: Sequence[int], steps: Sequence[float], labels: Labels) -> Picture:
    """Return a row of samples for each seed: the same latent at several truncations.

    Args:
        generator: The model, whose architecture provides ``truncation``.
        seeds: The seed of each row.
        steps: The truncation of each column: 0 for the mean, 1 for the latent as it is drawn.
        labels: The class of all samples, by number or name; None for the first class.

    Raises:
        UsageError: The model takes no truncation, or not this one.
    """
    require_pictures(generator, "a ladder of truncation")
    if "truncation" not in generator.provides:
        raise UsageError("this model's architecture has no truncation, as those of stylegan2 and biggan have")
    space = Space(generator)
    check_cells(len(seeds), len(steps))
    chosen = choose_one_label(generator, len(seeds), labels)
    z = space.draw(seeds, chosen)
    columns = []
    for step in steps:
        if not math.isfinite(step):
            raise UsageError(f"truncation {step:g}: give a finite number, such as 0.5")
        try:
            columns.append(to_cells(space.generate(z, chosen, step)))
        except ValueError as error:
            raise UsageError(f"truncation {step:g}: {error}") from error
    titles, heads = [f"seed {seed}" for seed in seeds], [f"{step:g}" for step in steps]
    words = (
        f"{describe_model(generator)}: truncation {', '.join(heads)} of seeds {_join(seeds)}"
        f"{describe_label(generator, chosen)}"
    )
    return Picture(draw_table(list(zip(*columns, strict=True)), titles, heads), words, {"z": z.numpy()})


def check_cells(rows: int, columns: int) -> None:
    """Raise UsageError if a table has no cells, or more than a picture should have."""
    if rows < 1 or columns < 1:
        raise UsageError("a picture needs at least one row and one column: ask for at least one sample")
    if rows * columns > MOST_CELLS:
        raise UsageError(f"{rows} rows of {columns} samples are more than {MOST_CELLS:,}: take fewer")


def choose_one_label(generator: Generator, num: int, labels: Labels) -> torch.Tensor | None:
    """Return the label of all `num` samples of a picture: the one that was asked for, or the first class."""
    first = 0 if labels is None and generator.data.num_classes else labels
    if isinstance(first, (list, tuple)) and len(first) > 1:
        raise UsageError(f"{len(first)} labels: all samples of this picture have the same label, so name one")
    return generator.choose_labels(num, first)


def describe_label(generator: Generator, chosen: torch.Tensor | None) -> str:
    """Return the class that all samples of a picture have as text, after a comma; empty for a model without classes."""
    return f", class {int(chosen[0])}" if chosen is not None and generator.data.num_classes else ""


def _join(numbers: Sequence[float]) -> str:
    return ",".join(map(str, numbers))
