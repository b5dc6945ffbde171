"""Checks of architectures: the averaged generator, model packages and checkpoints."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import nn

from ganzoo.package import package
from ganzoo.registry import registry
from ganzoo.testing.architecture.networks import (
    ROUNDING,
    compute_gap,
    describe_data,
    find_smallest_data,
    generate,
    list_small_data,
    make_labels,
    make_latents,
)
from ganzoo.testing.architecture.pair import (
    CPU,
    ROUNDS,
    assemble_gan,
    require_alike,
    share_next_round,
    share_trained,
    train_rounds,
)
from ganzoo.testing.checks import Trial, require


def average_is_a_copy(trial: Trial) -> None:
    """The averaged generator is a full copy: the engine's updates change it, and training the generator does not."""
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        network, average = gan.generator.eval(), gan.ema.network
        z, chosen = make_latents(gan.networks, 4), make_labels(data, 4)
        before = generate(average, z, chosen)
        off = compute_gap(generate(network, z, chosen), before)
        require(off < ROUNDING, f"{describe_data(data)}: after a few updates the copy's samples are off by {off:.2g}.")
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
        off = compute_gap(before, generate(average, z, chosen))
        require(off == 0, f"{describe_data(data)}: when the network changed, samples of its copy changed by {off:.2g}.")
        gan.ema.refill(1, 1)
        gan.ema.update()
        off = compute_gap(generate(network, z, chosen), generate(average, z, chosen))
        require(
            off < ROUNDING, f"{describe_data(data)}: moved to the network's parameters, its copy is off by {off:.2g}."
        )


def package_round_trip(trial: Trial) -> None:
    """A model package stores all that samples depend on: parameters, buffers, tied weights and options."""
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        with tempfile.TemporaryDirectory() as folder:
            package.write(
                Path(folder) / "package",
                package.make_contents(gan.recipe, gan.data, gan.averaged_networks, 1, []),
            )
            loaded = package.load(Path(folder) / "package", registry(), CPU)
        z, chosen = make_latents(gan.networks, 4), make_labels(data, 4)
        off = compute_gap(generate(gan.ema.network, z, chosen), generate(loaded.network, z, chosen))
        require(
            off < ROUNDING,
            f"{describe_data(data)}: loaded back, its samples are off by {off:.2g} of the largest value.",
        )
        lost = [group for group in _list_ties(gan.generator) if group not in _list_ties(loaded.network)]
        require(not lost, f"{describe_data(data)}: loaded back, {' and '.join(lost[0] if lost else ())} are not tied.")


def checkpoint_round_trip(trial: Trial) -> None:
    """A checkpoint stores the whole state of training: no Python number survives from one update to the next."""
    data = find_smallest_data(trial)
    _, stats = share_next_round(trial, data)
    gan, _ = share_trained(trial, data)
    tensors, numbers = gan.state()
    other, others = assemble_gan(gan.recipe, data)
    other.load_state({name: tensor.clone() for name, tensor in tensors.items()}, numbers)
    for one, two in zip(stats, train_rounds(other, others, 1, ROUNDS), strict=True):
        require_alike(one, two, f"{describe_data(data)}: in the update after it")


# ----------------------------------------------------------------------------
# Helpers.


def _list_ties(network: nn.Module) -> list[list[str]]:
    """Return the groups of names whose tensors share memory."""
    groups: dict[int, list[str]] = {}
    for name, tensor in network.state_dict(keep_vars=True).items():
        groups.setdefault(tensor.data_ptr(), []).append(name)
    return [sorted(group) for pointer, group in groups.items() if pointer and len(group) > 1]
