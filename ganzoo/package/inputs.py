"""What goes into a model whose labels are arrays, from files and back to files: translate, upscale, vocode."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.package.generator import Generator
from ganzoo.plugin.files import explained, write_atomic
from ganzoo.samples import grid
from ganzoo.samples.show import PICTURES, as_suffix, can_show

ARRAYS = (".npy", ".npz")
READ = (*PICTURES, ".bmp", ".gif", ".tif", ".tiff", ".avif")  # by Pillow, where labels are images

Array = NDArray[Any]


def apply(
    generator: Generator, source: Path, target: Path, seed: int, resize: bool, notify: Callable[[str], None]
) -> list[Path]:
    """Write what a model makes of a file, or of each file of a folder; return where.

    Args:
        generator: Its labels are arrays.
        source: An image, whatever the dataset reads, an array (``.npy``, ``.npz``), or a folder of them.
        target: A file, whose suffix says what is written; for a folder a folder.
        seed: Of the latents.
        resize: Stretch images that the model does not take to the nearest size that it takes.
        notify: Gets a line for each file of a folder that could not be taken.

    Raises:
        NotFound: There is no such file or folder.
        UsageError: The model takes no such inputs, an input of another size, or a suffix that says nothing.
        GanzooError: None, or not all, of the files of a folder could be taken; what could is written.
    """
    if not generator.data.label_shape:
        raise UsageError("this model takes no inputs: it is sampled, see `ganzoo sample`")
    if not source.exists():
        raise NotFound(f"there is no file or folder {source}: name what the model shall be applied to")
    if source.is_file():
        return [_apply_one(generator, source, target, seed, resize)]
    if target.suffix and not target.is_dir():
        raise UsageError(f"{source} is a folder, so {target} must be one: end it in /")
    suffix, files = _suffix(generator), [file for file in sorted(source.iterdir()) if _is_input(generator, file)]
    if not files:
        raise NotFound(f"{source} holds nothing that this model takes: it takes {_takes(generator)}")
    with explained(target):
        target.mkdir(parents=True, exist_ok=True)
    made, failed = [], 0
    for file in files:
        try:
            made.append(_apply_one(generator, file, target / (file.stem + suffix), seed, resize))
        except GanzooError as error:
            failed += 1
            notify(f"{file.name} is left out: {error}")
    if failed:
        raise GanzooError(f"{failed} of {len(files)} files of {source} could not be taken; the others are in {target}")
    return made


def _apply_one(generator: Generator, source: Path, target: Path, seed: int, resize: bool) -> Path:
    """Write what the model makes of one file."""
    if target.is_dir():
        target = target / (source.stem + _suffix(generator))
    if not target.parent.is_dir():
        raise NotFound(f"{target}: there is no folder {target.parent}: make it first")
    inputs = read(generator, source, resize)
    try:
        content = _encoded(generator, inputs, target.suffix.lower(), seed)
    except UsageError as error:
        raise UsageError(f"{source.name}: {error}") from error
    write_atomic(target, [content])
    return target


# ----------------------------------------------------------------------------
# Reading.


def read(generator: Generator, path: Path, resize: bool = False) -> Array:
    """Return the inputs in a file, ``[n, ...]`` as `Generator.apply` takes them.

    Raises:
        UsageError: The file is of no kind that the model takes.
        GanzooError: It is damaged.
    """
    dataset, suffix = generator.dataset, path.suffix.lower()
    try:
        if suffix in ARRAYS:
            return _array(path, len(generator.data.label_shape))
        if dataset is not None and dataset.read:
            module, _, name = dataset.read.partition(":")
            return np.asarray(getattr(importlib.import_module(module), name)(str(path), generator.data))[None]
        if generator.data.labels_are_images and suffix in READ:
            return _picture(generator, path, resize)
    except GanzooError:
        raise
    except Exception as error:
        raise GanzooError(f"{path} cannot be read: {' '.join(str(error).split()) or type(error).__name__}") from error
    raise UsageError(f"{path}: this model takes {_takes(generator)}")


def _array(path: Path, sides: int) -> Array:
    """Return the array of a file, or the first of several, with a leading N."""
    with path.open("rb") as file:
        held = np.load(file, allow_pickle=False)
        array: Array = held[held.files[0]] if path.suffix.lower() == ".npz" else held
    return array if array.ndim > sides else array[None]


def _picture(generator: Generator, path: Path, resize: bool) -> Array:
    """Return an image, upright and on white, as uint8 ``[1, H, W, C]`` of the channels that the model takes."""
    channels = generator.data.label_shape[0]
    with Image.open(path) as opened:
        image: Image.Image = ImageOps.exif_transpose(opened)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if channels == 1 else "RGB")
    if resize:
        _, height, width = generator.nearest((channels, image.height, image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(1, image.height, image.width, -1)


def _is_input(generator: Generator, path: Path) -> bool:
    """Whether a file of a folder is meant."""
    if path.name.startswith(".") or not path.is_file():
        return False
    suffix = path.suffix.lower()
    reads = generator.dataset is not None and bool(generator.dataset.read)
    return reads or suffix in ARRAYS or (generator.data.labels_are_images and suffix in READ)


def _takes(generator: Generator) -> str:
    """Return in words what files the model takes."""
    if generator.dataset is not None and generator.dataset.read:
        return f"what dataset {generator.dataset.name!r} reads, and arrays (.npy, .npz)"
    return "images and arrays (.npy, .npz)" if generator.data.labels_are_images else "arrays (.npy, .npz)"


# ----------------------------------------------------------------------------
# Writing.


def _encoded(generator: Generator, inputs: Array, suffix: str, seed: int) -> bytes:
    """Return what the model makes of inputs as a file of that suffix."""
    if suffix in ARRAYS:
        made, buffer = generator.apply(inputs, seed), io.BytesIO()
        if suffix == ".npy":
            np.save(buffer, made)
        else:
            np.savez_compressed(buffer, samples=made)
        return buffer.getvalue()
    if len(inputs) > 1:
        raise UsageError(f"it holds {len(inputs)} inputs: write them to .npz")
    samples = generator.translate(inputs, seed)
    if generator.data.modality == "image" and suffix in PICTURES and samples.shape[1] in (1, 3, 4):
        return grid.encode(grid.picture(grid.to_uint8(samples)[0]), suffix)
    content = as_suffix(generator.show(samples), suffix) if can_show(generator.data, generator.dataset) else None
    if content is None:
        raise UsageError(f"nothing makes a file in {suffix!r} of this model's samples: end it in {_suffix(generator)}")
    return content


def _suffix(generator: Generator) -> str:
    """Return what samples are written as where nobody says."""
    data = generator.data
    if data.modality == "image" and data.shape[0] in (1, 3, 4):
        return ".png"
    return ".wav" if data.modality == "audio" and can_show(data, generator.dataset) else ".npy"
