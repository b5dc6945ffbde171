"""A regularizer's term in an update of small networks, with a step that the engine makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan
from ganzoo.engine.latents import move_latents
from ganzoo.engine.update import _build_step, _detach
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo.recipe.recipe import Choice
from ganzoo.testing.changes import are_equal
from ganzoo.testing.checks import NotChecked, Skip, Trial, require
from ganzoo.testing.probes import (
    DATA,
    PROVIDED,
    Form,
    SmallDiscriminator,
    compute_gradients,
    copy_state,
    flatten,
    has_changed,
    list_setups,
    make_part,
    make_small_networks,
    restore_state,
)
from ganzoo.testing.small_gan import make_gan

TITLES = {"discriminator": "D's term", "generator": "G's term"}


@dataclass
class Term:
    """A network's term in an update of a GAN.

    Args:
        network: The network that the term belongs to, ``discriminator`` or ``generator``.
        title: The term's name in messages.
        gan: A GAN whose only regularizer has this term.
        part: The input of the update.
    """

    network: str
    title: str
    gan: Gan
    part: Part

    def __post_init__(self) -> None:
        (self.component,) = self.gan.regularizers.values()
        self.state = copy_state(self.component)

    @property
    def small_discriminator(self) -> SmallDiscriminator:
        """The discriminator, which is one of the kit's."""
        assert isinstance(self.gan.discriminator, SmallDiscriminator)
        return self.gan.discriminator

    def make_step(self) -> Step:
        """Return the step that the engine makes in this network's update."""
        gan = self.gan
        gan.enable_gradients(self.network)
        with seeded(1):
            part = move_latents(gan, self.part)
            made, penalised = gan.generate(part.z, part.labels), gan.differentiates_inputs(1)
            if self.network == "generator":
                return _build_step(gan, part, part.real if gan.pairs or gan.reals else None, made)
            made = made if gan.latent_movers else replace(made, samples=_detach(made.samples, penalised))
            return _build_step(gan, part, _detach(part.real, penalised), made, penalised=penalised)

    def evaluate(self, step: Step) -> Tensor:
        """Return the term for a step; it must be a scalar."""
        value = getattr(self.component, self.network)(step)
        require(isinstance(value, Tensor), f"{self.title} is of type {type(value).__name__}.")
        require(value.dim() == 0, f"{self.title} has the shape {list(value.shape)}, not []: take the mean.")
        require(value.is_floating_point(), f"{self.title} is {value.dtype}.")
        return value  # type: ignore[no-any-return]

    def compute(self) -> Tensor:
        """Return the term for a new step, with the first state and the same seed each time; it must be finite."""
        restore_state(self.component, self.state)
        step = self.make_step()
        with seeded(0):
            value = self.evaluate(step)
        require(value.isfinite(), f"{self.title} is {value.item()}.")
        return value

    def compute_gradients(self) -> list[Tensor]:
        """Return the gradients of the term by the network's parameters."""
        return compute_gradients(self.compute(), self.gan.trainable[self.network])

    def settle(self) -> bool:
        """Let running means settle, and start from there; return whether the term has state that changes."""
        self.compute()
        if not has_changed(self.component, self.state):
            return False
        for _ in range(200):
            self.evaluate(self.make_step())
        self.state = copy_state(self.component)
        return True

    def compute_at(self, parameters: Sequence[Tensor], move: Tensor) -> Tensor:
        """Return the term after adding `move` to the parameters, and restore them."""
        before = [parameter.detach().clone() for parameter in parameters]
        parts = torch.split(move, [p.numel() for p in parameters])
        with torch.no_grad():
            for parameter, part in zip(parameters, parts, strict=True):
                parameter += part.view_as(parameter)
        state, own = self.state, self.component if isinstance(self.component, nn.Module) else nn.Module()
        self.state = state | {name: parameter.detach().clone() for name, parameter in own.named_parameters()}
        value, self.state = self.compute(), state
        with torch.no_grad():
            for parameter, was in zip(parameters, before, strict=True):
                parameter.copy_(was)
        return value

    def compute_weighted_gradient(self, weight: int) -> Tensor:
        """Return the gradient of the weighted term as one vector, as the engine computes it; the state is not reset."""
        step = self.make_step()
        with seeded(0):
            term, _ = self.gan.regularize(self.network, step, 1)
        assert term is not None
        return flatten(compute_gradients(weight * term, self.gan.trainable[self.network]))

    def list_changes(self, look: Callable[[Gan, Step], Mapping[str, Any]]) -> list[str]:
        """Return the names of the values of `look` that computing the term changes."""
        restore_state(self.component, self.state)
        step = self.make_step()
        before = look(self.gan, step)
        with seeded(0):
            self.evaluate(step)
        after = look(self.gan, step)
        return [name for name in {**before, **after} if not are_equal(before.get(name), after.get(name))]


def list_terms(
    trial: Trial,
    networks: tuple[str, ...] = tuple(TITLES),
    plain: bool = True,
    steady: bool = True,
    fine: bool = False,
    **how: Any,
) -> Iterator[Term]:
    """Yield the terms of each setup.

    Args:
        trial: The regularizer and its options.
        networks: The networks whose terms are yielded, of ``discriminator`` and ``generator``.
        plain: Whether every term must first pass `skip_unless_sound`.
        steady: Whether a term must be the same when it is computed twice; for `skip_unless_sound`.
        fine: Whether a term is computed in float64 where it can be.
        how: Keyword arguments of `make_term`.

    Raises:
        Skip: The regularizer has no such term, or `skip_unless_sound` refuses it.
    """
    found = False
    for setup in list_setups(trial):
        for network in list_networks(trial.build_with(setup.options)):
            if network in networks:
                found = True
                if plain:
                    skip_unless_sound(trial, make_term(trial, network, setup.suffix, setup.options), steady)
                if fine and _works(
                    exact := make_term(trial, network, setup.suffix, setup.options, dtype=torch.float64)
                ):
                    yield exact
                else:
                    yield make_term(trial, network, setup.suffix, setup.options, **how)
    if not found:
        raise Skip("it adds no term to a loss")


def skip_unless_sound(trial: Trial, term: Term, steady: bool = True) -> None:
    """Raise Skip if a term fails the check `scalar` or, if `steady`, the check `repeatable`.

    Otherwise one bug would be reported by many checks.
    """
    try:
        first = term.compute().item()
        term.compute_gradients()
    except Exception as error:
        raise Skip(f"{term.title} fails in a plain update: see {trial.title}/scalar") from error
    if steady and first != term.compute().item():
        raise Skip(f"{term.title} differs when it is computed again: see {trial.title}/repeatable")


def list_networks(made: object) -> list[str]:
    """Return the networks that a regularizer has a term for."""
    return [network for network in TITLES if hasattr(made, network)]


def make_term(
    trial: Trial,
    network: str,
    words: str,
    options: Any,
    *,
    form: Form | None = None,
    norm: bool = False,
    device: str = "cpu",
    precision: Literal["fp32", "bf16"] = "fp32",
    dtype: torch.dtype = torch.float32,
) -> Term:
    """Return a network's term in an update of small networks; G's step has real samples only if the term needs them."""
    unknown = sorted(set(trial.spec.needs) - PROVIDED)
    if unknown:
        raise NotChecked(
            f"it needs {', '.join(unknown)}, which the kit's networks do not provide: add cases to its spec"
        )
    data, title = choose_data(trial), f"{TITLES[network]}{words}"
    norm_d = norm and "batchnorm-in-d" not in trial.spec.refuses

    def made(pairs: bool) -> Term:
        networks = make_networks(trial, data, form, norm_g=norm, norm_d=norm_d)
        for each in (networks.generator, networks.discriminator):
            each.to(device=device, dtype=dtype)
        part = move_part(make_part(data), device, dtype)
        return Term(
            network, title, make_regularized_gan(trial, options, networks, data, pairs=pairs, precision=precision), part
        )

    if network == "discriminator" or _works(made(pairs=False)):
        return made(pairs=False)
    return made(pairs=True)


def make_networks(trial: Trial, data: DataInfo, form: Form | None = None, **how: bool) -> Networks:
    """Return small networks whose outputs have what the regularizer needs.

    Args:
        trial: The regularizer that the networks are for.
        data: The data of the networks.
        form: The form of D's output; by default one that the regularizer can read.
        how: Other keyword arguments of `make_small_networks`.
    """
    stages = "intermediates" in trial.spec.needs
    return make_small_networks(data, form or choose_form(trial), stages=stages, **how)


def make_regularized_gan(trial: Trial, options: Any, networks: Networks, data: DataInfo, **how: Any) -> Gan:
    """Return the engine's GAN, with its regularizer built, prepared and on the networks' device."""
    with seeded(0):
        made = trial.build_with(options, data)
        if hasattr(made, "prepare"):
            made.prepare(networks)
    device = next(networks.discriminator.parameters()).device
    made = made.to(device) if isinstance(made, nn.Module) else made
    return make_gan(networks, data, Choice(trial.entry, options), made, **how)


def make_prepared_networks(trial: Trial) -> tuple[Networks, Any]:
    """Return small networks and a regularizer that prepared them, if it has `prepare`."""
    data = choose_data(trial)
    networks, made = make_networks(trial, data), trial.build(data)
    if hasattr(made, "prepare"):
        made.prepare(networks)
    return networks, made


def _works(term: Term) -> bool:
    try:
        term.evaluate(term.make_step())
    except Exception:
        return False
    return True


def move_part(part: Part, device: str | torch.device, dtype: torch.dtype) -> Part:
    """Return the inputs of an update on the device, with their floats in that dtype."""

    def move(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return value.to(device, dtype if value.is_floating_point() else value.dtype)

    return Part(*map(move, part))


def choose_data(trial: Trial) -> DataInfo:
    """Return data that the regularizer accepts, for the small networks; with classes if it reads some."""
    if trial.data:
        return trial.data[0]
    data = DATA if "image" in (trial.spec.modalities or ("image",)) else trial.infos[0]
    return replace(data, num_classes=3) if trial.spec.classes or "class-logits" in trial.spec.needs else data


def reads_beyond_logits(trial: Trial) -> bool:
    """Return whether a regularizer reads more of D's output than logits."""
    return bool({"class-logits", "features", "embedding"} & set(trial.spec.needs))


def choose_form(trial: Trial) -> Form:
    """Return the form of D's output that a regularizer can read."""
    return "output" if reads_beyond_logits(trial) else "plain"
