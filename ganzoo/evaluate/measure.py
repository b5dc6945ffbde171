"""The measuring itself, one for training and for ``ganzoo evaluate``: the same weights give the same values in both.

Real samples, latents and what networks and metrics draw themselves are functions of the seed and of how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.device import exact_products
from ganzoo.compute.streams import derive, draw_latents, seeded
from ganzoo.data.source import ArraySource, EndlessSource, conditioned, ready
from ganzoo.plugin import DataInfo, Networks
from ganzoo.recipe.recipe import Choice

BATCH = 64  # samples that are made and measured at a time

Pair = tuple[Tensor, Tensor]  # real and generated samples, [n, *shape] both


def build_metrics(choices: Iterable[Choice], data: DataInfo, device: torch.device) -> dict[str, Any]:
    """Return metrics by name, ready to measure data of this kind on the device."""
    built = {choice.name: choice.build(data) for choice in choices}
    return {name: metric.to(device) if isinstance(metric, nn.Module) else metric for name, metric in built.items()}


@torch.no_grad()
def measure(
    metrics: Mapping[str, Any],
    data: DataInfo,
    pairs: Iterable[Pair],
    seed: int,
    device: torch.device,
    failed: Callable[[str, Exception], None],
) -> dict[str, float]:
    """Return the values of all metrics, by ``METRIC/KEY``; the samples are gone through once.

    Args:
        metrics: By name.
        data: What the samples are, for metrics that ask.
        pairs: Batches of real and of as many generated samples, in float32 on the device.
        seed: Of what metrics draw themselves, from torch's default generators.
        device: Where that is.
        failed: Is told of a metric that raises an error or measures what is no finite number. Where it returns, that
            metric is left out and the others go on.
    """
    going, values = dict(metrics), dict[str, float]()

    def ask(call: Callable[..., Any], name: str, step: int, *args: Tensor) -> Any:
        try:
            with seeded(derive(seed, "metric", name, step), device):
                return call(going[name], *args)
        except Exception as error:
            del going[name]
            failed(name, error)

    with exact_products():
        for name in metrics:
            ask(partial(_begin, data=data), name, -1)
        for step, (real, fake) in enumerate(pairs):
            for name in list(going):
                ask(_show, name, step, real, fake)
        for name in list(going):
            found = ask(_compute, name, -1)
            values |= {f"{name}/{key}": value for key, value in (found or {}).items()}
    return values


def _begin(metric: Any, data: DataInfo) -> None:
    if hasattr(metric, "prepare"):
        metric.prepare(data)
    metric.reset()


def _show(metric: Any, real: Tensor, fake: Tensor) -> None:
    metric.real(real)
    metric.fake(fake)


def _compute(metric: Any) -> dict[str, float]:
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


def compared(
    networks: Networks, source: ArraySource | EndlessSource, num: int, seed: int, device: torch.device, labelled: bool
) -> Iterator[Pair]:
    """Yield batches of real samples and of as many generated ones, in float32 on the device.

    Args:
        networks: The generator, in eval mode on the device, and its latents.
        source: The data; of a dataset no sample is taken twice.
        num: How many of each; at most as many as there are.
        seed: Which; the same on every device.
        device: Where they are made.
        labelled: Whether the generator takes labels: those of the real samples.
    """
    z = draw_latents(networks.latent, torch.Generator().manual_seed(derive(seed, "metric-z")), num, networks.latent_dim)
    generator = torch.Generator(device)
    for step, batch in enumerate(_reals(source, num, seed)):
        generator.manual_seed(derive(seed, "metric-labels", step))
        real, labels = conditioned(source, ready(source, batch, device), generator)
        latents = z[step * BATCH :][: len(real)].to(device)
        classes = labels if labelled else None
        with torch.no_grad(), seeded(derive(seed, "metric-component", step), device):
            fake = networks.generator(latents, classes).float()
        yield real, fake


def _reals(source: ArraySource | EndlessSource, num: int, seed: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yield real samples as they are stored, and their labels, `BATCH` at a time."""
    generator = torch.Generator().manual_seed(derive(seed, "metric-real"))
    if isinstance(source, EndlessSource):
        for start in range(0, num, BATCH):
            yield source.sample(generator, min(BATCH, num - start))
        return
    data, labels = source.data, source.labels
    for index in torch.split(torch.randperm(len(data), generator=generator)[:num], BATCH):
        yield data[index.to(data.device)], None if labels is None else labels[index.to(labels.device)]
