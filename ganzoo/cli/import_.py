"""``ganzoo import``."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ganzoo.cli.common import common_options
from ganzoo.cli.pairs import parse_pairs
from ganzoo.plugin import Architecture
from ganzoo.registry import registry


def complete_formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a format."""
    specs = [entry.spec for entry in registry().components("architecture")]
    names = sorted({name for spec in specs if isinstance(spec, Architecture) for name in spec.imports})
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("pairs", metavar="[KEY=VALUE]...", nargs=-1)
@click.option(
    "--format", "format_", metavar="NAME", default="", shell_complete=complete_formats,
    help="Format of the file; `ganzoo info ARCH` lists the formats.",
)  # fmt: skip
@click.option("--license", metavar="ID", default="", help="Licence of the weights, as on the Hub: mit, cc-by-4.0 ...")
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="Device that generates its samples.")
@common_options
def command(file: Path, directory: Path, pairs: tuple[str, ...], format_: str, license: str, device: str) -> None:
    """Convert the generator in FILE, which another project trained, to a model package in the directory DIR.

    \b
    ganzoo import netG_epoch_24.pth faces --format pytorch-examples
    ganzoo import gan4.model digits --format torchgan arch.slope=0

    FILE was written by torch.save, pickle.dump or safetensors; code in it is not run. KEY=VALUE sets options of the
    architecture (arch.*) that do not follow from the weights. Prints the directory.
    """
    from ganzoo import models

    said = parse_pairs(pairs)
    made = models.import_weights(file, directory, format=format_, options=said, license=license, device=device)
    click.echo(made)
    if not license:
        click.echo(f"the licence of {file} applies to it: name it in the model card with --license ID", err=True)
