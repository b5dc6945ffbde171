"""``ganzoo sample``."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import common_options, complete_runs, note, offline_option
from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin.files import explained, write_atomic
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.where import repository

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.package.generator import Generator

SUFFIX = re.compile(r"(\.(png|jpe?g|webp|txt|csv|tsv|wav|npz))?")


@click.command("sample", short_help="Sample a trained generator.")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.option("-n", "--num", metavar="N", type=int, help="How many; by default 64 images or texts, 2500 points.")
@click.option("--seed", metavar="N", default=0, show_default=True, help="The same seed gives the same samples.")
@click.option(
    "--label", metavar="N", type=int, help="Class of the samples, counted from 0; by default every class in turn."
)
@click.option(
    "--truncation", metavar="X", type=float, help="Pull the latents towards their mean, where the architecture can."
)
@click.option(
    "--out",
    type=click.Path(),
    help="Where to; its ending says as what. By default RUN-seedN.png, .txt or .wav, here.",
)
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@offline_option
@common_options
def command(
    what: str, num: int | None, seed: int, label: int | None, truncation: float | None, out: str | None, device: str,
    offline: bool,
) -> None:  # fmt: skip
    """Sample the generator of RUN: a run's path, name or number, a model package's directory, or a model on the Hub
    (USER/NAME, or USER/NAME@REVISION).

    \b
    ganzoo sample 3                              a grid of 64 in one picture
    ganzoo sample 3 -n 1000 --out pictures/      a folder of single pictures
    ganzoo sample 3 -n 1000 --out samples.npz    numpy arrays: samples, and labels
    ganzoo sample 3 -n 1000 --out samples.txt    text, where the samples are text or the rows of a table (.csv)
    ganzoo sample 3 -n 1 --out sound.wav         a sound
    ganzoo sample USER/NAME -n 64                of a model on the Hub
    ganzoo sample ganzoo:digits -n 64            of a model that comes along (`ganzoo list models`)

    Prints the path of what it wrote.
    """
    suffix = None if out is None else _form(out)
    if num is not None and num < 1:
        raise UsageError(f"-n {num}: ask for at least one sample")
    from ganzoo import models

    package = models.package_of(what, offline=offline, notify=note)
    generator = models.load(package, device)
    name = _name(what, package)
    with heavy_imports():
        from ganzoo.samples import show

    num = num or show.count(generator.data, generator.dataset)
    _check_form(generator, suffix)
    if suffix == ".npz":
        target = Path(out or "")
        _write_arrays(generator, target, num, label, seed, truncation)
    else:
        columns = _columns(generator, label)
        samples = generator.raw(num, label, seed, truncation)
        if suffix == "" and generator.data.modality == "image":
            target = Path(out or "")
            _write_folder(target, samples)
        else:
            target = _write_shown(generator.show(samples, columns=columns), out, suffix, f"{name}-seed{seed}")
    click.echo(target)


def _name(what: str, package: Path) -> str:
    """Return what to call the samples of a model."""
    if (repo := repository(what)) is not None:
        return repo.id.partition("/")[2]
    return package.parent.name if package.name == "package" else package.name


def _form(out: str) -> str:
    """Return the suffix that says as what to write; empty for a folder of pictures."""
    path = Path(out)
    suffix = "" if out.endswith(("/", os.sep)) or path.is_dir() else path.suffix.lower()
    if not out or not SUFFIX.fullmatch(suffix):
        raise UsageError(
            f"--out {out!r}: end it in .png, .jpg or .webp for a grid, .txt or .csv for text, .wav for a sound, .npz "
            "for an array, / for a folder"
        )
    if suffix and not path.parent.is_dir():
        raise NotFound(f"--out {out}: there is no folder {path.parent}: make it first")
    return suffix


def _check_form(generator: Generator, suffix: str | None) -> None:
    """Raise UsageError where nothing brings the model's samples into the form that a suffix means."""
    from ganzoo.samples import show

    if suffix != ".npz" and not show.can_show(generator.data, generator.dataset):
        raise UsageError("nothing says how to show this model's samples: write them with --out samples.npz")


def _columns(generator: Generator, label: int | None) -> int | None:
    """Return the columns of a grid in which every class comes in turn; None where all are of one or none has any."""
    from ganzoo.samples import grid

    classes = generator.data.num_classes
    return grid.columns_for(classes) if label is None and classes else None


def _write_shown(files: Mapping[str, bytes], out: str | None, suffix: str | None, name: str) -> Path:
    """Write what shows the samples: the file that a suffix means, the first one where none is named, a folder of all.

    Returns:
        What was written.
    """
    from ganzoo.samples import show

    kinds = show.first_of_each_kind(files)
    suffix = next(iter(kinds)) if suffix is None else suffix
    target = Path(out or name + suffix)
    if not suffix:
        with explained(target):
            target.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            write_atomic(target / file, [content])
        return target
    content = show.as_suffix(files, suffix)
    if content is None:
        raise UsageError(
            f"nothing makes a {suffix} file of this model's samples: write them with --out samples"
            f"{' or --out samples'.join([*kinds, '.npz'])}"
        )
    write_atomic(target, [content])
    return target


def _write_folder(target: Path, samples: Tensor) -> None:
    """Write images into a folder, a picture each."""
    from ganzoo.samples import grid

    with explained(target):
        target.mkdir(parents=True, exist_ok=True)
    digits = len(str(len(samples) - 1))
    for index, image in enumerate(grid.to_uint8(samples)):
        write_atomic(target / f"{index:0{max(5, digits)}d}.png", [grid.encode(grid.picture(image), ".png")])


def _write_arrays(
    generator: Generator, target: Path, num: int, label: int | None, seed: int, truncation: float | None
) -> None:
    """Write samples, and their labels where there are some, as numpy arrays."""
    import numpy as np

    arrays: dict[str, Any] = {"samples": generator.sample(num, label, seed, truncation)}
    if (labels := generator.labels(num, label)) is not None:
        arrays["labels"] = labels.numpy()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomic(target, [buffer.getvalue()])
