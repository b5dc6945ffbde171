"""Applying a model whose labels are arrays to files: translate, upscale, vocode."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.package.generator import Generator
from ganzoo.package.tiling import check_tile
from ganzoo.plugin import IMAGE_SUFFIXES, read_image
from ganzoo.plugin.files import write_atomic, write_errors_explained
from ganzoo.runs.display import PICTURES
from ganzoo.samples import grid
from ganzoo.samples.show import CHANNELS, can_show, convert_files

ARRAYS = (".npy", ".npz")

Array = NDArray[Any]


class Unreadable(GanzooError):
    """The reader of a file failed with an error of its own: the file is damaged, or of another kind."""


def apply(
    generator: Generator, source: Path, target: Path, folder: bool, seed: int, resize: bool,
    notify: Callable[[str], None], tile: int | None = None,
) -> list[Path]:  # fmt: skip
    """Apply a model to a file, or to each file of a folder; return the paths of the results.

    Args:
        generator: A generator whose labels are arrays.
        source: An image, a file that the dataset reads, an array (``.npy``, ``.npz``), or a folder of such files.
        target: The file to write, whose suffix gives its format, or a folder. Where `source` is a folder, a folder.
        folder: Whether `target` is a folder; it is created where it is missing.
        seed: The seed of the latents.
        resize: Whether images of a size that the model does not take are stretched to the nearest size that it takes.
        notify: A function that shows one line to the user, here for each file of a folder that was skipped.
        tile: The side of the squares in which larger images are translated; None for whole images.

    Raises:
        NotFound: The target's folder does not exist, or no file of a folder is an input.
        UsageError: The model does not take these inputs or this size, the target's suffix is unknown, or the target is
            an input.
        GanzooError: Some or all files of a folder could not be read. The results of the others are written.
    """
    if not generator.data.label_shape:
        raise UsageError("this model takes no inputs: sample it with `ganzoo sample`")
    if tile is not None:
        check_tile(tile, generator.data.label_shape, generator.data.label_shape, generator.input_multiple)
    if source.is_dir():
        if target.suffix and not folder:
            raise UsageError(f"{source} is a folder, so {target} must be a folder too: end it in /")
        return _apply_to_folder(generator, source, target, seed, resize, notify, tile)
    if folder:
        with write_errors_explained(target):
            target.mkdir(parents=True, exist_ok=True)
        target = target / (source.stem + _choose_suffix(generator))
    _check_target(source, target)
    _check_suffix(generator, target)
    try:
        _apply_one(generator, source, target, seed, resize, tile)
    except GanzooError as error:
        error.args = (_name_file(source, error),)
        raise
    return [target]


def _apply_to_folder(
    generator: Generator,
    source: Path,
    target: Path,
    seed: int,
    resize: bool,
    notify: Callable[[str], None],
    tile: int | None,
) -> list[Path]:
    """Apply a model to each input in a folder, and write the results into another folder."""
    files = [file for file in sorted(source.iterdir()) if _is_input(generator, file)]
    if not files:
        raise NotFound(f"{source} contains no inputs of this model: it takes {_describe_inputs(generator)}")
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target} contains the inputs, which the results would overwrite: name another folder")
    with write_errors_explained(target):
        target.mkdir(parents=True, exist_ok=True)
    alike = len({file.stem.lower() for file in files}) < len(
        files
    )  # then results keep the suffix of their inputs before their own
    results, failed = dict[Path, Path](), dict[Path, GanzooError]()
    for file in files:
        result = target / ((file.name if alike else file.stem) + _choose_suffix(generator))
        try:
            _check_target(file, result)
            _apply_one(generator, file, result, seed, resize, tile)
            results[file] = result
        except GanzooError as error:
            failed[file] = error
            notify(f"skipped: {_name_file(file, error)}")
    taken = {file.suffix.lower() for file in results}
    inputs = [file for file, error in failed.items() if not results or _was_input(generator, file, error, taken)]
    if inputs:
        num = len(results) + len(inputs)
        raise GanzooError(
            f"{len(inputs)} of {num} files of {source} could not be read; the results of the others are in {target}"
        )
    return list(results.values())


def _was_input(generator: Generator, file: Path, error: GanzooError, taken: set[str]) -> bool:
    """Whether a file that could not be read was an input, and not another file beside the inputs.

    A dataset does not list the suffixes that it reads. Where it failed at a file, and read no other file of that
    suffix, the file does not count as an input.
    """
    dataset = generator.dataset
    reads = dataset is not None and bool(dataset.read)
    return not (reads and isinstance(error, Unreadable) and file.suffix.lower() not in taken)


def _check_target(source: Path, target: Path) -> None:
    """Raise GanzooError where a result cannot be written to a file; checked before the result is computed."""
    if not target.parent.is_dir():
        raise NotFound(f"{target}: the folder {target.parent} does not exist: create it first")
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target} is the input, which its result would overwrite: name another file")


def _check_suffix(generator: Generator, target: Path) -> None:
    """Raise UsageError where the model's samples cannot be written with a suffix; tried on a sample of zeros."""
    suffix = target.suffix.lower()
    if not suffix:
        raise UsageError(f"{target}: end it in {_choose_suffix(generator)}, or in / for a folder")
    if suffix not in ARRAYS:
        _encode_sample(generator, torch.zeros(1, *generator.data.shape), suffix)


def _apply_one(generator: Generator, source: Path, target: Path, seed: int, resize: bool, tile: int | None) -> None:
    """Apply the model to one file, and write the result."""
    inputs = read_inputs(generator, source, resize)
    write_atomic(target, [_encode_result(generator, inputs, target.suffix.lower(), seed, tile)])


def _name_file(file: Path, error: GanzooError) -> str:
    """Return an error's text, which begins with the name of the file."""
    text = str(error)
    return text if text.startswith(str(file)) else f"{file}: {text}"


# ----------------------------------------------------------------------------
# Reading.


def read_inputs(generator: Generator, path: Path, resize: bool = False) -> Array:
    """Return the inputs in a file, ``[n, ...]`` as `Generator.apply` takes them.

    Raises:
        UsageError: The model does not take files of this kind.
        Unreadable: The file is damaged, or the dataset does not read it.
    """
    dataset, suffix = generator.dataset, path.suffix.lower()
    try:
        if suffix in ARRAYS:
            return _read_array(path, len(generator.data.label_shape))
        if dataset is not None and dataset.read:
            module, _, name = dataset.read.partition(":")
            return np.asarray(getattr(importlib.import_module(module), name)(str(path), generator.data))[None]
        if generator.data.labels_are_images and suffix in IMAGE_SUFFIXES:
            return _read_picture(generator, path, resize)
    except GanzooError:
        raise
    except Exception as error:
        raise Unreadable(f"it cannot be read: {' '.join(str(error).split()) or type(error).__name__}") from error
    raise UsageError(f"this model takes {_describe_inputs(generator)}")


def _read_array(path: Path, sides: int) -> Array:
    """Return the array of a file, or its first array, with the dimension N in front."""
    with path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)
        array: Array = loaded[loaded.files[0]] if path.suffix.lower() == ".npz" else loaded
    return array if array.ndim > sides else array[None]


def _read_picture(generator: Generator, path: Path, resize: bool) -> Array:
    """Return an image as uint8 ``[1, H, W, C]``, with the number of channels that the model takes."""
    pixels = read_image(path, 1 if generator.data.label_shape[0] == 1 else 3)
    image = pixels.transpose(1, 2, 0)
    if resize:
        _, height, width = generator.find_nearest_shape(pixels.shape)
        stretched = grid.to_picture(image).resize((width, height), Image.Resampling.LANCZOS)
        image = np.asarray(stretched).reshape(height, width, -1)
    return image[None]


def _is_input(generator: Generator, path: Path) -> bool:
    """Whether a file of a folder may be an input of the model."""
    if path.name.startswith(".") or not path.is_file():
        return False
    suffix = path.suffix.lower()
    reads = generator.dataset is not None and bool(generator.dataset.read)
    return reads or suffix in ARRAYS or (generator.data.labels_are_images and suffix in IMAGE_SUFFIXES)


def _describe_inputs(generator: Generator) -> str:
    """Return a text that names the files that the model takes."""
    if generator.dataset is not None and generator.dataset.read:
        return f"files that dataset {generator.dataset.name!r} reads, and arrays (.npy, .npz)"
    return "images and arrays (.npy, .npz)" if generator.data.labels_are_images else "arrays (.npy, .npz)"


# ----------------------------------------------------------------------------
# Writing.


def _encode_result(generator: Generator, inputs: Array, suffix: str, seed: int, tile: int | None) -> bytes:
    """Apply the model to inputs, and return the results as the content of a file with that suffix."""
    if suffix in ARRAYS:
        samples, buffer = generator.apply(inputs, seed, tile), io.BytesIO()
        if suffix == ".npy":
            np.save(buffer, samples)
        else:
            np.savez_compressed(buffer, samples=samples)
        return buffer.getvalue()
    if len(inputs) > 1:
        raise UsageError(f"it contains {len(inputs)} inputs: write the results to an .npz file")
    return _encode_sample(generator, generator.translate(inputs, seed, tile), suffix)


def _encode_sample(generator: Generator, samples: Tensor, suffix: str) -> bytes:
    """Return one sample ``[1, ...]`` as the content of a file with that suffix.

    Raises:
        UsageError: The sample cannot be written in that format.
    """
    data, dataset = generator.data, generator.dataset
    if _makes_pictures(generator) and suffix in PICTURES:
        return grid.encode_picture(grid.to_picture(grid.to_uint8(samples)[0]), suffix)
    content = convert_files(generator.show(samples), suffix) if can_show(data, dataset) else None
    if content is None:
        raise UsageError(
            f"this model's samples cannot be written as {suffix!r}: end the name in {_choose_suffix(generator)}"
        )
    return content


def _choose_suffix(generator: Generator) -> str:
    """Return the suffix that results get where the user names none."""
    if _makes_pictures(generator):
        return ".png"
    return ".wav" if generator.data.modality == "audio" and can_show(generator.data, generator.dataset) else ".npy"


def _makes_pictures(generator: Generator) -> bool:
    return generator.data.modality == "image" and generator.data.shape[0] in CHANNELS
