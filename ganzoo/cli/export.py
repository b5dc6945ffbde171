"""``ganzoo export``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import common_options, complete_components, complete_runs, note, offline_option


@click.command("export")
@click.argument("what", metavar="MODEL", shell_complete=complete_runs)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--to", metavar="FORMAT", required=True, shell_complete=complete_components("exporter"),
    help="Format of the files; `ganzoo list exporters` lists the formats.",
)  # fmt: skip
@offline_option
@common_options
def command(what: str, directory: Path, to: str, offline: bool) -> None:
    """Write the generator of MODEL for other programs, to the new directory DIR. MODEL is a run's path, name or number,
    a model package's directory, or a model on the Hub (USER/NAME or USER/NAME@REVISION).

    \b
    ganzoo export 3 --to onnx digits-onnx       for ONNX Runtime, in any language
    ganzoo export 3 --to torch-export digits    a program that runs without ganzoo
    ganzoo export 3 --to state-dict digits      the weights for torch
    ganzoo export 3 --to numpy digits           the weights for numpy

    The exported network is run and compared with the model before anything is written. Prints the path of each file.
    """
    from ganzoo import exporting

    for path in exporting.export(what, to, directory, offline=offline, notify=note):
        click.echo(path)
