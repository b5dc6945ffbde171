"""Measuring, for training and for ``ganzoo evaluate`` alike: the same weights give the same values in both.

Real samples, latents and the random numbers of networks and metrics depend on the seed and the number of samples alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.compute.device import float32_products
from ganzoo.compute.streams import derive_seed, draw_latents, seeded
from ganzoo.evaluate.extract import Extraction
from ganzoo.evaluate.paths import STEP, generate_step
from ganzoo.evaluate.reals import BATCH, RealSamples
from ganzoo.evaluate.statistics import Statistics
from ganzoo.plugin import DataInfo, Metric, Networks, extract_samples

FailureHandler = Callable[[str, Exception], None]


class Batch(NamedTuple):
    """Real samples and as many generated ones, each ``[n, *shape]``, and the labels of the generated ones or None.

    `step` generates the samples of a step on paths between latents; it is None if there is no generator.
    """

    real: Tensor
    fake: Tensor
    labels: Tensor | None
    step: Callable[[], tuple[Tensor, Tensor]] | None = None


@dataclass(frozen=True, eq=False)
class MetricRunner:
    """A metric that is ready to measure.

    Args:
        name: The name of the metric.
        spec: The spec of the metric.
        metric: The metric's runtime object, on the device.
        extraction: The features that the metric reads; None where it reads samples.
        held_out: Real samples that are not trained on, if the metric reads them and there are any.
    """

    name: str
    spec: Metric
    metric: Any
    extraction: Extraction | None = None
    held_out: RealSamples | None = None

    @property
    def weights(self) -> str:
        """The SHA-256 of the extractor's weights; empty where there are none."""
        return self.extraction.weights if self.extraction else ""

    @property
    def wanted(self) -> str:
        """What the metric reads of an extractor: ``features``, ``statistics``, or those of the ``whole`` dataset."""
        return "whole" if self.spec.whole else self.spec.reads

    def update_statistics(self, fake: Statistics) -> None:
        """Give a metric of statistics those of the real samples, and of generated ones."""
        assert self.extraction is not None
        real = self.extraction.whole_statistics if self.spec.whole else self.extraction.real_statistics
        self.update(real, fake)

    def update_held_out(self) -> None:
        """Give the metric the held-out samples, or their features."""
        if self.held_out is None:
            return
        if self.extraction:
            features = self.extraction.held_out_features
            self.metric.held_out({name: rows.to(self.held_out.device) for name, rows in features.items()})
            return
        for samples, _ in self.held_out.iterate_batches():
            self.metric.held_out(samples)

    def update(self, real: Any, fake: Any, labels: Tensor | None = None) -> None:
        """Give the metric real and generated data: samples, features or statistics. Empty batches are left out."""
        if self.spec.pairs:
            self.metric.pair(real, fake, labels)
            return
        more = (labels,) if self.spec.labels else ()
        for give, data in ((self.metric.real, real), (self.metric.fake, fake)):
            if not _is_empty(data):
                give(data, *more)

    def update_path(self, step: Callable[[], tuple[Tensor, Tensor]] | None) -> None:
        """Give a metric of paths the samples of a step on paths, or their features; raise ValueError without a step."""
        if step is None:
            raise ValueError("it follows paths of latents, which samples of files do not have")
        start, end = (self.extraction(samples) if self.extraction else samples for samples in step())
        self.metric.path(start, end, STEP)


def _is_empty(data: Any) -> bool:
    """Whether data have no samples: a batch, or tensors by name. Statistics are never empty."""
    tensors = data.values() if isinstance(data, Mapping) else [data] if isinstance(data, Tensor) else [range(1)]
    return not any(len(tensor) for tensor in tensors)


@torch.no_grad()
def measure(
    runners: Iterable[MetricRunner],
    batches: Iterable[Batch],
    seed: int,
    device: torch.device,
    on_failure: FailureHandler,
) -> dict[str, float]:
    """Return the values of all metrics, by ``METRIC/KEY``, in one pass over the samples.

    Args:
        runners: The metrics that are ready to measure.
        batches: Real and generated samples, float32 on the device.
        seed: The seed of torch's default generators, from which metrics draw random numbers.
        device: The device of the samples and metrics.
        on_failure: A function that gets the name and the error of a failed metric: the metric or its extractor raised
            an error, or a value is not finite. Where the function returns, the other metrics continue.
    """
    active, values = {runner.name: runner for runner in runners}, dict[str, float]()

    def attempt(affected: Sequence[MetricRunner], step: int, call: Callable[..., Any], *args: Any) -> Any:
        """Return the result of a call for these metrics; where it fails, continue without them."""
        try:
            with seeded(derive_seed(seed, "metric", affected[0].spec.name, step), device):
                return call(*args)
        except Exception as error:
            for runner in affected:
                del active[runner.name]
                on_failure(runner.name, error)

    with float32_products():
        for runner in list(active.values()):
            attempt([runner], -1, runner.metric.reset)
        for extraction, readers in _group_by_extraction(active.values()).items():
            attempt(readers, -1, extraction.begin, {runner.wanted for runner in readers})
        for step, batch in enumerate(batches):
            data: dict[Extraction | None, tuple[Any, Any]] = {None: (batch.real, batch.fake)}
            for extraction, readers in _group_by_extraction(active.values()).items():
                data[extraction] = attempt(
                    readers, step, extraction.extract_both, step * BATCH, len(batch.real), batch.fake
                )
            for runner in list(active.values()):
                if runner.spec.paths:
                    attempt([runner], step, runner.update_path, batch.step)
                elif runner.spec.reads != "statistics":
                    attempt([runner], step, runner.update, *data[runner.extraction], batch.labels)
        for runner in list(active.values()):
            if runner.spec.reads == "statistics" and runner.extraction:
                attempt([runner], -1, runner.update_statistics, runner.extraction.fake_statistics)
        for runner in list(active.values()):
            attempt([runner], -1, runner.update_held_out)
        for runner in list(active.values()):
            computed = attempt([runner], -1, compute_values, runner.metric)
            values |= {f"{runner.name}/{key}": value for key, value in (computed or {}).items()}
    return values


def _group_by_extraction(runners: Iterable[MetricRunner]) -> dict[Extraction, list[MetricRunner]]:
    """Return the metrics that read each extractor's features of all samples."""
    groups: dict[Extraction, list[MetricRunner]] = {}
    for runner in runners:
        if runner.extraction and not runner.spec.paths:
            groups.setdefault(runner.extraction, []).append(runner)
    return groups


def compute_values(metric: Any) -> dict[str, float]:
    """Return a metric's values as floats; raise ValueError where there are none, or one is not finite."""
    result = metric.compute()
    if not isinstance(result, Mapping):
        raise TypeError(f"compute returned {type(result).__name__}, not floats by name")
    values = {str(key): float(value) for key, value in result.items()}
    if not values:
        raise ValueError("it measured nothing")
    for key, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{key} is {value}")
    return values


# ----------------------------------------------------------------------------
# The measured samples.


def generate_batches(networks: Networks, reals: RealSamples, labelled: bool) -> Iterator[Batch]:
    """Yield batches of real samples and of as many generated ones, float32 on the device.

    Args:
        networks: The generator in eval mode on the device, and the distribution of its latents.
        reals: The real samples, which also decide how many samples are generated.
        labelled: Whether the generator takes labels. It then gets the labels of the real samples.
    """
    seed, device = reals.seed, reals.device
    generator = torch.Generator().manual_seed(derive_seed(seed, "metric-z"))
    z, ends = (draw_latents(networks.latent, generator, reals.num, networks.latent_dim) for _ in range(2))
    for step, (real, labels) in enumerate(reals.iterate_batches()):
        latents, others = (rows[step * BATCH :][: len(real)].to(device) for rows in (z, ends))
        labels = labels if labelled else None
        own = derive_seed(seed, "metric-component", step)
        with torch.no_grad(), seeded(own, device):
            fake = extract_samples(networks.generator(latents, labels))
        path = partial(generate_step, networks, latents, others, labels, own, device)
        yield Batch(real, round_samples(fake, reals.info), labels, path)


def pair_batches(reals: RealSamples, others: RealSamples) -> Iterator[Batch]:
    """Yield batches of real samples, and of other samples instead of generated ones; either may be empty at the end."""
    none = torch.zeros(0, *reals.info.shape, device=reals.device), None
    for (real, _), (other, _) in zip_longest(reals.iterate_batches(), others.iterate_batches(), fillvalue=none):
        yield Batch(real, round_samples(other, reals.info), None)


def rounds_samples(info: DataInfo) -> bool:
    """Whether generated samples are rounded to the levels of bytes: if the real ones are images of bytes."""
    return info.modality == "image" and info.dtype == "uint8"


def round_samples(samples: Tensor, info: DataInfo) -> Tensor:
    """Return samples as float32, images of bytes as they are when they are saved and read again.

    So a model, and a folder of its samples, have the same values.
    """
    samples = samples.float()
    if not rounds_samples(info):
        return samples
    return samples.add(1).mul_(127.5).round_().clamp_(0, 255).div_(127.5).sub_(1)
