"""Checks of augmentations: their results and gradients."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case, DataInfo
from ganzoo.plugin.options import list_options
from ganzoo.testing.augmentation.calling import (
    MODALITIES,
    NUM,
    apply,
    build_at_half,
    describe_batch,
    list_accepted_data,
)
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Skip, Trial, fatal_failures, require
from ganzoo.testing.examples import make_samples, require_clear_refusals
from ganzoo.testing.probes import require_untrained


def measure_case(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return the sum of the augmented samples of a case and, if it has an ``index``, the number at that index."""
    batch: Tensor = case.given["samples"]
    info = DataInfo(shape=tuple(batch.shape[1:]), modality=MODALITIES[batch.dim()])
    result = apply(Trial(trial.entry).build(info, **case.options), batch, case.seed, case.given.get("fake"))
    found = {"sum": float(result.double().sum())}
    return found | ({"value": float(result[tuple(case.given["indices"])])} if "indices" in case.given else {})


def keeps_shape_and_dtype(trial: Trial) -> None:
    """The output has the shape and dtype of the input, for a batch and for one sample."""
    with fatal_failures():
        taken = list(list_accepted_data(trial))
    for info in taken:
        augmentation = build_at_half(trial, info)
        for num in (NUM, 1):
            batch = make_samples(info, num)
            result = apply(augmentation, batch)
            with fatal_failures():
                require(isinstance(result, Tensor), f"It returned {type(result).__name__}.")
                given, found = ([value.dtype, list(value.shape)] for value in (batch, result))
                require(given == found, f"For {given} it returns {found}.")


def learns_nothing(trial: Trial) -> None:
    """An augmentation has no trainable parameters: only the two networks are trained."""
    require_untrained(build_at_half(trial))


def identity_at_zero(trial: Trial) -> None:
    """At p=0 an augmentation is the identity."""
    if "p" not in list_options(trial.spec.options):
        raise Skip("it has no option p")
    for info in list_accepted_data(trial):
        augmentation = build_component(trial, info, p=0.0)
        batch = make_samples(info, NUM)
        for seed in range(3):
            far = float((apply(augmentation, batch, seed) - batch).abs().max())
            require(far <= 1e-5, f"It changes {describe_batch(info)} by up to {far:.3g}.")


def finite(trial: Trial) -> None:
    """Samples in [-1, 1] stay finite."""
    for info in list_accepted_data(trial):
        augmentation = build_at_half(trial, info)
        batch = make_samples(info, NUM)
        for name, given in {"noise": batch, "zeros": batch * 0, "ones": batch * 0 + 1}.items():
            lost = int((~apply(augmentation, given).isfinite()).sum())
            require(not lost, f"{lost} numbers of {name} are infinite or NaN.")


def input_unchanged(trial: Trial) -> None:
    """The input batch is not changed in place, because penalties and metrics read it too."""
    for info in list_accepted_data(trial):
        augmentation = build_at_half(trial, info)
        batch = make_samples(info, NUM)
        before = batch.clone()
        for seed in range(3):
            apply(augmentation, batch, seed)
            num = int((batch != before).sum())
            require(not num, f"{num} of the {batch.numel()} numbers of {describe_batch(info)} changed.")


def takes_data_or_declines(trial: Trial) -> None:
    """Every kind of data is augmented, or declined with a GanzooError of one sentence."""
    require_clear_refusals(trial, lambda info: apply(build_at_half(trial, info), make_samples(info, NUM)))


def mixes_row_by_row(trial: Trial) -> None:
    """If it mixes fakes in, row i of the result depends on row i of the real and the generated samples, and on both."""
    if not trial.spec.mixes_fakes:
        raise Skip("its spec does not say that it mixes fakes in")
    info = next(list_accepted_data(trial))
    augmentation = build_at_half(trial, info)
    for title, of_fake in (("generated", True), ("real", False)):
        reached = False
        for seed in range(3):
            real, fake = make_samples(info, NUM), make_samples(info, NUM, seed=1)
            before = apply(augmentation, real, seed, fake)
            (fake if of_fake else real)[0] += 1
            changed = (apply(augmentation, real, seed, fake) != before).flatten(1).any(1)
            others = changed[1:].nonzero()[:, 0].tolist()
            require(not others, f"If {title} sample 0 changes, result {[1 + row for row in others]} changes.")
            reached = reached or bool(changed[0])
        require(reached, f"No result depends on {title} samples.")


def differentiable(trial: Trial) -> None:
    """Gradients flow through it to the samples, because G learns from D's answers to augmented samples."""
    if trial.spec.mixes_fakes:
        raise Skip("it mixes samples without a graph")
    info = next(list_accepted_data(trial))
    augmentation, weight = build_at_half(trial, info), make_samples(info, NUM, 2) + 1
    for seed in range(3):
        leaf = make_samples(info, NUM).requires_grad_()
        result = apply(augmentation, leaf, seed)
        require(result.requires_grad, "Its result has no graph: look for detach, rounding, or code outside torch.")
        (gradient,) = torch.autograd.grad((result * weight).sum(), leaf, allow_unused=True)
        require(gradient is not None and bool(gradient.any()), "The gradient is zero everywhere.")


def finite_differences(trial: Trial) -> None:
    """The gradient matches finite differences. The spec excuses a gradient that differs by design."""
    if trial.spec.mixes_fakes:
        raise Skip("it mixes samples without a graph")
    info = next(list_accepted_data(trial))
    augmentation = build_at_half(trial, info)
    try:
        augmentation = augmentation.double() if isinstance(augmentation, nn.Module) else augmentation
        apply(augmentation, make_samples(info, NUM).double())
        dtype, step, tolerance = torch.float64, 1e-6, 1e-4
    except Exception:  # the engine gives float32
        augmentation, dtype, step, tolerance = build_at_half(trial, info), torch.float32, 1e-2, 2e-2
    x = make_samples(info, NUM).to(dtype)
    direction, weight = (make_samples(info, NUM, seed).to(dtype) + 1 for seed in (1, 2))  # their means are not 0
    for seed in range(3):
        leaf = x.clone().requires_grad_()
        result = apply(augmentation, leaf, seed)
        if not result.requires_grad:
            raise Skip(f"it has no gradient: see {trial.title}/differentiable")
        (gradient,) = torch.autograd.grad((result * weight).sum(), leaf)
        ends = [float((apply(augmentation, x + sign * step * direction, seed) * weight).sum()) for sign in (1, -1)]
        found, wanted = float((gradient * direction).sum()), (ends[0] - ends[1]) / (2 * step)
        close = abs(found - wanted) <= tolerance * max(1.0, abs(wanted))
        require(
            close, f"Along a random direction its gradient is {found:.6g}, and finite differences give {wanted:.6g}."
        )
