"""``ganzoo publish``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganzoo.cli.common import common_options, complete_runs, note
from ganzoo.cli.tables import print_table


@click.command("publish")
@click.argument("what", metavar="RUN|DIR", shell_complete=complete_runs)
@click.argument("repo", metavar="USER/NAME")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--tag", metavar="NAME", default="", help="Tag of the commit, to load exactly this model later.")
@click.option("--revision", metavar="BRANCH", default="main", show_default=True, help="Branch to commit to.")
@click.option("--message", metavar="TEXT", default="", help="Message of the commit.")
@click.option("--create-pr", is_flag=True, help="Open a pull request, for a repository of somebody else.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent; send nothing.")
@click.option("--without-discriminator", is_flag=True, help="Leave out the discriminator, which fine-tuning needs.")
@click.option("--license", metavar="ID", default="", help="Licence of the weights, as on the Hub: mit, cc-by-4.0 ...")
@click.option("--demo", is_flag=True, help="Put a page that runs the model in a browser beside it, in the folder demo.")
@click.option("--space", metavar="USER/NAME", default="", help="Publish that page as a static Space too.")
@click.option(
    "--runtime", metavar="PATH", type=click.Path(path_type=Path),
    help="Folder of npm's onnxruntime-web, for the page; default: node_modules/onnxruntime-web here or above.",
)  # fmt: skip
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="Device that generates its samples.")
@common_options
def command(what: str, repo: str, dry_run: bool, without_discriminator: bool, **options: Any) -> None:
    """Publish the model of RUN, or the package in DIR, on the Hugging Face Hub.

    \b
    hf auth login                                once; or set HF_TOKEN
    ganzoo publish 3 USER/NAME --tag v1 --license mit

    The model is first loaded and sampled, as a test, then sent as one commit. The text that a person wrote into its
    card stays. Prints the address.
    """
    from ganzoo import sharing

    published = sharing.publish(
        what, repo, dry_run=dry_run, discriminator=not without_discriminator, notify=note, **options
    )
    if dry_run:
        print_table([(change.what, change.name, f"{change.size:,}") for change in published.changes])
        return
    click.echo(published.url)
    pinned = published.tag or published.commit
    note(f'ganzoo.load("{published.repo}", revision="{pinned}") loads it')
