"""``ganzoo pull``."""

from __future__ import annotations

import click

from ganzoo.cli.common import common_options, note, offline_option


@click.command("pull", short_help="Fetch a model from the Hugging Face Hub.")
@click.argument("repo", metavar="USER/NAME[@REVISION]")
@click.option("--with-discriminator", is_flag=True, help="Fetch the discriminator too, which fine-tuning needs.")
@offline_option
@common_options
def command(repo: str, with_discriminator: bool, offline: bool) -> None:
    """Fetch a model from the Hugging Face Hub into its cache, check it, and print the directory.

    The commit that was taken is told on stderr. Where HF_HOME and HF_ENDPOINT are set, they say where the cache and the
    Hub are.
    """
    from ganzoo import sharing

    click.echo(sharing.pull(repo, discriminator=with_discriminator, offline=offline, notify=note))
