"""Its command is a plain function."""

from ganzoo.plugin import Command, hookimpl

CAUGHT_BY = ["command/planted/is-a-command"]


@hookimpl
def ganzoo_commands():
    yield Command(name="planted", summary="Planted.", factory="command_function:command")


def command():
    """Do nothing."""
