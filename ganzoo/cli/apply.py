"""``ganzoo apply``."""

from __future__ import annotations

import click

from ganzoo.cli.common import Count, common_options, complete_runs, note, offline_option


@click.command("apply")
@click.argument("what", metavar="MODEL", shell_complete=complete_runs)
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
@click.option("--seed", metavar="N", default=0, show_default=True, help="Seed; the same seed gives the same results.")
@click.option("--resize", is_flag=True, help="Resize an image to the nearest size that the model takes.")
@click.option(
    "--tile", metavar="N", type=Count(), help="Translate larger images in overlapping squares of N pixels: less memory."
)
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@offline_option
@common_options
def command(
    what: str, source: str, target: str, seed: int, resize: bool, tile: int | None, device: str, offline: bool
) -> None:
    """Apply MODEL, whose labels are images or sounds, to the file or folder IN and write the results to OUT. MODEL is a
    run's path, name or number, a model package's directory, or a model on the Hub (USER/NAME or USER/NAME@REVISION).

    \b
    ganzoo apply 3 edges.png photo.png         an image
    ganzoo apply 3 edges/ photos/              each image of a folder
    ganzoo apply USER/NAME speech.wav out.wav  a sound, if the model's dataset can read it
    ganzoo apply 3 inputs.npz outputs.npz      arrays

    Prints the path of each file that it wrote.
    """
    from ganzoo import models

    for path in models.apply(
        what, source, target, seed=seed, resize=resize, tile=tile, device=device, offline=offline, notify=note
    ):
        click.echo(path)
