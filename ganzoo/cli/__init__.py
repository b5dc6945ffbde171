"""The command line: one file for each command, imported when the command is called."""

from __future__ import annotations

import atexit
import importlib
import keyword
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from ganzoo.cli.common import Session, common_options, note
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import Command
from ganzoo.plugin.component import COMMANDS
from ganzoo.registry import registry
from ganzoo.registry.failures import describe_error, locate_error
from ganzoo.runs.launch import read_launch


class Commands(click.Group):
    """The commands of ganzoo and of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, ganzoo's first."""
        return [*COMMANDS, *(entry.spec.name for entry in registry().components("command"))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command and return it; None if there is no such command."""
        if name in COMMANDS:
            module = name.replace("-", "_") + ("_" if keyword.iskeyword(name) else "")
            command = _import_command(f"ganzoo.cli.{module}:command")
            command.short_help = COMMANDS[name]
            return command
        offered = [entry for entry in registry().components("command") if entry.spec.name == name]
        return _import_command(offered[0].spec.factory) if offered and isinstance(offered[0].spec, Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each command. No command is imported for it."""
        offered = {entry.spec.name: entry.spec.summary for entry in registry().components("command")}
        with formatter.section("Commands"):
            formatter.write_dl([*(COMMANDS | offered).items()])  # `list` is a module of this package

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names. The error for an unknown name has similar names."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            from ganzoo.cli.usage import suggest_command

            raise UsageError(f"there is no command {args[0]!r}{suggest_command(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command. Errors of its parser that do not name the command get its context."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if error.ctx is None and ctx.invoked_subcommand is not None:
                error.ctx = click.Context(self, ctx, ctx.invoked_subcommand)
            raise


@click.command(cls=Commands, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ganzoo", prog_name="ganzoo")
@common_options
def cli() -> None:
    """Train, sample and share generative adversarial networks.

    \b
    ganzoo train --arch dcgan --loss bce      train on the included digits
    ganzoo train --arch dcgan --dataset DIR   train on a folder of images
    ganzoo sample RUN -n 64                   generate samples with a trained model
    ganzoo evaluate RUN --metric NAME         measure its samples
    ganzoo publish RUN USER/NAME              publish it on the Hugging Face Hub
    ganzoo sample USER/NAME -n 64             generate samples with a published model
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0 done, 1 failed, 2 usage, 3 missing plugin, 4 not found or denied, 5 network, 6 corrupt, 7 conflict,
    130 interrupted and saved. An error is one sentence on stderr; ``-v`` also shows the traceback.
    """
    completing = "_GANZOO_COMPLETE" in os.environ  # a warning would appear in the line that the user types
    level = logging.CRITICAL if completing else logging.ERROR if _is_second_process() else logging.WARNING
    logging.basicConfig(format="ganzoo: %(message)s", level=level)
    if sys.stderr is None or not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the Hub's client prints plain lines then
    session = Session()
    try:
        code = cli.main(args, prog_name="ganzoo", standalone_mode=False, obj=session)
        if sys.stdout is not None:  # it is None if the caller closed it
            sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 0
    except click.ClickException as error:
        from ganzoo.cli.usage import describe_usage_error

        code = _fail(session, describe_usage_error(error), error.exit_code, _is_second_process())
    except (click.Abort, KeyboardInterrupt):
        code = _fail(session, "interrupted", 130, _is_second_process())
    except GanzooError as error:
        reported = _is_second_process() if error.reported is None else error.reported
        code = _fail(session, str(error), error.exit_code, reported)
    except BrokenPipeError:  # `ganzoo list | head`
        code = 1
    except PermissionError as error:
        code = _fail(session, f"no permission to open {error.filename}: make it readable or choose another file", 4)
    except OSError as error:
        file = f" ({error.filename})" if error.filename else ""
        code = _fail(session, f"the system reports: {(error.strerror or str(error)).lower()}{file}; -v shows where", 1)
    except Exception as error:
        owner = "of the plugin" if locate_error(error) else "of ganzoo or of a plugin"
        code = _fail(session, f"{describe_error(error)}: this is a bug {owner}; -v shows where", 1)
    _flush_output()
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # the command is done: no traceback by Ctrl-C now
    sys.exit(code if isinstance(code, int) else 0)


def _flush_output() -> None:
    """Flush stdout, and drop its buffer if that fails: the interpreter would fail again when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_second_process() -> bool:
    """Return whether ``torchrun`` started this process and another one on this machine, which reports the same errors.

    It reports those that come before the processes join. Later errors know whether another process reports them.
    """
    launch = read_launch()
    return launch is not None and launch.local_rank > 0


def _fail(session: Session, words: str, code: int, reported: bool = False) -> int:
    """Print what is wrong, unless another process reports it; return the exit code."""
    if reported:
        return code
    if session.verbose:
        logging.getLogger("ganzoo").exception("traceback:")
    note(f"ganzoo: {words}")
    return code


def _import_command(path: str) -> click.Command:
    module, _, name = path.partition(":")
    command: Any = getattr(importlib.import_module(module), name)
    if not isinstance(command, click.Command):
        raise GanzooError(f"{path} is not a click command")
    return command
