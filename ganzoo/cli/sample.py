"""``ganzoo sample``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import common_options, complete_runs
from ganzoo.errors import NotFound, UsageError

if TYPE_CHECKING:
    from ganzoo.hub.generator import Generator

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


@click.command("sample", short_help="Sample a trained generator.")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.option("-n", "--num", metavar="N", type=int, help="How many samples; by default 64 images, 2500 of other data.")
@click.option("--seed", metavar="N", default=0, show_default=True, help="The same seed gives the same samples.")
@click.option(
    "--label", metavar="N", type=int, help="Class of the samples, counted from 0; by default every class in turn."
)
@click.option(
    "--truncation", metavar="X", type=float, help="Pull the latents towards their mean, where the architecture can."
)
@click.option(
    "--out", type=click.Path(), help="Where to; what it ends in says as what. By default RUN-seedN.png, here."
)
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@common_options
def command(
    what: str, num: int | None, seed: int, label: int | None, truncation: float | None, out: str | None, device: str
) -> None:
    """Sample the generator of RUN: a run's path, name or number, or a model package's directory.

    \b
    ganzoo sample 3                              a grid of 64 in one picture
    ganzoo sample 3 -n 1000 --out pictures/      a folder of single pictures
    ganzoo sample 3 -n 1000 --out samples.npz    numpy arrays: samples, and labels

    Prints the path of what it wrote.
    """
    suffix = ".png" if out is None else _form(out)
    if num is not None and num < 1:
        raise UsageError(f"-n {num}: ask for at least one sample")
    from ganzoo import api

    package = api.package_of(what)
    generator = api.load(package, device)
    name = package.parent.name if package.name == "package" else package.name
    from ganzoo.report.grid import NUM_DRAWN

    num = num or (64 if generator.data.modality == "image" else NUM_DRAWN)
    target = Path(out or f"{name}-seed{seed}.png")
    _write(generator, target, suffix, num, label, seed, truncation)
    click.echo(target)


def _form(out: str) -> str:
    """Return the suffix that says as what to write; empty for a folder of pictures."""
    path = Path(out)
    suffix = "" if out.endswith(("/", os.sep)) or path.is_dir() else path.suffix.lower()
    if not out or suffix not in (*PICTURES, ".npz", ""):
        raise UsageError(f"--out {out!r}: end it in .png, .jpg or .webp for a grid, .npz for an array, / for a folder")
    if suffix and not path.parent.is_dir():
        raise NotFound(f"--out {out}: there is no folder {path.parent}: make it first")
    return suffix


def _write(
    generator: Generator, target: Path, suffix: str, num: int, label: int | None, seed: int, truncation: float | None
) -> None:
    """Write samples where and as the target's suffix says."""
    import io

    import numpy as np

    from ganzoo.files import explained, write_atomic
    from ganzoo.report import grid
    from ganzoo.report.gallery import columns_for

    if suffix == ".npz":
        arrays: dict[str, Any] = {"samples": generator.sample(num, label, seed, truncation)}
        if (labels := generator.labels(num, label)) is not None:
            arrays["labels"] = labels.numpy()
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_atomic(target, [buffer.getvalue()])
        return
    samples = generator.raw(num, label, seed, truncation)
    if suffix:
        columns = columns_for(generator.data.num_classes) if label is None and generator.data.num_classes else None
        picture = generator.draw(samples, columns)
        if picture is None:
            raise UsageError("nothing says how to draw this model's samples: write them with --out samples.npz")
        write_atomic(target, [grid.encode(picture, suffix)])
        return
    if generator.data.modality != "image":
        raise UsageError("this model's samples are no images: write them with --out samples.npz")
    with explained(target):
        target.mkdir(parents=True, exist_ok=True)
    digits = len(str(num - 1))
    for index, image in enumerate(grid.to_uint8(samples)):
        write_atomic(target / f"{index:0{max(5, digits)}d}.png", [grid.encode(grid.picture(image), ".png")])
