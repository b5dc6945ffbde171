"""The hooks: one for each kind of component. A plugin implements the hooks of the kinds that it offers.

A hook takes no argument and returns an iterable of specs of its kind. A generator function is the simplest form.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from ganzoo.plugin import (
    Architecture,
    Augmentation,
    Command,
    Dataset,
    Diagnosis,
    Exporter,
    Extractor,
    Loss,
    Metric,
    Model,
    Recipe,
    Regularizer,
    Tracker,
)

hookspec = pluggy.HookspecMarker("ganzoo")


@hookspec
def ganzoo_architectures() -> Iterable[Architecture]:  # type: ignore[empty-body]
    """Offer architectures: a generator and a discriminator, `--arch`."""


@hookspec
def ganzoo_losses() -> Iterable[Loss]:  # type: ignore[empty-body]
    """Offer adversarial losses on logits, `--loss`."""


@hookspec
def ganzoo_datasets() -> Iterable[Dataset]:  # type: ignore[empty-body]
    """Offer datasets: arrays, endless sources or files to decode, `--dataset`."""


@hookspec
def ganzoo_regularizers() -> Iterable[Regularizer]:  # type: ignore[empty-body]
    """Offer terms that see more than logits (penalties, auxiliary classes, feature matching), `--reg`."""


@hookspec
def ganzoo_augmentations() -> Iterable[Augmentation]:  # type: ignore[empty-body]
    """Offer differentiable augmentations of what the discriminator sees, `--aug`."""


@hookspec
def ganzoo_metrics() -> Iterable[Metric]:  # type: ignore[empty-body]
    """Offer metrics that compare generated with real samples, `--metric`."""


@hookspec
def ganzoo_extractors() -> Iterable[Extractor]:  # type: ignore[empty-body]
    """Offer feature extractors for metrics."""


@hookspec
def ganzoo_trackers() -> Iterable[Tracker]:  # type: ignore[empty-body]
    """Offer trackers that log scalars and grids outside the run directory, `--tracker`."""


@hookspec
def ganzoo_diagnoses() -> Iterable[Diagnosis]:  # type: ignore[empty-body]
    """Offer diagnoses: rules that find problems in a run's numbers and say what to change."""


@hookspec
def ganzoo_exporters() -> Iterable[Exporter]:  # type: ignore[empty-body]
    """Offer exporters: file formats of trained generators for other programs."""


@hookspec
def ganzoo_recipes() -> Iterable[Recipe]:  # type: ignore[empty-body]
    """Offer named recipes: presets of components and settings, `--recipe`."""


@hookspec
def ganzoo_models() -> Iterable[Model]:  # type: ignore[empty-body]
    """Offer trained models that the plugin contains."""


@hookspec
def ganzoo_commands() -> Iterable[Command]:  # type: ignore[empty-body]
    """Offer commands that are added to `ganzoo`."""
