"""The command line: one file for each command, loaded when it is called."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any, NoReturn

import click

from ganzoo.cli.common import Session, common_options
from ganzoo.errors import GanzooError
from ganzoo.plugin import Command
from ganzoo.registry import registry

COMMANDS = ("train", "sample", "list", "info", "plugins", "runs")


class Commands(click.Group):
    """The commands of ganzoo, and those that plugins offer."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, ganzoo's first."""
        return [*COMMANDS, *(entry.spec.name for entry in registry().components("command"))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name in COMMANDS:
            return _load(f"ganzoo.cli.{name}:command")
        offered = [entry for entry in registry().components("command") if entry.spec.name == name]
        return _load(offered[0].spec.factory) if offered and isinstance(offered[0].spec, Command) else None


@click.command(cls=Commands, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("ganzoo"), prog_name="ganzoo")
@common_options
def cli() -> None:
    """Train, sample and share generative adversarial networks.

    \b
    ganzoo train --arch dcgan --loss bce      train on the digits that come along
    ganzoo train --arch dcgan --dataset DIR   train on a folder of images
    ganzoo sample RUN -n 64                   sample what was trained
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 usage, 3 missing plugin, 4 not found, 6 corrupt, 7 conflict,
    130 interrupted and saved. What a user can act on is one sentence on stderr; ``-v`` shows the traceback.
    """
    logging.basicConfig(format="ganzoo: %(message)s", level=logging.WARNING)
    session = Session()
    try:
        code = cli.main(args, prog_name="ganzoo", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _fail(session, "interrupted", 130)
    except GanzooError as error:
        code = _fail(session, str(error), error.exit_code)
    except BrokenPipeError:  # `ganzoo list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        words = f"{type(error).__name__}: {error} (this is a bug of ganzoo or of a plugin; -v shows where)"
        code = _fail(session, words, 1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(session: Session, words: str, code: int) -> int:
    if session.verbose:
        logging.getLogger("ganzoo").exception("traceback:")
    click.echo(f"ganzoo: {words}", err=True)
    return code


def _load(path: str) -> click.Command:
    module, _, name = path.partition(":")
    command: Any = getattr(importlib.import_module(module), name)
    if not isinstance(command, click.Command):
        raise GanzooError(f"{path} is no click command")
    return command
