"""The terms of a regularizer, in updates of small networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan
from ganzoo.plugin import DataInfo, Networks
from ganzoo.recipe.recipe import Choice
from ganzoo.testing.checks import NotChecked, Skip, Trial
from ganzoo.testing.probes import (
    DATA,
    PROVIDED,
    Form,
    Setup,
    list_setups,
    make_part,
    make_small_networks,
)
from ganzoo.testing.small_gan import make_gan
from ganzoo.testing.term import TITLES, Term


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
                    skip_unless_sound(trial, network, setup, steady)
                if fine and _works(
                    exact := make_term(trial, network, setup.suffix, setup.options, dtype=torch.float64)
                ):
                    yield exact
                else:
                    yield make_term(trial, network, setup.suffix, setup.options, **how)
    if not found:
        raise Skip("it adds no term to a loss")


FAULTS = {"scalar": "fails in a plain update", "repeatable": "differs when it is computed again"}  # by their checks


def skip_unless_sound(trial: Trial, network: str, setup: Setup, steady: bool = True) -> None:
    """Raise Skip if a network's term fails the check `scalar` or, if `steady`, the check `repeatable`.

    Otherwise one bug would be reported by many checks. Each term is tried once.
    """

    def find_fault() -> str:
        term = make_term(trial, network, setup.suffix, setup.options)
        try:
            first = term.compute().item()
            term.compute_gradients()
        except Exception:
            return "scalar"
        return "" if first == term.compute().item() else "repeatable"

    fault = trial.keep(("fault", network, setup.suffix), find_fault)
    if fault and (steady or fault == "scalar"):
        raise Skip(f"{TITLES[network]}{setup.suffix} {FAULTS[fault]}: see {trial.title}/{fault}")


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
    require_provided_needs(trial)
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


def require_provided_needs(trial: Trial) -> None:
    """Raise NotChecked if a regularizer needs words that the kit's networks do not provide."""
    if unknown := sorted(set(trial.spec.needs) - PROVIDED):
        raise NotChecked(
            f"it needs {', '.join(unknown)}, which the kit's networks do not provide: add cases to its spec"
        )


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
        require_provided_needs(trial)
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
