"""Components that an option names: the generator of another architecture, the extractor of a term."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ganzoo.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Nested:
    """A component that an option names, because the component with this option uses it (`option`).

    A recipe stores where the named component comes from, and a model package requires its plugin. The component is
    built by `ganzoo.layers.build_networks` if it is an architecture, by `ganzoo.layers.extractor` if an extractor, and
    opened by `ganzoo.data.nested.open_samples` if a dataset.

    Args:
        kind: The kind of the named component: ``architecture``, ``dataset`` or ``extractor``.
        settings: The name of the option that lists its options, each ``NAME=VALUE``; that option's type is
            ``tuple[str, ...]``. Empty if the named component has its default options.
        passes: The words of the named component that the component with this option provides too, such as ``style``.
    """

    kind: str
    settings: str = ""
    passes: tuple[str, ...] = ()


def parse_settings(texts: Iterable[str], owner: str) -> dict[str, str]:
    """Return the options in texts ``NAME=VALUE`` by name.

    Args:
        texts: The texts, as an option of the type ``tuple[str, ...]`` has them.
        owner: The component that has the options, in words.

    Raises:
        UsageError: A text is not of that form, or a name is given twice.
    """
    values: dict[str, str] = {}
    for text in texts:
        key, given, value = text.partition("=")
        if not given or key in values:
            raise UsageError(f"{text!r} is not a setting of {owner}: give NAME=VALUE, each name once")
        values[key] = value
    return values
