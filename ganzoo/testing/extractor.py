"""Checks of extractors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Skip, Trial, fatal_failures, require
from ganzoo.testing.examples import list_accepted, make_labels, make_samples, require_clear_refusals
from ganzoo.testing.guards import copy_generator_states, list_moved_generators

NUM = 12
REALS, CLASSES = 64, 2  # samples and classes to train an extractor on


def gives_features(trial: Trial) -> None:
    """Samples [N, ...] become a dict of finite floats [N, F], one of them features, with the same F for every N."""
    with fatal_failures():
        info = _find_accepted(trial)
        extractor = _prepare_extractor(trial, info)
    widths: dict[str, set[int]] = {}
    for num in (1, 3, NUM):
        for name, tensor in _extract(extractor, make_samples(info, num)).items():
            fits = tensor.is_floating_point() and tensor.dim() == 2 and len(tensor) == num
            require(fits, f"For a batch of {num}, {name} is {tensor.dtype} {list(tensor.shape)}.")
            require(tensor.isfinite().all(), f"For a batch of {num}, {name} is not finite.")
            widths.setdefault(name, set()).add(tensor.shape[1])
    for name, found in widths.items():
        require(len(found) == 1, f"For batches of 1, 3 and {NUM}, {name} has {sorted(found)} columns.")


def gives_probabilities(trial: Trial) -> None:
    """An extractor provides "probabilities" if and only if it returns them: [N, K], rows that sum to 1."""
    info, declared = _find_accepted(trial), "probabilities" in trial.provides
    found = _extract(_prepare_extractor(trial, info), make_samples(info, NUM))
    words = f"Its spec provides {trial.provides}, and it returned {', '.join(found)}."
    require(declared == ("probabilities" in found), words)
    if not declared:
        raise Skip("it returns no probabilities")
    rows = found["probabilities"]
    off = float((rows.sum(1) - 1).abs().max())
    require(
        off <= 1e-4 and rows.min() >= 0, f"The smallest is {float(rows.min()):.3g}, a row's sum is off by {off:.3g}."
    )


def deterministic(trial: Trial) -> None:
    """The same samples give the same features, also from a second build and training: features are cached."""
    info = _find_accepted(trial)
    extractor, batch = _prepare_extractor(trial, info), make_samples(info, NUM)
    first = _extract(extractor, batch, seed=0)
    for when, again in {"on its next call": extractor, "when built again": _prepare_extractor(trial, info)}.items():
        far = _compute_distance(_extract(again, batch, seed=1), first)
        require(far <= 1e-6, f"They differ by up to {far:.3g} {when}.")


def draws_from_torch_alone(trial: Trial) -> None:
    """Random numbers come from torch's default generators, which are seeded before building and training."""
    info = _find_accepted(trial)
    before = copy_generator_states()
    _prepare_extractor(trial, info)
    others = [name for name in list_moved_generators(before) if not name.startswith("torch")]
    require(not others, f"It drew from {' and '.join(others)}.")


def samples_are_independent(trial: Trial) -> None:
    """A sample's features do not depend on the rest of the batch."""
    info = _find_accepted(trial)
    extractor, batch = _prepare_extractor(trial, info), make_samples(info, NUM)
    whole = _extract(extractor, batch)
    singles = [_extract(extractor, sample[None]) for sample in batch]
    alone = {name: torch.cat([single[name] for single in singles]) for name in whole}
    far, size = _compute_distance(whole, alone), float(whole["features"].abs().max())
    words = f"Alone they differ by up to {far:.3g} (features reach {size:.3g}): do not use statistics of the batch."
    require(far <= 1e-4 * max(1.0, size), words)


def stays_in_eval(trial: Trial) -> None:
    """A module stays in eval mode and returns features without a graph."""
    info = _find_accepted(trial)
    extractor = _prepare_extractor(trial, info)
    found = _extract(extractor, make_samples(info, NUM))
    if isinstance(extractor, nn.Module):
        training = [name or type(extractor).__name__ for name, part in extractor.named_modules() if part.training]
        require(not training, f"After a call {', '.join(training)} is in train mode.")
    with_graph = [name for name, tensor in found.items() if tensor.requires_grad]
    require(not with_graph, f"Called without gradients, it returned {', '.join(with_graph)} with a graph.")


def keeps_what_it_learns(trial: Trial) -> None:
    """An extractor that is trained is a module whose state_dict holds all that it learned."""
    info = _find_accepted(trial)
    extractor = _prepare_extractor(trial, info)
    if not hasattr(extractor, "prepare"):
        raise Skip("it is not trained")
    require(isinstance(extractor, nn.Module), f"{type(extractor).__name__} has prepare(real), but is not a module.")
    fresh, batch = _build_extractor(trial, info), make_samples(info, NUM)
    fresh.load_state_dict(extractor.state_dict())
    far = _compute_distance(_extract(fresh.eval(), batch), _extract(extractor, batch))
    require(far <= 1e-6, f"With its state_dict, an untrained copy gives features that differ by up to {far:.3g}.")


def input_unchanged(trial: Trial) -> None:
    """The batch is not changed in place, because metrics share it."""
    info = _find_accepted(trial)
    batch = make_samples(info, NUM)
    before = batch.clone()
    _extract(_prepare_extractor(trial, info), batch)
    num = int((batch != before).sum())
    require(not num, f"{num} of its {batch.numel()} numbers changed.")


def takes_data_or_declines(trial: Trial) -> None:
    """Every kind of data is turned into features, or declined with a GanzooError of one sentence."""
    require_clear_refusals(trial, lambda info: _extract(_prepare_extractor(trial, info), make_samples(info, NUM)))


# ----------------------------------------------------------------------------
# Extracting.


class _Reals:
    """Real samples with labels, as `prepare` gets them."""

    def __init__(self, info: DataInfo) -> None:
        self._samples, self._labels = make_samples(info, REALS), make_labels(info, REALS)

    def __len__(self) -> int:
        return REALS

    def __getitem__(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        return self._samples[index], None if self._labels is None else self._labels[index]


def _build_extractor(trial: Trial, info: DataInfo) -> Any:
    """Build the extractor; one that is trained is built for data with classes, which it may need."""
    with seeded(0):
        made = build_component(trial, info)
        trained = hasattr(made, "prepare") and not info.labelled and not trial.data
        return build_component(trial, replace(info, num_classes=CLASSES)) if trained else made


def _prepare_extractor(trial: Trial, info: DataInfo) -> Any:
    """Build the extractor and make it ready for metrics: trained if it has `prepare`, in eval mode, without grads."""
    extractor = _build_extractor(trial, info)
    if hasattr(extractor, "prepare"):
        if isinstance(extractor, nn.Module):
            extractor.train()
        with seeded(0):
            extractor.prepare(_Reals(info if info.labelled or trial.data else replace(info, num_classes=CLASSES)))
    return extractor.eval().requires_grad_(False) if isinstance(extractor, nn.Module) else extractor


def _find_accepted(trial: Trial) -> DataInfo:
    return next(list_accepted(trial, lambda info: _extract(_prepare_extractor(trial, info), make_samples(info, NUM))))


@torch.no_grad()
def _extract(extractor: Any, batch: Tensor, seed: int = 0) -> dict[str, Tensor]:
    with seeded(seed):
        found = extractor(batch)
    fits = isinstance(found, Mapping) and "features" in found
    require(fits, f"It returned {type(found).__name__}, not a dict with 'features'.")
    for name, tensor in found.items():
        require(isinstance(tensor, Tensor), f"{name!r} is {type(tensor).__name__}, not a tensor.")
    return dict(found)


def _compute_distance(found: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Return the largest difference between two outputs."""
    return max(float((found[name] - other[name]).abs().max()) for name in found)
