"""``ganzoo package``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import common_options, complete_runs, note


@click.command("package")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    metavar="WIDTH",
    type=float,
    help="Width of the average, 0.05 to 0.25, which is made of what train.ema_profiles stored.",
)
@click.option("--without-discriminator", is_flag=True, help="Leave out the discriminator, which fine-tuning needs.")
@click.option("--half", is_flag=True, help="Store weights in 16 bits: half the size, and samples that hardly change.")
@click.option("--license", metavar="ID", default="", help="Licence of the weights, as on the Hub: mit, cc-by-4.0 ...")
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="Device that generates its samples.")
@common_options
def command(
    what: str,
    directory: Path,
    profile: float | None,
    without_discriminator: bool,
    half: bool,
    license: str,
    device: str,
) -> None:
    """Write the model of RUN to the directory DIR: weights, config, reference samples, a picture and a model card.

    The written model is loaded again and sampled, as a test. A package in DIR is replaced, but the text that a person
    wrote into its card stays. Prints the directory.
    """
    from ganzoo import models

    kept = not without_discriminator
    click.echo(
        models.package(
            what, directory, profile=profile, discriminator=kept, half=half, license=license, device=device, notify=note
        )
    )
