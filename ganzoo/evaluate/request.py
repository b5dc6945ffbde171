"""What is to be measured, of which model and against which data: read and checked before torch is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt, GanzooError, UsageError
from ganzoo.plugin import Built, Dataset, options
from ganzoo.plugin.options import options_of, unknown_key
from ganzoo.recipe.keys import options_prefix
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import placed
from ganzoo.recipe.stored import stored_choice, stored_component
from ganzoo.registry import Registry

KINDS = ("metric", "dataset")  # whose options an evaluation takes


@dataclass(frozen=True)
class Request:
    """What makes two values comparable.

    Args:
        package: Directory of the model package.
        arch: Of the model.
        dataset: The real samples'.
        metrics: At least one.
        num: How many real samples, and how many generated; None for as many as are usual and there.
        seed: Which.
    """

    package: Path
    arch: Choice
    dataset: Choice
    metrics: tuple[Choice, ...]
    num: int | None
    seed: int


def requested(
    registry: Registry,
    package: Path,
    recipe: Mapping[str, Any],
    *,
    metrics: Iterable[str],
    num: int | None = None,
    seed: int = 0,
    dataset: Mapping[str, Any] | None = None,
    pairs: Mapping[str, Any] | None = None,
) -> Request:
    """Return the request that somebody's words mean.

    Args:
        registry: Where names are looked up.
        package: Directory of the model package.
        recipe: Its stored recipe.
        metrics: Their names.
        num: As in `Request`.
        seed: As in `Request`.
        dataset: What was said of the data, by key; nothing for those that the model was trained on.
        pairs: Options by key: ``metric.NAME.*`` and ``dataset.*``.

    Raises:
        UsageError: An unknown name or key, a wrong type, a value out of range.
        MissingPlugin: The architecture or the dataset is not installed.
        Corrupt: The recipe is damaged.
    """
    pairs = pairs or {}
    if num is not None and num < 1:
        raise UsageError(f"-n {num}: ask for at least one sample")
    chosen = _metrics(registry, list(metrics), pairs)
    said = {**(dataset or {}), **{key: value for key, value in pairs.items() if key.startswith("dataset.")}}
    if "dataset" not in recipe and "arch" in recipe and "dataset" not in said:
        raise UsageError(f"{package} does not say what it was trained on: add --dataset NAME or --dataset PATH")
    try:
        trained_on = recipe.get("dataset", {}) if "dataset" in said else recipe["dataset"]
        arch, real = stored_choice(registry, "arch", recipe["arch"]), _dataset(registry, trained_on, said)
    except GanzooError:  # some are ValueErrors
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt(f"the recipe in {package} is damaged: {type(error).__name__} {error}") from error
    return Request(package, arch, real, chosen, num, seed)


def fingerprint(metric: Choice, dataset: Choice, num: int, seed: int) -> str:
    """Return 16 hexadecimal digits that two values share exactly where they answer the same question.

    Args:
        metric: What was measured, with its options and version.
        dataset: Against what, likewise.
        num: Real samples, and generated ones.
        seed: Which.
    """
    asked = json.dumps([metric.to_json(), dataset.to_json(), num, seed], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _metrics(registry: Registry, names: list[str], pairs: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return the metrics of these names, with the options that `pairs` give them."""
    if not names:
        installed = ", ".join(entry.spec.name for entry in registry.components("metric"))
        raise UsageError(f"no metric was chosen: add --metric NAME (installed: {installed or 'none'})")
    chosen: dict[str, Choice] = {}
    for name in names:
        component = registry.resolve("metric", name)
        assert isinstance(component.spec, Built)
        if component.spec.name in chosen:
            raise UsageError(f"metric {component.spec.name!r} is named twice: keep one of each name")
        prefix, owner = options_prefix("metric", component.spec.name), f"metric {component.spec.name!r}"
        values = options.read(component.spec.options, _under(prefix, pairs), prefix, owner)
        chosen[component.spec.name] = Choice(component, values)
    _refuse_others(chosen, pairs)
    return tuple(chosen.values())


def _refuse_others(metrics: Mapping[str, Choice], pairs: Mapping[str, Any]) -> None:
    """Raise UsageError for a key that is of no metric in use and not of the dataset."""
    for key in pairs:
        head, _, rest = key.partition(".")
        name, dot, _ = rest.partition(".")
        if head == "dataset" or (head == "metric" and name in metrics and dot):
            continue
        if head == "metric" and dot:
            raise UsageError(f"{key}: metric {name!r} is not in use: add --metric {name}")
        known = [
            options_prefix("metric", name) + option
            for name, choice in metrics.items()
            for option in options_of(choice.spec.options)
        ]
        raise unknown_key(key, known, "an evaluation")


def _dataset(registry: Registry, stored: Mapping[str, Any], said: Mapping[str, Any]) -> Choice:
    """Return the data that were asked for; options that nobody spoke of are those of training, where it had the same.

    So another folder comes in the size of the model.
    """
    if "dataset" in said:
        component = registry.resolve("dataset", str(said["dataset"]))
    else:
        component = stored_component(registry, "dataset", stored)
    spec = component.spec
    assert isinstance(spec, Dataset)
    same = "dataset" not in said or component.qualified == stored.get("name")
    values = dict(component.migrate(stored["options"], int(stored["schema"]))) if same else {}
    chosen = options.read(spec.options, values | _under("dataset.", said), "dataset.", f"dataset {spec.name!r}")
    return Choice(component, placed(spec, chosen))


def _under(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
