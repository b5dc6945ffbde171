"""Errors for a ``--dataset`` that is neither the name of an installed dataset nor an existing path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.plugin import Dataset
from ganzoo.registry import Registry
from ganzoo.registry.similar import TYPING_MISTAKE, suggest_component


def make_unknown_name_error(registry: Registry, text: str) -> GanzooError | None:
    """Return the error for a name without a slash; None if the registry's own error says what to type instead."""
    similar = _suggest_path(text)
    if not similar and suggest_component(registry.components(), text, "dataset"):
        return None
    way_out = similar or "; `ganzoo list dataset` shows what is installed"
    return UsageError(f"no dataset {text!r} is installed, and there is no folder of this name here{way_out}")


def make_missing_path_error(registry: Registry, text: str, like_hub: bool) -> GanzooError:
    """Return the error for a path that does not exist.

    Args:
        registry: The registry of the components, which may have a dataset of the Hub.
        text: What a person typed.
        like_hub: Whether it has the form of a dataset's name on the Hub, ``USER/NAME``.
    """
    if "://" in text:
        return UsageError(f"--dataset {text}: download it first, then type --dataset FOLDER")
    similar = _suggest_path(text)
    if like_hub and not similar and not os.path.exists(os.path.dirname(text)):
        specs = [entry.spec for entry in registry.components("dataset") if isinstance(entry.spec, Dataset)]
        installed = [spec.name for spec in specs if spec.hub.lower() == text.lower()]
        openers = [f"--dataset {spec.name} dataset.{spec.hub_option}={text}" for spec in specs if spec.hub_option]
        ways = [*openers, "save its pictures in a folder, then type --dataset FOLDER"]
        way_out = f"if you mean the dataset on the Hub, {'type ' if openers else ''}{' or '.join(ways)}"
        if installed:
            way_out = f"that dataset of the Hub is --dataset {installed[0]} here"
        return NotFound(f"there is no file or folder {text!r}: {way_out}")
    path = os.path.abspath(os.path.expanduser(text))
    return NotFound(f"--dataset {path!r} does not exist or may not be read{similar or ': check the path'}")


def _suggest_path(text: str) -> str:
    """Return ``": did you mean 'x'?"`` for a path that differs in one part by a typing mistake; else empty."""
    typed = Path(os.path.expanduser(text))
    with suppress(OSError):
        wrong = next(
            (part for part in (typed, *typed.parents) if part.parent.is_dir()), typed
        )  # the first that is missing
        names = {entry.name.lower(): entry.name for entry in _list_similar_kind(wrong)}
        for near in get_close_matches(wrong.name.lower(), names, cutoff=TYPING_MISTAKE):
            meant = wrong.with_name(names[near]) / typed.relative_to(wrong)
            if meant.exists():
                return f": did you mean {str(meant)!r}?"
    return ""


def _list_similar_kind(path: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the folders beside a path and the files with its suffix."""
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and (
                entry.is_dir() or (path.suffix and entry.name.lower().endswith(path.suffix.lower()))
            ):
                yield entry
