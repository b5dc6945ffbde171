"""Errors of a plugin's code in words, with the line of its file that an author looks at."""

from __future__ import annotations

import inspect
import sys
import traceback

# Modules of ganzoo and of libraries that it calls. An error of a plugin is never in one of them.
OURS = {"ganzoo", "click", "pluggy", "torch", "numpy", "PIL", "safetensors", "huggingface_hub", "rich"}


def describe_error(error: BaseException, otherwise: str = "") -> str:
    """Describe an error of a plugin on one line: ``KeyError: 'a' (file:line)``.

    Args:
        error: The error that the plugin raised.
        otherwise: The line to name if the error did not go through a line of a plugin, ``file:line``.
    """
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    words = f"{type(error).__name__}: {' '.join(text.split())[:300]}".rstrip(": ")
    line = locate_error(error.__cause__ or error) or otherwise
    return words if line in words else append_line(words, line)


def locate_error(error: BaseException) -> str:
    """Return the last line of a plugin that an error went through, ``file:line``; empty if there is none.

    Lines of libraries that the plugin calls do not count. The line is outside of site-packages, where authors work on a
    plugin; for an installed plugin it is in the package that was called first.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    lines: list[tuple[str, str]] = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        owner = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if owner and owner not in OURS and owner not in sys.stdlib_module_names:
            lines.append((owner, f"{frame.f_code.co_filename}:{line}"))
    own = [line for _, line in lines if "site-packages" not in line and "dist-packages" not in line]
    of_first_package = [line for owner, line in lines if owner == lines[0][0]]
    return (own or of_first_package or [""])[-1]


def locate_definition(found: object) -> str:
    """Return the line that defines a class or function, ``file:line``; empty if it is not known."""
    try:
        return f"{inspect.getsourcefile(inspect.unwrap(found))}:{inspect.getsourcelines(found)[1]}"  # type: ignore[arg-type]
    except (TypeError, OSError):
        return ""


def append_line(words: str, line: str) -> str:
    """Return words with a line of code, ``file:line``, in parentheses after them; the words alone if it is empty."""
    return f"{words} ({line})" if line else words
