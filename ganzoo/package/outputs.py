"""Writing samples of a model: one file that shows them, a folder of pictures, or arrays."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.package.generator import Generator
from ganzoo.package.labels import choose_columns, name_classes, split_labels
from ganzoo.plugin.files import write_atomic, write_errors_explained
from ganzoo.samples import grid
from ganzoo.samples.show import CHANNELS, Files, can_show, convert_files, count_shown, pick_first_of_each_kind

NUMBERED = re.compile(r"\d{5,}(-.+)?\.png")  # a picture in a folder of samples
MOST_NAMED = 3  # labels that the name of a file contains


def write_samples(
    generator: Generator, out: str | None, name: str, suffix: str | None, num: int | None,
    labels: Sequence[str] | None, seed: int, truncation: float | None, notify: Callable[[str], None],
) -> Path:  # fmt: skip
    """Sample a model, write the samples, and return the path of the file or folder.

    Args:
        generator: The generator that is sampled.
        out: The file or folder to write; None for one called `name` in the working directory.
        name: The name of the file or folder where `out` is None, without a suffix. The labels follow it.
        suffix: ``.npz`` for arrays, empty for a folder, or another suffix for one file of that format; None for the
            format that suits the samples.
        num: The number of samples; None for the number that is shown together by default.
        labels: The classes of the samples, by number or name, which take turns; None for all classes.
        seed: The same seed gives the same samples.
        truncation: The truncation of the latents, as `Generator.sample` takes it.
        notify: A function that shows one line to the user, here that the folder contains older samples.

    Raises:
        UsageError: These samples cannot be written in that format, or the model has no such labels.
    """
    num = num or count_shown(generator.data, generator.dataset)
    labels = split_labels(labels, generator.data) if labels else None
    chosen = generator.choose_labels(num, labels)
    if labels is not None and chosen is not None:
        name = "-".join([name, *dict.fromkeys(name_classes(chosen[:MOST_NAMED], generator.data))])
    if suffix == ".npz":
        return _write_arrays(Path(out or name + suffix), generator.sample(num, labels, seed, truncation), chosen)
    if not can_show(generator.data, generator.dataset):
        raise UsageError("this model's samples cannot be shown: write them as arrays with --out samples.npz")
    samples = generator.sample_raw(num, labels, seed, truncation)
    if suffix == "" and generator.data.modality == "image" and generator.data.shape[0] in CHANNELS:
        digits = max(5, len(str(num - 1)))
        ends = [""] * num if chosen is None else [f"-{label}" for label in name_classes(chosen, generator.data)]
        names = [f"{index:0{digits}d}{end}.png" for index, end in enumerate(ends)]
        pictures = (grid.encode_picture(grid.to_picture(image)) for image in grid.to_uint8(samples))
        return _write_folder(Path(out or name), names, pictures, notify)
    files = generator.show(samples, columns=choose_columns(num, labels, generator.data))
    return _write_shown(files, out, name, suffix, notify)


def _write_shown(files: Files, out: str | None, name: str, suffix: str | None, notify: Callable[[str], None]) -> Path:
    """Write files that show samples: the one of a suffix, by default the first one, or all into a folder."""
    kinds = pick_first_of_each_kind(files)
    suffix = next(iter(kinds)) if suffix is None else suffix
    target = Path(out or name + suffix)
    if not suffix:
        return _write_folder(target, list(files), files.values(), notify)
    chosen = convert_files(files, suffix)
    if chosen is None:
        others = " or ".join(f"--out samples{kind}" for kind in (*kinds, ".npz"))
        raise UsageError(f"this model's samples cannot be written as {suffix}: write them with {others}")
    write_atomic(target, [chosen])
    return target


def _write_folder(target: Path, names: Sequence[str], contents: Iterable[bytes], notify: Callable[[str], None]) -> Path:
    """Write files into a folder; say which older samples it contains."""
    with write_errors_explained(target):
        target.mkdir(parents=True, exist_ok=True)
        present = {path.name for path in target.iterdir()}
    for name, content in zip(names, contents, strict=True):
        write_atomic(target / name, [content])
    if older := {name for name in present if NUMBERED.fullmatch(name)} | present.intersection(names):
        left = len(older.difference(names))
        end = f", of which {left:,} {'is' if left == 1 else 'are'} still there: --out NEW/ keeps samples apart"
        notify(f"{target} contained {len(older):,} older samples{end if left else ', which were replaced'}")
    return target


def _write_arrays(target: Path, samples: NDArray[Any], labels: Tensor | None) -> Path:
    """Write samples, and their labels where they have labels, as numpy arrays."""
    arrays: dict[str, Any] = {"samples": samples, **({} if labels is None else {"labels": labels.numpy()})}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomic(target, [buffer.getvalue()])
    return target
