"""A trial of a training: a few updates that are thrown away say how fast it is, and whether its memory suffices.

The trial has networks and optimizers of its own. Random numbers of a training depend on its seed and on the images seen
alone, so a training after a trial has the same numbers as one without.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from ganzoo.compute.device import is_out_of_memory
from ganzoo.compute.streams import Streams
from ganzoo.engine import execution
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan, eager
from ganzoo.engine.rounds import train_round
from ganzoo.engine.setup import Setup, choose_execution, draft, training_modes
from ganzoo.plugin.numbers import parse_time
from ganzoo.recipe.check_training import find_smaller_micro_batch
from ganzoo.recipe.length import change_length, list_typed_keys
from ganzoo.runs.words import format_rough_duration

WARM = 3  # rounds before the measured ones: they have each kind of update, and what libraries do at the first one
SHARE, LEAST, MOST = 0.03, 0.5, 5.0  # a trial measures this share of the time, within these limits in seconds
RESERVED = 0.02  # the share of the time that grids and checkpoints take


def fit_to_time(setup: Setup) -> tuple[Setup, list[str]]:
    """Return the set-up of a training that takes the time of its recipe, ``train.time``, and lines that say so.

    The number of images that fit is measured, and schedules and the average follow it (`change_length`). An execution
    that is ``auto`` is chosen for that length. Several processes measure together and take what the first one measured.

    Raises:
        GanzooError: The GAN cannot be assembled.
    """
    world, train = setup.world, setup.recipe.train
    wanted, began = parse_time(train.time or ""), time.monotonic()
    typed = world.on_rank0(partial(list_typed_keys, setup.recipe))
    setup, speed, lines = _try_out(setup, wanted, typed)
    setup = _set_length(setup, speed, wanted - (time.monotonic() - began), typed)
    if setup.recipe.train.execution != train.execution:  # a longer run is worth compiling
        speed = measure_speed(setup, wanted)
        setup = _set_length(setup, speed, wanted - (time.monotonic() - began), typed)
    images = setup.recipe.train.images
    took = format_rough_duration(images / speed)
    return setup, [*lines, f"train.time={train.time}: {images:,} images at {speed:,.0f} a second, about {took}"]


def measure_speed(setup: Setup, wanted: float) -> float:
    """Return how many images a second a training sees, from a few rounds after `WARM` others.

    Args:
        setup: The set-up of the training.
        wanted: The seconds that the training may take, on which the length of the trial depends.
    """
    with training_modes(setup):
        gan = assemble(setup.recipe, setup.source.info, setup.device, setup.world)
        try:
            return _time_rounds(gan, Batches(setup.source, Streams(gan.recipe.train.seed, setup.device), gan), wanted)
        finally:  # no circle of references keeps the memory of the trial
            gan.execute = eager


def _time_rounds(gan: Gan, batches: Batches, wanted: float) -> float:
    """Train a GAN for some rounds; return the images a second."""
    gan.world.broadcast([*gan.parameters, *gan.buffers])
    execution.install(gan, lambda line: None)

    def train(first: int, num: int) -> float:
        """Train rounds; return the seconds of one of them on the first process."""
        start = time.monotonic()
        for number in range(first, first + num):
            for _ in train_round(gan, batches, number * gan.images_per_round):
                pass
        if gan.device.type == "cuda":
            torch.cuda.synchronize(gan.device)
        took = (time.monotonic() - start) / num
        return gan.world.on_rank0(lambda: took)

    train(0, WARM)
    each = train(WARM, 1)
    period = max(gan.interval.values())  # a lazy term comes once in so many rounds
    seconds = min(MOST, max(LEAST, SHARE * wanted))
    num = max(1, round(seconds / each))
    num = -(-num // period) * period if period * each < 2 * seconds else num
    return float(gan.images_per_round / train(WARM + 1, num))


def _try_out(setup: Setup, wanted: float, typed: Collection[str]) -> tuple[Setup, float, list[str]]:
    """Measure the speed; where the memory runs out, compute batches in smaller parts, unless their size was typed."""
    lines = list[str]()
    while True:
        try:
            return setup, measure_speed(setup, wanted), lines
        except Exception as error:
            train = setup.recipe.train
            present = min(train.micro_batch or train.batch, max(train.batch, train.g_batch or 0) // setup.world.size)
            size = find_smaller_micro_batch(setup.recipe, present)
            if size is None or not is_out_of_memory(error) or "train.micro_batch" in typed:
                raise
        if setup.device.type == "cuda":
            torch.cuda.empty_cache()
        lines.append(
            f"memory ran out with {present} samples at a time: train.micro_batch={size} adds up their gradients"
        )
        setup = _change(setup, micro_batch=size)


def _set_length(setup: Setup, speed: float, seconds: float, typed: Collection[str]) -> Setup:
    """Return the set-up of a training of so many seconds, at least of one round."""
    train = setup.recipe.train
    each = train.batch * train.d_steps
    images = max(1, round(speed * max(0.0, seconds) * (1 - RESERVED) / each)) * each
    recipe = change_length(setup.recipe, images, typed)
    setup = replace(setup, recipe=recipe)
    if "execution" not in recipe.auto:
        return setup
    chosen = partial(choose_execution, recipe, draft(recipe, setup.source.info), setup.device, setup.world)
    return _change(setup, execution=setup.world.on_rank0(chosen))


def _change(setup: Setup, **options: Any) -> Setup:
    """Return a set-up with other options of the training."""
    return replace(setup, recipe=replace(setup.recipe, train=replace(setup.recipe.train, **options)))
