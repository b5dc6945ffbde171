"""Checks of commands."""

from __future__ import annotations

import click
from click.testing import CliRunner

from ganzoo.plugin.component import COMMANDS
from ganzoo.registry.calling import import_object
from ganzoo.testing.checks import Trial, require
from ganzoo.testing.plugin import require_light


def is_a_command(trial: Trial) -> None:
    """The factory names a `click.Command`."""
    _load_command(trial)


def explains_itself(trial: Trial) -> None:
    """`--help` works and says what the command does."""
    command = _load_command(trial)
    require((command.help or command.short_help or "").strip(), "It has no help: give its function a docstring.")
    result = CliRunner().invoke(command, ["--help"])
    require(result.exit_code == 0, f"--help exits with {result.exit_code}: {result.output.strip()[-200:]}")


def name_is_free(trial: Trial) -> None:
    """Its name is free: no command of ganzoo has it."""
    require(trial.spec.name not in COMMANDS, f"ganzoo has a command {trial.spec.name!r}.")


def light_import(trial: Trial) -> None:
    """Its module imports no heavy library, because `ganzoo --help` loads every command."""
    require_light(trial.entry.plugin, trial.spec.factory.partition(":")[0], "import it in the function")


def _load_command(trial: Trial) -> click.Command:
    command = import_object(trial.spec.factory)
    require(isinstance(command, click.Command), f"{trial.spec.factory} is a {type(command).__name__}.")
    assert isinstance(command, click.Command)
    return command
