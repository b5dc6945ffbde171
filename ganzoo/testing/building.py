"""Building a component under trial; one that needs something of its user is skipped until that is given."""

from __future__ import annotations

from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo
from ganzoo.plugin.options import evaluate_schedules, list_options
from ganzoo.recipe.keys import make_options_prefix
from ganzoo.registry.installed import import_object
from ganzoo.testing.checks import Failure, NotChecked, Trial, as_sentence


def build_component(trial: Trial, data: DataInfo | None = None, **more: object) -> Any:
    """Return the runtime object, schedules at their start.

    Args:
        trial: Of the component.
        data: What it is built for, where its kind asks; by default as `Trial.make` has it.
        more: Options over those under trial.

    Raises:
        Skip: The factory says what its user must give or do, which is for the user to decide.
        Broken: It says so although the trial gives options, of no data in particular.
    """
    trial.entry.check_requirements()
    options = evaluate_schedules(trial.make_options(**more), 0)
    try:
        return import_object(trial.spec.factory)(*trial.make_arguments(options, data))
    except GanzooError as error:
        if (trial.values or trial.examples) and data is None:  # else it may decline the data
            raise Failure(f"It could not be built: {as_sentence(error)}") from error
        raise NotChecked(f"{error}{_explain_options(trial)}") from error


def _explain_options(trial: Trial) -> str:
    """Return how options are given to the check, where the component has some."""
    names, spec = list(list_options(trial.spec.options)), trial.spec
    if not names:
        return ""
    option = getattr(spec, "path_option", "") or "OPTION"
    return f"; give it: ganzoo check {spec.name} {make_options_prefix(spec.kind, spec.name)}{option}=..."
