"""``ganzoo sample``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import common_options, complete_runs
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from ganzoo.hub.generator import Generator

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


@click.command("sample", short_help="Sample a trained generator.")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.option("-n", "--num", default=64, show_default=True, help="How many samples.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same samples.")
@click.option("--label", type=int, help="One class for all; every class in turn where it is left away.")
@click.option("--truncation", type=float, help="Of the latents, where the architecture knows it.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A picture (grid.png), an array (samples.npz) or a folder (samples/).",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@common_options
def command(
    what: str, num: int, seed: int, label: int | None, truncation: float | None, out: Path | None, device: str
) -> None:
    """Sample the generator of RUN (a path, name or number of a run, or a model package's directory).

    Prints what it wrote. The suffix of --out says what that is: a picture of a grid, an .npz with `samples` (and
    `labels`), or, without a suffix, a folder of single pictures.
    """
    suffix = out.suffix.lower() if out is not None else ".png"
    if suffix not in (*PICTURES, ".npz", ""):
        raise UsageError(f"--out {out}: end it in .png, .jpg or .webp for a grid, .npz for an array, / for a folder")
    if num < 1:
        raise UsageError(f"-n {num}: ask for at least one sample")
    from ganzoo import api

    package = api.package_of(what)
    generator = api.load(package, device)
    name = package.parent.name if package.name == "package" else package.name
    target = out or Path(f"{name}-seed{seed}.png")
    _write(generator, target, suffix, num, label, seed, truncation)
    click.echo(target)


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
