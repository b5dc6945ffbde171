"""Build a component for a check; skip the check where the component needs something that only its user can give."""

from __future__ import annotations

from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo
from ganzoo.plugin.options import evaluate_schedules, list_options
from ganzoo.recipe.keys import make_options_prefix
from ganzoo.registry.calling import import_object
from ganzoo.testing.checks import Failure, NotChecked, Trial, as_sentence


def build_component(trial: Trial, data: DataInfo | None = None, **more: object) -> Any:
    """Build the component's runtime object, schedules at their start.

    Args:
        trial: The component and its options.
        data: The data that the component is built for; None for the first of `Trial.infos`.
        more: Options that replace those of the trial.

    Raises:
        Skip: The factory refuses, and its error says what the user must give or do.
        Failure: The factory refuses although the trial gives options and no particular data.
    """
    trial.entry.check_requirements()
    options = evaluate_schedules(trial.make_options(**more), 0)
    try:
        return import_object(trial.spec.factory)(*trial.make_arguments(options, data))
    except GanzooError as error:
        if (trial.values or trial.examples) and data is None:  # with particular data, the component may decline it
            raise Failure(f"It could not be built: {as_sentence(error)}") from error
        raise NotChecked(f"{error}{_explain_options(trial)}") from error


def _explain_options(trial: Trial) -> str:
    """Return words that say how to give the check an option; empty where the component has no options."""
    names, spec = list(list_options(trial.spec.options)), trial.spec
    if not names:
        return ""
    option = getattr(spec, "path_option", "") or "OPTION"
    return f"; give it: ganzoo check {spec.name} {make_options_prefix(spec.kind, spec.name)}{option}=..."
