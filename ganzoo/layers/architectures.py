"""Networks of another architecture, for an architecture that uses one of them."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Networks
from ganzoo.plugin.options import evaluate_schedules
from ganzoo.recipe.nested import choose_nested
from ganzoo.registry import registry


def build_networks(name: str, data: DataInfo, settings: Iterable[str] = ()) -> Networks:
    """Return the networks of an installed architecture, with weights of their own.

    The option that has the name is declared with ``nested=Nested(kind="architecture", ...)`` (`ganzoo.plugin.option`).
    A recipe is then refused if the named architecture does not take its data.

    Args:
        name: The architecture's name: the option of the architecture that uses it.
        data: The data that the networks see.
        settings: The architecture's options that differ from its defaults, each ``NAME=VALUE``.

    Raises:
        UsageError: There is no such architecture or option, or a value is wrong.
    """
    choice = choose_nested(registry(), "architecture", name, settings)
    made = choice.component.build(evaluate_schedules(choice.options, 0), data)
    if not isinstance(made, Networks):
        raise GanzooError(f"arch {name!r} built {type(made).__name__}, not ganzoo.plugin.Networks")
    return made
