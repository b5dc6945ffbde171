"""Values of some of the generated samples: of the first ones, and of random parts, whose spread gives an interval."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from ganzoo.compute.device import float32_products, is_out_of_memory
from ganzoo.compute.streams import derive_seed, seeded
from ganzoo.evaluate.cache import Tensors
from ganzoo.evaluate.measure import MetricRunner, compute_values
from ganzoo.evaluate.statistics import Statistics

NUM_PARTS = 10  # random parts whose values are compared
LARGEST = 1000  # samples in a part, for metrics that compare samples with each other
WIDTH = 1.96  # standard deviations of a normal distribution: 95 % are nearer to the mean


def compute_of_first(runner: MetricRunner, num: int, seed: int, device: torch.device) -> dict[str, float]:
    """Return a metric's values of the first `num` generated samples that its extractor saw, by name.

    Args:
        runner: A metric that reads an extractor. For other metrics, and where its features were not kept, the result
            is empty.
        num: The number of generated samples.
        seed: The seed of torch's default generators, from which the metric draws random numbers.
        device: The device of the metric.
    """
    if runner.extraction is None:
        return {}
    fake = runner.extraction.fake_features
    if not fake or len(fake["features"]) < num:
        return {}
    return _compute(runner, {name: rows[:num] for name, rows in fake.items()}, None, seed, device)


def estimate_intervals(runners: Iterable[MetricRunner], seed: int, device: torch.device) -> dict[str, float]:
    """Return half the width of a 95 % interval of each value, by name, for the metrics that read features.

    A value is computed of random parts of the generated samples, without replacement (subsampling: Politis & Romano
    1994, doi:10.1214/aos/1176325770). For m of n samples, the standard deviation of these values times
    ``sqrt(m / (n - m))`` is the one of n samples, as for a mean. Metrics that compare samples with each other get parts
    of at most `LARGEST` generated samples, and as many real ones. A value that is in standard deviations already
    (`Metric.standardised`) has a spread of about 1 for any number of samples, so it gets no interval.

    Args:
        runners: The metrics, after they have measured.
        seed: The seed that the parts are chosen with.
        device: The device of the metrics.
    """
    widths: dict[str, float] = {}
    for runner in runners:
        fake = runner.extraction.fake_features if runner.extraction else {}
        if not fake or not runner.spec.compares_sets:
            continue
        num = len(fake["features"])
        size = num // 2 if runner.spec.reads == "statistics" else min(LARGEST, num // 2)
        generator = torch.Generator().manual_seed(derive_seed(seed, "metric-parts"))
        values = []
        for _ in range(NUM_PARTS):
            chosen = torch.randperm(num, generator=generator)[:size]
            part = {name: rows[chosen] for name, rows in fake.items()}
            values.append(_compute(runner, part, size, seed, device))
        for name in values[0] if all(values) else ():
            if any(fnmatchcase(name.partition("/")[2], each) for each in runner.spec.standardised):
                continue
            spread = torch.tensor([each[name] for each in values], dtype=torch.float64).std()
            if spread > 0:  # not a value of the real samples alone
                widths[name] = WIDTH * float(spread) * (size / (num - size)) ** 0.5
    return widths


@torch.no_grad()
def _compute(
    runner: MetricRunner, fake: Tensors, num_real: int | None, seed: int, device: torch.device
) -> dict[str, float]:
    """Return a metric's values of features of generated samples; none where it fails, as with too few samples.

    Args:
        runner: The metric, with the extractor's features of the real samples.
        fake: The features of the generated samples, on the CPU.
        num_real: The number of real samples, if it reads single ones; None for all.
        seed: The seed of torch's default generators.
        device: The device of the metric.
    """
    extraction = runner.extraction
    assert extraction is not None
    on_device: dict[str, Tensor] = {name: rows.to(device) for name, rows in fake.items()}
    try:
        with float32_products(), seeded(derive_seed(seed, "metric", runner.spec.name, -1), device):
            runner.metric.reset()
            if runner.spec.reads == "statistics":
                statistics = Statistics()
                statistics.add(on_device["features"])
                runner.update_statistics(statistics)
            else:
                num = extraction.reals.num if num_real is None else num_real
                runner.update(extraction.get_real_batch(0, num), on_device)
                runner.update_held_out()
            return {f"{runner.name}/{key}": value for key, value in compute_values(runner.metric).items()}
    except Exception as error:  # of a plugin; the value of all samples was computed
        if is_out_of_memory(error):
            raise
        return {}
