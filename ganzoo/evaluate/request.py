"""Requests to measure a model against data: read and checked before torch is imported."""

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
from ganzoo.recipe.check_words import check_needs
from ganzoo.recipe.keys import EXTRACTOR, make_options_prefix, reads_extractor
from ganzoo.recipe.measured import resolve_extractor
from ganzoo.recipe.nested import make_choice
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import make_path_absolute
from ganzoo.recipe.stored import read_choice, resolve_stored_component
from ganzoo.recipe.wrong_keys import make_unused_key_error
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

KINDS = ("metric", "extractor", "dataset")  # kinds of components whose options an evaluation takes


@dataclass(frozen=True)
class Request:
    """A request to measure a model. Two values are comparable where their requests agree but for the model.

    Args:
        package: The directory of the model package.
        arch: The architecture of the model.
        dataset: The dataset of the real samples.
        metrics: The metrics; at least one.
        num: The number of real samples, and of generated ones; None for 10,000 or all that the dataset has.
        seed: The seed that chooses real samples and latents.
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
    """Return the request that a user's names and options mean.

    Args:
        registry: The registry in which names are looked up.
        package: The directory of the model package.
        recipe: The package's stored recipe.
        metrics: The names of the metrics that are measured.
        num: The number of real samples and of generated ones; None for the default.
        seed: The seed of the generated samples; the same seed compares the same samples.
        dataset: Settings of the dataset by key, ``dataset`` and ``dataset.*``; by default those of the training.
        pairs: Options by key: ``metric.NAME.*``, ``extractor.NAME.*`` and ``dataset.*``.

    Raises:
        UsageError: A name or key is unknown, a value has a wrong type or is out of range.
        MissingPlugin: The architecture or the dataset is not installed.
        Corrupt: The recipe is damaged.
    """
    pairs = pairs or {}
    if num is not None and num < 1:
        raise UsageError(f"-n {num}: ask for at least one sample")
    chosen = _choose_metrics(registry, list(metrics), pairs)
    settings = {**(dataset or {}), **{key: value for key, value in pairs.items() if key.startswith("dataset.")}}
    if "dataset" not in recipe and "arch" in recipe and "dataset" not in settings:
        raise UsageError(f"{package} does not say what it was trained on: add --dataset NAME or --dataset PATH")
    try:
        trained_on = recipe.get("dataset", {}) if "dataset" in settings else recipe["dataset"]
        arch, real = read_choice(registry, "arch", recipe["arch"]), _choose_dataset(registry, trained_on, settings)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt(f"the recipe in {package} is damaged: {type(error).__name__} {error}") from error
    check_needs((arch, *chosen), average=True)
    return Request(package, arch, real, chosen, num, seed)


def compute_fingerprint(metric: Choice, dataset: Choice, num: int, seed: int, weights: str = "") -> str:
    """Return 16 hexadecimal digits that are equal exactly where two values are comparable.

    Args:
        metric: The metric with its options and version, and the extractor that it reads.
        dataset: The dataset with its options and version.
        num: The number of real samples, and of generated ones.
        seed: The seed that chose real samples and latents.
        weights: The SHA-256 of the extractor's weights; empty where it has none.
    """
    question = [metric.to_json(), dataset.to_json(), num, seed, *([weights] if metric.extractor else [])]
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:16]


def _choose_metrics(registry: Registry, names: list[str], pairs: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return the metrics of these names, with their options from `pairs`."""
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
    """Return a component with its options from `pairs`, and the extractor that it reads."""
    spec, extractor = component.spec, None
    assert isinstance(spec, Built)
    prefix = make_options_prefix(spec.kind, spec.name)
    settings = _strip_prefix(prefix, pairs)
    if reads_extractor(spec):
        extractor = _choose_component(
            registry, resolve_extractor(registry, spec, settings.pop(EXTRACTOR.name, None)), pairs
        )
    chosen = options.read(spec.options, settings, prefix, f"{spec.kind} {spec.name!r}")
    return make_choice(registry, component, chosen, prefix, extractor)


def _refuse_unused_keys(metrics: tuple[Choice, ...], pairs: Mapping[str, Any]) -> None:
    """Raise UsageError for a key that belongs to none of the chosen metrics, their extractors and the dataset."""
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


def _choose_dataset(registry: Registry, stored: Mapping[str, Any], settings: Mapping[str, Any]) -> Choice:
    """Return the requested dataset. Where it is the dataset of the training, other options are those of the training.

    So images of another folder get the size of the model.
    """
    if "dataset" in settings:
        component = registry.resolve("dataset", str(settings["dataset"]))
    else:
        component = resolve_stored_component(registry, "dataset", stored)
    spec = component.spec
    assert isinstance(spec, Dataset)
    same = "dataset" not in settings or component.qualified == stored.get("name")
    values = dict(component.migrate(stored["options"], int(stored["schema"]))) if same else {}
    chosen = options.read(
        spec.options, values | _strip_prefix("dataset.", settings), "dataset.", f"dataset {spec.name!r}"
    )
    return make_choice(registry, component, make_path_absolute(spec, chosen), "dataset.")


def _strip_prefix(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
