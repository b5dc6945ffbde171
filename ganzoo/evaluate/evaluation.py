"""Evaluating models, and samples that any program made: all are measured against the same real samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from ganzoo.compute import device as devices
from ganzoo.data.holdout import Parts
from ganzoo.data.load import load_parts
from ganzoo.data.source import describe_skipped_items
from ganzoo.errors import GanzooError, UsageError
from ganzoo.evaluate.evaluator import Evaluator
from ganzoo.evaluate.files import load_arrays, load_samples
from ganzoo.evaluate.measure import FailureHandler, generate_batches, pair_batches, rounds_samples
from ganzoo.evaluate.reals import RealSamples, choose_others
from ganzoo.evaluate.request import Request, Subject
from ganzoo.evaluate.score import Score
from ganzoo.package import package
from ganzoo.plugin import DataInfo
from ganzoo.plugin.options import list_options
from ganzoo.recipe.check import check_metrics, find_changed_meaning
from ganzoo.recipe.measured import get_spec
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.runs.display import format_value, make_html

MOST = 10_000  # compared samples by default
LEAST = 950  # compared samples by default, if there are so many: with fewer, distances are mostly their floor
FEW = 100  # fewer other real samples make no floor that is worth to be asked for


@dataclass(frozen=True)
class Evaluation:
    """The scores of one model, or of samples, and all that they depend on.

    Args:
        request: The request that this answers, with all that was measured beside it.
        subject: The model or the samples that were measured.
        scores: The scores by name, ``METRIC/KEY``; ``METRIC@EXTRACTOR/KEY`` for the further extractors of a metric.
        num: The number of real samples, and of generated samples.
        data: The info of the real samples.
        device: The device on which the values were measured.
    """

    request: Request
    subject: Subject
    scores: Mapping[str, Score]
    num: int
    data: DataInfo
    device: str

    def __repr__(self) -> str:
        values = ", ".join(f"{name} {format_value(value)}" for name, value in self.values.items())
        return f"<Evaluation of {self.subject.title}: {values}>"

    def _repr_html_(self) -> str:
        title = f"{self.subject.title}: {self.num:,} samples against {self.request.reference_name}"
        return make_html(title, [f"{name} {format_value(value)}" for name, value in self.values.items()])

    @property
    def values(self) -> dict[str, float]:
        """The measured values, by name."""
        return {name: score.value for name, score in self.scores.items()}

    @property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of each metric's values, by the part of their names before the slash."""
        return {name.partition("/")[0]: score.protocol.fingerprint for name, score in self.scores.items()}

    @property
    def better(self) -> dict[str, str]:
        """Whether a ``lower`` or a ``higher`` value is better, or ``neither``, by name."""
        return {name: score.better for name, score in self.scores.items()}

    @property
    def images(self) -> int | None:
        """The number of images that the model saw in training; None for samples."""
        return self.subject.config.images if self.subject.config else None

    def to_json(self) -> dict[str, Any]:
        """Return the scores as JSON, with all that they depend on: numbers, components, options, versions."""
        request, subject = self.request, self.subject
        arch, reference = request.archs[request.subjects.index(subject)], request.reference
        dataset = reference.to_json() if isinstance(reference, Choice) else {"name": str(reference)}
        return {
            "model": subject.title,
            "images": self.images,
            "values": self.values,
            "better": self.better,
            "fingerprints": self.fingerprints,
            "scores": [score.to_json() for score in self.scores.values()],
            "num": self.num,
            "seed": request.seed,
            "arch": arch.to_json() if arch else None,
            "dataset": dataset | {"num_items": self.data.num_items},
            "metrics": [choice.to_json() for choice in request.metrics],
            "device": self.device,
            "versions": {name: metadata.version(name) for name in ("ganzoo", "torch")},
        }


def evaluate(
    request: Request, registry: Registry, device: torch.device, notify: Callable[[str], None]
) -> list[Evaluation]:
    """Measure the averaged generators of model packages, and samples, in the order of the request.

    Args:
        request: What is measured, the metrics and the real samples.
        registry: The registry in which the packages' components are looked up.
        device: The device to measure on.
        notify: A function that shows one line to the user: what is measured, and lines of the dataset.

    Raises:
        UsageError: The data does not fit a model, or there are fewer samples than were requested.
        GanzooError: A metric failed, or memory ran out.
        NotFound, Corrupt, MissingPlugin: As `ganzoo.package.package.load`.
    """
    try:
        return list(_evaluate(request, registry, device, notify))
    except (RuntimeError, MemoryError) as error:
        if devices.is_out_of_memory(error):
            raise GanzooError(f"{device.type} memory ran out: use another --device") from error
        raise


def _evaluate(
    request: Request, registry: Registry, device: torch.device, notify: Callable[[str], None]
) -> Iterator[Evaluation]:
    models = [subject.config.data for subject in request.subjects if subject.config]
    parts = load_reference(request.reference, models, device, notify)
    source, other_part = parts if not request.held_out else (parts.held_out, parts.training)
    if source is None:
        raise UsageError(
            f"no samples of {request.reference_name!r} are held out of the training: train with dataset.holdout=0.05, "
            "name other samples with --against, or remove --held-out"
        )
    samples = {
        subject.path: load_samples(subject.path, source.info, registry, device, notify)
        for subject in request.subjects
        if not subject.config
    }
    num = choose_num_samples(request, source.info, {path: each.info for path, each in samples.items()})
    whole = all(get_spec(choice).whole for choice in request.metrics)
    reals = RealSamples(source, num, request.seed, device)
    for subject in request.subjects:
        labelled = bool(subject.config and subject.config.data.labelled)
        check_metrics(request.metrics, source.info, request.reference_name, labelled)
    others = choose_others(reals, other_part)
    if others is None and not whole and (count := source.info.num_items or 0) >= 2 * FEW:
        notify(f"values have no floor, as too few other real samples are left: -n {count // 2} leaves enough")
    split = "held-out" if request.held_out else "all" if other_part is None else "training"
    held_out = None if request.held_out else parts.held_out
    evaluator = Evaluator(
        request.metrics, reals, notify, others, request.reference_name, split, parts.training, held_out
    )
    for subject in request.subjects:
        _refuse_held_networks(subject, evaluator)
    notify(_describe(request, reals, whole))
    for subject in request.subjects:
        if subject.config:
            generator = package.load(subject.path, registry, device)
            batches, dtype = generate_batches(generator.networks, reals, generator.data.labelled), ""
        else:
            read = samples[subject.path]
            batches = pair_batches(reals, RealSamples(read, num, request.seed, device))
            dtype = "" if rounds_samples(source.info) else read.info.dtype
        scores = evaluator.score(batches, _make_failure_handler(request, evaluator, subject), dtype, intervals=True)
        yield Evaluation(request, subject, scores, num, source.info, str(device))


def _describe(request: Request, reals: RealSamples, whole: bool) -> str:
    """Return a line on what is compared with what."""
    names = ", ".join(subject.title for subject in request.subjects)
    size = "x".join(map(str, reals.info.shape))
    real, fake = (f"all {reals.whole.num:,}", f"{reals.num:,}") if whole else (f"{reals.num:,}", "as many")
    return f"{names}: {real} samples of {request.reference_name} and {fake} generated ones, {size}, seed {request.seed}"


# ----------------------------------------------------------------------------
# The real samples.


def load_reference(
    reference: Choice | Path, models: Sequence[DataInfo], device: torch.device, notify: Callable[[str], None]
) -> Parts:
    """Return real samples to compare models with.

    Args:
        reference: The dataset of the real samples, or the path of a file of arrays.
        models: The infos of the models' samples; none where samples of another program are compared.
        device: The device on which they are compared.
        notify: A function that shows one line to the user.

    Raises:
        UsageError: The real samples do not fit a model.
    """

    def check(info: DataInfo) -> None:
        for model in models:
            check_fit(model, info, reference)

    if isinstance(reference, Path):
        arrays = load_arrays(reference, models[0] if models else None)
        check(arrays.info)
        return Parts(arrays, None)
    parts = load_parts(reference, device, notify, check)
    source = parts.training
    if line := describe_skipped_items(source):
        notify(line)
    if not models and source.info.modality == "image" and "size" in list_options(type(reference.options)):
        notify(
            f"images are compared at {source.info.shape[2]}x{source.info.shape[1]}: dataset.size=N sets another size"
        )
    return parts


def check_fit(model: DataInfo, real: DataInfo, reference: Choice | Path) -> None:
    """Raise UsageError where real samples do not match the samples or the labels of a model."""
    keys = ["modality", "shape", *(["num_classes", "label_shape"] if model.labelled else [])]
    for key in keys:
        found, expected = getattr(real, key), getattr(model, key)
        if found != expected:
            raise UsageError(
                f"dataset {reference.name!r} does not fit the model: its {key} is {found}, the model's is {expected}: "
                f"{_suggest_fix(model, real, reference)}"
            )
    if key := find_changed_meaning(model, real):
        raise UsageError(
            f"dataset {reference.name!r} does not fit the model: its {key} are not the model's: "
            f"{_suggest_fix(model, real, reference)}"
        )


def _suggest_fix(model: DataInfo, real: DataInfo, reference: Choice | Path) -> str:
    """Return a text that says how to make the dataset fit: its own options where it has them."""
    if model.modality == real.modality == "image" and isinstance(reference, Choice):
        sides = {"channels": (model.shape[0], real.shape[0]), "size": (model.shape[-1], real.shape[-1])}
        known = list_options(type(reference.options))
        settings = [
            f"dataset.{key}={expected}"
            for key, (expected, found) in sides.items()
            if expected != found and key in known
        ]
        if settings:
            return f"add {' '.join(settings)}"
    return "use the data that the model was trained on, or name data that fits with --against"


def choose_num_samples(request: Request, real: DataInfo, samples: Mapping[Path, DataInfo]) -> int:
    """Return how many samples of each side are compared.

    By default at most half of the real samples are, so that others are left for the floor, unless there are few. Where
    all metrics compare with a whole dataset (`Metric.whole`), it is the number that they are published with.

    Args:
        request: The request, which may set a number.
        real: The info of the real samples.
        samples: The info of the samples that are measured, by their path.

    Raises:
        UsageError: There are fewer samples than requested.
    """
    specs = [get_spec(choice) for choice in request.metrics]
    whole = all(spec.whole for spec in specs)
    available = {} if whole else {f"dataset {request.reference_name!r}": real.num_items}
    available |= {str(path): info.num_items for path, info in samples.items()}
    if request.num is not None:
        for name, count in available.items():
            if count is not None and request.num > count:
                raise UsageError(
                    f"-n {request.num}: {name} has {count} samples, and none is used twice: ask for at most {count}"
                )
        return request.num
    usual = MOST if real.num_items is None else min(MOST, max(LEAST, real.num_items // 2))
    most = max(spec.standard_num for spec in specs) or MOST if whole else usual
    return min([most, *(count for count in available.values() if count is not None)])


# ----------------------------------------------------------------------------
# What may not be measured, and what fails.


def _refuse_held_networks(subject: Subject, evaluator: Evaluator) -> None:
    """Raise UsageError if an extractor is a network that the model's training used: it would flatter the model."""
    for held in subject.frozen:
        if evaluator.find_reader(held):
            raise UsageError(
                f"{subject.title} was trained with the network {held.get('name')!r}, whose features would flatter it: "
                "add --extractor NAME with another network"
            )


def _make_failure_handler(request: Request, evaluator: Evaluator, subject: Subject) -> FailureHandler:
    """Return a function that raises a GanzooError which names the failed metric and its plugin."""

    def fail(label: str, error: Exception) -> None:
        plugin = evaluator.metrics[label].component.plugin.name
        text = f"{'' if isinstance(error, GanzooError) else type(error).__name__ + ': '}{error}"
        about = f" for {subject.title}" if len(request.subjects) > 1 else ""
        raise GanzooError(f"metric {label!r} of plugin {plugin!r} failed{about}: {text}") from error

    return fail
