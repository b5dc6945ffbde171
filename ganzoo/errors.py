"""What can go wrong for a user: one class for each exit code, one sentence for each error."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class GanzooError(Exception):
    """Something a user can act on. Its text is one clear sentence with the way out; the command prints it alone."""

    exit_code = 1


class UsageError(GanzooError):
    """A wrong name, key, type, value or combination. Not a ValueError, so that no `except ValueError` swallows it."""

    exit_code = 2


class MissingPlugin(GanzooError):
    """A component or a requirement of one that this installation does not have."""

    exit_code = 3


class NotFound(GanzooError):
    """A run, file, folder or repository that is not there, or that may not be read."""

    exit_code = 4


class Denied(NotFound):
    """What may not be read or written with the token that is there."""


class Unreachable(GanzooError):
    """The Hub does not answer, or not as the Hub."""

    exit_code = 5


class Corrupt(GanzooError):
    """A file that is not what was written."""

    exit_code = 6


class Conflict(GanzooError):
    """Somebody else is at it: a run that is being trained already."""

    exit_code = 7


class Interrupted(GanzooError):
    """Stopped by a signal, after everything was saved."""

    exit_code = 130


def suggest_names(name: str, known: Iterable[str]) -> str:
    """Return ``": did you mean 'x'?"`` for the nearest of `known`, or an empty string where none is near."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f": did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
