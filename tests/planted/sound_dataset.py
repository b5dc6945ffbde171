"""Three correct datasets: items that are decoded, a table in a file, and an endless source of points."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ganzoo.plugin import DataInfo, Dataset, GanzooError, Item, NotFound, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class ShadeOptions:
    size: int = option(8, help="Height and width in pixels.", low=1)


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    path: str = option(__file__.replace(".py", ".csv"), help="The table.")


def shade_info(options):
    return DataInfo(shape=(1, options.size, options.size), num_classes=2, num_items=100)


@hookimpl
def ganzoo_datasets():
    yield Dataset(
        name="shades", summary="Shades of grey.", factory="sound_dataset:Shades", options=ShadeOptions, info=shade_info
    )
    yield Dataset(
        name="table",
        summary="A table of numbers.",
        factory="sound_dataset:Table",
        options=TableOptions,
        path_option="path",
        show="sound_dataset:show_rows",
    )
    yield Dataset(
        name="square",
        summary="Points in a square.",
        factory="sound_dataset:Square",
        info=DataInfo(shape=(2,), num_classes=2, modality="points"),
        show="sound_dataset:show_square",
    )


class Shades:
    def __init__(self, options):
        self.info = shade_info(options)
        self.size = options.size

    def items(self):
        return [
            Item(name=f"shade {number}", load=partial(shade, number, self.size), label=number % 2)
            for number in range(100)
        ]


def shade(number, size):
    import numpy as np

    return np.full((1, size, size), 2 * number, dtype=np.uint8)


class Table:
    def __init__(self, options):
        import numpy as np

        if not Path(options.path).is_file():
            raise NotFound(f"dataset.path: there is no file {options.path!r}: name a table of numbers")
        rows = [line.split(",") for line in Path(options.path).read_text().split()]
        if not rows:
            raise GanzooError(f"dataset.path: {options.path!r} holds no rows: name a table of numbers")
        self.data = np.array(rows, dtype=np.float32)
        self.info = DataInfo(shape=self.data.shape[1:], num_items=len(rows), modality="tabular")


def show_rows(samples, info):
    return {"rows.csv": "\n".join(",".join(f"{number:.3f}" for number in row) for row in samples).encode()}


class Square:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), num_classes=2, modality="points")

    def sample(self, generator, n):
        import torch

        points = torch.rand(n, 2, generator=generator) * 2 - 1
        return points, (points[:, 0] > 0).long()


def show_square(samples, info):
    import io

    import numpy as np
    from PIL import Image

    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    columns, rows = np.clip(samples * 15.5 + 15.5, 0, 31).astype(int).T
    picture[rows, columns] = 255
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return {"square.png": buffer.getvalue()}
