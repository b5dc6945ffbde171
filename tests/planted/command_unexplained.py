"""Its command has no help."""

import click

from ganzoo.plugin import Command, hookimpl

CAUGHT_BY = ["command/planted/explains-itself"]


@hookimpl
def ganzoo_commands():
    yield Command(name="planted", summary="Planted.", factory="command_unexplained:command")


@click.command()
def command():
    pass
