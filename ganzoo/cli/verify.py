"""``ganzoo verify``."""

from __future__ import annotations

import click

from ganzoo.cli.common import common_options, complete_runs, note, offline_option
from ganzoo.runs.heavy import heavy_imports


@click.command("verify")
@click.argument("what", metavar="RUN|DIR|USER/NAME", shell_complete=complete_runs)
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@offline_option
@common_options
def command(what: str, device: str, offline: bool) -> None:
    """Check that a model is exactly the trained one: of a run, in a directory, or on the Hub (USER/NAME[@REVISION]).

    The command compares the hash of every file, compares the weights with the architecture, and generates the stored
    reference samples again. It does not download the discriminator. Exits with 6 if a check fails.
    """
    from ganzoo import models

    held = models.verify(what, device, offline=offline, notify=note)
    with heavy_imports():
        from ganzoo.package.verify import TOLERANCE

    click.echo(f"files     {len(held.files)} are unchanged: {', '.join(held.files)}")
    click.echo(f"weights   {held.tensors} tensors fit the architecture, every number is finite")
    click.echo(
        f"samples   {held.samples} reproduced to {held.difference:.1e} of their range ({TOLERANCE:.0e} is allowed: "
        "machines add in different orders)"
    )
    if held.unchecked:
        click.echo(f"unchecked {held.unchecked}")
