"""Checks that the words of components (`Built.provides`, `needs`, `refuses`) fit together."""

from __future__ import annotations

import typing
from collections.abc import Collection
from dataclasses import replace
from operator import itemgetter

from ganzoo.errors import UsageError
from ganzoo.plugin import Architecture, Metric
from ganzoo.plugin.options import list_options, to_text
from ganzoo.recipe.recipe import Choice, ResolvedRecipe

NO_DOUBLE_BACKWARD = "no-double-backward"  # every term that differentiates D by its input refuses this word


def check_words(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if a component needs a word that no other provides, or refuses one that another provides."""
    check_needs(recipe.choices, average=bool(recipe.train.ema_half_life))
    provided = {word: choice for choice in recipe.choices for word in choice.provides}
    for choice in recipe.choices:
        for word in (*choice.spec.refuses, *((NO_DOUBLE_BACKWARD,) if choice.differentiates_inputs else ())):
            if word in provided:
                other = provided[word]
                found = _find_setting(recipe.arch, word, False) if other is recipe.arch else None
                raise UsageError(
                    f"{choice.spec.kind} {choice.name!r} does not go with {other.spec.kind} {other.name!r} ({word}): "
                    + (f"add {found[1]}" if found else "remove one of them")
                )


def check_needs(choices: Collection[Choice], *, average: bool) -> None:
    """Raise UsageError if a component needs a word that no other provides.

    Args:
        choices: All components that come together, with the extractors that they read.
        average: Whether there is an averaged generator.
    """
    provided = {word for choice in choices for word in choice.provides} | ({"average"} if average else set())
    for choice in choices:
        held = provided | (set(choice.extractor.provides) if choice.extractor else set())
        for word in choice.spec.needs:
            if word not in held:
                words = f"{choice.spec.kind} {choice.name!r} needs {word!r}, which"
                for arch in (other for other in choices if isinstance(other.spec, Architecture)):
                    if found := _find_setting(arch, word, True):
                        words += f" arch {arch.name!r} does not provide with {found[0]}"
                        raise UsageError(f"{words}: add {found[1]}, or remove {choice.name!r}")
                if choice.extractor:
                    raise UsageError(f"{words} {_find_other_extractor(choice)}")
                one = "train.ema_half_life above 0" if word == "average" else "an arch that does (`ganzoo info NAME`)"
                raise UsageError(f"{words} no other component provides: choose {one} or remove {choice.name!r}")


def _find_other_extractor(metric: Choice) -> str:
    """Return the end of a message on a metric whose extractor does not suit it."""
    spec, extractor = metric.spec, metric.extractor
    assert isinstance(spec, Metric)
    assert extractor
    key = f"metric.{metric.name}.extractor"
    way_out = f"{key}={spec.extractor}" if spec.extractor else f"{key}=NAME that does (`ganzoo info NAME`)"
    other = f"measure something similar: {spec.instead}" if spec.instead else f"remove {metric.name!r}"
    return f"extractor {extractor.name!r} does not provide: choose {way_out}, or {other}"


def _find_setting(arch: Choice, word: str, provided: bool) -> tuple[str, str] | None:
    """Return a setting of an architecture, and another one, ``arch.KEY=VALUE``, with which it provides a word or not.

    If a component that the architecture names decides, the settings are that component's. None if no option alone
    decides.
    """
    if found := _find_option(arch, word, provided):
        name, present, other = found
        return f"arch.{name}={present}", f"arch.{name}={other}"
    named = list_options(type(arch.options))
    for key, part in arch.parts.items():
        nested = named[key].nested
        passed = nested and nested.settings and word in nested.passes
        if nested and passed and (found := _find_option(part, word, provided)):
            name, present, other = found
            known = {key: to_text(option.default) for key, option in list_options(part.spec.options).items()}
            texts = {key: to_text(getattr(part.options, key)) for key in known}
            kept = [f"{key}={text}" for key, text in texts.items() if text != known[key] and key != name]
            settings = f"arch.{nested.settings}="
            return f"{settings}{name}={present}", settings + ",".join([*kept, f"{name}={other}"])
    return None


def _find_option(choice: Choice, word: str, provided: bool) -> tuple[str, str, str] | None:
    """Return an option of a component, its present text, and one with which the component provides a word or not.

    Other values of an option are its default and, if it has few values, all of them. To lose a word, the value with the
    fewest words is taken. None if no option alone decides, or if the component is so already.
    """
    if (word in choice.spec.get_provided(choice.options)) == provided:
        return None
    found = []
    for option in list_options(choice.spec.options).values():
        literal = typing.get_origin(option.type) is typing.Literal
        few = typing.get_args(option.type) if literal else (True, False) if option.type is bool else ()
        for value in (option.default, *few):
            words = choice.spec.get_provided(replace(choice.options, **{option.name: value}))
            if (word in words) == provided:
                texts = to_text(getattr(choice.options, option.name)), to_text(value)
                found.append((len(words), (option.name, *texts)))
    if not found:
        return None
    return found[0][1] if provided else min(found, key=itemgetter(0))[1]
