"""Calls of commands, in this process or in another."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TINY = ("--arch", "dcgan", "--images", "256", "--size", "16", "--batch", "16", "arch.width=2")


@dataclass(frozen=True)
class Answer:
    """The result of a command: exit code, stdout, stderr."""

    code: int | str | None
    out: str
    err: str


Ganzoo = Callable[..., Answer]
STARTED: list[subprocess.Popen[str]] = []  # processes of the present test


def process(*args: str | Path, **keywords: Any) -> subprocess.Popen[str]:
    """Start a command in a process of its own, with pipes for its output."""
    piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | keywords
    STARTED.append(subprocess.Popen([sys.executable, "-m", "ganzoo", *map(str, args)], **piped))
    return STARTED[-1]


def end_processes() -> None:
    """Kill the processes that a test left running, as one does that fails."""
    while STARTED:
        STARTED.pop().kill()
