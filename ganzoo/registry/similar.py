"""What to type instead of a name that is not installed.

Many of these names are well known (``stylegan2``, ``fid``, ``wandb``). The installed name with the most similar letters
is then the wrong answer, so it is suggested only for a typing mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ganzoo.errors import suggest_names
from ganzoo.plugin.component import KEY_OF_KIND
from ganzoo.registry.installed import RegisteredComponent

TYPING_MISTAKE = 0.75  # how similar two names are at least, if one is the other with a wrong letter


def suggest_component(entries: Iterable[RegisteredComponent], text: str, kind: str = "") -> str:
    """Return what to type instead of a name, as the end of a message: ``"; the nearest is --arch r3gan"``.

    Args:
        entries: The installed components, which may be suggested.
        text: The name that a person typed, which is not the name of a component of this kind.
        kind: The kind of component that is wanted; empty for any kind, ``setting`` if the name stands where a setting
            does (``--wandb``).

    Returns:
        The text; empty if no component is similar.
    """
    entries, word = list(entries), fold(text)
    wanted = [entry for entry in entries if kind in ("", entry.spec.kind)]
    names = list(dict.fromkeys(name for entry in wanted for name in (entry.spec.name, *entry.spec.aliases)))
    same, anagrams = ([name for name in names if look(name) == look(text)] for look in (fold, sorted))
    if same:
        return f": did you mean {same[0]!r}?"
    others = [entry for entry in entries if entry.spec.kind in KEY_OF_KIND and kind in ("", "setting", *KEY_OF_KIND)]
    return (
        _suggest_similar(wanted, word)
        or (f": did you mean {anagrams[0]!r}?" if anagrams else "")
        or _suggest_other_kind(others, word)
        or suggest_names(text, names, TYPING_MISTAKE)
        or _suggest_similar(others, word)
    )


def fold(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _suggest_similar(entries: Iterable[RegisteredComponent], word: str) -> str:
    """Return what components say to type instead of a name (`Component.similar_to`)."""
    texts = [text for entry in entries for name, text in entry.spec.similar_to.items() if fold(name) == word]
    return f"; the nearest is {' or '.join(dict.fromkeys(texts))}" if texts else ""


def _suggest_other_kind(entries: Iterable[RegisteredComponent], word: str) -> str:
    """Return the flag of a component of another kind that has this name."""
    for entry in entries:
        spec = entry.spec
        name = next((name for name in (spec.name, *spec.aliases) if fold(name) == word), "")
        if name and spec.kind != "extractor":  # which has no flag
            article = "an" if spec.kind[0] in "aeiou" else "a"
            return f"; {name!r} is {article} {spec.kind}: type --{KEY_OF_KIND[spec.kind]} {name}"
    return ""
