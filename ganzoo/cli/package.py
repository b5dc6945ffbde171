"""``ganzoo package``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import common_options, complete_runs, note


@click.command("package", short_help="Write a run's model as a directory to publish or to keep.")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--without-discriminator", is_flag=True, help="Keep the discriminator, which fine-tuning needs, back.")
@click.option("--license", metavar="ID", default="", help="Of the weights, as the Hub names it: mit, cc-by-4.0 ...")
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="Where it is sampled.")
@common_options
def command(what: str, directory: Path, without_discriminator: bool, license: str, device: str) -> None:
    """Write the model of RUN to the directory DIR: weights, config, reference samples, a picture and a model card.

    What is written was loaded back and sampled. A package that is in DIR already is replaced, but for what a person
    wrote into its card. Prints the directory.
    """
    from ganzoo import models

    kept = not without_discriminator
    click.echo(models.package(what, directory, discriminator=kept, license=license, device=device, notify=note))
