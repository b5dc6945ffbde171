"""Checks of losses: each is handed logits and nothing else, as the engine does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.engine.streams import seeded
from ganzoo.installed import told
from ganzoo.plugin import Case
from ganzoo.testing.checks import Broken, Skip, Trial, require
from ganzoo.testing.probes import Setup, Unread, built, flat, moved, refilled, restore, setups, slopes_of, state_of

TITLES = {"discriminator": "D's loss", "generator": "G's loss"}
SHAPE = (8, 3)  # logits [N, P], as the engine hands them


def measured(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return ``discriminator`` and ``generator`` of a case's ``real`` and ``fake``, those that it expects."""
    loss = Trial(trial.entry).build(**case.options)
    return {
        network: _term(trial, loss, network, case.given["real"], case.given["fake"]).item()
        for network in TITLES
        if network in case.expected
    }


# ----------------------------------------------------------------------------
# What comes back.


def scalar(trial: Trial) -> None:
    """A loss returns scalars: tensors of no dimension, floating, with a graph to the logits."""
    for setup in setups(trial):
        loss = trial.entry.build(setup.options)
        real, fake = _logits(), _logits(1)
        for network, title in TITLES.items():
            value = _term(trial, loss, network, real, fake)
            slopes = slopes_of(value, _played(network, real, fake))
            require(flat(slopes).any(), f"{title}{setup.words} does not depend on the logits that {title[0]} moves.")


def large_logits(trial: Trial) -> None:
    """Value and gradient are finite in float32 at logits of 1e4 and -1e4."""
    for setup in _setups(trial):
        loss = trial.entry.build(setup.options)
        for r, f in product((1e4, -1e4), repeat=2):
            real, fake = (torch.full((2, 1), level, requires_grad=True) for level in (r, f))
            for network, title in TITLES.items():
                value = _term(trial, loss, network, real, fake)
                where = f"{title}{setup.words} at real logits of {r:g} and fake of {f:g}"
                require(value.isfinite(), f"{where} is {value.item()}: write softplus(x), not log(sigmoid(-x)).")
                slopes = flat(slopes_of(value, _played(network, real, fake)))
                require(slopes.isfinite().all(), f"The gradient of {where} is {_listed(slopes)}.")


def bf16_logits(trial: Trial) -> None:
    """Logits in bf16 give a finite loss, near that of the same numbers in float32."""
    for setup in _setups(trial):
        loss = trial.entry.build(setup.options)
        low = [_logits(seed).detach().bfloat16().requires_grad_() for seed in (0, 1)]
        high = [logits.detach().float().requires_grad_() for logits in low]
        for network, title in TITLES.items():
            value, wanted = (_term(trial, loss, network, *pair) for pair in (low, high))
            near = abs(value.item() - wanted.item()) <= 0.02 * max(1.0, abs(wanted.item()))
            require(near, f"{title}{setup.words} is {value.item():.4g} in bf16, {wanted.item():.4g} in float32.")
            slopes = flat(slopes_of(value, _played(network, *low)))
            require(slopes.isfinite().all(), f"The gradient of {title}{setup.words} in bf16 is {_listed(slopes)}.")


# ----------------------------------------------------------------------------
# Which way it pushes.

LEVELS = [level / 4 for level in range(-80, 81)]


def discriminator_signs(trial: Trial) -> None:
    """D's loss falls as real logits rise and as fake logits fall, where D cannot tell them apart."""
    for setup in _setups(trial):
        found = [_slopes_at(trial, trial.entry.build(setup.options), level) for level in LEVELS]
        for level, (by_real, by_fake, _) in zip(LEVELS, found, strict=True):
            apart = f"At logits of {level:g} for both, D's loss{setup.words} changes by {by_real:.3g} as real logits"
            apart += f" rise and by {by_fake:.3g} as fake logits rise"
            require(by_real - by_fake < 0 or abs(level) > 3, f"{apart}: it does not fall as D tells them apart.")
        both = any(by_real < 0 < by_fake for by_real, by_fake, _ in found)
        by_real, by_fake, _ = found[LEVELS.index(0)]
        require(
            both,
            f"Nowhere from {LEVELS[0]:g} to {LEVELS[-1]:g} does it{setup.words}; at 0 it changes by {by_real:.3g} as "
            f"real logits rise and by {by_fake:.3g} as fake logits rise.",
        )


def generator_signs(trial: Trial) -> None:
    """G's loss falls as fake logits rise, where D's loss falls as they fall."""
    for setup in _setups(trial):
        found = [_slopes_at(trial, trial.entry.build(setup.options), level) for level in LEVELS]
        if not any(by_real < 0 < by_fake for by_real, by_fake, _ in found):
            raise Skip(f"D's own loss has a wrong sign: see {trial.title}/discriminator-signs")
        opposed = any(by_real < 0 < by_fake and of_g < 0 for by_real, by_fake, of_g in found)
        of_g = found[LEVELS.index(0)][2]
        require(
            opposed,
            f"Nowhere from {LEVELS[0]:g} to {LEVELS[-1]:g} does it{setup.words}; at logits of 0 for both it changes by "
            f"{of_g:.3g} as fake logits rise.",
        )


def finite_differences(trial: Trial) -> None:
    """The gradient is that of the value: it agrees with finite differences in float64."""
    generator = torch.Generator().manual_seed(2)
    for setup in _setups(trial):
        answers = _Answers(trial, setup.options)
        for (network, title), seed in product(TITLES.items(), range(3)):
            pair = [_logits(seed), _logits(seed + 10)]
            here = answers.term(network, *pair)
            h, tolerance = (1e-5, 1e-6) if here.dtype == torch.float64 else (1e-3, 2e-3)
            if moved(answers.loss, answers.state):  # a running mean, through which no gradient goes
                tolerance = 0.05
            slopes = flat(slopes_of(here, _played(network, *pair)))
            moves = [torch.randn(SHAPE, generator=generator, dtype=torch.float64) for _ in pair]
            if network == "generator":
                moves[0].zero_()
            told = (slopes @ flat(_played(network, *moves))).item()
            sides = [[x.detach() + s * move for x, move in zip(pair, moves, strict=True)] for s in (h, -h)]
            ahead, behind = (answers.term(network, *(x.requires_grad_() for x in side)).item() for side in sides)
            rise = (ahead - behind) / (2 * h)
            words = f"Along a random direction {title}{setup.words} rises by {rise:.6g}; its gradient says {told:.6g}"
            require(abs(rise - told) <= tolerance * max(1.0, abs(rise)), f"{words}: something in it was detached.")


# ----------------------------------------------------------------------------
# What it may depend on.


def order(trial: Trial) -> None:
    """The order of the samples does not matter: real and fake permuted alike, or apart unless the loss pairs."""
    one, other = (torch.randperm(SHAPE[0], generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    for setup in _setups(trial):
        answers = _Answers(trial, setup.options)
        real, fake = _logits(), _logits(1)
        alike, apart = answers(real[one], fake[one]), answers(real[one], fake[other])
        for network, (title, value) in answers.titled(real, fake).items():
            _same(value, alike[network], f"{title}{setup.words}", "the same permutation of real and fake")
            if not trial.spec.pairs:
                words = "another permutation of real than of fake (a loss that pairs them says pairs=True)"
                _same(value, apart[network], f"{title}{setup.words}", words)


def shapes(trial: Trial) -> None:
    """The same numbers are worth the same as ``[N]``, ``[N, 1]`` and patches ``[N, P]``."""
    for setup in _setups(trial):
        answers = _Answers(trial, setup.options)
        real, fake = _logits().flatten(), _logits(1).flatten()
        for shape in ((-1, 1), SHAPE, (SHAPE[1], SHAPE[0])):
            other = answers(real.reshape(shape), fake.reshape(shape))
            for network, (title, value) in answers.titled(real, fake).items():
                words = f"{list(real.reshape(shape).shape)} in place of {list(real.shape)}"
                _same(value, other[network], f"{title}{setup.words}", words)


def unequal_shapes(trial: Trial) -> None:
    """Real and fake logits of unequal shapes are refused with an error, never broadcast."""
    unequal = [((4,), (4, 1)), ((4, 1), (1, 4)), ((4, 1), (1, 1)), ((4, 1), (4, 3)), ((8, 1), (4, 1)), ((4,), (3,))]
    next(_setups(trial))
    loss = built(trial)
    for network, title in TITLES.items():
        if network == "generator" and not trial.spec.pairs:
            continue
        for one, other in unequal:
            real, fake = torch.zeros(one), torch.zeros(other)
            try:
                value = _called(trial, loss, network, real, fake)
            except Exception:  # any error will do
                continue
            words = f"{title} took {list(one)} and {list(other)} and returned {value.detach().flatten().tolist()[:4]}"
            raise Broken(f"{words}: compare the shapes first.")


def batch_size(trial: Trial) -> None:
    """A loss is a mean, not a sum: a batch given twice over is worth what it is worth once."""
    for setup in _setups(trial):
        answers = _Answers(trial, setup.options)
        real, fake = _logits(), _logits(1)
        twice = answers.twice(real, fake)
        for network, (title, value) in answers.titled(real, fake).items():
            if not trial.spec.batch_coupled:
                _same(value, twice[network], f"{title}{setup.words}", "the batch twice over")
            words = f"{title}{setup.words} is {value:.6g}, and {twice[network]:.6g} for the batch twice over"
            require(_differ(2 * value, twice[network]), f"{words}: it is a sum.")


def batch_coupled_honest(trial: Trial) -> None:
    """A loss says ``batch_coupled`` where a sample's term depends on the rest of the batch, and only there."""
    coupled = []
    for setup in _setups(trial):
        answers = _Answers(trial, setup.options)
        real, fake = _logits(), _logits(1)
        halves = [answers(*pair) for pair in zip(real.chunk(2), fake.chunk(2), strict=True)]
        for network, (title, value) in answers.titled(real, fake).items():
            if not trial.spec.batch_coupled and _differ(value, answers.twice(real, fake)[network]):
                raise Skip(f"it is no mean: see {trial.title}/batch-size")
            mean = sum(half[network] for half in halves) / 2
            if _differ(value, mean):
                words = f"{title}{setup.words} is {value:.6g} for a batch and {mean:.6g}, the mean, for its halves"
                require(trial.spec.batch_coupled, f"{words}, and its spec says batch_coupled=False.")
                coupled.append(network)
    words = "Its spec says batch_coupled=True, but a batch is worth the mean of its halves: accumulation is refused"
    require(coupled or not trial.spec.batch_coupled, f"{words} for nothing.")


def pairs_honest(trial: Trial) -> None:
    """A loss says ``pairs`` where the generator's term reads real logits, and only there: elsewhere `real` is None."""
    reads = []
    for setup in setups(trial):
        loss = trial.entry.build(setup.options)
        state, fake = state_of(loss), _logits(1)
        if trial.spec.pairs:
            values = []
            for seed in (0, 2):
                restore(loss, state)
                values.append(_term(trial, loss, "generator", _logits(seed), fake).item())
            reads.append(_differ(*values))
            continue
        try:
            value = loss.generator(fake * 1, None)
            restore(loss, state)
            beside = loss.generator(fake * 1, _logits() * 1)
        except Exception as error:
            words = f"Its spec says pairs=False, and G's loss{setup.words} failed with real=None"
            raise Broken(f"{words}: {told(error)}.") from error
        if not isinstance(value, Tensor):
            raise Skip(f"it returns no tensor: see {trial.title}/scalar")
        require(torch.equal(value, beside), f"Its spec says pairs=False, and G's loss{setup.words} reads real logits.")
    words = "Its spec says pairs=True, but G's loss is the same for other real logits: D judges reals for nothing"
    require(any(reads) or not trial.spec.pairs, f"{words} in G's update.")


# ----------------------------------------------------------------------------
# How it is run.


def repeatable(trial: Trial) -> None:
    """The same logits, seed and state give the same answer: what lasts from one update to the next is a buffer."""
    for setup in _setups(trial, steady=False):
        answers = _Answers(trial, setup.options)
        first = answers(_logits(), _logits(1))
        answers(_logits(2), _logits(3))
        for network, (title, value) in answers.titled(_logits(), _logits(1)).items():
            words = f"{title}{setup.words} was {first[network]:.9g}, and after another batch it is {value:.9g}"
            require(first[network] == value, f"{words}: keep state in an nn.Module's buffers.")


def logits_untouched(trial: Trial) -> None:
    """A loss changes nothing about the logits: neither their values nor their ``.grad``."""
    for setup in _setups(trial, steady=False):
        loss = trial.entry.build(setup.options)
        leaves = [_logits(), _logits(1)]
        real, fake = (leaf * 1 for leaf in leaves)  # no leaves, which torch itself would guard
        before = real.detach().clone(), fake.detach().clone()
        for network, title in TITLES.items():
            _called_on(trial, loss, network, real, fake)
            for name, logits, was in zip(("real", "fake"), (real, fake), before, strict=True):
                require(torch.equal(logits, was), f"{title}{setup.words} changed the {name} logits in place.")
            for name, leaf in zip(("real", "fake"), leaves, strict=True):
                words = f"{title}{setup.words} left a gradient behind by the {name} logits"
                require(leaf.grad is None, f"{words}: it returns the value and calls no backward().")


def any_device(trial: Trial) -> None:
    """A loss computes wherever its logits are: it runs on torch's ``meta`` device, moved there like any module."""
    for setup in _setups(trial):
        loss = trial.entry.build(setup.options)
        loss = loss.to("meta") if isinstance(loss, nn.Module) else loss
        real, fake = (torch.empty(SHAPE, device="meta", requires_grad=True) for _ in range(2))
        for network, title in TITLES.items():
            try:
                value = _called(trial, loss, network, real, fake)
            except Exception as error:
                words = f"{title}{setup.words} failed there (a number read back, or a device written down?)"
                raise Broken(f"{words}: {told(error)}.") from error
            require(value.device.type == "meta", f"{title}{setup.words} came back on {value.device}.")


def recordable(trial: Trial) -> None:
    """A loss computes with tensors alone, so that a record of it (compile, a CUDA graph) gives what it gives."""
    from torch.fx.experimental.proxy_tensor import make_fx

    for setup in _setups(trial):
        given = [options for _, options, _, _ in refilled(setup.options)] or [setup.options]
        for options, (network, title) in product(given, TITLES.items()):
            loss = trial.entry.build(options)
            state, piece = state_of(loss), _piece(trial, loss, network)
            try:
                with Unread():  # type: ignore[no-untyped-call]
                    piece(_logits(), _logits(1))
                restore(loss, state)
                record = make_fx(piece)(_logits(), _logits(1))
            except Broken:
                raise
            except Exception as error:
                raise Broken(f"{title}{setup.words} cannot be recorded: {told(error)}.") from error
            real, fake = _logits(2, scale=5), _logits(3, scale=5)
            restore(loss, state)
            replayed = flat(record(real, fake))
            restore(loss, state)
            off = (replayed - flat(piece(real, fake))).abs().max().item()
            words = f"A record of {title}{setup.words} is off by {off:.3g} for other logits: it went by a Python number"
            require(off <= 1e-6, f"{words} or condition.")


def schedules(trial: Trial) -> None:
    """A schedulable option may be a 0-dim tensor that is refilled before each update, and takes effect at once."""
    found = False
    for setup in _setups(trial):
        for name, options, tensors, wanted in refilled(setup.options):
            found = True
            answers = _Answers(trial, options)
            before = answers(_logits(), _logits(1))
            for tensor, other in tensors:
                tensor.fill_(other)
            right = _Answers(trial, wanted)(_logits(), _logits(1))
            for network, (title, value) in answers.titled(_logits(), _logits(1)).items():
                numbers = ", ".join(f"{other:g}" for _, other in tensors)
                words = f"{title}{setup.words} was {before[network]:.6g}; with {name} refilled to {numbers} it is"
                near = not _differ(value, right[network], 1e-5)
                require(near, f"{words} {value:.6g}, and built with that number {right[network]:.6g}.")
    if not found:
        raise Skip("it has no schedulable option")


# ----------------------------------------------------------------------------
# Helpers.


def _setups(trial: Trial, steady: bool = True) -> Iterator[Setup]:
    """Yield the setups of a loss that does what `scalar` and, where `steady`, `repeatable` ask for.

    Raises:
        Skip: It does not, so that one bug would be told many times over.
    """
    for setup in setups(trial):
        answers = _Answers(trial, setup.options)
        real, fake = _logits(), _logits(1)
        try:
            for network in TITLES:
                slopes_of(answers.term(network, real, fake), _played(network, real, fake))
        except Exception as error:
            raise Skip(f"a plain call fails already{setup.words}: see {trial.title}/scalar") from error
        if steady and answers(real, fake) != answers(real, fake):
            raise Skip(f"it does not give the same answer twice{setup.words}: see {trial.title}/repeatable")
        yield setup


class _Answers:
    """Both values of a loss, each time from the state in which it was built and with the same seed."""

    def __init__(self, trial: Trial, options: Any) -> None:
        self.trial, self.loss = trial, trial.entry.build(options)
        self.state = state_of(self.loss)

    def __call__(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        return {network: self.term(network, real, fake).item() for network in TITLES}

    def term(self, network: str, real: Tensor, fake: Tensor) -> Tensor:
        restore(self.loss, self.state)
        with seeded(0):
            return _term(self.trial, self.loss, network, real, fake)

    def twice(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        return self(torch.cat([real, real]), torch.cat([fake, fake]))

    def titled(self, real: Tensor, fake: Tensor) -> dict[str, tuple[str, float]]:
        return {network: (TITLES[network], value) for network, value in self(real, fake).items()}


def _called(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return a term as the engine asks for it, of logits that are D's answers and no leaves."""
    real, fake = real * 1, fake * 1
    return _called_on(trial, loss, network, real, fake)


def _called_on(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    if network == "discriminator":
        value: Tensor = loss.discriminator(real, fake)
        return value
    value = loss.generator(fake, real if trial.spec.pairs else None)
    return value


def _term(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return a term, which must be a scalar."""
    value = _called(trial, loss, network, real, fake)
    title = TITLES[network]
    require(isinstance(value, Tensor), f"{title} is of type {type(value).__name__}.")
    require(value.dim() == 0, f"{title} has the shape {list(value.shape)}, not []: take the mean.")
    require(value.is_floating_point(), f"{title} is {value.dtype}.")
    return value


def _piece(trial: Trial, loss: Any, network: str) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """Return what an update computes of a loss: its value and its gradient by the logits."""

    def piece(real: Tensor, fake: Tensor) -> list[Tensor]:
        value = _called(trial, loss, network, real, fake)
        return [value.detach(), *slopes_of(value, _played(network, real, fake))]

    return piece


def _logits(seed: int = 0, scale: float = 1.5) -> Tensor:
    """Return logits ``[N, P]`` of ordinary size, in float64."""
    generator = torch.Generator().manual_seed(seed + 100)
    return (scale * torch.randn(SHAPE, dtype=torch.float64, generator=generator)).requires_grad_()


def _played(network: str, real: Tensor, fake: Tensor) -> list[Tensor]:
    """Return the logits that a network moves: D both, G its own."""
    return [real, fake] if network == "discriminator" else [fake]


def _slopes_at(trial: Trial, loss: Any, level: float) -> tuple[float, float, float]:
    """Return how D's loss changes as all real and all fake logits rise, and G's as the fake ones do, from one level."""
    real, fake = (torch.full((4, 1), level, dtype=torch.float64, requires_grad=True) for _ in range(2))
    by_real, by_fake = slopes_of(_term(trial, loss, "discriminator", real, fake), [real, fake])
    (of_g,) = slopes_of(_term(trial, loss, "generator", real, fake), [fake])
    return by_real.sum().item(), by_fake.sum().item(), of_g.sum().item()


def _differ(one: float, other: float, tolerance: float = 2e-6) -> bool:
    return not math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def _same(value: float, other: float, title: str, change: str) -> None:
    require(not _differ(value, other), f"{title} is {value:.6g}, and {other:.6g} for {change}.")


def _listed(numbers: Tensor) -> str:
    return ", ".join(f"{number:g}" for number in numbers.tolist())
