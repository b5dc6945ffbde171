"""Functions that build an augmentation and call it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.plugin.contracts import Modality
from ganzoo.plugin.options import evaluate_schedules, list_options
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Skip, Trial
from ganzoo.testing.examples import list_accepted, make_samples

NUM = 8  # samples in a batch
MODALITIES: dict[int, Modality] = {
    2: "points",
    3: "audio",
    4: "image",
}  # the modality of a case's samples, by their number of dimensions


def build_at_half(trial: Trial, info: DataInfo | None = None) -> Any:
    """Build the augmentation; with p=0.5 if it has the option ``p`` and the trial does not give it."""
    if "p" in list_options(trial.spec.options) and "p" not in trial.values:
        try:
            return build_component(trial, info, p=0.5)
        except UsageError:  # out of its range
            pass
    return build_component(trial, info)


def build_that_has(trial: Trial, info: DataInfo, method: str) -> Any:
    """Build the augmentation at p=0.5 or, if it has a method only if it adapts, with its own p; else raise Skip."""
    for build in (build_at_half, build_component):
        augmentation = build(trial, info)
        if hasattr(augmentation, method):
            return augmentation
    raise Skip(f"it has no method `{method}`")


def list_accepted_data(trial: Trial) -> Iterator[DataInfo]:
    """Yield the data that the augmentation accepts."""
    return list_accepted(trial, lambda info: apply(build_at_half(trial, info), make_samples(info, NUM)))


def call(augmentation: Any, batch: Tensor, fake: Tensor | None = None) -> Tensor:
    """Call an augmentation. One that mixes gets the batch as real samples, and the batch's negatives as fakes."""
    mixes = hasattr(augmentation, "mix")
    result: Tensor = augmentation.mix(batch, -batch if fake is None else fake) if mixes else augmentation(batch)
    return result


def apply(augmentation: Any, batch: Tensor, seed: int = 0, fake: Tensor | None = None) -> Tensor:
    """Call an augmentation with random numbers from this seed."""
    with seeded(seed):
        return call(augmentation, batch, fake)


def run_update(augmentation: Any, batch: Tensor, seed: int) -> None:
    """Use an augmentation as an update does: three calls and, if it adapts, D's logits."""
    for _ in range(3):
        apply(augmentation, batch, seed)
    if hasattr(augmentation, "update"):
        augmentation.update(torch.linspace(-1, 3, NUM).unsqueeze(1))


def build_on_meta(trial: Trial) -> tuple[Any, Tensor]:
    """Build the augmentation and a batch on the `meta` device, which has no numbers; schedules are tensors."""
    info, options = next(list_accepted_data(trial)), evaluate_schedules(trial.make_options(), 0)
    numbers = {name: torch.tensor(value, device="meta") for name, value in list_schedulable(options).items()}
    augmentation = trial.build_with(replace(options, **numbers), info)
    batch = make_samples(info, NUM).to("meta")
    return (augmentation.to("meta") if isinstance(augmentation, nn.Module) else augmentation), batch


def list_schedulable(options: Any) -> dict[str, float]:
    """Return the schedulable options that are floats, by name."""
    declared = list_options(type(options)).values()
    values = {option.name: getattr(options, option.name) for option in declared if option.schedulable}
    return {name: value for name, value in values.items() if isinstance(value, float)}


def describe_batch(info: DataInfo) -> str:
    """Return words for a batch of this data: its modality and shape."""
    return f"{info.modality} [{NUM}, {', '.join(map(str, info.shape))}]"


def make_generator() -> torch.Generator:
    """Return a generator with a fixed seed."""
    return torch.Generator().manual_seed(7)


def compute_likeness(one: Tensor, other: Tensor) -> Tensor:
    """Return how alike images are, ``[N]``: the absolute value of their correlation, and 1 for images of one value."""
    one, other = ((x.flatten(1) - x.flatten(1).mean(1, keepdim=True)) for x in (one, other))
    scale = one.norm(dim=1) * other.norm(dim=1)
    return torch.where(scale < 1e-6, torch.ones_like(scale), (one * other).sum(1).abs() / scale.clamp_min(1e-6))
