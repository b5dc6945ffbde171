"""What authors are promised: each public name of `ganzoo.plugin` and of `ganzoo.evaluate.statistics`, its fields and
signatures, as the snapshot has them.

A name that is new goes into the snapshot (`python tests/plugin/test_promise.py`); one that changes or goes breaks
plugins.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

from ganzoo import plugin
from ganzoo.evaluate import statistics
from ganzoo.plugin import hookspecs
from ganzoo.registry import PLURALS

SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "plugin.txt"


def promised() -> Iterator[str]:
    exported = {name: getattr(plugin, name) for name in sorted(plugin.__all__)}
    exported |= {name: getattr(statistics, name) for name in ("Statistics", "frechet_distance")}
    for name, value in exported.items():
        if is_dataclass(value):
            yield f"{name}({', '.join(base.__name__ for base in value.__bases__ if base is not object)})"
            for each in (each for each in fields(value) if each.name in value.__annotations__):
                default = "" if each.default is MISSING else f" = {each.default!r}"
                default = " = ..." if each.default_factory is not MISSING else default
                keyword = "" if each.kw_only else " (positional)"
                yield f"    {each.name}: {each.type}{default}{keyword}"
            yield from methods(value)
        elif inspect.isclass(value):
            yield f"{name}({', '.join(base.__name__ for base in value.__bases__ if base is not object)})"
            yield from methods(value)
        elif inspect.isfunction(value):
            yield f"{name}{inspect.signature(value)}"
        else:
            yield f"{name} = {value!r}" if isinstance(value, tuple) else name
    for plural in sorted(PLURALS.values()):
        yield f"hook ganzoo_{plural}{inspect.signature(getattr(hookspecs, f'ganzoo_{plural}'))}"


def methods(cls: type) -> Iterator[str]:
    for name, value in sorted(vars(cls).items()):
        if not name.startswith("_") and inspect.isfunction(value):
            yield f"    {name}{inspect.signature(value)}"


def test_public_names_match_the_snapshot() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8").splitlines() == list(promised())


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(promised()) + "\n", encoding="utf-8")
