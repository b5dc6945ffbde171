"""The run of a process that trains beside the one that writes the files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.runs.run import Run


class SilentRun(Run):
    """The run of a process that does not write to it, because another process does."""

    def write_recipe(self, recipe: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> None:
        """Do nothing."""

    def cut_stats(self, images: int) -> None:
        """Do nothing."""

    def mark_early_end(self, reason: str) -> None:
        """Do nothing."""

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """A context that locks nothing."""
        yield
