"""Checks of architectures: how they train, with the engine's own updates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.processor import estimate_slowdown
from ganzoo.compute.streams import seeded
from ganzoo.engine.setup import settle_precision
from ganzoo.engine.update import update_discriminator
from ganzoo.errors import GanzooError
from ganzoo.layers import logits
from ganzoo.plugin import DataInfo, Loss
from ganzoo.plugin.options import evaluate_schedules
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import Registry, registry
from ganzoo.registry.installed import RegisteredComponent
from ganzoo.testing.architecture.networks import (
    describe_data,
    discriminate,
    find_smallest_data,
    join_first,
    list_live,
    list_small_data,
    make_labels,
    make_latents,
    make_samples,
    name_tensors,
    share_networks,
)
from ganzoo.testing.architecture.pair import (
    BATCH,
    CPU,
    OneBatch,
    assemble_gan,
    make_dataset,
    make_plain_loss,
    make_recipe,
    share_trained,
    train_rounds,
)
from ganzoo.testing.checks import NotChecked, Skip, Trial, require
from ganzoo.testing.loss.calling import list_sound_setups

UPDATES = 20  # the largest number of D's updates on one batch
LEARNED = 0.98  # of the first loss: two losses in a row below this show that D learns
STEPS = 200  # the largest number of steps that drive the logits out of [-1, 1]
BOUND = 1.05
MARGIN = 0.4  # the largest logit at which no hinge loss is 0 for a pair
EMULATED = 100_000_000  # parameters times the slowdown of bf16: above, an update in it takes more than ten seconds


def trains_under_every_loss(trial: Trial) -> None:
    """With every installed loss, gradients are finite and reach both networks."""
    data = find_smallest_data(trial)
    gan, _ = share_trained(trial, data)
    z, real, chosen = make_latents(gan.networks, 2), make_samples(data, 2), make_labels(data, 2)
    with seeded(0):
        fake = gan.generate(z, chosen).samples
        answers = [logits(gan.discriminate(x, chosen)) for x in (real, fake)]
    wild = sum(int((~each.isfinite()).sum()) for answer in answers for each in answer)
    require(not wild, f"{describe_data(data)}: after a few updates {wild} logits are not finite.")
    largest = max(float(each.detach().abs().max()) for answer in answers for each in answer)
    scale = min(1.0, MARGIN / max(largest, MARGIN))  # hinge losses give no gradient beyond their margin
    for entry in _list_losses():
        assert isinstance(entry.spec, Loss)
        loss: Any = entry.build(evaluate_schedules(entry.spec.options(), 0), data)
        for network, parameters in gan.trainable.items():
            terms = [
                _compute_term(entry, loss, network, real * scale, made * scale)
                for real, made in zip(*answers, strict=True)
            ]
            if not all(term.isfinite() for term in terms):
                continue  # the logits are finite, so the loss is wrong
            found = torch.autograd.grad(torch.stack(terms).sum(), parameters, retain_graph=True, allow_unused=True)
            named = {f"{network}.{index}": gradient for index, gradient in enumerate(found)}
            where = f"{describe_data(data)}, loss {entry.qualified}"
            lost = [gradient for gradient in found if gradient is not None and not gradient.isfinite().all()]
            require(not lost, f"{where}: {len(lost)} of {len(found)} gradients of the {network} are not finite.")
            # some parameters may get none: the Wasserstein loss ignores D's bias
            require(list_live(named) or not parameters, f"{where}: no parameter of the {network} gets one.")


def frozen_stays_frozen(trial: Trial) -> None:
    """A parameter that the architecture froze (``requires_grad=False``) stays frozen and does not change."""
    found = False
    for data in list_small_data(trial):
        networks = share_networks(trial, data)
        frozen = [name for name, tensor in name_tensors(networks).items() if _is_frozen(tensor)]
        if not frozen:
            continue
        found = True
        gan, batches = assemble_gan(make_recipe(trial, data), data)
        before = {name: tensor.detach().clone() for name, tensor in name_tensors(gan.networks).items()}
        train_rounds(gan, batches)
        gan.enable_gradients("generator", "discriminator")
        after = name_tensors(gan.networks)
        loose = [name for name in frozen if not _is_frozen(after[name])]
        require(not loose, f"{describe_data(data)}: {join_first(loose)} requires grad after a few updates.")
        moved = [name for name in frozen if not torch.equal(before[name], after[name])]
        require(not moved, f"{describe_data(data)}: {join_first(moved)} changes in a few updates.")
    if not found:
        raise Skip("it freezes nothing")


def discriminator_learns(trial: Trial) -> None:
    """A few updates on one batch lower the discriminator's loss on that batch."""
    data = find_smallest_data(trial)
    gan, batches = share_trained(trial, data)
    batches = OneBatch(batches.source, batches.streams, gan)
    losses: list[float] = []
    for index in range(UPDATES + 1):
        losses.append(float(update_discriminator(gan, batches, batches.batch * (1 + index))["loss_d"]))
        if index > 3 and max(losses[-2:]) < LEARNED * losses[0]:
            return
    fell = losses[-1] < losses[0]
    words = (
        f"{describe_data(data)}: the loss is {losses[0]:.6g} at first, and {losses[-1]:.6g} after {UPDATES} updates."
    )
    require(fell, words)


def logits_unbounded(trial: Trial) -> None:
    """D ends in a sum without an activation, because the loss applies its own."""
    data = find_smallest_data(trial)
    if _reaches_beyond(share_networks(trial, data).discriminator, data):
        return
    for sign, word in ((1, "up"), (-1, "down")):
        reached = min(sign * mean for mean in _drive_logits(share_networks(trial, data).discriminator, data, sign))
        words = (
            f"trained to go {word} for {STEPS} steps, their mean stops at {sign * reached:.4g}: something bounds them"
        )
        require(reached > BOUND, f"{describe_data(data)}: {words}.")


def trains_in_bf16(trial: Trial) -> None:
    """Updates under bf16 autocast give finite numbers."""
    data = find_smallest_data(trial)
    gan, batches = assemble_gan(make_recipe(trial, data, precision="bf16", batch=2), data)
    slowdown, num = estimate_slowdown("bf16"), sum(parameter.numel() for parameter in gan.parameters)
    if not trial.full and slowdown * num > EMULATED:
        raise NotChecked(
            f"this processor emulates bf16, about {slowdown:.0f} times as slowly as it computes in float32: "
            "--full runs it"
        )
    for stats in train_rounds(gan, batches, 1):
        wrong = [name for name, value in stats.items() if not value.isfinite()]
        require(not wrong, f"{describe_data(data)}: {join_first(wrong)} is not finite.")
    wrong = [name for name, tensor in name_tensors(gan.networks).items() if not tensor.isfinite().all()]
    require(not wrong, f"{describe_data(data)}: after an update of both networks, {join_first(wrong)} is not finite.")


def trains_as_recommended(trial: Trial) -> None:
    """The spec recommends settings that exist, and the networks train with them."""
    data = find_smallest_data(trial)
    # as pairs of the command line, because these may not be unused
    pairs = {"loss": make_plain_loss().qualified, **trial.spec.recommended}
    flags = {"arch": trial.entry.qualified, "train.conditional": data.labelled}
    whole = settle_precision(resolve(_RegistryWithKit(data), flags=flags, pairs=pairs), CPU)
    train = replace(whole.train, batch=BATCH, g_batch=None, micro_batch=None, execution="eager")
    arch = replace(whole.arch, options=trial.make_options())
    for stats in train_rounds(*assemble_gan(replace(whole, train=train, arch=arch), data), num=1):
        wrong = [name for name, value in stats.items() if not value.isfinite()]
        require(not wrong, f"{describe_data(data)}: {join_first(wrong)} is not finite in the first round.")


# ----------------------------------------------------------------------------
# Helpers.


class _RegistryWithKit(Registry):
    """The installed components, with the kit's loss, and made-up samples as the default dataset."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self._default = make_dataset(data)

    def components(self, kind: str | None = None) -> tuple[RegisteredComponent, ...]:
        """Return the installed components, and the kit's loss."""
        return (*registry().components(kind), *([make_plain_loss()] if kind in (None, "loss") else []))

    def resolve_default_dataset(self) -> RegisteredComponent:
        """Return the dataset of made-up samples."""
        return self._default


def _list_losses() -> Iterator[RegisteredComponent]:
    """Yield every installed loss that passes a simple call; the losses' own checks report the others."""
    for entry in registry().components("loss"):
        try:
            next(list_sound_setups(Trial(entry), steady=False))
        except (GanzooError, Skip):
            continue
        yield entry


def _compute_term(entry: RegisteredComponent, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return a network's loss for logits ``[N, P]``, called as the engine calls it."""
    assert isinstance(entry.spec, Loss)
    with seeded(0):
        given = (real, fake) if network == "discriminator" else (fake, real if entry.spec.pairs else None)
        term: Tensor = getattr(loss, network)(*given)
    return term


@torch.no_grad()
def _reaches_beyond(network: nn.Module, data: DataInfo) -> bool:
    """Return whether some samples have logits above 1 and some below -1, in every item of D's list of logits."""
    low = high = torch.zeros(())
    for scale in (1, 8, 64, 512):
        answer = discriminate(network, make_samples(data, 4 * BATCH) * scale, make_labels(data, 4 * BATCH))
        low = torch.stack([member.min() for member in answer.logits]).minimum(low)
        high = torch.stack([member.max() for member in answer.logits]).maximum(high)
        if (low < -BOUND).all() and (high > BOUND).all():
            return True
    return False


def _drive_logits(network: nn.Module, data: DataInfo, sign: int) -> list[float]:
    """Drive a discriminator's logits up or down by gradient steps; return the means that its logits reach."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    x, chosen = make_samples(data, BATCH), make_labels(data, BATCH)
    for _ in range(STEPS):
        means = torch.stack([member.mean() for member in discriminate(network, x, chosen).logits])
        if (sign * means > BOUND).all():
            break
        optimizer.zero_grad()
        (-sign * means.sum()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return means.tolist()


def _is_frozen(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) and not tensor.requires_grad
