"""Checks of regularizers: the values of their terms in a step of the engine, and what the spec declares."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.engine.assemble import REGULARIZER
from ganzoo.engine.batches import Part
from ganzoo.errors import suggest_names
from ganzoo.layers import sum_of_logits
from ganzoo.plugin import Case, DataInfo, Networks
from ganzoo.plugin.contracts import Modality
from ganzoo.registry.failures import describe_error
from ganzoo.testing.changes import list_operations
from ganzoo.testing.checks import Failure, Skip, Trial, fatal_failures, require
from ganzoo.testing.probes import (
    Form,
    flatten,
    list_setups,
    make_part,
    require_scalars,
    require_untrained,
    restore_state,
)
from ganzoo.testing.term import TITLES, Term
from ganzoo.testing.terms import (
    choose_data,
    list_terms,
    make_networks,
    make_prepared_networks,
    make_regularized_gan,
    reads_beyond_logits,
)


def measure_case(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return what a case expects: D's and G's term by the network's name, and ``logits``; D is ``network``."""
    real, fake = case.given["real"], case.given["fake"]
    generator = deepcopy(case.given.get("generator")) or _FixedGenerator(fake)
    z = case.given.get("z", torch.zeros(len(real), 1, dtype=real.dtype))
    labels, latent = case.given.get("labels"), case.given.get("latent", "normal")
    network = _CaseDiscriminator(deepcopy(case.given["network"]), real.dtype)
    networks = Networks(generator, network, z.shape[1], latent)
    arrays = labels is not None and labels.is_floating_point()
    modalities: dict[int, Modality] = {4: "image", 3: "audio"}
    data = DataInfo(
        shape=tuple(real.shape[1:]),
        modality=modalities.get(real.dim(), "points"),
        num_classes=0 if labels is None or arrays else int(labels.max()) + 1,
        label_shape=() if labels is None or not arrays else tuple(labels.shape[1:]),
    )
    gan = make_regularized_gan(trial, Trial(trial.entry).make_options(**case.options), networks, data, pairs=True)
    (component,) = gan.regularizers.values()
    if isinstance(component, nn.Module) and "weights" in case.given:
        component.load_state_dict(case.given["weights"])
    part = Part(z, real, labels, 1.0)
    measured = {
        network: Term(network, TITLES[network], gan, part).compute().item()
        for network in TITLES
        if network in case.expected
    }
    if "logits" in case.expected:
        gan.finish_discriminator_step(None)
        with torch.no_grad():
            measured["logits"] = sum_of_logits(gan.discriminator.eval()(real)).sum().item()
    return measured


class _FixedGenerator(nn.Module):
    """A generator that always makes the same samples, which are its parameter."""

    def __init__(self, samples: Tensor) -> None:
        super().__init__()
        self.samples = nn.Parameter(samples.detach().clone())

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples."""
        return self.samples * 1


class _CaseDiscriminator(nn.Module):
    """A case's network as a discriminator: it may be called with labels, and it has parameters.

    It has the attributes of the network, too, for terms that read parts of it.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network
        if not any(parameter.requires_grad for parameter in network.parameters()):
            self.unused = nn.Parameter(torch.zeros(1, dtype=dtype))

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the module, or of its network."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "network":  # while it is built or copied
                raise
            return getattr(self.network, name)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        """Return the network's output."""
        return self.network(x) if labels is None else self.network(x, labels)


# ----------------------------------------------------------------------------
# Methods and values.


def methods(trial: Trial) -> None:
    """A regularizer has one of the methods that the engine calls, such as `generator` or `prepare`."""
    made = trial.build()
    theirs = [name for name in dir(made) if name[0] != "_" and callable(getattr(made, name))]
    with fatal_failures():
        near = "".join(suggest_names(name, REGULARIZER) for name in theirs)
        words = f"{type(made).__name__} has {', '.join(theirs) or 'no method'}{near or '.'}"
        require(set(theirs) & set(REGULARIZER), words)


def scalar(trial: Trial) -> None:
    """A term is a finite scalar with a finite gradient for the network whose loss it joins."""
    for term in list_terms(trial, plain=False):
        slopes = flatten(term.compute_gradients())
        require(slopes.isfinite().all(), f"The gradient of {term.title} is not finite.")


def reports_scalars(trial: Trial) -> None:
    """`report` returns finite 0-dim tensors by name after each term; ``d`` and ``g`` are the names of the terms."""
    if not hasattr(trial.build(), "report"):
        raise Skip("it reports nothing: it has no report")
    for term in list_terms(trial):
        term.compute()
        require_scalars(term.component.report(), taken=("d", "g"))


def learns_nothing(trial: Trial) -> None:
    """If a regularizer has trainable parameters, ``learns`` names the network whose optimizer trains them."""
    _, made = make_prepared_networks(trial)
    if not trial.spec.learns:
        require_untrained(made)
        return
    require(isinstance(made, nn.Module), f"Its spec says learns={trial.spec.learns!r}: make it a torch.nn.Module.")
    require(any(p.requires_grad for p in made.parameters()), "Its spec says `learns`, but it has no parameters.")


def answers(trial: Trial) -> None:
    """A term accepts every form of D's output: ``[N]``, ``[N, 1]``, a patch map, a list, a `DiscriminatorOutput`."""
    forms: tuple[Form, ...] = ("plain", "column", "patches", "list", "output")
    for form in forms[-1:] if reads_beyond_logits(trial) else forms:
        for term in list_terms(trial, form=form):
            try:
                slopes = flatten(term.compute_gradients())
            except Failure:
                raise
            except Exception as error:
                words = f"{term.title} fails if D's output has the form {form!r}"
                raise Failure(f"{words}: {describe_error(error)}.") from error
            require(
                slopes.isfinite().all(),
                f"The gradient of {term.title} is not finite if D's output has the form {form!r}.",
            )


def reals_declared(trial: Trial) -> None:
    """The spec says ``reals`` if and only if G's term reads real samples, or D's outputs for them."""
    if not hasattr(trial.build(), "generator"):
        require(not trial.spec.reals, "Its spec says reals=True, but it has no term for G.")
        raise Skip("it has no term for G")
    if not trial.spec.reals:
        data, options = choose_data(trial), next(list_setups(trial)).options
        networks = make_networks(trial, data)
        term = Term(
            "generator", TITLES["generator"], make_regularized_gan(trial, options, networks, data), make_part(data)
        )
        try:
            term.compute()
        except Exception as error:
            raise Failure(
                f"Its spec says reals=False, and with real=None it fails: {describe_error(error)}."
            ) from error
        return
    for term in list_terms(trial, ("generator",)):
        real = make_part(term.gan.data, 1).real
        first, other = term.compute().item(), replace(term, part=term.part._replace(real=real)).compute().item()
        words = f"Its spec says reals=True, but {term.title} is {first:.6g} for any real samples"
        require(first != other, f"{words}: G's update would draw them without need.")


def classes_declared(trial: Trial) -> None:
    """If the spec says ``classes``, the terms depend on the classes of the samples."""
    if not trial.spec.classes:
        raise Skip("its spec does not say `classes`")
    for term in list_terms(trial):
        step, values = term.make_step(), []
        assert step.labels is not None
        others = (step.labels + 1) % term.gan.data.num_classes
        for labels in (step.labels, others):
            restore_state(term.component, term.state)
            with seeded(0):
                values.append(
                    term.evaluate(replace(step, labels=labels, real_labels=labels, fake_labels=labels)).item()
                )
        words = f"Its spec says classes=True, but {term.title} is {values[0]:.6g} whatever the classes are"
        require(values[0] != values[1], f"{words}: it would be refused without --conditional for nothing.")


def learns_as_declared(trial: Trial) -> None:
    """If the spec says ``learns``, that network's term gives a gradient to the component's own parameters."""
    if not trial.spec.learns:
        raise Skip("its spec does not say `learns`")
    for term in list_terms(trial, (trial.spec.learns,)):
        own = {name: p for name, p in term.component.named_parameters() if p.requires_grad}
        slopes = torch.autograd.grad(term.compute(), list(own.values()), allow_unused=True)
        dead = [name for name, slope in zip(own, slopes, strict=True) if slope is None or not slope.any()]
        require(not dead, f"{term.title} gives none to {', '.join(dead)}: nothing trains them.")


def gradients(trial: Trial) -> None:
    """The gradient matches finite differences of the term over the network's parameters."""
    generator = torch.Generator().manual_seed(3)
    for term in list_terms(trial, fine=True):
        parameters, moving = term.gan.trainable[term.network], term.settle()
        here, slopes = term.compute(), flatten(term.compute_gradients())
        h, tolerance = (1e-5, 2e-3) if here.dtype == torch.float64 else (1e-3, 2e-2)
        tolerance = 0.05 if moving else tolerance  # a running mean, through which no gradient goes
        for _ in range(3):
            move = torch.randn(len(slopes), generator=generator).to(slopes.dtype)
            sides = [term.compute_at(parameters, sign * h * move).item() for sign in (1, -1)]
            measured, predicted = (sides[0] - sides[1]) / (2 * h), (slopes @ move).item()
            off = abs(measured - predicted) / max(1e-3, abs(measured), slopes.norm().item())
            words = (
                f"Along a random direction {term.title} rises by {measured:.6g}; its gradient predicts {predicted:.6g}"
            )
            require(off <= tolerance, f"{words}: something is missing in its graph (detach, or no create_graph=True).")


def constant_discriminator(trial: Trial) -> None:
    """A term and its gradient are finite if D gives every sample the same output, as a D that starts at zero."""
    for term in list_terms(trial):
        with torch.no_grad():
            term.small_discriminator.last.weight.zero_()
        slopes = flatten(term.compute_gradients())
        words = f"The gradient of {term.title} is not finite: a square root of a sum of squares has none at 0"
        require(slopes.isfinite().all(), f"{words}; write torch.linalg.vector_norm.")


def bf16(trial: Trial) -> None:
    """If the networks compute in bf16, a term is finite and close to its value in float32."""
    for low, full in zip(*(list_terms(trial, precision=p, dtype=torch.float32) for p in ("bf16", "fp32")), strict=True):
        for term in (low, full):
            with torch.no_grad():
                term.small_discriminator.last.bias += 100  # outputs far from 0: bf16 rounds their differences away
        value, wanted = low.compute().item(), full.compute().item()
        words = f"{low.title} is {value:.4g} in bf16 and {wanted:.4g} in float32"
        require(
            abs(value - wanted) <= 0.25 * max(abs(wanted), 0.1),
            f"{words}: compute with the outputs of discriminate(x, float32=True).",
        )
        require(
            flatten(low.compute_gradients()).isfinite().all(), f"The gradient of {low.title} is not finite in bf16."
        )


# ----------------------------------------------------------------------------
# What the spec declares.


def input_gradients_declared(trial: Trial) -> None:
    """The spec says ``input_gradients`` if and only if D's term differentiates D by its input."""
    if not hasattr(trial.build(), "discriminator"):
        require(trial.spec.input_gradients is False, "Its spec says input_gradients=True, but it has no term for D.")
        raise Skip("it has no term for D")
    for term in list_terms(trial, ("discriminator",), plain=False):
        declared, term.gan.input_gradients = term.gan.input_gradients, False
        try:
            twice = any("BackwardBackward" in name for name in list_operations(term.compute()))
            failure = ""
        except Exception as error:
            failure = describe_error(error)
        if failure:
            words = (
                f"Its spec says input_gradients=False, so that step.real and step.fake require no grad; {term.title}"
            )
            require(declared, f"{words} fails: {failure}.")
        elif declared:
            words = f"Its spec says input_gradients=True, but {term.title} works with samples that require no grad and"
            require(twice, f"{words} has no second derivative: the engine would keep graphs without need.")
        else:
            words = f"Its spec says input_gradients=False, but {term.title} has a second derivative of D's outputs"
            require(not twice, f"{words}: half precision and compilation need input_gradients=True.")
