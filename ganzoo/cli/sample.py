"""``ganzoo sample``."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Literal

import click

from ganzoo.cli.common import Count, common_options, complete_runs, note, offline_option
from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin.files import means_folder
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.where import choose_file_name, format_title, is_embedded

Format = Literal["folder", "npz", "parquet", "webdataset"]
SUFFIX = re.compile(r"(\.(png|jpe?g|webp|txt|csv|tsv|wav|npz))?")


@click.command("sample")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.option("-n", "--num", metavar="N", type=Count(), help="Number of samples; default: 64, or 2500 points.")
@click.option(
    "--seed",
    metavar="N",
    type=Count(),
    default=0,
    show_default=True,
    help="Seed; the same seed gives the same samples.",
)
@click.option(
    "--label",
    metavar="CLASS",
    multiple=True,
    help="Class of the samples, by name or number; several, as cat,dog, take turns. Default: all classes in turn.",
)
@click.option(
    "--where",
    metavar="COLUMN=CATEGORY",
    multiple=True,
    help="Category that the rows of a table shall have, such as cut=Ideal, of a model trained with --conditional.",
)
@click.option(
    "--truncation",
    metavar="X",
    type=float,
    help="Move latents towards their mean, if the architecture can.",
)
@click.option(
    "--out",
    type=click.Path(),
    help="File or folder to write; the suffix chooses the format. Default: RUN-seedN.png, .txt or .wav; with --label "
    "RUN-seedN-CLASS.png.",
)
@click.option(
    "--per-class",
    metavar="N",
    type=Count(),
    help="Write a labelled set of N images of each class, to train other models on, and a .json of their origin.",
)
@click.option(
    "--format", "kind", type=click.Choice(["folder", "npz", "parquet", "webdataset"]),
    help="Format of the labelled set: a folder of PNGs for each class, arrays, or the form of either library.",
)  # fmt: skip
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@offline_option
@common_options
def command(
    what: str, num: int | None, seed: int, label: tuple[str, ...], where: tuple[str, ...], truncation: float | None,
    out: str | None, per_class: int | None, kind: Format | None, device: str, offline: bool,
) -> None:  # fmt: skip
    """Generate samples with RUN: a run's path, name or number, a model package's directory, or a model on the Hub
    (USER/NAME or USER/NAME@REVISION).

    \b
    ganzoo sample 3                              a grid of 64 in one picture
    ganzoo sample 3 -n 1000 --out pictures/      a folder of single pictures
    ganzoo sample 3 -n 1000 --out samples.npz    numpy arrays: samples and labels
    ganzoo sample 3 -n 16 --label cat,dog        samples of two classes in turn
    ganzoo sample 3 -n 1000 --out samples.txt    text; .csv for the rows of a table
    ganzoo sample 3 --where cut=Ideal --out x.csv    rows of one category
    ganzoo sample 3 -n 1 --out sound.wav         a sound
    ganzoo sample 3 --per-class 1000 --out set/  a labelled set; --format chooses its form
    ganzoo sample USER/NAME -n 64                samples of a model on the Hub
    ganzoo sample ganzoo:digits -n 64            samples of an included model (`ganzoo list models`)

    Prints the path of the file or folder.
    """
    if kind is not None and per_class is None:
        raise UsageError(f"--format {kind} is for labelled sets: add --per-class N, or choose a format by --out")
    if per_class is not None and num is not None:
        raise UsageError("-n and --per-class both give the number of samples: remove one of them")
    if per_class is not None and per_class < 1:
        raise UsageError(f"--per-class {per_class}: the number of samples must be at least 1")
    if where and label:
        raise UsageError("--where and --label both choose the classes of the samples: remove one of them")
    if len(where) > 1:
        raise UsageError("--where takes one condition: a model is asked for one category of one column")
    suffix = None if out is None or per_class is not None else _parse_suffix(out)
    if num is not None and num < 1:
        raise UsageError(f"-n {num}: the number of samples must be at least 1")
    from ganzoo import models

    package = models.resolve_package(what, offline=offline, notify=note)
    generator = models.load(package, device, notify=note)
    with heavy_imports():
        from ganzoo.package.labelled import write_labelled
        from ganzoo.package.labels import find_condition
        from ganzoo.package.outputs import write_samples
    label = tuple(find_condition(text, generator.data) for text in where) or label
    name = f"{choose_file_name(what, package)}-seed{seed}"
    if per_class is not None:
        title = format_title(package)  # an own folder stays private
        model = (
            what if is_embedded(what) else Path(name).name.rpartition("-seed")[0] if title == str(package) else title
        )
        write = partial(write_labelled, generator, package, model, out, name, kind or "folder", per_class)
        click.echo(write(list(label) or None, seed, truncation, note))
        return
    click.echo(write_samples(generator, out, name, suffix, num, label or None, seed, truncation, note))


def _parse_suffix(out: str) -> str:
    """Return the suffix of the output, in lower case; empty for a folder of pictures."""
    path = Path(out)
    suffix = "" if means_folder(out) else path.suffix.lower()
    if not out or not SUFFIX.fullmatch(suffix):
        raise UsageError(
            f"--out {out!r}: end it in .png, .jpg or .webp for a grid, .txt or .csv for text, .wav for a sound, .npz "
            "for an array, / for a folder"
        )
    if suffix and not path.parent.is_dir():
        raise NotFound(f"--out {out}: the folder {path.parent} does not exist: create it first")
    return suffix
