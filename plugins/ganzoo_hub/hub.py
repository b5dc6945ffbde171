"""Datasets of the Hub as ganzoo's: downloaded and packed, or streamed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import datasets
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.plugin import DataInfo, GanzooError, Item, UsageError, read_image
from ganzoo_hub import HubOptions, hub_shape
from ganzoo_hub.revisions import explain_error, settle

BUFFER = 1024  # decoded images of a stream, of which batches are drawn
BATCH, NUM_OPEN = 32, 4  # rows that are read at once, and shards that are read in turns
NAMES = ("label", "labels", "class", "category")  # of columns of classes that have another type


def open_hub(options: HubOptions) -> HubImages | HubStream:
    """Open a dataset of the Hub, or a folder that is like one.

    Raises:
        UsageError: The name, subset, split or a column is missing or wrong.
        NotFound: There is no such dataset.
        Unreachable: The Hub does not answer, and the data are not in the cache.
    """
    options = settle(options)
    return HubStream(options) if options.streaming else HubImages(options)


class HubImages:
    """The images of a split, which `datasets` downloads into its cache.

    Args:
        options: The repository with its commit, split, columns and size.
    """

    def __init__(self, options: HubOptions) -> None:
        rows = _load(options)
        image, label = _choose_columns(options, rows.features)
        self._rows = rows.cast_column(image, datasets.Image(decode=False))
        self._image = image
        self._read = partial(_read, options)
        self._labels, classes = _number_labels(rows, label)
        self.info = _describe(options, classes, len(rows))

    def items(self) -> list[Item]:
        """Return an item for each row."""
        stamp = self._rows._fingerprint
        return [
            Item(
                name=f"row {number}",
                load=partial(self._load, number),
                label=self._labels[number] if self._labels else None,
                stamp=f"{stamp} {number}",
            )
            for number in range(len(self._rows))
        ]

    def _load(self, number: int) -> NDArray[np.uint8]:
        return self._read(self._rows[number][self._image], f"row {number}")


class HubStream:
    """The images of a split, read from the Hub in the order of its shards and mixed in a buffer, without end.

    A stream cannot be wound back: a run that is resumed gets its images in another order than one that was not
    interrupted. Each process of a run reads the whole stream.

    Args:
        options: The repository with its commit, split, columns and size.
    """

    def __init__(self, options: HubOptions) -> None:
        self._options = options
        rows = _load(options, streaming=True)
        features = rows.features or rows._resolve_features().features
        self._image, self._label = _choose_columns(options, features)
        if self._label and not isinstance(features[self._label], datasets.ClassLabel):
            raise UsageError(
                f"dataset.label={self._label}: its classes are not known before the whole of {options.repo} was read: "
                "add dataset.streaming=false, or dataset.label=none"
            )
        self._rows = rows.cast_column(self._image, datasets.Image(decode=False))
        self._read = partial(_read, options)
        self._stream: Iterator[tuple[NDArray[np.uint8], int]] | None = None
        self._buffer: list[tuple[NDArray[np.uint8], int]] = []
        self.info = _describe(options, features[self._label].names if self._label else [], None)

    def notes(self) -> list[str]:
        """Return a line about what streaming loses."""
        return [
            "images are streamed: if the run is resumed, it sees them in another order than without the interruption, "
            "so its weights differ; dataset.streaming=false makes it exact"
        ]

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, Tensor | None]:
        """Return images ``[n, C, size, size]`` and their classes ``[n]`` or None, drawn from the buffer."""
        if self._stream is None:
            self._stream = self._read_stream(int(torch.randint(1 << 30, (), generator=generator)))
        drawn = []
        for _ in range(n):
            while len(self._buffer) < BUFFER and (following := next(self._stream, None)) is not None:
                self._buffer.append(following)
            at = int(torch.randint(len(self._buffer), (), generator=generator))
            drawn.append(self._buffer[at])
            self._buffer[at] = self._buffer[-1]
            self._buffer.pop()
        images = torch.from_numpy(np.stack([image for image, _ in drawn]))
        return images, torch.tensor([label for _, label in drawn]) if self._label else None

    def _read_stream(self, seed: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """Yield decoded images and their classes without end; rows that cannot be decoded are skipped."""
        draw = Random(seed)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            while True:
                found = 0
                for batch in self._read_batches(draw):
                    images = pool.map(self._try, batch[self._image])
                    labels = batch[self._label] if self._label else [0] * len(batch[self._image])
                    for image, label in zip(images, labels, strict=True):
                        if image is not None and label is not None and label >= 0:
                            found += 1
                            yield image, label
                if not found:
                    raise GanzooError("none of the images of the stream could be read: check dataset.image")

    def _read_batches(self, draw: Random) -> Iterator[Any]:
        """Yield batches of rows of all shards, in a random order of the shards, of which a few are read in turns."""
        count = self._rows.num_shards
        waiting = [self._rows.shard(count, index) for index in draw.sample(range(count), count)]
        read: list[Iterator[Any]] = []
        while read or waiting:
            while waiting and len(read) < NUM_OPEN:
                read.append(iter(waiting.pop().iter(BATCH)))
            shard = read.pop(0)
            try:
                batch = next(shard, None)
            except Exception as error:  # the library has many errors
                raise explain_error(self._options, error) from error
            if batch is not None:
                read.append(shard)
                yield batch

    def _try(self, value: Any) -> NDArray[np.uint8] | None:
        try:
            return self._read(value, "")
        except Exception:  # Pillow has many errors; a broken image costs nothing but itself
            return None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the open stream, for another process."""
        return {**self.__dict__, "_stream": None, "_buffer": []}


# ----------------------------------------------------------------------------
# Opening and decoding.


def _load(options: HubOptions, streaming: bool = False) -> Any:
    """Return the rows of the split."""
    _hide_progress()
    try:
        return datasets.load_dataset(
            options.repo,
            options.config or None,
            split=options.split,
            revision=options.revision or None,
            streaming=streaming,
        )
    except Exception as error:  # the library has many errors
        raise explain_error(options, error) from error


def _hide_progress() -> None:
    """Turn the library's progress bars off where no person sees them."""
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()


def _choose_columns(options: HubOptions, features: Any) -> tuple[str, str]:
    """Return the names of the columns of images and of classes; the latter is empty if there are no labels."""
    images = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    classes = [name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    classes += [name for name in NAMES if name in features and name not in classes]
    for key, columns, suitable in (("image", images, images), ("label", list(features), classes)):
        asked = getattr(options, key)
        if asked and asked not in columns and not (key == "label" and asked == "none"):
            raise UsageError(
                f"dataset.{key}={asked}: {options.repo} has no such column{' of images' if key == 'image' else ''}: "
                f"name one of {', '.join(suitable) or 'another dataset'}"
            )
    if not images:
        raise UsageError(
            f"{options.repo} has no column of images (it has {', '.join(features)}): choose another dataset"
        )
    label = "" if options.label == "none" else options.label or (classes[0] if classes else "")
    return options.image or images[0], label


def _number_labels(rows: Any, label: str) -> tuple[list[int], list[str]]:
    """Return the class of each row and the names of the classes; both are empty if there are no labels."""
    if not label:
        return [], []
    values, feature = list(rows[label]), rows.features[label]
    if isinstance(feature, datasets.ClassLabel):
        if not all(isinstance(value, int) and value >= 0 for value in values):
            raise UsageError(f"dataset.label={label}: some rows of this split have no class: add dataset.label=none")
        return values, list(feature.names)
    if not all(isinstance(value, (int, str)) for value in values):
        raise UsageError(f"dataset.label={label}: it has neither whole numbers nor texts: name another column")
    names = sorted(set(values))
    numbers = {name: number for number, name in enumerate(names)}
    return [numbers[value] for value in values], [str(name) for name in names]


def _describe(options: HubOptions, classes: list[str], count: int | None) -> DataInfo:
    meta = {"classes": classes} if classes else {}
    return DataInfo(shape=hub_shape(options), num_classes=len(classes), num_items=count, meta=meta)


def _read(options: HubOptions, value: Any, seed: str) -> NDArray[np.uint8]:
    """Return an image of a row, which has bytes or a path."""
    if value is None:
        raise ValueError("the row has no image")
    content = value["bytes"]
    if content is None and os.path.exists(value["path"]):
        content = Path(value["path"]).read_bytes()
    if content is None:  # a file on the Hub, which only the library can open
        buffer = io.BytesIO()
        datasets.Image().decode_example(value).save(buffer, "PNG")
        content = buffer.getvalue()
    return read_image(content, options.channels, (options.size, options.size), options.crop, seed)


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write twelve pictures of two classes to a Parquet file, and return the options that open it."""
    rows, columns = np.mgrid[0:20, 0:20]
    images = [Image.fromarray(((rows * number + 9 * columns) % 256).astype(np.uint8)) for number in range(12)]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["even", "odd"])})
    table = datasets.Dataset.from_dict({"image": images, "label": [number % 2 for number in range(12)]}, features)
    (folder / "data").mkdir()
    _hide_progress()
    table.to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    return {"repo": str(folder), "size": 16}
