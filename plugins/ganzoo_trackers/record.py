"""What a tracker remembers of its own record of a run, in the run's directory: its name elsewhere, and what it has.

A service that cannot remove points keeps those after the last checkpoint when a run goes on from there. Each name's
last number of images is remembered, so that the points that come again are not added a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.plugin import write_atomic


class Record:
    """The file ``.NAME.json`` in a run's directory. A damaged file is replaced by that of a new record.

    Args:
        folder: The run's directory, which the file is in.
        name: The name of the tracker.

    Attributes:
        id: The identifier of the record in the service; empty for a new record.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f".{name}.json"
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            self.id, self.last = str(stored["id"]), {str(key): int(value) for key, value in stored["last"].items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            self.id, self.last = "", dict[str, int]()

    def open(self, identifier: str) -> None:
        """Remember the identifier of a new record."""
        self.id, self.last = identifier, {}
        self._write()

    def select_new(self, images: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that the record does not have yet at this number of images or a later one."""
        return {name: value for name, value in values.items() if images > self.last.get(name, -1)}

    def add(self, images: int, values: Mapping[str, Any]) -> None:
        """Remember that the record has these values."""
        self.last |= dict.fromkeys(values, images)
        self._write()

    def _write(self) -> None:
        write_atomic(self.path, [json.dumps({"id": self.id, "last": self.last}).encode()])


def flatten_recipe(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, bool | int | float | str]:
    """Return the settings of a frozen recipe by keys such as ``train.images`` and ``reg.r1.gamma``.

    A component's options follow its own key (``arch.width``); lists of numbers and None become text.
    """
    flat: dict[str, bool | int | float | str] = {}
    for key, value in recipe.items():
        name = prefix + key
        if isinstance(value, Mapping):
            flat |= _flatten_component(name, value) if "options" in value else flatten_recipe(value, f"{name}.")
        elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
            flat[name] = ",".join(_get_bare_name(part) for part in value)
            for part in value:
                flat |= _flatten_component(f"{name}.{_get_bare_name(part)}", part, named=False)
        else:
            flat[name] = value if isinstance(value, (bool, int, float, str)) else json.dumps(value)
    return flat


def _flatten_component(name: str, stored: Mapping[str, Any], named: bool = True) -> dict[str, Any]:
    own: dict[str, Any] = {name: _get_bare_name(stored)} if named else {}
    extractor = stored.get("extractor")
    inner = _flatten_component(f"{name}.extractor", extractor) if isinstance(extractor, Mapping) else {}
    return {**own, **flatten_recipe(stored["options"], f"{name}."), **inner}


def _get_bare_name(stored: Mapping[str, Any]) -> str:
    return str(stored.get("name", "")).rpartition(":")[2]


def format_verdict(images: int, verdict: Any) -> str:
    """Return a verdict in one line: at how many images, how severe, what is wrong, and what to type."""
    advice = f"; try {', or '.join(verdict.advice)}" if verdict.advice else ""
    return f"{images:,} images, {verdict.severity}: {verdict.words}{advice}"
