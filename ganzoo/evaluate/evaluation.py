"""A model measured against real samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

import torch

from ganzoo.compute import device as devices
from ganzoo.data.load import load_source
from ganzoo.errors import GanzooError, UsageError
from ganzoo.evaluate.compare import collect_directions
from ganzoo.evaluate.measure import Evaluator
from ganzoo.evaluate.reals import RealSamples
from ganzoo.evaluate.request import Request
from ganzoo.package import package
from ganzoo.plugin import DataInfo
from ganzoo.plugin.options import list_options
from ganzoo.plugin.specs import get_direction
from ganzoo.recipe.check import check_metrics, find_changed_meaning
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.runs.where import format_title

NUM = 10_000  # samples, where nobody says how many and the dataset has as many


@dataclass(frozen=True)
class Evaluation:
    """What was measured, and all that it depends on.

    Args:
        request: What was asked.
        values: By ``METRIC/KEY``.
        fingerprints: Of the values, by metric.
        num: Real samples, and generated ones.
        images: That the model had seen.
        data: What the real samples are.
        device: Where it was measured.
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
        """Of each value, by ``METRIC/KEY``, whether a ``lower`` or a ``higher`` one is better, or ``neither``."""
        said = collect_directions(self.request.metrics)
        return {name: get_direction(name, said) or "neither" for name in self.values}

    def to_json(self) -> dict[str, Any]:
        """Return the values and how they came about: numbers, components with their options and versions."""
        asked = self.request
        return {
            "model": format_title(asked.package),
            "images": self.images,
            "values": dict(self.values),
            "better": self.better,
            "fingerprints": dict(self.fingerprints),
            "num": self.num,
            "seed": asked.seed,
            "arch": asked.arch.to_json(),
            "dataset": asked.dataset.to_json() | {"num_items": self.data.num_items},
            "metrics": [choice.to_json() for choice in asked.metrics],
            "device": self.device,
            "versions": {name: metadata.version(name) for name in ("ganzoo", "torch")},
        }


def evaluate(request: Request, registry: Registry, device: torch.device, notify: Callable[[str], None]) -> Evaluation:
    """Measure the averaged generator of a model package.

    Args:
        request: What is to be measured.
        registry: Where the package's components are looked up.
        device: Where.
        notify: Gets a line before it begins, and lines of the dataset.

    Raises:
        UsageError: The data do not fit the model, or are fewer than were asked for.
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
    source = load_source(request.dataset, device, notify)
    check_fit(generator.data, source.info, request.dataset)
    num = choose_num_samples(request, source.info)
    words = f"{num:,} samples of {request.dataset.name} and as many generated, seed {request.seed}"
    notify(f"{format_title(request.package)}: {words}")
    check_metrics(request.metrics, source.info, request.dataset.name, generator.data.labelled)
    evaluator = Evaluator(request.metrics, RealSamples(source, num, request.seed, device), notify)
    failed = partial(_raise_failure, request.metrics)
    values = evaluator.measure(generator.networks, generator.data.labelled, failed)
    prints = evaluator.fingerprints(values, request.dataset)
    return Evaluation(request, values, prints, num, int(generator.config["images"]), source.info, str(device))


def check_fit(model: DataInfo, real: DataInfo, dataset: Choice) -> None:
    """Raise UsageError where real samples are not of the kind that a model generates, or lack the labels it takes."""
    keys = ["modality", "shape", *(["num_classes", "label_shape"] if model.labelled else [])]
    for key in keys:
        is_, wanted = getattr(real, key), getattr(model, key)
        if is_ != wanted:
            raise UsageError(
                f"dataset {dataset.name!r} does not fit the model: {key} is {is_}, the model's is {wanted}: "
                f"{_suggest_fix(model, real, dataset)}"
            )
    if key := find_changed_meaning(model, real):
        raise UsageError(
            f"dataset {dataset.name!r} does not fit the model: its {key} are not the model's: "
            f"{_suggest_fix(model, real, dataset)}"
        )


def _suggest_fix(model: DataInfo, real: DataInfo, dataset: Choice) -> str:
    """Return the dataset's own options that make it fit, where it has them."""
    if model.modality == real.modality == "image":
        sides = {"channels": (model.shape[0], real.shape[0]), "size": (model.shape[-1], real.shape[-1])}
        known = list_options(type(dataset.options))
        settings = [f"dataset.{key}={wanted}" for key, (wanted, is_) in sides.items() if wanted != is_ and key in known]
        if settings:
            return f"add {' '.join(settings)}"
    return "bring back the data that it was trained on, or name others that fit with --dataset"


def choose_num_samples(request: Request, data: DataInfo) -> int:
    """Return how many samples are compared; raise UsageError where there are fewer than were asked for."""
    if data.num_items is None:
        return request.num or NUM
    if request.num is not None and request.num > data.num_items:
        raise UsageError(
            f"-n {request.num}: dataset {request.dataset.name!r} has {data.num_items} samples and none is taken twice: "
            f"ask for at most {data.num_items}"
        )
    return request.num or min(NUM, data.num_items)


def _raise_failure(metrics: tuple[Choice, ...], name: str, error: Exception) -> None:
    """Raise GanzooError that names the metric and its plugin."""
    (plugin,) = [choice.component.plugin.name for choice in metrics if choice.name == name]
    words = f"{'' if isinstance(error, GanzooError) else type(error).__name__ + ': '}{error}"
    raise GanzooError(f"metric {name!r} of plugin {plugin!r} failed: {words}") from error
