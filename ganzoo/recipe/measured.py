"""What is measured where the user does not say it: the default metrics, and the extractors of the highest rank."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ganzoo.errors import MissingPlugin, UsageError
from ganzoo.plugin import Built, Extractor, Metric
from ganzoo.recipe.keys import EXTRACTOR, reads_extractor
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

NUM_EXTRACTORS = 2  # by default each metric reads so many networks: one, and a second opinion


def get_spec(metric: Choice) -> Metric:
    """Return the spec of a chosen metric."""
    assert isinstance(metric.spec, Metric)
    return metric.spec


def find_modality(dataset: Choice) -> str:
    """Return the kind of a dataset's samples; empty if the dataset must be opened to know it."""
    known = dataset.known_data or dataset.known_images
    return known.modality if known else ""


def rank_extractors(
    registry: Registry, spec: Metric, modality: str = "", without: Container[str] = ()
) -> list[RegisteredComponent]:
    """Return the extractors that a metric reads where the user names none, the best first.

    Args:
        registry: The registry with the installed extractors.
        spec: The metric, which may need words that the extractor provides.
        modality: The kind of the samples; empty if it is not known.
        without: Qualified names of extractors that are not taken.
    """
    ranked = []
    for entry in registry.components(EXTRACTOR.kind):
        extractor = entry.spec
        assert isinstance(extractor, Extractor)
        fits = not (modality and extractor.modalities) or modality in extractor.modalities
        provides = extractor.get_provided(extractor.options())
        if extractor.rank and fits and entry.qualified not in without and set(spec.needs) <= set(provides):
            ranked.append((-extractor.rank, extractor.name, entry))
    return [entry for *_, entry in sorted(ranked, key=lambda each: each[:2]) if _is_usable(entry)]


def _is_usable(entry: RegisteredComponent) -> bool:
    """Return whether all packages that a component requires are installed."""
    try:
        entry.check_requirements()
    except MissingPlugin:
        return False
    return True


def resolve_extractor(
    registry: Registry, spec: Built, name: str | None, modality: str = "", without: Container[str] = ()
) -> RegisteredComponent:
    """Return the extractor of a metric: the one of this name, or the metric's default, or the best that is installed.

    Raises:
        UsageError: There is no such extractor, or none is named and no installed one has a rank and fits.
    """
    assert isinstance(spec, Metric)
    if name or spec.extractor:
        return registry.resolve(EXTRACTOR.kind, str(name or spec.extractor))
    if ranked := rank_extractors(registry, spec, modality, without):
        return ranked[0]
    installed = ", ".join(entry.spec.name for entry in registry.components(EXTRACTOR.kind))
    raise UsageError(
        f"metric {spec.name!r} needs an extractor{f' for {modality}' if modality else ''}: add "
        f"metric.{spec.name}.extractor=NAME (installed: {installed or 'none'})"
    )


def list_default_metrics(
    registry: Registry, modality: str, without: Container[str] = ()
) -> Sequence[RegisteredComponent]:
    """Return the metrics that are measured where the user names none.

    They are the default metrics that read features; where none of them finds an extractor, those that read samples.

    Args:
        registry: The registry with the installed metrics.
        modality: The kind of the samples.
        without: Qualified names of extractors that are not taken.
    """
    reading_features, others = list[RegisteredComponent](), list[RegisteredComponent]()
    for entry in registry.components("metric"):
        spec = entry.spec
        assert isinstance(spec, Metric)
        if not spec.default or (spec.modalities and modality not in spec.modalities):
            continue
        if not reads_extractor(spec):
            others.append(entry)
        elif spec.extractor or rank_extractors(registry, spec, modality, without):
            reading_features.append(entry)
    return reading_features or others
