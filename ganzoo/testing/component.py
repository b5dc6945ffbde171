"""Checks of every component with a runtime object: its options, its factory and its requirements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise

from ganzoo.errors import GanzooError
from ganzoo.plugin.citation import format_bibtex
from ganzoo.plugin.component import KEY_OF_KIND, NAME
from ganzoo.plugin.options import list_options, read, to_json
from ganzoo.registry import registry
from ganzoo.registry.calling import import_object, list_methods, require_callable, require_methods
from ganzoo.registry.failures import locate_definition
from ganzoo.registry.installed import WITHOUT_DATA
from ganzoo.testing.advice import find_advice_defect
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Failure, Skip, Trial, as_sentence, fatal_failures, require

FLAGS = {**KEY_OF_KIND, "exporter": "to"}  # the flag that names a component of this kind


def options_round_trip(trial: Trial) -> None:
    """Options survive JSON: recipes store them, and published models are built from them."""
    options = trial.make_options()
    stored = json.loads(json.dumps(to_json(options), allow_nan=False))
    back = read(type(options), stored)
    require(back == options, f"{options} came back as {back} ({locate_definition(type(options))}).")


def options_described(trial: Trial) -> None:
    """Every option has a line of help."""
    silent = [name for name, option in list_options(trial.spec.options).items() if not option.help.strip()]
    words = f"{', '.join(silent)} has none: write option(default, help=...)"
    require(not silent, f"{words} ({locate_definition(trial.spec.options)}).")


def paper_becomes_bibtex(trial: Trial) -> None:
    """If the spec names a paper, `ganzoo info NAME --bibtex` can write its citation as BibTeX."""
    try:
        format_bibtex(trial.spec.paper)
    except ValueError as error:
        raise Failure(f"{error}.") from None


def similar_names_lead_somewhere(trial: Trial) -> None:
    """Each flag, key and component that the spec's `similar_to` says to type exists."""
    for name, text in trial.spec.similar_to.items():
        for word, after in pairwise([*text.replace(",", " ").split(), ""]):
            wrong = ""
            if word.startswith("--") and NAME.fullmatch(after):
                wrong = _find_missing_component(word.removeprefix("--"), after)
            elif "=" in word:
                wrong = find_advice_defect(word)
            require(not wrong, as_sentence(f"For {name!r} it says {text!r}: {wrong}"))


def _find_missing_component(flag: str, name: str) -> str:
    """Return why ``--flag name`` cannot be typed; empty if it can."""
    kind = next((kind for kind, key in FLAGS.items() if key == flag), "")
    if not kind:
        return find_advice_defect(f"--{flag} {name}")
    try:
        registry().resolve(kind, name)
    except GanzooError as error:
        return str(error)
    return ""


def words_of_options(trial: Trial) -> None:
    """If `provides` or `wants` is a function of the options, it returns words, and for `wants` a line for each."""
    options = trial.make_options()
    provided, wanted = trial.spec.get_provided(options), trial.spec.get_wanted(options)
    fits = isinstance(provided, tuple) and all(isinstance(word, str) for word in provided)
    require(fits, f"`provides` is {provided!r} for {options}, not a tuple of words.")
    require(isinstance(wanted, Mapping), f"`wants` is {wanted!r} for {options}, not a mapping.")
    for word, problem in wanted.items():
        line = isinstance(problem, str) and bool(problem) and "\n" not in problem
        require(line, f"`wants` is {problem!r} for {word!r}, not one line on what goes wrong without it.")


def requirements_met(trial: Trial) -> None:
    """All requirements of the component are installed."""
    with fatal_failures():
        trial.entry.check_requirements()


def factory_resolves(trial: Trial) -> None:
    """The factory can be imported and called with options and data (for a dataset or tracker: options alone)."""
    with fatal_failures():
        arguments = ("options",) if trial.spec.kind in WITHOUT_DATA else ("options", "data")
        require_callable(import_object(trial.spec.factory), trial.spec.factory, *arguments)
        if trial.spec.kind != "architecture":
            with suppress(Skip):  # it needs something from its user; the checks of its kind report it
                build_component(trial)


def returns_what_is_called(trial: Trial) -> None:
    """The factory's object has the methods of its kind, and they accept the arguments that ganzoo passes."""
    if not list_methods(trial.spec):
        raise Skip("another check tests this for its kind")
    made = build_component(trial)
    with fatal_failures():
        require_methods(trial.spec, made)


def migrates(trial: Trial) -> None:
    """A component whose options have a version above 1 has a `migrate` function for older options."""
    if trial.spec.version == 1:
        raise Skip("its options have version 1")
    require(trial.spec.migrate, f"Its options have version {trial.spec.version}, and its spec names no `migrate`.")
    require_callable(import_object(trial.spec.migrate), trial.spec.migrate, "options", "from_version")
