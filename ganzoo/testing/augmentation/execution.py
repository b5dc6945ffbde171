"""Checks of augmentations: their random numbers, their state, and how they are recorded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from ganzoo.compute.streams import seeded
from ganzoo.plugin.options import evaluate_schedules
from ganzoo.registry.failures import describe_error
from ganzoo.testing.augmentation.calling import (
    NUM,
    apply,
    build_at_half,
    build_on_meta,
    build_that_has,
    call,
    compute_likeness,
    list_accepted_data,
    list_schedulable,
    make_generator,
    run_update,
)
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Failure, NotChecked, Skip, Trial, require
from ganzoo.testing.examples import make_samples
from ganzoo.testing.guards import CopyRecorder, copy_generator_states, list_moved_generators
from ganzoo.testing.probes import require_scalars


def same_for_real_and_fake(trial: Trial) -> None:
    """Real and generated samples are augmented alike: the result depends on the random state alone."""
    info = next(list_accepted_data(trial))
    augmentation = build_at_half(trial, info)
    batch = make_samples(info, NUM)
    for seed in range(3):
        first = apply(augmentation, batch, seed)
        ways = {
            "on its next call": apply(augmentation, batch, seed),
            "in a batch that requires grad": apply(augmentation, batch.clone().requires_grad_(), seed),
            "in a batch that carries a graph": apply(augmentation, batch.clone().requires_grad_() * 1, seed),
        }
        with torch.no_grad():
            ways["under no_grad"] = apply(augmentation, batch, seed)
        for way, result in ways.items():
            num = int((result != first).flatten(1).any(1).sum())
            require(not num, f"With the same random state, {num} of {NUM} samples differ {way}.")


def labels_move_with_samples(trial: Trial) -> None:
    """If it moves pixels, it moves label images in the same way, so that sample and label still match."""
    says = trial.spec.moves_pixels
    if not (says(trial.make_options()) if callable(says) else says):
        raise Skip("its spec does not say that it moves pixels")
    augmentation = build_at_half(trial)
    for info in list_accepted_data(trial):
        grey = make_samples(info, NUM)[:, :1] + torch.randn(NUM, 1, *info.shape[1:], generator=make_generator())
        batch, labels = grey.expand(NUM, *info.shape).contiguous(), grey.clone()
        for seed in range(3):
            with seeded(seed):
                pair = augmentation(batch, labels)
            require(isinstance(pair, tuple) and len(pair) == 2, "Called with samples and labels, it must return both.")
            moved_samples, moved_labels = pair
            alone = apply(augmentation, batch, seed)
            require(torch.equal(alone, moved_samples), "Called with labels, it returns other samples than without.")
            kept = moved_labels.shape == labels.shape and moved_labels.dtype == labels.dtype
            require(
                kept, f"For labels {list(labels.shape)} it returns {moved_labels.dtype} {list(moved_labels.shape)}."
            )
            apart = int((compute_likeness(moved_samples.mean(1, keepdim=True), moved_labels) < 0.9).sum())
            require(not apart, f"{apart} of {NUM} labels no longer match their sample.")


def draws_from_torch_alone(trial: Trial) -> None:
    """Random numbers come from torch's default generator of the device, which the engine seeds."""
    info = next(list_accepted_data(trial))
    augmentation = build_at_half(trial, info)
    before = copy_generator_states()
    apply(augmentation, make_samples(info, NUM))
    others = [name for name in list_moved_generators(before) if not name.startswith("torch")]
    require(not others, f"It drew from {' and '.join(others)}: use torch.rand(..., device=batch.device).")
    elsewhere, batch = build_on_meta(trial)
    state = torch.default_generator.get_state()
    with suppress(RuntimeError):  # the next check reports it
        call(elsewhere, batch)
    stayed = torch.equal(state, torch.default_generator.get_state())
    require(stayed, "For a batch on another device, it draws from the CPU's generator: write device=batch.device.")


def reads_no_number_back(trial: Trial) -> None:
    """It reads no number back from the device and copies none to it, because a GPU would wait at each update."""
    augmentation, batch = build_on_meta(trial)
    crossings = CopyRecorder()
    try:
        with crossings:
            result = call(augmentation, batch.requires_grad_())
            if hasattr(augmentation, "update"):
                augmentation.update(torch.zeros(NUM, 1, device=batch.device))
            if hasattr(augmentation, "report"):
                augmentation.report()
    except RuntimeError as error:  # NotImplementedError is one
        if str(error).startswith("Could not run"):
            raise NotChecked(f"it uses an operation that needs a real device: {str(error)[:80]}") from error
        raise Failure(f"On the `meta` device, which has no numbers, it fails: {describe_error(error)}") from error
    require(result.device == batch.device, f"For a batch on {batch.device}, it returns one on {result.device}.")
    copied = ", ".join(crossings.found)
    require(not copied, f"At each call it copies {copied}: make its constants buffers of an nn.Module.")


def recordable(trial: Trial) -> None:
    """A record of one call is right for all later updates: no Python number changes from call to call."""
    info = next(list_accepted_data(trial))
    augmentation = build_at_half(trial, info)
    one, other = make_samples(info, NUM), make_samples(info, NUM, seed=1)
    try:
        with seeded(1):
            graph = make_fx(partial(call, augmentation))(one)
    except Exception as error:
        raise Failure(f"It cannot be recorded: {describe_error(error)}") from error
    for seed in range(2, 5):
        with torch.no_grad(), seeded(seed):
            replayed = graph(other)
        far = float((replayed - apply(augmentation, other, seed)).abs().max())
        require(far <= 1e-5, f"Its record and a plain call differ by up to {far:.3g}.")


def update_takes_logits(trial: Trial) -> None:
    """`update` accepts D's logits of real samples, [N, P], many times, and results stay finite."""
    info = next(list_accepted_data(trial))
    augmentation = build_that_has(trial, info, "update")
    for logits in (torch.randn(NUM, 1), torch.randn(NUM, 16), torch.full((NUM, 1), 1e4), torch.full((NUM, 1), -1e4)):
        before = logits.clone()
        for _ in range(20):
            augmentation.update(logits)
        require(torch.equal(logits, before), "It changes the logits in place.")
        result = apply(augmentation, make_samples(info, NUM))
        require(bool(result.isfinite().all()), f"After logits around {float(before.mean()):g} results are not finite.")


def reports_scalars(trial: Trial) -> None:
    """`report` returns finite 0-dim tensors by name, which statistics and trackers show."""
    info = next(list_accepted_data(trial))
    augmentation = build_that_has(trial, info, "report")
    for _ in range(2):
        require_scalars(augmentation.report())
        run_update(augmentation, make_samples(info, NUM), seed=1)


def state_is_buffers(trial: Trial) -> None:
    """All state is in the buffers of an nn.Module, which checkpoints store."""
    info = next(list_accepted_data(trial))
    used = build_at_half(trial, info)
    batch = make_samples(info, NUM)
    run_update(used, batch, seed=1)
    resumed = build_at_half(trial, info)
    if isinstance(used, nn.Module):
        resumed.load_state_dict(used.state_dict())
    for seed in range(3):
        num = int((apply(used, batch, seed) != apply(resumed, batch, seed)).flatten(1).any(1).sum())
        where = "" if isinstance(used, nn.Module) else "; it is not an nn.Module, so it must not have state"
        require(
            not num, f"After some updates, {num} of {NUM} samples differ when it is loaded from a checkpoint{where}."
        )
        run_update(used, batch, seed)
        run_update(resumed, batch, seed)


def schedules(trial: Trial) -> None:
    """A schedulable option given as a 0-dim tensor acts like the same number, also after it is refilled."""
    options = evaluate_schedules(trial.make_options(), 0)
    values = list_schedulable(options)
    if not values:
        raise Skip("it has no schedulable option")
    info = next(list_accepted_data(trial))
    batch = make_samples(info, NUM)
    for name, value in values.items():
        tensor = torch.tensor(1.0 if value == 0 else value / 2)
        scheduled = trial.build_with(replace(options, **{name: tensor}), info)
        apply(scheduled, batch)
        tensor.fill_(value)
        far = max(
            float((apply(scheduled, batch, seed) - apply(build_component(trial, info), batch, seed)).abs().max())
            for seed in range(3)
        )
        require(far <= 1e-5, f"Refilled to {name}={value:g}, it differs by up to {far:.3g} from the number itself.")
