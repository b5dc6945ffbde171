"""``ganzoo pull``."""

from __future__ import annotations

import click

from ganzoo.cli.common import common_options, note, offline_option


@click.command("pull")
@click.argument("repo", metavar="USER/NAME[@REVISION]")
@click.option("--with-discriminator", is_flag=True, help="Also download the discriminator, which fine-tuning needs.")
@offline_option
@common_options
def command(repo: str, with_discriminator: bool, offline: bool) -> None:
    """Download a model from the Hugging Face Hub to the cache, verify it, and print the directory.

    The commit is printed on stderr. HF_HOME sets the folder of the cache, HF_ENDPOINT the address of the Hub.
    """
    from ganzoo import sharing

    click.echo(sharing.pull(repo, discriminator=with_discriminator, offline=offline, notify=note))
