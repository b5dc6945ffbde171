"""Checks of regularizers: each sees the step that the engine makes of an update of small networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from ganzoo.compute.streams import seeded
from ganzoo.engine.assemble import REGULARIZER
from ganzoo.engine.batches import Part
from ganzoo.errors import did_you_mean
from ganzoo.plugin import Case, DataInfo, Networks
from ganzoo.registry.installed import told
from ganzoo.testing.checks import Broken, Skip, Trial, require, usable
from ganzoo.testing.probes import (
    Form,
    Unread,
    flat,
    moved,
    part_of,
    refilled,
    require_untrained,
    setups,
    small_networks,
)
from ganzoo.testing.terms import (
    TITLES,
    Fixed,
    Judge,
    Run,
    data_of,
    form_of,
    gan_around,
    grads,
    networks_of,
    operations,
    placed,
    prepared,
    reads_more,
    require_plain,
    run_of,
    runs,
    samples,
    statistics,
    structure,
)


def measured(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return ``discriminator`` and ``generator`` of a case, those that it expects; ``network`` stands for D."""
    real, fake = case.given["real"], case.given["fake"]
    networks = Networks(Fixed(fake), Judge(case.given["network"]), latent_dim=1)
    data = DataInfo(shape=tuple(real.shape[1:]), modality="image" if real.dim() == 4 else "points")
    part = Part(torch.zeros(len(real), 1, dtype=real.dtype), real, None, 1.0)
    gan = gan_around(trial, Trial(trial.entry).options(**case.options), networks, data, pairs=True)
    return {
        network: Run(network, TITLES[network], gan, part).term().item()
        for network in TITLES
        if network in case.expected
    }


# ----------------------------------------------------------------------------
# What is there, and what comes back.


def methods(trial: Trial) -> None:
    """A regularizer has at least one of prepare, discriminator, generator and after_step."""
    made = trial.build()
    theirs = [name for name in dir(made) if name[0] != "_" and callable(getattr(made, name))]
    with usable():
        near = "".join(did_you_mean(name, REGULARIZER) for name in theirs)
        words = f"{type(made).__name__} has {', '.join(theirs) or 'no method'}{near or '.'}"
        require(set(theirs) & set(REGULARIZER), words)


def scalar(trial: Trial) -> None:
    """A term is a finite scalar, with a finite gradient by the network that it is added for."""
    for run in runs(trial, plain=False):
        slopes = flat(run.slopes())
        require(slopes.isfinite().all(), f"The gradient of {run.title} is not finite.")


def learns_nothing(trial: Trial) -> None:
    """Parameters of its own that take gradients are said (``learns``): the optimizer of that network trains them."""
    made = trial.build()
    if not trial.spec.learns:
        require_untrained(made)
        return
    require(isinstance(made, nn.Module), f"Its spec says learns={trial.spec.learns!r}: make it a torch.nn.Module.")
    require(any(p.requires_grad for p in made.parameters()), "Its spec says `learns`, but it has nothing to train.")


def answers(trial: Trial) -> None:
    """A term takes every form of D's answer: ``[N]``, ``[N, 1]``, a patch map, a list of scales, an output object."""
    forms: tuple[Form, ...] = ("plain", "column", "patches", "list", "output")
    for form in forms[-1:] if reads_more(trial) else forms:
        for run in runs(trial, form=form):
            try:
                slopes = flat(run.slopes())
            except Broken:
                raise
            except Exception as error:
                raise Broken(f"{run.title} failed where D answers in the form {form!r}: {told(error)}.") from error
            require(
                slopes.isfinite().all(),
                f"The gradient of {run.title} is not finite where D answers in the form {form!r}.",
            )


def reals_honest(trial: Trial) -> None:
    """A regularizer says ``reals`` where its term for G reads real samples, or D's answers to them, and only there."""
    if not hasattr(trial.build(), "generator"):
        require(not trial.spec.reals, "Its spec says so, but it has no term for G.")
        raise Skip("it has no term for G")
    if not trial.spec.reals:
        data, options = data_of(trial), next(setups(trial)).options
        networks = small_networks(data, form_of(trial))
        for network in (networks.generator, networks.discriminator):
            network.float()
        part = placed(part_of(data), "cpu", torch.float32)
        run = Run("generator", TITLES["generator"], gan_around(trial, options, networks, data), part)
        try:
            run.term()
        except Exception as error:
            raise Broken(f"Its spec says reals=False, and with real=None it failed: {told(error)}.") from error
        return
    for run in runs(trial, ("generator",)):
        real = placed(part_of(run.gan.data, 1), run.part.z.device, run.part.z.dtype).real
        first, other = run.term().item(), replace(run, part=run.part._replace(real=real)).term().item()
        words = f"Its spec says reals=True, but {run.title} is {first:.6g} whatever the real samples are"
        require(first != other, f"{words}: they are drawn, and judged, for nothing.")


def learns_what_it_says(trial: Trial) -> None:
    """Where the spec says ``learns``, that network's term gives the component's own parameters their gradient."""
    if not trial.spec.learns:
        raise Skip("it learns nothing")
    for run in runs(trial, (trial.spec.learns,)):
        own = {name: p for name, p in run.component.named_parameters() if p.requires_grad}
        slopes = torch.autograd.grad(run.term(), list(own.values()), allow_unused=True)
        dead = [name for name, slope in zip(own, slopes, strict=True) if slope is None or not slope.any()]
        require(not dead, f"{run.title} gives none to {', '.join(dead)}: nothing trains them.")


def gradients(trial: Trial) -> None:
    """The gradient is that of the value: it agrees with finite differences over the network's parameters."""
    generator = torch.Generator().manual_seed(3)
    for run in runs(trial, fine=True):
        parameters, here = run.gan.trainable[run.network], run.term()
        slopes, moving = flat(run.slopes()), moved(run.component, run.state)
        h, tolerance = (1e-5, 2e-3) if here.dtype == torch.float64 else (1e-2, 5e-2)
        tolerance = 0.05 if moving else tolerance  # a running mean, through which no gradient goes
        for _ in range(3):
            move = torch.randn(len(slopes), generator=generator).to(slopes.dtype)
            sides = [run.term_at(parameters, sign * h * move).item() for sign in (1, -1)]
            measured, told = (sides[0] - sides[1]) / (2 * h), (slopes @ move).item()
            off = abs(measured - told) / max(1e-3, abs(measured), slopes.norm().item())
            words = f"Along a random direction {run.title} rises by {measured:.6g}; its gradient says {told:.6g}"
            require(off <= tolerance, f"{words}: something was cut out of the graph (create_graph=True, no detach).")


def constant_discriminator(trial: Trial) -> None:
    """A term and its gradient are finite where D answers the same to everything, as one that starts at zero does."""
    for run in runs(trial):
        with torch.no_grad():
            run.small_discriminator.last.weight.zero_()
        slopes = flat(run.slopes())
        words = f"The gradient of {run.title} is not finite: at 0 the square root of a sum of squares has none"
        require(slopes.isfinite().all(), f"{words}; torch.linalg.vector_norm has.")


def bf16(trial: Trial) -> None:
    """A term is finite, and about what it is in float32, where the networks compute in bf16."""
    for low, full in zip(*(runs(trial, precision=p, dtype=torch.float32) for p in ("bf16", "fp32")), strict=True):
        for run in (low, full):
            with torch.no_grad():
                run.small_discriminator.last.bias += 100  # answers far from 0, whose differences bf16 drowns
        value, wanted = low.term().item(), full.term().item()
        words = f"{low.title} is {value:.4g} in bf16 and {wanted:.4g} in float32"
        require(
            abs(value - wanted) <= 0.25 * max(abs(wanted), 0.1),
            f"{words}: compare answers of discriminate(x, float32=True).",
        )
        require(flat(low.slopes()).isfinite().all(), f"The gradient of {low.title} is not finite in bf16.")


# ----------------------------------------------------------------------------
# What it says of itself.


def input_gradients_honest(trial: Trial) -> None:
    """A regularizer says ``input_gradients`` where D's term differentiates D by its input, and only there."""
    if not hasattr(trial.build(), "discriminator"):
        require(trial.spec.input_gradients is False, "Its spec says so, but it has no term for D.")
        raise Skip("it has no term for D")
    for run in runs(trial, ("discriminator",), plain=False):
        declared, run.gan.input_gradients = run.gan.input_gradients, False
        try:
            twice = any("BackwardBackward" in name for name in operations(run.term()))
            failed = ""
        except Exception as error:
            failed = told(error)
        if failed:
            words = f"Its spec says input_gradients=False, and {run.title} failed: step.real and step.fake then require"
            require(declared, f"{words} no grad. {failed}.")
        elif declared:
            words = f"Its spec says input_gradients=True, but {run.title} works on samples that require no grad and"
            require(twice, f"{words} holds no second derivative: the engine keeps graphs for nothing.")
        else:
            words = f"Its spec says input_gradients=False, but {run.title} holds a second derivative of D's answers"
            require(not twice, f"{words}: the engine must know, for half precision and for compilation.")


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
        other = placed(part_of(run.gan.data, 1), run.part.z.device, run.part.z.dtype)
        replace(run, part=other).term()
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
        total, lazy, tolerance = torch.stack(each).sum(0), run.ask(k), 0.1 if moving else 1e-4
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
                near = abs(value - right) <= 1e-4 * max(1.0, abs(right))
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
            raise Broken(f"{words}: {told(error)}.") from error
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
                    raise Broken(f"{run.title} cannot be recorded: {told(error)}.") from error
