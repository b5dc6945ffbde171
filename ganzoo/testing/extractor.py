"""Checks of extractors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo
from ganzoo.testing.building import built
from ganzoo.testing.checks import Trial, require, usable
from ganzoo.testing.examples import accepted, hold_to_declining, samples

NUM = 12


def gives_features(trial: Trial) -> None:
    """A batch [N, ...] becomes finite float features [N, F], F the same for every N."""
    with usable():
        info = _taken(trial)
        extractor = built(trial, info)
    widths = set()
    for num in (1, 3, NUM):
        features = _extracted(extractor, samples(info, num))
        found = f"{features.dtype} {list(features.shape)}"
        fits = features.is_floating_point() and features.dim() == 2 and len(features) == num
        require(fits, f"Of {num} samples it made {found}.")
        require(bool(features.isfinite().all()), f"Of {num} samples it made features that are not finite.")
        widths.add(features.shape[1])
    require(len(widths) == 1, f"For 1, 3 and {NUM} samples F was {sorted(widths)}.")


def deterministic(trial: Trial) -> None:
    """The same samples give the same features, also when it is built anew: statistics are kept and compared."""
    info = _taken(trial)
    extractor, batch = built(trial, info), samples(info, NUM)
    first = _extracted(extractor, batch, seed=0)
    for when, again in {"on its next call": extractor, "when built again": built(trial, info)}.items():
        far = float((_extracted(again, batch, seed=1) - first).abs().max())
        require(far <= 1e-6, f"They differ by up to {far:.3g} {when}.")


def apart_from_neighbours(trial: Trial) -> None:
    """A sample's features do not depend on the batch in which it comes."""
    info = _taken(trial)
    extractor, batch = built(trial, info), samples(info, NUM)
    whole = _extracted(extractor, batch)
    alone = torch.cat([_extracted(extractor, sample[None]) for sample in batch])
    far, size = float((whole - alone).abs().max()), float(whole.abs().max())
    words = f"Alone they differ by up to {far:.3g} (features reach {size:.3g}): put the network into eval mode."
    require(far <= 1e-4 * max(1.0, size), words)


def input_unchanged(trial: Trial) -> None:
    """The batch is left as it is: metrics share it."""
    info = _taken(trial)
    batch = samples(info, NUM)
    before = batch.clone()
    _extracted(built(trial, info), batch)
    num = int((batch != before).sum())
    require(not num, f"{num} of its {batch.numel()} numbers were changed in place.")


def takes_data_or_declines(trial: Trial) -> None:
    """Every kind of data is turned into features, or declined by a GanzooError of one sentence."""
    hold_to_declining(trial, lambda info: _extracted(built(trial, info), samples(info, NUM)))


def _taken(trial: Trial) -> DataInfo:
    return next(accepted(trial, lambda info: _extracted(built(trial, info), samples(info, NUM))))


@torch.no_grad()
def _extracted(extractor: Any, batch: Tensor, seed: int = 0) -> Tensor:
    with seeded(seed):
        features: Tensor = extractor(batch)
    require(isinstance(features, Tensor), f"It returned {type(features).__name__}.")
    return features
