"""``ganzoo verify``."""

from __future__ import annotations

import click

from ganzoo.cli.common import common_options, complete_runs, note, offline_option
from ganzoo.runs.heavy import heavy_imports


@click.command("verify", short_help="Prove that a model is what was trained.")
@click.argument("what", metavar="RUN|DIR|USER/NAME", shell_complete=complete_runs)
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@offline_option
@common_options
def command(what: str, device: str, offline: bool) -> None:
    """Prove that a model is what was trained: a run's, one in a directory, or one on the Hub (USER/NAME[@REVISION]).

    Every file is hashed, the weights are compared with the architecture, and the samples that were kept when it was
    made are made once more. The discriminator is not fetched for that. Exits 6 where something does not hold.
    """
    from ganzoo import models

    held = models.verify(what, device, offline=offline, notify=note)
    with heavy_imports():
        from ganzoo.package.verify import TOLERANCE

    click.echo(f"files     {len(held.files)} are byte for byte what was made: {', '.join(held.files)}")
    click.echo(f"weights   {held.tensors} tensors fit the architecture, every number is finite")
    click.echo(
        f"samples   {held.samples} reproduced to {held.difference:.1e} of their range ({TOLERANCE:.0e} is allowed, as "
        "machines add up in different orders)"
    )
    if held.unchecked:
        click.echo(f"unchecked {held.unchecked}")
