"""Writing samples of a model: one file that shows them, a folder of pictures, or arrays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.package.generator import Generator
from ganzoo.plugin.files import write_atomic, write_errors_explained
from ganzoo.samples import grid
from ganzoo.samples.show import CHANNELS, Files, can_show, convert_files, count_shown, pick_first_of_each_kind


def write_samples(
    generator: Generator, out: str | None, name: str, suffix: str | None, num: int | None, label: int | None, seed: int,
    truncation: float | None,
) -> Path:  # fmt: skip
    """Sample a model, write the samples, and return the path of the file or folder.

    Args:
        generator: The generator that is sampled.
        out: The file or folder to write; None for one called `name` in the working directory.
        name: The name of the file or folder where `out` is None, without a suffix.
        suffix: ``.npz`` for arrays, empty for a folder, or another suffix for one file of that format; None for the
            format that suits the samples.
        num: The number of samples; None for the number that is shown together by default.
        label: The class of all samples; None for each class in turn.
        seed: The same seed gives the same samples.
        truncation: As in `Generator.sample`.

    Raises:
        UsageError: These samples cannot be written in that format.
    """
    num = num or count_shown(generator.data, generator.dataset)
    if suffix == ".npz":
        return _write_arrays(generator, Path(out or name + suffix), num, label, seed, truncation)
    if not can_show(generator.data, generator.dataset):
        raise UsageError("this model's samples cannot be shown: write them as arrays with --out samples.npz")
    samples = generator.sample_raw(num, label, seed, truncation)
    if suffix == "" and generator.data.modality == "image" and generator.data.shape[0] in CHANNELS:
        return _write_pictures(Path(out or name), samples)
    classes = generator.data.num_classes
    files = generator.show(samples, columns=grid.choose_columns(classes) if label is None and classes else None)
    return _write_shown(files, out, name, suffix)


def _write_shown(files: Files, out: str | None, name: str, suffix: str | None) -> Path:
    """Write files that show samples: the one of a suffix, by default the first one, or all into a folder."""
    kinds = pick_first_of_each_kind(files)
    suffix = next(iter(kinds)) if suffix is None else suffix
    target = Path(out or name + suffix)
    if not suffix:
        with write_errors_explained(target):
            target.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            write_atomic(target / file, [content])
        return target
    chosen = convert_files(files, suffix)
    if chosen is None:
        others = " or ".join(f"--out samples{kind}" for kind in (*kinds, ".npz"))
        raise UsageError(f"this model's samples cannot be written as {suffix}: write them with {others}")
    write_atomic(target, [chosen])
    return target


def _write_pictures(target: Path, samples: Tensor) -> Path:
    """Write each image as a picture into a folder."""
    with write_errors_explained(target):
        target.mkdir(parents=True, exist_ok=True)
    digits = len(str(len(samples) - 1))
    for index, image in enumerate(grid.to_uint8(samples)):
        write_atomic(target / f"{index:0{max(5, digits)}d}.png", [grid.encode_picture(grid.to_picture(image), ".png")])
    return target


def _write_arrays(
    generator: Generator, target: Path, num: int, label: int | None, seed: int, truncation: float | None
) -> Path:
    """Write samples, and their labels where they have labels, as numpy arrays."""
    arrays: dict[str, Any] = {"samples": generator.sample(num, label, seed, truncation)}
    if (labels := generator.choose_labels(num, label)) is not None:
        arrays["labels"] = labels.numpy()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomic(target, [buffer.getvalue()])
    return target
