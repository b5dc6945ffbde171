"""A correct command."""

import click

from ganzoo.plugin import Command, hookimpl


@hookimpl
def ganzoo_commands():
    yield Command(name="greet", summary="Say hello.", factory="sound_command:command")


@click.command()
@click.argument("name")
def command(name):
    """Say hello to NAME."""
    click.echo(f"hello {name}")
