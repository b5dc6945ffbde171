"""Evaluating a model: its samples are measured against real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

import torch

from ganzoo.compute import device as devices
from ganzoo.data.load import load_source
from ganzoo.data.source import describe_skipped_items
from ganzoo.errors import GanzooError, UsageError
from ganzoo.evaluate.compare import collect_directions
from ganzoo.evaluate.measure import Evaluator
from ganzoo.evaluate.reals import RealSamples
from ganzoo.evaluate.request import Request
from ganzoo.package import package
from ganzoo.plugin import DataInfo
from ganzoo.plugin.measuring import get_direction
from ganzoo.plugin.options import list_options
from ganzoo.recipe.check import check_metrics, find_changed_meaning
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.runs.where import format_title

NUM = 10_000  # compared samples by default, where the dataset has so many


@dataclass(frozen=True)
class Evaluation:
    """Measured values, and all that they depend on.

    Args:
        request: The request that was answered.
        values: The measured values, by ``METRIC/KEY``.
        fingerprints: The fingerprint of each metric's values, by metric. Equal fingerprints mean comparable values.
        num: The number of real samples, and of generated samples.
        images: Images that the model saw in training.
        data: The info of the real samples.
        device: The device on which the values were measured.
    """

    request: Request
    values: Mapping[str, float]
    fingerprints: Mapping[str, str]
    num: int
    images: int
    data: DataInfo
    device: str

    @property
    def better(self) -> dict[str, str]:
        """Whether a ``lower`` or a ``higher`` value is better, or ``neither``, by ``METRIC/KEY``."""
        declared = collect_directions(self.request.metrics)
        return {name: get_direction(name, declared) or "neither" for name in self.values}

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON, with all that they depend on: numbers, components, options, versions."""
        request = self.request
        return {
            "model": format_title(request.package),
            "images": self.images,
            "values": dict(self.values),
            "better": self.better,
            "fingerprints": dict(self.fingerprints),
            "num": self.num,
            "seed": request.seed,
            "arch": request.arch.to_json(),
            "dataset": request.dataset.to_json() | {"num_items": self.data.num_items},
            "metrics": [choice.to_json() for choice in request.metrics],
            "device": self.device,
            "versions": {name: metadata.version(name) for name in ("ganzoo", "torch")},
        }


def evaluate(request: Request, registry: Registry, device: torch.device, notify: Callable[[str], None]) -> Evaluation:
    """Measure the averaged generator of a model package.

    Args:
        request: The model, the metrics and the real samples.
        registry: The registry in which the package's components are looked up.
        device: The device to measure on.
        notify: A function that shows one line to the user: what is measured, and lines of the dataset.

    Raises:
        UsageError: The data does not fit the model, or has fewer samples than were requested.
        GanzooError: A metric failed, or memory ran out.
        NotFound, Corrupt, MissingPlugin: As `ganzoo.package.package.load`.
    """
    try:
        return _evaluate(request, registry, device, notify)
    except (RuntimeError, MemoryError) as error:
        if devices.is_out_of_memory(error):
            raise GanzooError(f"{device.type} memory ran out: use another --device") from error
        raise


def _evaluate(request: Request, registry: Registry, device: torch.device, notify: Callable[[str], None]) -> Evaluation:
    generator = package.load(request.package, registry, device)
    source = load_source(
        request.dataset, device, notify, check=lambda info: check_fit(generator.data, info, request.dataset)
    )
    if line := describe_skipped_items(source):
        notify(line)
    num = choose_num_samples(request, source.info)
    protocol = f"{num:,} samples of {request.dataset.name} and as many generated ones, seed {request.seed}"
    notify(f"{format_title(request.package)}: {protocol}")
    check_metrics(request.metrics, source.info, request.dataset.name, generator.data.labelled)
    evaluator = Evaluator(request.metrics, RealSamples(source, num, request.seed, device), notify)
    on_failure = partial(_raise_failure, request.metrics)
    values = evaluator.measure(generator.networks, generator.data.labelled, on_failure)
    fingerprints = evaluator.compute_fingerprints(values, request.dataset)
    return Evaluation(request, values, fingerprints, num, int(generator.config["images"]), source.info, str(device))


def check_fit(model: DataInfo, real: DataInfo, dataset: Choice) -> None:
    """Raise UsageError where real samples do not match the samples or the labels of a model."""
    keys = ["modality", "shape", *(["num_classes", "label_shape"] if model.labelled else [])]
    for key in keys:
        found, expected = getattr(real, key), getattr(model, key)
        if found != expected:
            raise UsageError(
                f"dataset {dataset.name!r} does not fit the model: its {key} is {found}, the model's is {expected}: "
                f"{_suggest_fix(model, real, dataset)}"
            )
    if key := find_changed_meaning(model, real):
        raise UsageError(
            f"dataset {dataset.name!r} does not fit the model: its {key} are not the model's: "
            f"{_suggest_fix(model, real, dataset)}"
        )


def _suggest_fix(model: DataInfo, real: DataInfo, dataset: Choice) -> str:
    """Return a text that says how to make the dataset fit: its own options where it has them."""
    if model.modality == real.modality == "image":
        sides = {"channels": (model.shape[0], real.shape[0]), "size": (model.shape[-1], real.shape[-1])}
        known = list_options(type(dataset.options))
        settings = [
            f"dataset.{key}={expected}"
            for key, (expected, found) in sides.items()
            if expected != found and key in known
        ]
        if settings:
            return f"add {' '.join(settings)}"
    return "use the data that the model was trained on, or name data that fits with --dataset"


def choose_num_samples(request: Request, data: DataInfo) -> int:
    """Return how many samples are compared; raise UsageError where the dataset has fewer than requested."""
    if data.num_items is None:
        return request.num or NUM
    if request.num is not None and request.num > data.num_items:
        raise UsageError(
            f"-n {request.num}: dataset {request.dataset.name!r} has {data.num_items} samples, and none is used twice: "
            f"ask for at most {data.num_items}"
        )
    return request.num or min(NUM, data.num_items)


def _raise_failure(metrics: tuple[Choice, ...], name: str, error: Exception) -> None:
    """Raise a GanzooError that names the failed metric and its plugin."""
    (plugin,) = [choice.component.plugin.name for choice in metrics if choice.name == name]
    text = f"{'' if isinstance(error, GanzooError) else type(error).__name__ + ': '}{error}"
    raise GanzooError(f"metric {name!r} of plugin {plugin!r} failed: {text}") from error
