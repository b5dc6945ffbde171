"""``ganzoo sample``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import common_options, complete_runs, note, offline_option
from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin.files import explained, write_atomic
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.where import repository

if TYPE_CHECKING:
    from ganzoo.package.generator import Generator

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
TEXTS = (".txt", ".csv", ".tsv")  # what the dataset writes, whichever it is


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
    "--out", type=click.Path(), help="Where to; what it ends in says as what. By default RUN-seedN.png or .txt, here."
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
        from ganzoo.samples import grid

    num = num or grid.count(generator.data, generator.render, generator.write)
    if suffix is None:
        suffix = ".png" if generator.drawable or not generator.write else ".txt"
    _check_form(generator, suffix)
    target = Path(out or f"{name}-seed{seed}{suffix}")
    _write(generator, target, suffix, num, label, seed, truncation)
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
    if not out or suffix not in (*PICTURES, *TEXTS, ".npz", ""):
        raise UsageError(
            f"--out {out!r}: end it in .png, .jpg or .webp for a grid, .txt or .csv for text, .npz for an array, "
            "/ for a folder"
        )
    if suffix and not path.parent.is_dir():
        raise NotFound(f"--out {out}: there is no folder {path.parent}: make it first")
    return suffix


def _check_form(generator: Generator, suffix: str) -> None:
    """Raise UsageError where nothing brings the model's samples into the form that a suffix means."""
    forms = {".png": generator.drawable, ".txt": generator.write, ".npz": True}
    instead = f"write them with --out samples{next(form for form, able in forms.items() if able)}"
    if suffix in PICTURES and not generator.drawable:
        raise UsageError(f"nothing says how to draw this model's samples: {instead}")
    if suffix in TEXTS and not generator.write:
        raise UsageError(f"nothing says how to write this model's samples as text: {instead}")
    if not suffix and generator.data.modality != "image":
        raise UsageError(f"this model's samples are no images: {instead}")


def _write(
    generator: Generator, target: Path, suffix: str, num: int, label: int | None, seed: int, truncation: float | None
) -> None:
    """Write samples where and as the target's suffix says."""
    import io

    with heavy_imports():
        import numpy as np

        from ganzoo.samples import grid

    if suffix == ".npz":
        arrays: dict[str, Any] = {"samples": generator.sample(num, label, seed, truncation)}
        if (labels := generator.labels(num, label)) is not None:
            arrays["labels"] = labels.numpy()
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_atomic(target, [buffer.getvalue()])
        return
    samples = generator.raw(num, label, seed, truncation)
    if suffix in TEXTS:
        text = generator.text(samples)
        assert text is not None  # `_check_form` saw to it
        write_atomic(target, [text.encode()])
        return
    if suffix:
        columns = grid.columns_for(generator.data.num_classes) if label is None and generator.data.num_classes else None
        picture = generator.draw(samples, columns)
        assert picture is not None
        write_atomic(target, [grid.encode(picture, suffix)])
        return
    with explained(target):
        target.mkdir(parents=True, exist_ok=True)
    digits = len(str(num - 1))
    for index, image in enumerate(grid.to_uint8(samples)):
        write_atomic(target / f"{index:0{max(5, digits)}d}.png", [grid.encode(grid.picture(image), ".png")])
