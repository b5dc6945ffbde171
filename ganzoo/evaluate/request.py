"""What is to be measured, of which model and against which data: read and checked before torch is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt, UsageError
from ganzoo.plugin import Built, Dataset, options
from ganzoo.plugin.options import list_options, make_unknown_key_error
from ganzoo.recipe.keys import EXTRACTOR, make_options_prefix, reads_extractor
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import make_path_absolute, make_unused_key_error, resolve_extractor
from ganzoo.recipe.stored import read_choice, resolve_stored_component
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

KINDS = ("metric", "extractor", "dataset")  # whose options an evaluation takes


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


def make_request(
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
        pairs: Options by key: ``metric.NAME.*``, ``extractor.NAME.*`` and ``dataset.*``.

    Raises:
        UsageError: An unknown name or key, a wrong type, a value out of range.
        MissingPlugin: The architecture or the dataset is not installed.
        Corrupt: The recipe is damaged.
    """
    pairs = pairs or {}
    if num is not None and num < 1:
        raise UsageError(f"-n {num}: ask for at least one sample")
    chosen = _choose_metrics(registry, list(metrics), pairs)
    said = {**(dataset or {}), **{key: value for key, value in pairs.items() if key.startswith("dataset.")}}
    if "dataset" not in recipe and "arch" in recipe and "dataset" not in said:
        raise UsageError(f"{package} does not say what it was trained on: add --dataset NAME or --dataset PATH")
    try:
        trained_on = recipe.get("dataset", {}) if "dataset" in said else recipe["dataset"]
        arch, real = read_choice(registry, "arch", recipe["arch"]), _choose_dataset(registry, trained_on, said)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt(f"the recipe in {package} is damaged: {type(error).__name__} {error}") from error
    return Request(package, arch, real, chosen, num, seed)


def compute_fingerprint(metric: Choice, dataset: Choice, num: int, seed: int, weights: str = "") -> str:
    """Return 16 hexadecimal digits that two values share exactly where they answer the same question.

    Args:
        metric: What was measured, with its options and version, and the extractor that it reads.
        dataset: Against what, likewise.
        num: Real samples, and generated ones.
        seed: Which.
        weights: SHA-256 of the extractor's, where the metric reads one that has weights.
    """
    asked = [metric.to_json(), dataset.to_json(), num, seed, *([weights] if metric.extractor else [])]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _choose_metrics(registry: Registry, names: list[str], pairs: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return the metrics of these names, with the options that `pairs` give them."""
    if not names:
        installed = ", ".join(entry.spec.name for entry in registry.components("metric"))
        raise UsageError(f"no metric was chosen: add --metric NAME (installed: {installed or 'none'})")
    chosen: dict[str, Choice] = {}
    for name in names:
        component = registry.resolve("metric", name)
        if component.spec.name in chosen:
            raise UsageError(f"metric {component.spec.name!r} is named twice: keep one of each name")
        chosen[component.spec.name] = _choose_component(registry, component, pairs)
    _refuse_unused_keys(tuple(chosen.values()), pairs)
    return tuple(chosen.values())


def _choose_component(registry: Registry, component: RegisteredComponent, pairs: Mapping[str, Any]) -> Choice:
    """Return a component with the options that `pairs` give it, and the extractor that it holds."""
    spec, held = component.spec, None
    assert isinstance(spec, Built)
    prefix = make_options_prefix(spec.kind, spec.name)
    said = _strip_prefix(prefix, pairs)
    if reads_extractor(spec):
        held = _choose_component(registry, resolve_extractor(registry, spec, said.pop(EXTRACTOR.name, None)), pairs)
    return Choice(component, options.read(spec.options, said, prefix, f"{spec.kind} {spec.name!r}"), held)


def _refuse_unused_keys(metrics: tuple[Choice, ...], pairs: Mapping[str, Any]) -> None:
    """Raise UsageError for a key that is of no metric in use, of no extractor that one reads and not of the dataset."""
    used = (*metrics, *(choice.extractor for choice in metrics if choice.extractor))
    known = [
        make_options_prefix(choice.spec.kind, choice.name) + name
        for choice in used
        for name in (*list_options(choice.spec.options), *([EXTRACTOR.name] if choice.extractor else []))
    ]
    for key in pairs:
        head, _, rest = key.partition(".")
        name, dot, _ = rest.partition(".")
        if head == "dataset" or (dot and (head, name) in [(choice.spec.kind, choice.name) for choice in used]):
            continue
        owner = "an evaluation"
        raise (
            make_unused_key_error(key, metrics, known, owner)
            if head in KINDS
            else make_unknown_key_error(key, known, owner)
        )


def _choose_dataset(registry: Registry, stored: Mapping[str, Any], said: Mapping[str, Any]) -> Choice:
    """Return the data that were asked for; options that nobody spoke of are those of training, where it had the same.

    So another folder comes in the size of the model.
    """
    if "dataset" in said:
        component = registry.resolve("dataset", str(said["dataset"]))
    else:
        component = resolve_stored_component(registry, "dataset", stored)
    spec = component.spec
    assert isinstance(spec, Dataset)
    same = "dataset" not in said or component.qualified == stored.get("name")
    values = dict(component.migrate(stored["options"], int(stored["schema"]))) if same else {}
    chosen = options.read(spec.options, values | _strip_prefix("dataset.", said), "dataset.", f"dataset {spec.name!r}")
    return Choice(component, make_path_absolute(spec, chosen))


def _strip_prefix(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
