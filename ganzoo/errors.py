"""Errors for users: one class for each exit code, one sentence for each error."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class GanzooError(Exception):
    """An error that a user can act on.

    Its text is one sentence: what happened, then what to do. The command prints this text and no traceback.
    """

    exit_code = 1
    reported: bool | None = None  # whether another process of the run reports this error; None if it is not known

    def _render_traceback_(self) -> list[str]:
        """Return the lines that a notebook shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(GanzooError):
    """A wrong name, key, type, value or combination. It is not a ValueError, which a plugin may catch."""

    exit_code = 2


class MissingPlugin(GanzooError):
    """A component, or a requirement of a component, is not installed."""

    exit_code = 3


class NotFound(GanzooError):
    """A run, file, folder or repository does not exist or may not be read."""

    exit_code = 4


class Denied(NotFound):
    """The Hub token does not allow reading or writing this repository."""


class Unreachable(GanzooError):
    """The Hub does not answer, or its answer is not one of the Hub."""

    exit_code = 5


class Corrupt(GanzooError):
    """A file is damaged: its bytes differ from what was saved."""

    exit_code = 6


class Conflict(GanzooError):
    """Another process or person works on the same thing, such as a run that is already being trained."""

    exit_code = 7


class Interrupted(GanzooError):
    """A signal stopped the program after everything was saved."""

    exit_code = 130


def suggest_names(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ``": did you mean 'x'?"`` for the names in `known` that are most like `name`.

    Args:
        name: The unknown name that a person wrote.
        known: The valid names, of which some are suggested.
        cutoff: How similar a name must be, from 0 for any name to 1 for the same name.

    Returns:
        The text, with up to three names; empty if none is like `name`.
    """
    near = get_close_matches(name, list(known), n=3, cutoff=cutoff)
    return f": did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
