"""Choosing what is measured: the metrics that a user named, or the default ones, each with its extractors."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.evaluate.score import SECOND
from ganzoo.plugin import Built, Metric, options
from ganzoo.plugin.options import list_options, make_unknown_key_error
from ganzoo.recipe.keys import EXTRACTOR, make_options_prefix, reads_extractor
from ganzoo.recipe.measured import NUM_EXTRACTORS, list_default_metrics, rank_extractors, resolve_extractor
from ganzoo.recipe.nested import make_choice
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.wrong_keys import make_unused_key_error
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

KINDS = ("metric", "extractor", "dataset")  # kinds of components whose options an evaluation takes


def choose_metrics(
    registry: Registry,
    names: Sequence[str],
    extractors: Sequence[str],
    pairs: Mapping[str, Any],
    modality: str = "",
    without: Container[str] = (),
) -> tuple[Choice, ...]:
    """Return the metrics that are measured; one that reads several extractors is there once for each.

    Args:
        registry: The registry in which names are looked up.
        names: The names of the metrics; none for the default metrics, each on the two best extractors.
        extractors: The names of the extractors that metrics read, unless `pairs` say otherwise for a metric; none for
            the best.
        pairs: Options by key, ``metric.NAME.*`` and ``extractor.NAME.*``, and others.
        modality: The kind of the samples; empty if it is not known.
        without: Qualified names of extractors that are not taken by default.

    Raises:
        UsageError: A name or a key is unknown, or no metric is named and none is the default for these samples.
    """
    components = [registry.resolve("metric", name) for name in names]
    for component in components:
        if components.count(component) > 1:
            raise UsageError(f"metric {component.spec.name!r} is named twice: keep one of each name")
    if not components and not (components := [*list_default_metrics(registry, modality, without)]):
        installed = ", ".join(entry.spec.name for entry in registry.components("metric"))
        data = f" of {modality}" if modality else ""
        way_out = f"add --metric NAME (installed: {installed})" if installed else "install a plugin that has one"
        raise UsageError(f"no metric was chosen, and none is the default for samples{data}: {way_out}")
    chosen: list[Choice] = []
    for component in components:
        spec = component.spec
        assert isinstance(spec, Metric)
        read: Sequence[RegisteredComponent | None] = [None]
        if reads_extractor(spec):
            said = [pairs[key]] if (key := _make_extractor_key(spec)) in pairs else extractors
            read = [resolve_extractor(registry, spec, name, modality, without) for name in said or [None]]
            if not said and not names and not spec.extractor:
                read = rank_extractors(registry, spec, modality, without)[:NUM_EXTRACTORS]
        once = {each.qualified if each else "": each for each in read}
        chosen += [_choose_component(registry, component, pairs, each) for each in once.values()]
    _refuse_unused_keys(chosen, extractors, pairs)
    return tuple(chosen)


def label_metrics(metrics: Sequence[Choice]) -> dict[str, Choice]:
    """Return metrics by the part of their values' names before the slash: ``METRIC``, or ``METRIC@EXTRACTOR``.

    The first of several choices of a metric has its bare name.
    """
    found: dict[str, Choice] = {}
    for choice in metrics:
        second = choice.name in found and choice.extractor
        found[f"{choice.name}{SECOND}{choice.extractor.name}" if second else choice.name] = choice  # type: ignore[union-attr]
    return found


def _make_extractor_key(spec: Metric) -> str:
    return make_options_prefix(spec.kind, spec.name) + EXTRACTOR.name


def _choose_component(
    registry: Registry,
    component: RegisteredComponent,
    pairs: Mapping[str, Any],
    read: RegisteredComponent | None = None,
) -> Choice:
    """Return a component with its options from `pairs`, and the extractor that it reads."""
    spec = component.spec
    assert isinstance(spec, Built)
    prefix = make_options_prefix(spec.kind, spec.name)
    settings = {key.removeprefix(prefix): value for key, value in pairs.items() if key.startswith(prefix)}
    if read:
        settings.pop(EXTRACTOR.name, None)
    chosen = options.read(spec.options, settings, prefix, f"{spec.kind} {spec.name!r}")
    extractor = _choose_component(registry, read, pairs) if read else None
    return make_choice(registry, component, chosen, prefix, extractor)


def _refuse_unused_keys(metrics: Sequence[Choice], extractors: Sequence[str], pairs: Mapping[str, Any]) -> None:
    """Raise UsageError for a key or an extractor that belongs to none of the metrics, and not to the dataset."""
    if extractors and not any(choice.extractor for choice in metrics):
        raise UsageError(f"--extractor {extractors[0]}: no chosen metric reads an extractor: remove it")
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
