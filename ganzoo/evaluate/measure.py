"""The measuring itself, one for training and for ``ganzoo evaluate``: the same weights give the same values in both.

Real samples, latents and what networks and metrics draw themselves are functions of the seed and of how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ganzoo.compute.device import float32_products
from ganzoo.compute.streams import derive_seed, draw_latents, seeded
from ganzoo.evaluate.extract import Extraction
from ganzoo.evaluate.reals import BATCH, RealSamples
from ganzoo.evaluate.request import compute_fingerprint
from ganzoo.plugin import Metric, Networks, extract_samples
from ganzoo.recipe.recipe import Choice

FailureHandler = Callable[[str, Exception], None]


class Batch(NamedTuple):
    """Real samples and as many generated ones, ``[n, *shape]`` both, and the labels that these were made from."""

    real: Tensor
    fake: Tensor
    labels: Tensor | None


@dataclass(frozen=True, eq=False)
class MetricRunner:
    """A metric that is ready to measure.

    Args:
        name: Of the metric.
        spec: Likewise.
        metric: Its runtime object, on the device.
        extraction: What it reads; None where it reads samples.
    """

    name: str
    spec: Metric
    metric: Any
    extraction: Extraction | None = None

    @property
    def weights(self) -> str:
        """SHA-256 of the extractor's weights; empty where there are none."""
        return self.extraction.weights if self.extraction else ""

    def show(self, real: Any, fake: Any, labels: Tensor | None = None) -> None:
        """Hand the metric a batch of either side: samples, features or statistics."""
        if self.spec.pairs:
            self.metric.pair(real, fake, labels)
        else:
            more = (labels,) if self.spec.labels else ()
            self.metric.real(real, *more)
            self.metric.fake(fake, *more)


class Evaluator:
    """Metrics, and the real samples that they compare generated ones with.

    Args:
        metrics: Which, with the extractors that they read.
        reals: The real samples.
        notify: Gets a line where what could be kept for the next time is not.

    Raises:
        GanzooError: A metric or an extractor could not be built.
    """

    def __init__(self, metrics: Sequence[Choice], reals: RealSamples, notify: Callable[[str], None]) -> None:
        self.metrics, self.reals = metrics, reals
        chosen = {choice.extractor.name: choice.extractor for choice in metrics if choice.extractor}
        extractions = {name: Extraction(extractor, reals, notify) for name, extractor in chosen.items()}
        self.runners = [self._make_runner(choice, extractions) for choice in metrics]

    def _make_runner(self, choice: Choice, extractions: Mapping[str, Extraction]) -> MetricRunner:
        with seeded(derive_seed(0, choice.name), self.reals.device):
            metric = choice.build(self.reals.info)
        metric = metric.to(self.reals.device) if isinstance(metric, nn.Module) else metric
        assert isinstance(choice.spec, Metric)
        return MetricRunner(
            choice.name, choice.spec, metric, extractions[choice.extractor.name] if choice.extractor else None
        )

    def measure(self, networks: Networks, labelled: bool, failed: FailureHandler) -> dict[str, float]:
        """Return what the metrics say of a generator, by ``METRIC/KEY``: on the same latents and reals at every call.

        Args:
            networks: The generator, in eval mode on the device, and its latents.
            labelled: Whether the generator takes labels: those of the real samples.
            failed: As for `measure`.
        """
        return measure(
            self.runners, generate_batches(networks, self.reals, labelled), self.reals.seed, self.reals.device, failed
        )

    def fingerprints(self, values: Iterable[str], dataset: Choice) -> dict[str, str]:
        """Return the fingerprint of each metric that has a value, by its name.

        Args:
            values: What was measured, ``METRIC/KEY``.
            dataset: The real samples'.
        """
        measured = {name.partition("/")[0] for name in values}
        return {
            choice.name: compute_fingerprint(choice, dataset, self.reals.num, self.reals.seed, runner.weights)
            for choice, runner in zip(self.metrics, self.runners, strict=True)
            if choice.name in measured
        }


@torch.no_grad()
def measure(
    runners: Iterable[MetricRunner], batches: Iterable[Batch], seed: int, device: torch.device, failed: FailureHandler
) -> dict[str, float]:
    """Return the values of all metrics, by ``METRIC/KEY``; the samples are gone through once.

    Args:
        runners: The metrics.
        batches: Real and generated samples, in float32 on the device.
        seed: Of what metrics draw themselves, from torch's default generators.
        device: Where that is.
        failed: Is told of a metric that raises an error or measures what is not a finite number, or whose extractor
            does. Where it returns, that metric is left out and the others go on.
    """
    going, values = {runner.name: runner for runner in runners}, dict[str, float]()

    def attempt(served: Sequence[MetricRunner], step: int, call: Callable[..., Any], *args: Any) -> Any:
        """Return what a call for these metrics returns; where it fails, go on without them."""
        try:
            with seeded(derive_seed(seed, "metric", served[0].name, step), device):
                return call(*args)
        except Exception as error:
            for runner in served:
                del going[runner.name]
                failed(runner.name, error)

    with float32_products():
        for runner in list(going.values()):
            attempt([runner], -1, runner.metric.reset)
        for extraction, served in _group_by_extraction(going.values()).items():
            attempt(served, -1, extraction.begin, {runner.spec.reads for runner in served})
        for step, batch in enumerate(batches):
            shown: dict[Extraction | None, tuple[Any, Any]] = {None: (batch.real, batch.fake)}
            for extraction, served in _group_by_extraction(going.values()).items():
                shown[extraction] = attempt(served, step, extraction.extract_both, step * BATCH, batch.fake)
            for runner in list(going.values()):
                if runner.spec.reads != "statistics":
                    attempt([runner], step, runner.show, *shown[runner.extraction], batch.labels)
        for runner in list(going.values()):
            if runner.spec.reads == "statistics" and runner.extraction:
                attempt([runner], -1, runner.show, runner.extraction.real_statistics, runner.extraction.fake_statistics)
        for runner in list(going.values()):
            found = attempt([runner], -1, _compute_values, runner.metric)
            values |= {f"{runner.name}/{key}": value for key, value in (found or {}).items()}
    return values


def _group_by_extraction(runners: Iterable[MetricRunner]) -> dict[Extraction, list[MetricRunner]]:
    """Return the metrics that read each extractor."""
    found: dict[Extraction, list[MetricRunner]] = {}
    for runner in runners:
        if runner.extraction:
            found.setdefault(runner.extraction, []).append(runner)
    return found


def _compute_values(metric: Any) -> dict[str, float]:
    """Return what a metric measured, as floats; raise ValueError where that is nothing, or one is not finite."""
    found = metric.compute()
    if not isinstance(found, Mapping):
        raise TypeError(f"compute returned {type(found).__name__}, not floats by name")
    values = {str(key): float(value) for key, value in found.items()}
    if not values:
        raise ValueError("it measured nothing")
    for key, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{key} is {value}")
    return values


# ----------------------------------------------------------------------------
# What is measured.


def generate_batches(networks: Networks, reals: RealSamples, labelled: bool) -> Iterator[Batch]:
    """Yield batches of real samples and of as many generated ones, in float32 on the device.

    Args:
        networks: The generator, in eval mode on the device, and its latents.
        reals: The real samples.
        labelled: Whether the generator takes labels: those of the real samples.
    """
    seed, device = reals.seed, reals.device
    generator = torch.Generator().manual_seed(derive_seed(seed, "metric-z"))
    z = draw_latents(networks.latent, generator, reals.num, networks.latent_dim)
    for step, (real, labels) in enumerate(reals.batches()):
        latents = z[step * BATCH :][: len(real)].to(device)
        labels = labels if labelled else None
        with torch.no_grad(), seeded(derive_seed(seed, "metric-component", step), device):
            fake = extract_samples(networks.generator(latents, labels)).float()
        yield Batch(real, fake, labels)
