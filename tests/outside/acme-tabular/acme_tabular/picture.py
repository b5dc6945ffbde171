"""A picture of a table, with a panel for each column that compares the real and the generated distribution."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from acme_tabular.columns import Array, Category, Column, list_blocks, read_columns, to_csv
from ganzoo.plugin import DataInfo

PANEL = (320, 200)  # pixels of a panel, width and height
MARGIN, HEADER = 12, 24
BINS = 32  # of a numeric column, from its 1st to its 99th percentile
REAL, FAKE, INK = (196, 196, 196), (28, 84, 178), (60, 60, 60)


def show(samples: Array, info: DataInfo) -> dict[str, bytes]:
    """Return two files: a picture of the columns' distributions, and the rows as CSV."""
    buffer = io.BytesIO()
    Image.fromarray(draw_marginals(samples, info)).save(buffer, "PNG")
    return {"columns.png": buffer.getvalue(), "rows.csv": to_csv(samples, info).encode()}


def draw_marginals(samples: Array, info: DataInfo) -> NDArray[np.uint8]:
    """Draw a panel for each column of rows ``[N, D]``, uint8 ``[H, W, 3]``: real bars (of `info`) grey, others blue."""
    columns = list(list_blocks(read_columns(info)))
    across = math.ceil(math.sqrt(len(columns)))
    picture = Image.new("RGB", (across * PANEL[0], math.ceil(len(columns) / across) * PANEL[1]), "white")
    pen = ImageDraw.Draw(picture)
    for index, (column, part) in enumerate(columns):
        corner = (index % across * PANEL[0], index // across * PANEL[1])
        pen.text((corner[0] + MARGIN, corner[1] + MARGIN / 2), column.name, INK)
        _draw_bars(pen, corner, *compute_shares(column, samples[:, part]))
    return np.asarray(picture)


def compute_shares(column: Column, block: Array) -> tuple[Array, Array]:
    """Compute the heights of a column's bars, real and generated: shares of categories, or of bins of numbers."""
    if isinstance(column, Category):
        return np.array(column.shares), np.bincount(column.decode(block), minlength=column.width) / len(block)
    grid = np.linspace(0, 1, len(column.quantiles))
    low, high = np.interp((0.01, 0.99), grid, column.quantiles).tolist()
    edges = np.linspace(low, high, BINS + 1)
    real = np.diff(np.interp(edges, column.quantiles, grid))
    return real, np.histogram(column.decode_unrounded(block), edges)[0] / len(block)


def _draw_bars(pen: ImageDraw.ImageDraw, corner: tuple[int, int], real: Array, fake: Array) -> None:
    """Draw two bars side by side for each share; the tallest has the height of the panel."""
    left, floor = corner[0] + MARGIN, corner[1] + PANEL[1] - MARGIN
    step = (PANEL[0] - 2 * MARGIN) / len(real)
    scale = (PANEL[1] - HEADER - 2 * MARGIN) / max(real.max(), fake.max(), 1e-9)
    for index, pair in enumerate(zip(real, fake, strict=True)):
        for side, (share, colour) in enumerate(zip(pair, (REAL, FAKE), strict=True)):
            start = left + step * (index + 0.45 * side)
            pen.rectangle((start, floor - scale * share, start + 0.45 * step - 1, floor), colour)
    pen.line((left, floor, corner[0] + PANEL[0] - MARGIN, floor), INK)
