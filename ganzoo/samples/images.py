"""Samples that show themselves in a notebook: PIL images, and the files that show other samples."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image

from ganzoo.runs.display import make_html
from ganzoo.samples import grid


class Images(list[Image.Image]):
    """A list of PIL images of one size. A notebook shows them as a grid.

    Args:
        images: The PIL images that the list contains.
        columns: The number of columns of the grid; by default about the number of rows.
    """

    def __init__(self, images: Iterable[Image.Image], columns: int | None = None) -> None:
        super().__init__(images)
        self.columns = columns

    def make_grid(self) -> Image.Image:
        """Return all images in one picture, as `ganzoo sample` writes it."""
        pixels = np.stack([np.asarray(image) for image in self])
        return grid.tile(pixels if pixels.ndim == 4 else pixels[..., None], self.columns)

    def __repr__(self) -> str:
        width, height = self[0].size if self else (0, 0)
        return f"<{len(self)} {'image' if len(self) == 1 else 'images'} of {width}x{height} pixels>"

    def _repr_png_(self) -> bytes | None:
        return grid.encode_picture(self.make_grid()) if self else None


class SampleFiles(dict[str, bytes]):
    """The contents of files that show samples, by file name; the first file is the most important one.

    A notebook shows the files: pictures, text and sounds.
    """

    def __repr__(self) -> str:
        return f"<{', '.join(f'{name} ({len(content):,} bytes)' for name, content in self.items()) or 'no files'}>"

    def _repr_html_(self) -> str:
        return make_html(files=self)
