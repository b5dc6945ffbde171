"""Checks of architectures: what happens when they are trained, by the engine itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatch

import torch
from torch import Tensor, nn

from ganzoo.compute.device import settle_precision
from ganzoo.engine.update import Stats, update_discriminator
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import Registry, registry
from ganzoo.registry.installed import Registered
from ganzoo.testing.architecture.networks import (
    built,
    judge,
    labels,
    samples,
    smallest,
    some,
    tensors_of,
    title,
)
from ganzoo.testing.architecture.pair import (
    BATCH,
    CPU,
    OneBatch,
    assembled,
    dataset,
    gradients,
    plain_loss,
    recipe,
    rounds,
    trained,
)
from ganzoo.testing.checks import Skip, Trial, require
from ganzoo.testing.loss.calling import sound_setups

UPDATES = 20  # of D, on one batch
STEPS = 200  # at most, to drive the logits out of [-1, 1]
BEYOND = 1.05


def gradients_reach_every_parameter(trial: Trial) -> None:
    """After three updates every parameter gets a gradient that is finite and not zero all over."""
    for data in smallest(trial):
        found, _ = gradients(*trained(trial, data))
        _require_finite_gradients(found, title(data))
        dead = [name for name in found if name not in _live(found)]
        dead = [name for name in dead if not any(fnmatch(name, pattern) for pattern in trial.spec.untrained)]
        way_out = "name them in the spec's `untrained` where that is meant"
        require(not dead, f"{title(data)}: {some(dead)} got none ({len(dead)} of {len(found)}); {way_out}.")


def trains_under_every_loss(trial: Trial) -> None:
    """Whatever loss is installed, gradients are finite and reach both networks."""
    data = smallest(trial)[0]
    for loss in _losses():
        gan, batches = assembled(recipe(trial, data, loss), data)
        stats = rounds(gan, batches)
        found, more = gradients(gan, batches)
        if _loss_is_at_fault([*stats, *more]):
            continue
        where = f"{title(data)}, loss {loss.qualified}"
        _require_finite_gradients(found, where)
        for network in {name.partition(".")[0] for name in found}:  # not each parameter: Wasserstein's ignores D's bias
            reached = any(name.startswith(f"{network}.") for name in _live(found))
            require(reached, f"{where}: no parameter of the {network} got any.")


def frozen_stays_frozen(trial: Trial) -> None:
    """A parameter that the architecture froze (``requires_grad=False``) stays frozen and as it was."""
    found = False
    for data in smallest(trial):
        frozen = [name for name, tensor in tensors_of(built(trial, data)).items() if _is_frozen(tensor)]
        found = found or bool(frozen)
        gan, batches = assembled(recipe(trial, data), data)
        before = {name: tensor.detach().clone() for name, tensor in tensors_of(gan.networks).items()}
        rounds(gan, batches)
        gan.let_learn("generator", "discriminator")
        after = tensors_of(gan.networks)
        loose = [name for name in frozen if not _is_frozen(after[name])]
        require(not loose, f"{title(data)}: {some(loose)} requires grad after three updates.")
        moved = [name for name in frozen if not torch.equal(before[name], after[name])]
        require(not moved, f"{title(data)}: {some(moved)} changed in three updates.")
    if not found:
        raise Skip("it freezes nothing")


def discriminator_learns(trial: Trial) -> None:
    """A few updates on one batch lower the discriminator's loss on it."""
    for data in smallest(trial):
        gan, batches = assembled(recipe(trial, data), data, OneBatch)
        rounds(gan, batches, 1)
        updates = (update_discriminator(gan, batches, batches.batch * (1 + index)) for index in range(UPDATES + 1))
        losses = [float(stats["loss_d"]) for stats in updates]
        fell = losses[-1] < losses[0]
        require(fell, f"{title(data)}: it was {losses[0]:.6g}, and {losses[-1]:.6g} after {UPDATES} updates.")


def logits_unbounded(trial: Trial) -> None:
    """Logits are the discriminator's last sum, without an activation: the loss applies its own."""
    for data in smallest(trial):
        for sign, word in ((1, "up"), (-1, "down")):
            reached = min(sign * mean for mean in _driven(built(trial, data).discriminator, data, sign))
            words = f"driven {word} for {STEPS} steps their mean stops at {sign * reached:.4g}: something bounds them"
            require(reached > BEYOND, f"{title(data)}: {words}.")


def differentiates_twice(trial: Trial) -> None:
    """Where the spec provides ``double-backward``, a penalty on D's input gradient can be trained."""
    if "double-backward" not in trial.spec.provides:
        raise Skip("it does not say that it provides double-backward")
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        network = gan.discriminator
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        try:
            slopes = torch.autograd.grad(_penalty(network, data), parameters, allow_unused=True)
        except RuntimeError as error:
            require(False, f"{title(data)}: {' '.join(str(error).split())}.")
        given = [slope for slope in slopes if slope is not None]
        require(given and any(slope.any() for slope in given), f"{title(data)}: the penalty moves no parameter.")
        require(all(slope.isfinite().all() for slope in given), f"{title(data)}: its gradient is not finite.")
        _require_true_slope(network.double().eval(), data)  # in train mode a forward may leave its mark


def trains_in_bf16(trial: Trial) -> None:
    """Updates under bf16 autocast leave everything finite."""
    for data in smallest(trial):
        gan, batches = assembled(recipe(trial, data, precision="bf16"), data)
        for stats in rounds(gan, batches):
            wrong = [name for name, value in stats.items() if not value.isfinite()]
            require(not wrong, f"{title(data)}: {some(wrong)} is not finite.")
        wrong = [name for name, tensor in tensors_of(gan.networks).items() if not tensor.isfinite().all()]
        require(not wrong, f"{title(data)}: after three updates {some(wrong)} is not finite.")


def trains_as_recommended(trial: Trial) -> None:
    """What the spec recommends are keys and values that exist, and the networks train with them."""
    data = smallest(trial)[0]
    spoken = {"loss": plain_loss().qualified, **trial.spec.recommended}  # spoken, so that no key goes unused
    flags = {"arch": trial.entry.qualified, "train.conditional": data.labelled}
    whole = settle_precision(resolve(_Stocked(data), flags=flags, pairs=spoken), CPU)
    train = replace(whole.train, batch=BATCH, g_batch=None, micro_batch=None, execution="eager")
    arch = replace(whole.arch, options=trial.options())
    for stats in rounds(*assembled(replace(whole, train=train, arch=arch), data), num=2):
        wrong = [name for name, value in stats.items() if not value.isfinite()]
        require(not wrong, f"{title(data)}: {some(wrong)} is not finite within two rounds.")


# ----------------------------------------------------------------------------
# What they share.


class _Stocked(Registry):
    """What is installed, with a plain loss beside it and made-up samples for a default dataset."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self._default = dataset(data)

    def components(self, kind: str | None = None) -> tuple[Registered, ...]:
        """Return what is installed, and the kit's loss."""
        return (*registry().components(kind), *([plain_loss()] if kind in (None, "loss") else []))

    def default_dataset(self) -> Registered:
        """Return the made-up samples."""
        return self._default


def _losses() -> Iterator[Registered]:
    """Yield every loss that is installed, has what it requires and answers a plain call; the others tell themselves."""
    for entry in registry().components("loss"):
        try:
            next(sound_setups(Trial(entry), steady=False))
        except (GanzooError, Skip):
            continue
        yield entry


def _live(found: Mapping[str, Tensor | None]) -> set[str]:
    return {name for name, gradient in found.items() if gradient is not None and gradient.any()}


def _require_finite_gradients(found: Mapping[str, Tensor | None], where: str) -> None:
    wild = [name for name, gradient in found.items() if gradient is not None and not gradient.isfinite().all()]
    require(not wild, f"{where}: those of {some(wild)} are not finite.")


def _loss_is_at_fault(stats: list[Stats]) -> bool:
    """Whether the first thing that was not finite was D's loss, of logits that were."""
    for measured in stats:
        finite = {name: bool(value.isfinite()) for name, value in measured.items()}
        if not all(finite.values()):
            return finite.get("real", False) and finite.get("fake", False)
    return False


def _driven(network: nn.Module, data: DataInfo, sign: int) -> list[float]:
    """Drive a discriminator's logits up or down by gradient steps; return the mean of each member that it reached."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    x, chosen = samples(data, BATCH), labels(data, BATCH)
    for _ in range(STEPS):
        means = torch.stack([member.mean() for member in judge(network, x, chosen).logits])
        if (sign * means > BEYOND).all():
            break
        optimizer.zero_grad()
        (-sign * means.sum()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return means.tolist()


def _penalty(network: nn.Module, data: DataInfo) -> Tensor:
    """Return the mean square of D's input gradient (Mescheder et al. 2018, arXiv:1801.04406, eq. 9)."""
    dtype = next(network.parameters()).dtype
    x, chosen = samples(data, 4).to(dtype).requires_grad_(), labels(data, 4)
    total = torch.stack([member.sum() for member in judge(network, x, chosen).logits]).sum()
    (gradient,) = torch.autograd.grad(total, x, create_graph=True, allow_unused=True)
    require(gradient is not None, f"{title(data)}: logits do not depend on the samples.")
    return gradient.square().sum() / 4


def _require_true_slope(network: nn.Module, data: DataInfo) -> None:
    """Hold the penalty's gradient to a difference of penalties, in float64, where the network computes in that."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    try:
        slopes = torch.autograd.grad(_penalty(network, data), parameters, allow_unused=True)
    except RuntimeError:  # it insists on float32
        return
    way = [torch.randn_like(parameter) * parameter.detach().abs().mean() for parameter in parameters]
    told = sum(float((a * b).sum()) for a, b in zip(slopes, way, strict=True) if a is not None)
    step, ends = 1e-8, []
    for sign in (1, -2):
        with torch.no_grad():
            for parameter, direction in zip(parameters, way, strict=True):
                parameter.add_(direction, alpha=sign * step)
        ends.append(_penalty(network, data).item())
    seen = (ends[0] - ends[1]) / (2 * step)
    close = abs(told - seen) <= 1e-3 * max(abs(told), abs(seen)) + 1e-6
    require(close, f"{title(data)}: along a line its penalty rises by {seen:.4g}, by its gradient {told:.4g}.")


def _is_frozen(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) and not tensor.requires_grad
