"""A regularizer's term in an update of small networks, whose step is the engine's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan
from ganzoo.engine.update import _leaf, _look
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo.recipe.recipe import Choice
from ganzoo.testing.changes import equal
from ganzoo.testing.checks import Skip, Trial, Unseen, require
from ganzoo.testing.probes import (
    DATA,
    PROVIDED,
    Form,
    SmallDiscriminator,
    flat,
    part_of,
    restore,
    setups,
    slopes_of,
    small_networks,
    state_of,
)
from ganzoo.testing.small_gan import gan_of

TITLES = {"discriminator": "D's term", "generator": "G's term"}


@dataclass
class Run:
    """A network's term in an update of a GAN.

    Args:
        network: ``discriminator`` or ``generator``.
        title: Names it in a failure.
        gan: Whose only regularizer it is of.
        part: What the update is fed.
    """

    network: str
    title: str
    gan: Gan
    part: Part

    def __post_init__(self) -> None:
        (self.component,) = self.gan.regularizers.values()
        self.state = state_of(self.component)

    @property
    def small_discriminator(self) -> SmallDiscriminator:
        """D, one of the kit's."""
        assert isinstance(self.gan.discriminator, SmallDiscriminator)
        return self.gan.discriminator

    def step(self) -> Step:
        """Return what the update shows."""
        gan, part = self.gan, self.part
        gan.let_learn(self.network)
        with seeded(1):
            made, penalised = gan.generate(part.z, part.labels), gan.differentiates(1)
            if self.network == "generator":
                return _look(gan, part, part.real if gan.pairs or gan.reals else None, made)
            made = replace(made, samples=_leaf(made.samples, penalised))
            return _look(gan, part, _leaf(part.real, penalised), made, penalised=penalised)

    def call(self, step: Step) -> Tensor:
        """Return the term of a step, which must be a scalar."""
        value = getattr(self.component, self.network)(step)
        require(isinstance(value, Tensor), f"{self.title} is of type {type(value).__name__}.")
        require(value.dim() == 0, f"{self.title} has the shape {list(value.shape)}, not []: take the mean.")
        require(value.is_floating_point(), f"{self.title} is {value.dtype}.")
        return value  # type: ignore[no-any-return]

    def term(self) -> Tensor:
        """Return the term of a new step, from the first state and with the same seed each time; it is finite."""
        restore(self.component, self.state)
        step = self.step()
        with seeded(0):
            value = self.call(step)
        require(value.isfinite(), f"{self.title} is {value.item()}.")
        return value

    def slopes(self) -> list[Tensor]:
        """Return the term's gradients by the network's parameters."""
        return slopes_of(self.term(), self.gan.trainable[self.network])

    def term_at(self, parameters: Sequence[Tensor], move: Tensor) -> Tensor:
        """Return the term where the parameters are moved, and move them back."""
        before = [parameter.detach().clone() for parameter in parameters]
        parts = torch.split(move, [p.numel() for p in parameters])
        with torch.no_grad():
            for parameter, part in zip(parameters, parts, strict=True):
                parameter += part.view_as(parameter)
        value = self.term()
        with torch.no_grad():
            for parameter, was in zip(parameters, before, strict=True):
                parameter.copy_(was)
        return value

    def ask(self, weight: int) -> Tensor:
        """Return the gradient of the weighted term, as the engine takes it, as one vector; state goes on."""
        step = self.step()
        with seeded(0):
            term, _ = self.gan.regularize(self.network, step, 1)
        assert term is not None
        return flat(slopes_of(weight * term, self.gan.trainable[self.network]))

    def changed(self, look: Callable[[Gan, Step], Mapping[str, Any]]) -> list[str]:
        """Return the names of what the term changed, of all that `look` returns."""
        restore(self.component, self.state)
        step = self.step()
        before = look(self.gan, step)
        with seeded(0):
            self.call(step)
        after = look(self.gan, step)
        return [name for name in {**before, **after} if not equal(before.get(name), after.get(name))]


def runs(
    trial: Trial,
    networks: tuple[str, ...] = tuple(TITLES),
    plain: bool = True,
    steady: bool = True,
    fine: bool = False,
    **how: Any,
) -> Iterator[Run]:
    """Yield the terms of each setup; where `plain`, those that `require_plain` lets pass; `fine`: in float64 if it can.

    Raises:
        Skip: There is no term, or one that does not.
    """
    found = False
    for setup in setups(trial):
        for network in networks_of(trial.make(setup.options)):
            if network in networks:
                found = True
                if plain:
                    require_plain(trial, run_of(trial, network, setup.words, setup.options), steady)
                if fine and _works(exact := run_of(trial, network, setup.words, setup.options, dtype=torch.float64)):
                    yield exact
                else:
                    yield run_of(trial, network, setup.words, setup.options, **how)
    if not found:
        raise Skip("it adds no term to a loss")


def require_plain(trial: Trial, run: Run, steady: bool = True) -> None:
    """Raise Skip where a term does not do what `scalar` and, where `steady`, `repeatable` ask for.

    One bug would be told many times over.
    """
    try:
        first = run.term().item()
        run.slopes()
    except Exception as error:
        raise Skip(f"{run.title} fails in a plain update already: see {trial.title}/scalar") from error
    if steady and first != run.term().item():
        raise Skip(f"{run.title} is not the same twice: see {trial.title}/repeatable")


def networks_of(made: object) -> list[str]:
    """Return the networks that a regularizer has a term for."""
    return [network for network in TITLES if hasattr(made, network)]


def run_of(
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
) -> Run:
    """Return a network's term in an update of small networks; G's with real samples where it does not do without."""
    unknown = sorted(set(trial.spec.needs) - PROVIDED)
    if unknown:
        raise Unseen(f"it needs {', '.join(unknown)}, which the kit's networks do not provide: give it cases")
    data, title = data_of(trial), f"{TITLES[network]}{words}"
    norm_d = norm and "batchnorm-in-d" not in trial.spec.refuses

    def made(pairs: bool) -> Run:
        networks = small_networks(data, form or form_of(trial), norm_g=norm, norm_d=norm_d)
        for each in (networks.generator, networks.discriminator):
            each.to(device=device, dtype=dtype)
        part = move_part(part_of(data), device, dtype)
        return Run(network, title, gan_around(trial, options, networks, data, pairs=pairs, precision=precision), part)

    if network == "discriminator" or _works(made(pairs=False)):
        return made(pairs=False)
    return made(pairs=True)


def gan_around(trial: Trial, options: Any, networks: Networks, data: DataInfo, **how: Any) -> Gan:
    """Return the engine's GAN, its regularizer built, prepared and on the device of the networks."""
    made = trial.make(options, data)
    if hasattr(made, "prepare"):
        made.prepare(networks)
    device = next(networks.discriminator.parameters()).device
    made = made.to(device) if isinstance(made, nn.Module) else made
    return gan_of(networks, data, Choice(trial.entry, options), made, **how)


def prepared(trial: Trial, made: Any) -> Networks:
    """Return small networks that a regularizer prepared."""
    networks = small_networks(data_of(trial), form_of(trial))
    if hasattr(made, "prepare"):
        made.prepare(networks)
    return networks


def _works(run: Run) -> bool:
    try:
        run.call(run.step())
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


def data_of(trial: Trial) -> DataInfo:
    """Return the data of the small networks: of a kind that the regularizer takes, with classes where it needs them."""
    if trial.data:
        return trial.data[0]
    data = DATA if "image" in (trial.spec.modalities or ("image",)) else trial.kinds[0]
    return replace(data, num_classes=3) if "class-logits" in trial.spec.needs else data


def reads_more(trial: Trial) -> bool:
    """Whether it reads more of D's answer than logits."""
    return bool({"class-logits", "features"} & set(trial.spec.needs))


def form_of(trial: Trial) -> Form:
    """Return the form of D's answer that a regularizer can read."""
    return "output" if reads_more(trial) else "plain"


class Fixed(nn.Module):
    """A generator that makes these samples, which are its parameter."""

    def __init__(self, samples: Tensor) -> None:
        super().__init__()
        self.samples = nn.Parameter(samples.detach().clone())

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples."""
        return self.samples * 1


class Judge(nn.Module):
    """A case's network as D, which is also asked for labels and has parameters."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        if not any(parameter.requires_grad for parameter in network.parameters()):
            self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        """Return what the network answers."""
        return self.network(x) if labels is None else self.network(x, labels)
