"""Checks of architectures: the gradients of both networks, and the gradients of a penalty."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo, extract_samples
from ganzoo.testing.architecture.networks import (
    describe_data,
    discriminate,
    find_smallest_data,
    flatten_logits,
    join_first,
    list_live,
    list_small_data,
    make_labels,
    make_latents,
    make_samples,
)
from ganzoo.testing.architecture.pair import share_next_round, share_trained
from ganzoo.testing.checks import Skip, Trial, require

STEPS = ((1e-8, 1e-3), (1e-4, 1e-2))  # steps of finite differences, each with the largest error that is accepted


def gradients_reach_every_parameter(trial: Trial) -> None:
    """After a few updates every parameter gets a gradient that is finite and not all zeros."""
    for data in list_small_data(trial):
        found, _ = share_next_round(trial, data)
        _require_finite_gradients(found, describe_data(data))
        reached = list_live(found)
        dead = [name for name in found if name not in reached]
        dead = [name for name in dead if not any(fnmatch(name, pattern) for pattern in trial.spec.untrained)]
        way_out = "if this is intended, name them in the spec's `untrained`"
        require(
            not dead,
            f"{describe_data(data)}: {join_first(dead)} got no gradient ({len(dead)} of {len(found)}); {way_out}.",
        )


def finite_differences(trial: Trial) -> None:
    """The gradients of both networks match finite differences: nothing is detached or replaced on the way."""
    data = find_smallest_data(trial)
    gan, _ = share_trained(trial, data)
    z, x, chosen = make_latents(gan.networks, 2).double(), make_samples(data, 2).double(), make_labels(data, 2)
    chosen = chosen.double() if chosen is not None and chosen.is_floating_point() else chosen

    def made() -> Tensor:
        with seeded(0):
            answer = extract_samples(gan.generator(z, chosen))
        return _sum_weighted(answer)

    for network, value in (
        (gan.generator, made),
        (gan.discriminator, lambda: _sum_weighted(flatten_logits(discriminate(gan.discriminator, x, chosen)))),
    ):
        name = "generator" if network is gan.generator else "discriminator"
        parameters = _list_trainable(network.double().eval())  # a forward pass in train mode may change buffers
        try:
            predicted, measured, close = _compare_slopes(parameters, value)
        except RuntimeError as error:  # the network computes in float32 only
            raise Skip(f"the {name} does not compute in float64: {' '.join(str(error).split())[:80]}") from error
        words = f"along a line, the {name}'s output rises by {measured:.4g}; its gradient predicts {predicted:.4g}"
        require(close, f"{describe_data(data)}: {words}. If this is intended, add the reason to the spec's `excused`.")


def differentiates_twice(trial: Trial) -> None:
    """If the spec provides ``double-backward``, a penalty on D's input gradient can be trained."""
    if "double-backward" not in trial.provides:
        raise Skip("its spec does not provide double-backward")
    data = find_smallest_data(trial)
    gan, _ = share_trained(trial, data)
    network = gan.discriminator
    try:
        slopes = torch.autograd.grad(_compute_penalty(network, data), _list_trainable(network), allow_unused=True)
    except RuntimeError as error:
        require(False, f"{describe_data(data)}: {' '.join(str(error).split())}.")
    given = [slope for slope in slopes if slope is not None]
    require(
        given and any(slope.any() for slope in given),
        f"{describe_data(data)}: the penalty has no gradient for any parameter.",
    )
    require(
        all(slope.isfinite().all() for slope in given), f"{describe_data(data)}: the penalty's gradient is not finite."
    )
    parameters = _list_trainable(network.double().eval())  # a forward pass in train mode may change buffers
    try:
        predicted, measured, close = _compare_slopes(parameters, lambda: _compute_penalty(network, data, num=2))
    except RuntimeError:  # the network computes in float32 only
        return
    words = f"along a line, the penalty rises by {measured:.4g}; its gradient predicts {predicted:.4g}"
    require(close, f"{describe_data(data)}: {words}.")


# ----------------------------------------------------------------------------
# Helpers.


def _require_finite_gradients(found: Mapping[str, Tensor | None], where: str) -> None:
    wild = [name for name, gradient in found.items() if gradient is not None and not gradient.isfinite().all()]
    require(not wild, f"{where}: the gradients of {join_first(wild)} are not finite.")


def _list_trainable(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _sum_weighted(answer: Tensor) -> Tensor:
    """Return a weighted sum of all numbers; the weights differ, so that changes do not cancel."""
    weights = torch.linspace(-1, 2, answer.numel(), dtype=answer.dtype).view_as(answer)
    return (answer * weights).sum()


def _compute_penalty(network: nn.Module, data: DataInfo, num: int = 4) -> Tensor:
    """Return the mean square of D's input gradient (Mescheder et al. 2018, arXiv:1801.04406, eq. 9)."""
    dtype = next(network.parameters()).dtype
    x, chosen = make_samples(data, num).to(dtype).requires_grad_(), make_labels(data, num)
    total = torch.stack([member.sum() for member in discriminate(network, x, chosen).logits]).sum()
    (gradient,) = torch.autograd.grad(total, x, create_graph=True, allow_unused=True)
    require(gradient is not None, f"{describe_data(data)}: the logits do not depend on the samples.")
    return gradient.square().sum() / num


def _compare_slopes(parameters: Sequence[nn.Parameter], value: Callable[[], Tensor]) -> tuple[float, float, bool]:
    """Return the slope of a value along a line through the parameters, by its gradient and by a finite difference.

    The third result says whether both agree. Larger steps are for networks that always compute a part in float32.
    """
    slopes = torch.autograd.grad(value(), parameters, allow_unused=True)
    generator = torch.Generator().manual_seed(0)
    way = [
        torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype) * parameter.detach().abs().mean()
        for parameter in parameters
    ]
    predicted = sum(float((a * b).sum()) for a, b in zip(slopes, way, strict=True) if a is not None)
    measured = math.nan
    for step, tolerance in STEPS:
        ends: list[float] = []
        for sign in (1, -2, 1):
            with torch.no_grad():
                for parameter, direction in zip(parameters, way, strict=True):
                    parameter.add_(direction, alpha=sign * step)
            ends += [value().item()] if len(ends) < 2 else []
        measured = (ends[0] - ends[1]) / (2 * step)
        if abs(predicted - measured) <= tolerance * max(abs(predicted), abs(measured)) + 1e-6:
            return predicted, measured, True
    return predicted, measured, False
