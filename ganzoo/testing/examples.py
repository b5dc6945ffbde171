"""Samples, labels and a recipe for checks, and data of every kind for components that take samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, GanzooError
from ganzoo.plugin.options import to_json
from ganzoo.recipe.keys import MANY, NETWORKS, ONE
from ganzoo.recipe.settings import OPTIMIZERS, TrainOptions
from ganzoo.testing.checks import Failure, Skip, Trial
from ganzoo.testing.guards import find_message_defect


def make_samples(info: DataInfo, num: int, seed: int = 0) -> Tensor:
    """Return samples ``[num, *shape]`` in [-1, 1]; later samples are brighter, so that parts differ from the whole."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(num, *info.shape, generator=generator) - 0.5
    return noise + torch.linspace(-0.5, 0.5, num).reshape(-1, *[1] * len(info.shape))


def make_labels(info: DataInfo, num: int, seed: int = 0) -> Tensor | None:
    """Return labels: classes ``[num]``, floats ``[num, *label_shape]``, or None for data without labels."""
    generator = torch.Generator().manual_seed(seed)
    if info.label_shape:
        return torch.rand(num, *info.label_shape, generator=generator) * 2 - 1
    return torch.randint(info.num_classes, (num,), generator=generator) if info.num_classes else None


def list_accepted(trial: Trial, attempt: Callable[[DataInfo], object]) -> Iterator[DataInfo]:
    """Yield the data of the trial for which an attempt succeeds.

    Raises:
        Skip: No attempt succeeds, and the first raised a GanzooError.
        Exception: No attempt succeeds; this is the error of the first.
    """
    errors: list[Exception] = []
    for info in trial.infos:
        try:
            attempt(info)
        except Exception as error:
            errors.append(error)
        else:
            yield info
    if len(errors) == len(trial.infos):
        raise Skip(str(errors[0])) if isinstance(errors[0], GanzooError) else errors[0]


def require_clear_refusals(trial: Trial, attempt: Callable[[DataInfo], object]) -> None:
    """Raise `Failure` if an attempt neither succeeds nor raises a GanzooError of one sentence, for any of the data."""
    for info in trial.infos:
        given = f"{info.modality} [N, {', '.join(map(str, info.shape))}]"
        try:
            attempt(info)
        except Failure:
            raise
        except Exception as error:
            if isinstance(error, GanzooError) or (
                isinstance(error, Skip) and error.__cause__
            ):  # from a call, or from the factory
                if wrong := find_message_defect(error.__cause__ or error):
                    raise Failure(f"It declined {given}, but {wrong}.") from error
                continue
            words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise Failure(f"For {given} it raised {words}; raise a GanzooError that says what it accepts.") from error


def make_frozen_recipe() -> dict[str, Any]:
    """Return a frozen recipe, as trackers and diagnoses get it; its components are not installed."""
    values = {"width": 64, "widths": [8, 16], "path": None, "gamma": "cosine(1, 0.1, images=10000)"}

    def choice(name: str) -> dict[str, Any]:
        return {"name": f"check:{name}", "distribution": "", "version": "", "schema": 1, "options": values}

    optimizer = {"name": "adam", **to_json(OPTIMIZERS["adam"]())}
    return {
        "format": 1,
        "ganzoo": "0",
        **{key: choice(key) for key in ONE},
        **{key: [choice(key)] for key in MANY},
        "optim": {network: optimizer for network in NETWORKS},
        "train": {**to_json(TrainOptions()), "images": 10_000},
        "auto": [],
    }
