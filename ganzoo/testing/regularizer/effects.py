"""Checks of regularizers: what a term leaves as it was, and how it is run."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganzoo.compute.streams import seeded
from ganzoo.registry.installed import describe_error
from ganzoo.testing.changes import grads, samples, statistics, structure
from ganzoo.testing.checks import Broken, Skip, Trial, require
from ganzoo.testing.probes import (
    Unread,
    moved,
    part_of,
    refilled,
    setups,
    small_networks,
)
from ganzoo.testing.terms import (
    data_of,
    form_of,
    networks_of,
    prepared,
    require_plain,
    run_of,
    runs,
)

# ----------------------------------------------------------------------------
# What it must leave as it is.


def batchnorm_kept(trial: Trial) -> None:
    """A term moves no BatchNorm statistics of D: they are those of the samples that the update itself judged."""
    for run in runs(trial, norm=True):
        for name in run.changed(statistics):
            raise Broken(f"{run.title} moved {name}: ask step.discriminate(samples) and not the network itself.")


def no_gradients_left(trial: Trial) -> None:
    """A term leaves no ``.grad`` behind: it is returned, and the engine differentiates it."""
    for run in runs(trial):
        for name in run.changed(grads):
            raise Broken(f"{run.title} left one at {name}: use torch.autograd.grad, never backward().")


def networks_kept(trial: Trial) -> None:
    """A term leaves both networks as they are: parameters, modes, hooks, and what requires grad."""
    for run in runs(trial):
        for name in run.changed(structure):
            raise Broken(f"{run.title} changed {name}.")


def samples_kept(trial: Trial) -> None:
    """A term changes no sample, latent or answer in place: others see them too."""
    for run in runs(trial, steady=False):
        for name in run.changed(samples):
            raise Broken(f"{run.title} changed step.{name}.")


def prepares(trial: Trial) -> None:
    """What prepare makes of D is the same each time, so that a checkpoint fits; D still answers and still learns."""
    made = trial.build()
    if not hasattr(made, "prepare"):
        raise Skip("it prepares nothing")
    plain = list(small_networks(data_of(trial), form_of(trial)).generator.state_dict())
    networks = prepared(trial, made)
    words = "It changed the structure of G, which is sampled from without it."
    require(list(networks.generator.state_dict()) == plain, words)
    first, second = prepared(trial, trial.build()).discriminator, networks.discriminator
    one, other = first.state_dict(), second.state_dict()
    require(one.keys() == other.keys(), f"D's state has {sorted(one.keys() ^ other.keys())} in one build alone.")
    second.load_state_dict(one)
    require(any(p.requires_grad for p in second.parameters()), "No parameter of D requires grad after it.")
    part = part_of(data_of(trial))
    second(part.real, part.labels)


def after_step_works(trial: Trial) -> None:
    """What happens after D's step leaves a D that learns: parameters finite, of the same shape, requiring grad."""
    made = trial.build()
    if not hasattr(made, "after_step"):
        raise Skip("it does nothing after a step")
    networks = prepared(trial, made)
    network = networks.discriminator
    before = {name: (p.shape, p.requires_grad, id(p)) for name, p in network.named_parameters()}
    for _ in range(2):
        made.after_step(networks)
    after = {name: (p.shape, p.requires_grad, id(p)) for name, p in network.named_parameters()}
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    require(
        not changed, f"It replaced or froze {', '.join(sorted(changed))}: change parameters in place, under no_grad."
    )
    broken = [name for name, p in network.named_parameters() if not p.isfinite().all()]
    require(not broken, f"It made {', '.join(broken)} no longer finite.")


# ----------------------------------------------------------------------------
# How it is run.


def repeatable(trial: Trial) -> None:
    """The same step, seed and state give the same term: what lasts from one update to the next is a buffer."""
    for run in runs(trial, steady=False):
        first = run.term().item()
        replace(run, part=part_of(run.gan.data, 1)).term()
        again = run.term().item()
        words = f"{run.title} was {first:.9g}, and after another batch it is {again:.9g}"
        require(first == again, f"{words}: keep state in an nn.Module's buffers, draw from torch's default generator.")


def intervals(trial: Trial) -> None:
    """Every call gives the whole term, so that one call weighted k stands for k calls (``train.d_reg_interval=k``)."""
    k = 16
    for run in runs(trial, steady=False):
        run.ask(1)
        moving = moved(run.component, run.state)
        for _ in range(200 if moving else 0):  # running means settle
            run.ask(1)
        each = [run.ask(1) for _ in range(k)]
        total, lazy, tolerance = torch.stack(each).sum(0), run.ask(k), 0.1 if moving else 1e-6
        mean = total / k
        worst = max(((slopes - mean).norm() / mean.norm().clamp(min=1e-12)).item() for slopes in each)
        words = f"At the same weights, batch and seed the gradients of {run.title} in {k} calls differ"
        require(worst <= tolerance, f"{words} by {100 * worst:.3g} % of their mean: the engine does the intervals.")
        off = ((lazy - total).norm() / total.norm().clamp(min=1e-12)).item()
        words = f"One call of {run.title} weighted {k} is off by {100 * off:.3g} % from the sum of {k} calls"
        require(off <= tolerance, f"{words}.")


def schedules(trial: Trial) -> None:
    """A schedulable option may be a 0-dim tensor that is refilled before each update, and takes effect at once."""
    found = False
    for setup in setups(trial):
        for network in networks_of(trial.make(setup.options)):
            for name, options, tensors, wanted in refilled(setup.options):
                found = True
                run = run_of(trial, network, setup.words, options)
                require_plain(trial, run)
                before = run.term().item()
                for tensor, other in tensors:
                    tensor.fill_(other)
                value, right = run.term().item(), run_of(trial, network, "", wanted).term().item()
                numbers = ", ".join(f"{other:g}" for _, other in tensors)
                words = f"{run.title} was {before:.6g}; with {name} refilled to {numbers} it is {value:.6g}, and built"
                near = abs(value - right) <= 1e-5 * max(1.0, abs(right))
                require(near, f"{words} with that number {right:.6g}.")
    if not found:
        raise Skip("it has no schedulable option")


def any_device(trial: Trial) -> None:
    """A term computes wherever the networks are: it runs on torch's ``meta`` device, moved there like any module."""
    for run in runs(trial, device="meta"):
        try:
            value = run.call(run.step())
        except Broken:
            raise
        except Exception as error:
            words = f"{run.title} failed there (a number read back, or a device written down?)"
            raise Broken(f"{words}: {describe_error(error)}.") from error
        require(value.device.type == "meta", f"{run.title} came back on {value.device}.")


def recordable(trial: Trial) -> None:
    """A term computes with tensors alone, so that a record of it (compile, a CUDA graph) gives what it gives."""
    for setup in setups(trial):
        given = [options for _, options, _, _ in refilled(setup.options)] or [setup.options]
        for options in given:
            for network in networks_of(trial.make(options)):
                run = run_of(trial, network, setup.words, options)
                require_plain(trial, run)
                step = run.step()
                try:
                    with seeded(0), Unread():  # type: ignore[no-untyped-call]
                        run.call(step)
                except Broken:
                    raise
                except Exception as error:
                    raise Broken(f"{run.title} cannot be recorded: {describe_error(error)}.") from error
