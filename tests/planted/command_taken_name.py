"""Its command has the name of one of ganzoo's commands, and can never be called."""

import click

from ganzoo.plugin import Command, hookimpl

CAUGHT_BY = ["command/train/name-is-free"]


@hookimpl
def ganzoo_commands():
    yield Command(name="train", summary="Planted.", factory="command_taken_name:command")


@click.command()
def command():
    """Do nothing."""
