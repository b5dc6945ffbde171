"""Checks of regularizers: what a term must not change, and how it runs."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganzoo.compute.streams import seeded
from ganzoo.engine.latents import move_latents
from ganzoo.registry.failures import describe_error
from ganzoo.testing.changes import collect_gradients, copy_buffers, copy_step, copy_structure
from ganzoo.testing.checks import Failure, Skip, Trial, require
from ganzoo.testing.probes import (
    NoReadback,
    list_refills,
    list_setups,
    make_part,
)
from ganzoo.testing.terms import (
    choose_data,
    list_networks,
    list_terms,
    make_networks,
    make_prepared_networks,
    make_term,
    skip_unless_sound,
)

# ----------------------------------------------------------------------------
# What a term must not change.


def batchnorm_unchanged(trial: Trial) -> None:
    """A term does not change D's BatchNorm statistics: they come from the update's own samples."""
    for term in list_terms(trial, norm=True):
        for name in term.list_changes(copy_buffers):
            raise Failure(f"{term.title} changes {name}: call step.discriminate(samples), not the network itself.")


def no_gradients_left(trial: Trial) -> None:
    """A term leaves no ``.grad``: it returns a value, and the engine differentiates it."""
    for term in list_terms(trial):
        for name in term.list_changes(collect_gradients):
            raise Failure(f"{term.title} leaves one at {name}: call torch.autograd.grad, not backward().")


def networks_unchanged(trial: Trial) -> None:
    """A term changes nothing in the networks: parameters, modes, hooks and ``requires_grad`` stay."""
    for term in list_terms(trial):
        for name in term.list_changes(copy_structure):
            raise Failure(f"{term.title} changes {name}.")


def samples_unchanged(trial: Trial) -> None:
    """A term changes no sample, latent or output in place, because others read them too."""
    for term in list_terms(trial, steady=False):
        for name in term.list_changes(copy_step):
            raise Failure(f"{term.title} changes step.{name}.")


def prepares(trial: Trial) -> None:
    """`prepare` changes D in the same way each time, so that checkpoints fit, and D still answers and learns."""
    plain = list(make_networks(trial, choose_data(trial)).generator.state_dict())
    networks, made = make_prepared_networks(trial)
    if not hasattr(made, "prepare"):
        raise Skip("it has no prepare")
    words = "It changes the structure of G, which must make samples without the regularizer."
    require(list(networks.generator.state_dict()) == plain, words)
    first, second = make_prepared_networks(trial)[0].discriminator, networks.discriminator
    one, other = first.state_dict(), second.state_dict()
    require(one.keys() == other.keys(), f"D's state has {sorted(one.keys() ^ other.keys())} in only one of two builds.")
    second.load_state_dict(one)
    require(any(p.requires_grad for p in second.parameters()), "No parameter of D requires grad after it.")
    part = make_part(choose_data(trial))
    second(part.real, part.labels)


def moved_latents(trial: Trial) -> None:
    """`move_latents` returns finite latents of the same shape, not all as they were, and reads no number back."""
    if not hasattr(trial.build(choose_data(trial)), "move_latents"):
        raise Skip("it has no move_latents")
    for setup in list_setups(trial):
        term = make_term(trial, "generator", setup.suffix, setup.options)
        term.gan.enable_gradients("generator")
        try:
            with seeded(0), NoReadback():  # type: ignore[no-untyped-call]
                z = move_latents(term.gan, term.part).z
        except Exception as error:
            raise Failure(f"It fails{setup.suffix}: {describe_error(error)}.") from error
        shape, wanted = list(z.shape), list(term.part.z.shape)
        require(shape == wanted, f"It returns {shape}{setup.suffix} for latents {wanted}.")
        require(z.isfinite().all(), f"It returns latents{setup.suffix} that are not finite.")
        require(not torch.equal(z, term.part.z), f"It moves none of them{setup.suffix}.")


def after_step_works(trial: Trial) -> None:
    """After `after_step` D can still learn: parameters are finite, keep their shape and require grad."""
    networks, made = make_prepared_networks(trial)
    if not hasattr(made, "after_step"):
        raise Skip("it has no after_step")
    network = networks.discriminator
    before = {name: (p.shape, p.requires_grad, id(p)) for name, p in network.named_parameters()}
    for _ in range(2):
        made.after_step(networks)
    after = {name: (p.shape, p.requires_grad, id(p)) for name, p in network.named_parameters()}
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    require(
        not changed, f"It replaces or freezes {', '.join(sorted(changed))}: change parameters in place, under no_grad."
    )
    broken = [name for name, p in network.named_parameters() if not p.isfinite().all()]
    require(not broken, f"After it, {', '.join(broken)} is not finite.")


# ----------------------------------------------------------------------------
# How a term runs.


def repeatable(trial: Trial) -> None:
    """The same step, seed and state give the same term: state that lasts between updates is a buffer."""
    for term in list_terms(trial, steady=False):
        first = term.compute().item()
        replace(term, part=make_part(term.gan.data, 1)).compute()
        again = term.compute().item()
        words = f"{term.title} is {first:.9g} at first, and {again:.9g} after another batch"
        require(first == again, f"{words}: keep state in an nn.Module's buffers, draw from torch's default generator.")


def intervals(trial: Trial) -> None:
    """Every call returns the whole term: one call weighted k stands for k calls (``train.d_reg_interval=k``)."""
    k = 16
    for term in list_terms(trial, steady=False):
        moving = term.settle()
        each = [term.compute_weighted_gradient(1) for _ in range(k)]
        total, lazy, tolerance = torch.stack(each).sum(0), term.compute_weighted_gradient(k), 0.1 if moving else 1e-6
        mean = total / k
        worst = max(((slopes - mean).norm() / mean.norm().clamp(min=1e-12)).item() for slopes in each)
        words = f"At the same weights, batch and seed the gradients of {term.title} in {k} calls differ"
        require(worst <= tolerance, f"{words} by {100 * worst:.3g} % of their mean: leave intervals to the engine.")
        off = ((lazy - total).norm() / total.norm().clamp(min=1e-12)).item()
        words = f"One call of {term.title} weighted {k} is off by {100 * off:.3g} % from the sum of {k} calls"
        require(off <= tolerance, f"{words}.")


def schedules(trial: Trial) -> None:
    """A schedulable option may be a 0-dim tensor that is refilled before each update, with effect at once."""
    found = False
    for setup in list_setups(trial):
        for network in list_networks(trial.build_with(setup.options)):
            for name, options, tensors, wanted in list_refills(setup.options):
                found = True
                term = make_term(trial, network, setup.suffix, options)
                skip_unless_sound(trial, network, setup)
                before = term.compute().item()
                for tensor, other in tensors:
                    tensor.fill_(other)
                value, right = term.compute().item(), make_term(trial, network, "", wanted).compute().item()
                numbers = ", ".join(f"{other:g}" for _, other in tensors)
                words = f"{term.title} is {before:.6g}; with {name} refilled to {numbers} it is {value:.6g}, and built"
                near = abs(value - right) <= 1e-5 * max(1.0, abs(right))
                require(near, f"{words} with that number {right:.6g}.")
    if not found:
        raise Skip("it has no schedulable option")


def any_device(trial: Trial) -> None:
    """A term runs on any device: this check moves it to torch's ``meta`` device, like any module."""
    for term in list_terms(trial, device="meta"):
        try:
            value = term.evaluate(term.make_step())
        except Failure:
            raise
        except Exception as error:
            words = f"{term.title} fails there (does it read a number back, or name a device?)"
            raise Failure(f"{words}: {describe_error(error)}.") from error
        require(value.device.type == "meta", f"{term.title} is on {value.device}.")


def recordable(trial: Trial) -> None:
    """A term computes with tensors alone, so that a record (compile, a CUDA graph) gives the same value."""
    for setup in list_setups(trial):
        given = [options for _, options, _, _ in list_refills(setup.options)] or [setup.options]
        for options in given:
            for network in list_networks(trial.build_with(options)):
                term = make_term(trial, network, setup.suffix, options)
                skip_unless_sound(trial, network, setup)
                step = term.make_step()
                try:
                    with seeded(0), NoReadback():  # type: ignore[no-untyped-call]
                        term.evaluate(step)
                except Failure:
                    raise
                except Exception as error:
                    raise Failure(f"{term.title} cannot be recorded: {describe_error(error)}.") from error
