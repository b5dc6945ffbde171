"""`pairs`: images whose labels are images, for translation (docs/pairs.md)."""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path, PurePath
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.plugin import DataInfo, Item, NotFound, UsageError, read_image
from ganzoo_datasets.archives import SourceFile
from ganzoo_datasets.listing import list_files
from ganzoo_datasets.pictures import is_image
from ganzoo_datasets.specs.pairs import PairsOptions, pairs_shape

NUM_NAMED = 2  # a note names at most this many files
FOLDERS = (("A", "B"), ("trainA", "trainB"), ("inputs", "targets"))  # of inputs and generated images


class Pair(NamedTuple):
    """The file of a generated image, and that of its input."""

    target: SourceFile
    input: SourceFile


class Pairs:
    """Images with an input each: the image is the sample, the input its label.

    Aligned images belong together if they have the same path without suffix; images without a partner are left out,
    which is said once.
    Images that are not aligned are paired at random, once: every image of both folders occurs, those of the smaller
    one several times. A random crop is at the same relative place in both.

    Args:
        options: The two folders, and how their images belong together.

    Raises:
        NotFound: A folder is missing or has no images, or no two images belong together.
        UsageError: No path is given, or two ways to give the inputs.
    """

    def __init__(self, options: PairsOptions) -> None:
        if not options.path:
            raise UsageError("dataset 'pairs' needs a folder with the folders A and B: add dataset.path=FOLDER")
        if options.halves != "none" and options.inputs:
            raise UsageError("dataset.inputs and dataset.halves are two ways to give the inputs: remove one of them")
        self.strict, self._options = options.strict, options
        self._pairs, self._alone = _list_pairs(options)
        side = options.input_size or options.size
        self.info = DataInfo(
            shape=pairs_shape(options),
            num_items=len(self._pairs),
            label_shape=(options.input_channels, side, side),
            label_dtype="uint8",
        )

    def items(self) -> list[Item]:
        """Return one item for each pair."""
        return [
            Item(
                name=pair.target.name.as_posix(),
                load=partial(self._read, pair.target, self.info.shape, pair.target.name.as_posix(), False),
                target=partial(self._read, pair.input, self.info.label_shape, pair.target.name.as_posix(), True),
                stamp=f"{pair.target.stamp} {pair.input.name.as_posix()} {pair.input.stamp}",
            )
            for pair in self._pairs
        ]

    def notes(self) -> list[str]:
        """Return a line about the images without a partner; nothing if there is none."""
        if not self._alone:
            return []
        names = ", ".join(self._alone[:NUM_NAMED])
        more = f" and {len(self._alone) - NUM_NAMED} more" if len(self._alone) > NUM_NAMED else ""
        return [f"{len(self._alone)} images are left out, because no other has their name: {names}{more}"]

    def _read(self, file: SourceFile, shape: tuple[int, ...], seed: str, is_input: bool) -> NDArray[np.uint8]:
        content, halves = file.read(), self._options.halves
        if halves != "none":
            content = _cut_half(content, (halves == "left") == is_input)
        return read_image(content, shape[0], (shape[2], shape[1]), self._options.crop, seed)


def _list_pairs(options: PairsOptions) -> tuple[list[Pair], list[str]]:
    """Return the files that belong together, and the names of those without a partner."""
    if options.halves != "none":
        return [Pair(file, file) for file in _list_images(options.path)], []
    path, inputs = os.path.expanduser(options.path), os.path.expanduser(options.inputs)
    if not inputs:
        found = next((pair for pair in FOLDERS if all(os.path.isdir(os.path.join(path, name)) for name in pair)), None)
        if found is None:
            raise NotFound(
                f"dataset.path: {path!r} has no folders A (inputs) and B (images to generate): make them, set "
                "dataset.inputs=FOLDER, or dataset.halves=left if both stand side by side in each image"
            )
        path, inputs = os.path.join(path, found[1]), os.path.join(path, found[0])
    targets, sources = _list_images(path), _list_images(inputs)
    return _align(targets, sources, inputs) if options.aligned else (_mix(targets, sources), [])


def _list_images(path: str) -> list[SourceFile]:
    return list_files(path, is_image, "images", ".jpg, .png or other image files")


def _align(targets: list[SourceFile], sources: list[SourceFile], inputs: str) -> tuple[list[Pair], list[str]]:
    """Return the pairs of files with the same path without suffix, and the names of the other files."""
    by_name = {_remove_suffix(file.name): file for file in sources}
    pairs = [Pair(file, by_name[name]) for file in targets if (name := _remove_suffix(file.name)) in by_name]
    if not pairs:
        raise NotFound(
            f"no image in {inputs!r} has the name of an image to generate ({targets[0].name.as_posix()} ...): name "
            "them alike, or add dataset.aligned=false"
        )
    paired = {id(file) for pair in pairs for file in pair}
    return pairs, [file.name.as_posix() for file in (*targets, *sources) if id(file) not in paired]


def _mix(targets: list[SourceFile], sources: list[SourceFile]) -> list[Pair]:
    """Return pairs at random, in which every file occurs."""
    count = max(len(targets), len(sources))
    order = [sources[number % len(sources)] for number in range(count)]
    Random(0).shuffle(order)
    return [Pair(targets[number % len(targets)], order[number]) for number in range(count)]


def _remove_suffix(name: PurePath) -> str:
    return name.with_suffix("").as_posix()


def _cut_half(content: bytes, left: bool) -> bytes:
    """Return the left or the right half of an image, upright and of 8 bits, as an uncompressed file."""
    pixels = read_image(content)  # the range of 16 bits is that of both halves
    middle = pixels.shape[2] // 2
    half = pixels[:, :, :middle] if left else pixels[:, :, pixels.shape[2] - middle :]
    buffer = io.BytesIO()
    Image.fromarray(half.transpose(1, 2, 0)).save(buffer, "BMP")
    return buffer.getvalue()


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write eight pairs of images to two folders, and return the options that open them."""
    rows, columns = np.mgrid[0:20, 0:20]
    for number in range(8):
        pixels = ((rows * number + 9 * columns) % 256).astype(np.uint8)
        for name, image in (("A", Image.fromarray(255 - pixels)), ("B", Image.fromarray(pixels))):
            (folder / name).mkdir(exist_ok=True)
            image.save(folder / name / f"{number}.png")
    return {"path": str(folder), "size": 16}
