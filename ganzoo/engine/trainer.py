"""The training loop: maintenance, then a round of updates, until the run is long enough.

Maintenance comes before the round, so that the first and the last need no special case; what is due is a function of
the images seen, so that a resumed run does the same as one that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import torch

from ganzoo import run as runs
from ganzoo.compatibility import check_data
from ganzoo.data.source import ArraySource, EndlessSource
from ganzoo.engine import checkpoint, execution, health
from ganzoo.engine import device as devices
from ganzoo.engine.batches import Batches, load_source
from ganzoo.engine.gan import Gan, assemble
from ganzoo.engine.interrupt import StopRequest, stop_on_signals
from ganzoo.engine.observers import Observers
from ganzoo.engine.streams import Streams, seeded
from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.errors import Corrupt, GanzooError, Interrupted, UsageError
from ganzoo.files import write_atomic
from ganzoo.hub import package
from ganzoo.recipe import Recipe
from ganzoo.report import grid
from ganzoo.report.gallery import Gallery
from ganzoo.report.words import sentence
from ganzoo.run import Run

TICK_SECONDS = 2.0  # about so long between two ticks: what was measured is fetched, checked and told


class Listener(Protocol):
    """Who is told how a run goes."""

    def note(self, line: str) -> None:
        """Take a line that is worth reading."""

    def tick(self, row: dict[str, Any]) -> None:
        """Take the numbers of a tick: a row of ``stats.jsonl``."""


def train(
    recipe: Recipe,
    run: Run | None,
    *,
    name: str,
    device: str,
    listener: Listener,
    clock: Callable[[], float] = time.monotonic,
) -> Run:
    """Train what a recipe says, from the start or, where `run` is given, from that run's last good checkpoint.

    Args:
        recipe: What to train; its ``auto`` settings are resolved here and frozen.
        run: The run to go on with; None for a new one.
        name: Of a new run, behind its number.
        device: As ``--device`` takes it.
        listener: Is told how it goes.
        clock: Seconds; only speeds and times in the statistics depend on it.

    Returns:
        The run, at its end.

    Raises:
        Interrupted: A signal came; all is saved.
        GanzooError: Anything else that a user can act on; the last good checkpoint is kept.
    """
    place = devices.choose_device(device)
    recipe = devices.settle_precision(recipe, place)
    source = load_source(recipe.dataset, place, listener.note)
    check_data(recipe, source.info)
    gan = assemble(recipe, source.info, place)
    execution.settle(gan)
    observers = Observers(recipe, place)
    resume, run = run is not None, run or runs.create(name)
    with (
        run.training(),
        stop_on_signals() as stop,
        seeded(0, place),
        devices.precision(recipe.train.precision),
        execution.threads(gan),
    ):
        trainer = Trainer(run, gan, source, observers, listener, clock, stop)
        try:
            trainer.begin(resume)
            trainer.loop()
        except BaseException as error:
            trainer.observers.finish("interrupted" if isinstance(error, (Interrupted, KeyboardInterrupt)) else "failed")
            with suppress(GanzooError):
                run.log(f"{type(error).__name__}: {error}")
            if devices.out_of_memory(error):
                error = GanzooError(
                    f"{place.type} memory ran out: try train.micro_batch={max(1, trainer.batches.micro_batch // 2)}, "
                    "which keeps the maths, or a smaller --batch, --size or width"
                )
            if isinstance(error, GanzooError) and not isinstance(error, Interrupted) and run.checkpoints:
                raise type(error)(f"{error}; the last good checkpoint is {run.checkpoints[-1]}") from error
            raise error
        trainer.observers.finish("finished")
    return run


class Trainer:
    """One run under way.

    Args:
        run: Its directory, held by this process.
        gan: What is trained.
        source: The data.
        observers: Trackers and metrics.
        listener, clock: As for `train`.
        stop: Whether somebody asked to stop.
    """

    def __init__(
        self,
        run: Run,
        gan: Gan,
        source: ArraySource | EndlessSource,
        observers: Observers,
        listener: Listener,
        clock: Callable[[], float],
        stop: StopRequest,
    ) -> None:
        self.run, self.gan, self.listener, self.clock, self.stop = run, gan, listener, clock, stop
        self.train = gan.recipe.train
        self.batches = Batches(source, Streams(self.train.seed, gan.device), gan)
        self.gallery = Gallery(gan, self.batches)
        self.observers = observers
        observers.notify = self.note
        self.averages = health.Averages()
        self.images = 0  # seen by the discriminator so far
        self.saved = -1  # images at the last checkpoint
        self.ticked = 0  # images at the last tick
        self.period = gan.images_per_round  # images until the next tick
        self.seconds = 0.0  # of training, over all sittings
        self.ticked_at = clock()

    def begin(self, resume: bool) -> None:
        """Start the run, or take up where the last good checkpoint left it."""
        if resume:
            self.restore()
        execution.install(self.gan, self.note)
        self.run.write_recipe(self.gan.recipe.to_json())
        self.run.cut_stats(self.images)
        self.observers.start(self.run)
        if self.images == 0:
            self.note(self.describe())
            self.write_picture("reals.png", self.gallery.reals())

    def loop(self) -> None:
        """Train to the end."""
        train, gan = self.train, self.gan
        self.ticked, self.ticked_at = self.images, self.clock()
        while True:
            # ----------------------------------------------------------------
            # Maintenance.

            ending = self.images >= train.images or bool(self.stop)
            draw, save = self.due(train.grid_every) or ending, self.due(train.checkpoint_every) or ending
            if draw or save or self.images >= self.ticked + self.period:
                self.tick()
            if draw:
                self.draw()
            if save and self.images != self.saved:
                self.save()
            if ending:
                break

            # ----------------------------------------------------------------
            # A round: D's updates, each on fresh reals and latents, then G's.

            if train.update != "alternating":
                self.averages.add(update_together(gan, self.batches, self.images))
                self.images += train.batch
                continue
            for _ in range(train.d_steps):
                self.averages.add(update_discriminator(gan, self.batches, self.images))
                self.images += train.batch
            for step in range(train.g_steps):
                self.averages.add(update_generator(gan, self.batches, self.images, step))

        if self.images < train.images:
            raise Interrupted(f"stopped and saved at {self.images:,} images: ganzoo train --resume {self.run.path}")
        self.note(f"finished after {self.images:,} images and {self.seconds:.0f} s of training; see {self.run.path}")

    def due(self, every: int) -> bool:
        """Whether the last round passed a multiple of `every` images; at the start, always."""
        return self.images % every < self.gan.images_per_round

    # ------------------------------------------------------------------------
    # Maintenance.

    def tick(self) -> None:
        """Fetch, check and tell what was measured since the last tick."""
        stats = self.averages.fetch()
        health.check_stats(stats, self.images)
        now = self.clock()
        elapsed, num = now - self.ticked_at, self.images - self.ticked
        self.seconds += elapsed
        self.ticked, self.ticked_at = self.images, now
        if not num:
            return
        speed = num / max(elapsed, 1e-9)
        self.period = max(self.gan.images_per_round, int(min(speed * TICK_SECONDS, 4 * self.period)))
        memory = devices.peak_memory(self.gan.device)
        row = {"images": self.images, "seconds": self.seconds, "images_per_second": speed, **stats, "memory": memory}
        self.run.add_stats(row)
        self.run.log(sentence(row, self.train.images))
        self.listener.tick(row)
        self.observers.log(self.images, stats)

    def draw(self) -> None:
        """Write the grid of generated samples."""
        path = self.run.grid(self.images)
        if self.write_picture(path.name, self.gallery.fakes()):
            self.observers.grid(self.images, path)

    def save(self) -> None:
        """Write package and checkpoint, and let the oldest checkpoint go.

        The checkpoint comes last: a run that died before it does all this again when it is resumed.
        """
        health.check_weights(self.gan, self.images)
        metrics = self.observers.measure(self.gan, self.batches)
        if metrics:
            self.run.add_stats({"images": self.images, **metrics})
            self.observers.log(self.images, metrics)
        package.write(self.run.package, self.gan, self.images, metrics)
        tensors, numbers = self.gan.state()
        data = self.batches.source.info.to_json()
        meta = {"images": self.images, "seconds": self.seconds, "numbers": numbers, "data": data}
        checkpoint.save(self.run.checkpoint(self.images), tensors, meta)
        self.saved = self.images
        for old in self.run.checkpoints[: -self.train.keep]:
            old.unlink(missing_ok=True)

    def restore(self) -> None:
        """Load the newest checkpoint that is whole; a damaged one is set aside with a line."""
        for path in reversed(self.run.checkpoints):
            try:
                tensors, meta = checkpoint.load(path)
            except Corrupt as error:
                aside = path.with_name(path.name + ".damaged")
                path.rename(aside)
                self.note(f"{error}; set aside as {aside.name}")
                continue
            self.check_same_data(meta["data"])
            self.gan.load_state(tensors, meta["numbers"])  # a whole one that does not fit is no damage: it stays
            self.images = self.saved = meta["images"]
            self.seconds = meta["seconds"]
            self.note(f"{self.run.path}: going on from {self.images:,} images")
            return
        if list((self.run.path / "checkpoints").glob("*.damaged")):
            raise Corrupt(
                f"no checkpoint of {self.run.path} is whole: start anew with ganzoo train --config {self.run.path}"
            )
        self.note("there is no checkpoint yet: starting from the beginning")

    def check_same_data(self, before: dict[str, Any]) -> None:
        """Compare the data with what the run was trained on: other shapes or classes stop it, other counts are told."""
        now = self.batches.source.info.to_json()
        for key in ("shape", "num_classes", "label_shape", "modality"):
            if now[key] != before[key]:
                raise UsageError(
                    f"the dataset changed: {key} was {before[key]} and is {now[key]}; bring it back, "
                    f"or start a new run with --config {self.run.path}"
                )
        if now["num_items"] != before["num_items"]:
            self.note(f"the dataset changed: it had {before['num_items']} items and has {now['num_items']}")

    # ------------------------------------------------------------------------
    # Words and pictures.

    def note(self, line: str) -> None:
        """Write a line to the log and tell it."""
        self.run.log(line)
        self.listener.note(line)

    def describe(self) -> str:
        """Say what is trained."""
        recipe, gan = self.gan.recipe, self.gan
        g, d = (sum(p.numel() for p in network.parameters()) for network in (gan.generator, gan.discriminator))
        shape = "x".join(map(str, gan.data.shape))
        return (
            f"{self.run.path}: {recipe.arch.name} with {recipe.loss.name} on {recipe.dataset.name} {shape}, "
            f"generator {g:,} and discriminator {d:,} parameters, {self.train.precision} on {gan.device} "
            f"({torch.get_num_threads()} threads)"
        )

    def write_picture(self, name: str, picture: Any) -> bool:
        """Write a PNG into the run; return whether there was a picture."""
        if picture is not None:
            write_atomic(self.run.path / name, [grid.encode(picture)])
        return picture is not None
