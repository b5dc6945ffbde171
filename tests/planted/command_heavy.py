"""The module of its command imports NumPy, and so `ganzoo --help` does."""

from ganzoo.plugin import Command, hookimpl

CAUGHT_BY = ["command/planted/light-import"]


@hookimpl
def ganzoo_commands():
    yield Command(name="planted", summary="Planted.", factory="heavy_command:command")
