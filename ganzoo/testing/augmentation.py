"""Checks of augmentations. An option ``p`` of which the trial says nothing is 0.5 in them: both ways occur."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from ganzoo.compute.streams import seeded
from ganzoo.plugin import Case, DataInfo, UsageError
from ganzoo.plugin.contracts import Modality
from ganzoo.plugin.options import options_of, settled
from ganzoo.registry.installed import told
from ganzoo.testing.building import built
from ganzoo.testing.checks import Broken, Skip, Trial, Unseen, require, usable
from ganzoo.testing.examples import accepted, hold_to_declining, samples
from ganzoo.testing.guards import Crossings, generators, moved
from ganzoo.testing.probes import require_untrained

NUM = 8  # samples in a batch
MODALITIES: dict[int, Modality] = {2: "points", 3: "audio", 4: "image"}  # of a case's samples, by their dimensions


def measured(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return what a case of an augmentation is about: the sum of what it makes of samples, and one number of that."""
    batch: Tensor = case.given["samples"]
    info = DataInfo(shape=tuple(batch.shape[1:]), modality=MODALITIES[batch.dim()])
    result = _applied(Trial(trial.entry).build(info, **case.options), batch, case.seed)
    found = {"sum": float(result.double().sum())}
    return found | ({"value": float(result[tuple(case.given["place"])])} if "place" in case.given else {})


def keeps_shape_and_dtype(trial: Trial) -> None:
    """What goes in comes out: the shape and dtype of the batch, also of one sample."""
    with usable():
        taken = list(_taken(trial))
    for info in taken:
        augmentation = _built(trial, info)
        for num in (NUM, 1):
            batch = samples(info, num)
            result = _applied(augmentation, batch)
            with usable():
                require(isinstance(result, Tensor), f"It returned {type(result).__name__}.")
                given, found = ([value.dtype, list(value.shape)] for value in (batch, result))
                require(given == found, f"Of {given} it made {found}.")


def learns_nothing(trial: Trial) -> None:
    """Only the two networks are trained: an augmentation has no parameter of its own that waits for a gradient."""
    require_untrained(_built(trial))


def identity_at_zero(trial: Trial) -> None:
    """At p=0 an augmentation is the identity."""
    if "p" not in options_of(trial.spec.options):
        raise Skip("it has no option p")
    for info in _taken(trial):
        augmentation = built(trial, info, p=0.0)
        batch = samples(info, NUM)
        for seed in range(3):
            far = float((_applied(augmentation, batch, seed) - batch).abs().max())
            require(far <= 1e-5, f"At p=0 it changed {_words(info)} by up to {far:.3g}.")


def finite(trial: Trial) -> None:
    """Samples in [-1, 1] stay finite."""
    for info in _taken(trial):
        augmentation = _built(trial, info)
        batch = samples(info, NUM)
        for name, given in {"noise": batch, "zeros": batch * 0, "ones": batch * 0 + 1}.items():
            lost = int((~_applied(augmentation, given).isfinite()).sum())
            require(not lost, f"{lost} numbers of {name} are not.")


def input_unchanged(trial: Trial) -> None:
    """The batch that goes in is left as it is: penalties and metrics read it too."""
    for info in _taken(trial):
        augmentation = _built(trial, info)
        batch = samples(info, NUM)
        before = batch.clone()
        for seed in range(3):
            _applied(augmentation, batch, seed)
            num = int((batch != before).sum())
            require(not num, f"{num} of the {batch.numel()} numbers of {_words(info)} were changed in place.")


def declines_what_it_cannot_take(trial: Trial) -> None:
    """Data that it is not for is declined by a GanzooError of one sentence."""
    hold_to_declining(trial, lambda info: _applied(_built(trial, info), samples(info, NUM)))


def differentiable(trial: Trial) -> None:
    """The gradient flows through it to the samples: G learns from what D says of augmented ones."""
    info = next(_taken(trial))
    augmentation, weight = _built(trial, info), samples(info, NUM, 2) + 1
    for seed in range(3):
        leaf = samples(info, NUM).requires_grad_()
        result = _applied(augmentation, leaf, seed)
        require(result.requires_grad, "What it returned has no graph: it detaches, rounds or leaves torch.")
        (gradient,) = torch.autograd.grad((result * weight).sum(), leaf, allow_unused=True)
        require(gradient is not None and bool(gradient.any()), "The gradient is zero everywhere.")


def finite_differences(trial: Trial) -> None:
    """The gradient is that of what it makes of samples; one that is another by design is excused by its spec."""
    info = next(_taken(trial))
    augmentation = _built(trial, info)
    try:
        augmentation = augmentation.double() if isinstance(augmentation, nn.Module) else augmentation
        _applied(augmentation, samples(info, NUM).double())
        dtype, step, tolerance = torch.float64, 1e-6, 1e-4
    except Exception:  # the engine gives float32
        augmentation, dtype, step, tolerance = _built(trial, info), torch.float32, 1e-2, 2e-2
    x = samples(info, NUM).to(dtype)
    direction, weight = (samples(info, NUM, seed).to(dtype) + 1 for seed in (1, 2))  # whose means are not 0
    for seed in range(3):
        leaf = x.clone().requires_grad_()
        result = _applied(augmentation, leaf, seed)
        if not result.requires_grad:
            raise Skip(f"it has no gradient: see {trial.title}/differentiable")
        (gradient,) = torch.autograd.grad((result * weight).sum(), leaf)
        ends = [float((_applied(augmentation, x + sign * step * direction, seed) * weight).sum()) for sign in (1, -1)]
        found, wanted = float((gradient * direction).sum()), (ends[0] - ends[1]) / (2 * step)
        close = abs(found - wanted) <= tolerance * max(1.0, abs(wanted))
        require(close, f"Along one direction its gradient is {found:.6g}, by finite differences {wanted:.6g}.")


def same_for_real_and_fake(trial: Trial) -> None:
    """Real and generated samples are augmented alike: what it does depends on the random state alone."""
    info = next(_taken(trial))
    augmentation = _built(trial, info)
    batch = samples(info, NUM)
    for seed in range(3):
        first = _applied(augmentation, batch, seed)
        ways = {
            "on its next call": _applied(augmentation, batch, seed),
            "to a batch that requires grad": _applied(augmentation, batch.clone().requires_grad_(), seed),
            "to a batch that carries a graph": _applied(augmentation, batch.clone().requires_grad_() * 1, seed),
        }
        with torch.no_grad():
            ways["under no_grad"] = _applied(augmentation, batch, seed)
        for way, result in ways.items():
            num = int((result != first).flatten(1).any(1).sum())
            require(not num, f"From the same random state, {num} of {NUM} samples came out otherwise {way}.")


def labels_move_along(trial: Trial) -> None:
    """Where it moves pixels it moves labels that are images alike: what D sees of a pair stays a pair."""
    says = trial.spec.moves_pixels
    if not (says(trial.options()) if callable(says) else says):
        raise Skip("its spec does not say that it moves pixels")
    augmentation = _built(trial)
    for info in _taken(trial):
        grey = samples(info, NUM)[:, :1] + torch.randn(NUM, 1, *info.shape[1:], generator=_numbers())
        batch, labels = grey.expand(NUM, *info.shape).contiguous(), grey.clone()
        for seed in range(3):
            with seeded(seed):
                pair = augmentation(batch, labels)
            require(isinstance(pair, tuple) and len(pair) == 2, "Given samples and labels it must return both.")
            moved_samples, moved_labels = pair
            alone = _applied(augmentation, batch, seed)
            require(torch.equal(alone, moved_samples), "With labels its samples come out otherwise than without.")
            kept = moved_labels.shape == labels.shape and moved_labels.dtype == labels.dtype
            require(kept, f"Of labels {list(labels.shape)} it made {moved_labels.dtype} {list(moved_labels.shape)}.")
            apart = int((_likeness(moved_samples.mean(1, keepdim=True), moved_labels) < 0.9).sum())
            require(not apart, f"{apart} of {NUM} labels that showed what their sample shows do so no more.")


def draws_from_torch_alone(trial: Trial) -> None:
    """Random numbers come from torch's default generator of the device, which the engine seeds before each update."""
    info = next(_taken(trial))
    augmentation = _built(trial, info)
    before = generators()
    _applied(augmentation, samples(info, NUM))
    others = [name for name in moved(before) if not name.startswith("torch")]
    require(not others, f"It drew from {' and '.join(others)}: use torch.rand(..., device=batch.device).")
    elsewhere, batch = _elsewhere(trial)
    state = torch.default_generator.get_state()
    with suppress(RuntimeError):  # told by the next check
        elsewhere(batch)
    stayed = torch.equal(state, torch.default_generator.get_state())
    require(stayed, "Given a batch on another device, it drew from the CPU's: give device=batch.device.")


def waits_for_no_number(trial: Trial) -> None:
    """It reads no number back from the device and stays on it: a synchronisation stalls a GPU at each update."""
    augmentation, batch = _elsewhere(trial)
    crossings = Crossings()
    try:
        with crossings:
            result = augmentation(batch.requires_grad_())
            if hasattr(augmentation, "update"):
                augmentation.update(torch.zeros(NUM, 1, device=batch.device))
    except RuntimeError as error:  # NotImplementedError is one
        if str(error).startswith("Could not run"):
            raise Unseen(f"an operation that it uses needs a true device: {str(error)[:80]}") from error
        raise Broken(f"On a device without memory it failed: {told(error)}") from error
    require(result.device == batch.device, f"Given a batch on {batch.device}, it returned one on {result.device}.")
    copied = ", ".join(crossings.found)
    require(not copied, f"At each call it copies {copied}: make constants buffers of an nn.Module.")


def recordable(trial: Trial) -> None:
    """One record of it is right for all further updates: no Python number of a call decides what the next one does."""
    info = next(_taken(trial))
    augmentation = _built(trial, info)
    one, other = samples(info, NUM), samples(info, NUM, seed=1)
    try:
        with seeded(1):
            graph = make_fx(augmentation)(one)
    except Exception as error:
        raise Broken(f"It cannot be recorded: {told(error)}") from error
    for seed in range(2, 5):
        with torch.no_grad(), seeded(seed):
            replayed = graph(other)
        far = float((replayed - _applied(augmentation, other, seed)).abs().max())
        require(far <= 1e-5, f"Its record gave numbers up to {far:.3g} from those of a plain call.")


def update_takes_logits(trial: Trial) -> None:
    """`update` takes D's logits of real samples, [N, P], again and again, and keeps results finite."""
    info = next(_taken(trial))
    augmentation = _adaptive(trial, info)
    for logits in (torch.randn(NUM, 1), torch.randn(NUM, 16), torch.full((NUM, 1), 1e4), torch.full((NUM, 1), -1e4)):
        before = logits.clone()
        for _ in range(20):
            augmentation.update(logits)
        require(torch.equal(logits, before), "It changed the logits in place.")
        result = _applied(augmentation, samples(info, NUM))
        require(bool(result.isfinite().all()), f"After logits around {float(before.mean()):g} results are not finite.")


def state_is_buffers(trial: Trial) -> None:
    """What it keeps is in the buffers of an nn.Module, which are checkpointed and resumed: nothing else survives."""
    info = next(_taken(trial))
    used = _built(trial, info)
    batch = samples(info, NUM)
    _use(used, batch, seed=1)
    resumed = _built(trial, info)
    if isinstance(used, nn.Module):
        resumed.load_state_dict(used.state_dict())
    for seed in range(3):
        num = int((_applied(used, batch, seed) != _applied(resumed, batch, seed)).flatten(1).any(1).sum())
        where = "" if isinstance(used, nn.Module) else "; it is no nn.Module, so it can have no state"
        require(not num, f"After some updates {num} of {NUM} samples come out otherwise once it is resumed{where}.")
        _use(used, batch, seed)
        _use(resumed, batch, seed)


def schedulable_as_tensors(trial: Trial) -> None:
    """A schedulable option given as a 0-dim tensor does what the same number does, also after it is refilled."""
    options = settled(trial.options(), 0)
    values = _schedulable(options)
    if not values:
        raise Skip("none of its options is schedulable")
    info = next(_taken(trial))
    batch = samples(info, NUM)
    for name, value in values.items():
        tensor = torch.tensor(1.0 if value == 0 else value / 2)
        scheduled = trial.make(replace(options, **{name: tensor}), info)
        _applied(scheduled, batch)
        tensor.fill_(value)
        far = max(
            float((_applied(scheduled, batch, seed) - _applied(built(trial, info), batch, seed)).abs().max())
            for seed in range(3)
        )
        require(far <= 1e-5, f"Refilled to {name}={value:g} it is up to {far:.3g} from what that number does.")


# ----------------------------------------------------------------------------
# Building and calling.


def _built(trial: Trial, info: DataInfo | None = None) -> Any:
    """Return it at p=0.5 where it has such an option and the trial says nothing of it, else as the trial says."""
    if "p" in options_of(trial.spec.options) and "p" not in trial.values:
        try:
            return built(trial, info, p=0.5)
        except UsageError:  # out of its range
            pass
    return built(trial, info)


def _adaptive(trial: Trial, info: DataInfo) -> Any:
    augmentation = _built(trial, info)
    if not hasattr(augmentation, "update"):
        raise Skip("it does not adapt: it has no update")
    return augmentation


def _taken(trial: Trial) -> Iterator[DataInfo]:
    return accepted(trial, lambda info: _applied(_built(trial, info), samples(info, NUM)))


def _applied(augmentation: Any, batch: Tensor, seed: int = 0) -> Tensor:
    with seeded(seed):
        result: Tensor = augmentation(batch)
    return result


def _use(augmentation: Any, batch: Tensor, seed: int) -> None:
    """Let it see an update: three calls, and D's logits where it adapts."""
    for _ in range(3):
        _applied(augmentation, batch, seed)
    if hasattr(augmentation, "update"):
        augmentation.update(torch.linspace(-1, 3, NUM).unsqueeze(1))


def _elsewhere(trial: Trial) -> tuple[Any, Tensor]:
    """Return it and a batch on the device without memory, from which no number can be read; schedules are tensors."""
    info, options = next(_taken(trial)), settled(trial.options(), 0)
    numbers = {name: torch.tensor(value, device="meta") for name, value in _schedulable(options).items()}
    augmentation = trial.make(replace(options, **numbers), info)
    batch = samples(info, NUM).to("meta")
    return (augmentation.to("meta") if isinstance(augmentation, nn.Module) else augmentation), batch


def _schedulable(options: Any) -> dict[str, float]:
    """Return the numbers among options that may be scheduled."""
    declared = options_of(type(options)).values()
    values = {option.name: getattr(options, option.name) for option in declared if option.schedulable}
    return {name: value for name, value in values.items() if isinstance(value, float)}


def _words(info: DataInfo) -> str:
    return f"{info.modality} [{NUM}, {', '.join(map(str, info.shape))}]"


def _numbers() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def _likeness(one: Tensor, other: Tensor) -> Tensor:
    """Return how alike images are whatever their colours, ``[N]``: the size of their correlation; 1 of what is flat."""
    one, other = ((x.flatten(1) - x.flatten(1).mean(1, keepdim=True)) for x in (one, other))
    scale = one.norm(dim=1) * other.norm(dim=1)
    return torch.where(scale < 1e-6, torch.ones_like(scale), (one * other).sum(1).abs() / scale.clamp_min(1e-6))
