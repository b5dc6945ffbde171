"""The training loop: maintenance, then a round of updates, until the run is long enough.

Maintenance comes before the round, so that the first and the last need no special case; what is due is a function of
the images seen, so that a resumed run does the same as one that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL.Image import Image

from ganzoo.compute import device as devices
from ganzoo.compute.streams import Streams, seeded
from ganzoo.data.load import load_source
from ganzoo.data.source import ArraySource, EndlessSource
from ganzoo.engine import execution, health
from ganzoo.engine.batches import Batches
from ganzoo.engine.distributed import ALONE, Lost, World
from ganzoo.engine.gallery import Gallery
from ganzoo.engine.gan import Gan, assemble
from ganzoo.engine.initial import start_from
from ganzoo.engine.keeper import Keeper
from ganzoo.engine.observers import Observers
from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.errors import GanzooError, Interrupted, UsageError
from ganzoo.package.complete import complete
from ganzoo.plugin import DataInfo
from ganzoo.plugin.files import write_atomic
from ganzoo.recipe.check import check_data, check_ranks, other_meaning, smaller_micro_batch
from ganzoo.recipe.recipe import Recipe
from ganzoo.registry import registry
from ganzoo.registry.installed import told
from ganzoo.runs import run as runs
from ganzoo.runs.interrupt import StopRequest, stop_on_signals
from ganzoo.runs.launch import mark
from ganzoo.runs.run import Run, Silent
from ganzoo.runs.words import sentence
from ganzoo.samples import grid

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
    world: World = ALONE,
    initial: Path | None = None,
) -> Run:
    """Train what a recipe says, from the start or, where `run` is given, from that run's last good checkpoint.

    Args:
        recipe: What to train; its ``auto`` settings are resolved here and frozen.
        run: The run to go on with; None for a new one.
        name: Of a new run, behind its number.
        device: As ``--device`` takes it.
        listener: Is told how it goes.
        clock: Seconds; only speeds and times in the statistics depend on it.
        world: The processes that train it together; the first alone writes.
        initial: A model package, whose weights a new run starts from.

    Returns:
        The run, at its end.

    Raises:
        Interrupted: A signal came; all is saved.
        GanzooError: Anything else that a user can act on; the last good checkpoint is kept.
    """
    place = devices.choose_device(device)
    check_ranks(recipe, world.size, place.type)
    resume, marked = run is not None, mark(recipe.to_json())
    recipe = devices.settle_precision(recipe, place)
    source = load_source(recipe.dataset, place, listener.note)
    check_data(recipe, source.info)
    check_shared(source.info, world)
    gan = assemble(recipe, source.info, place, world)
    execution.settle(gan)
    begun = "" if initial is None else world.first(partial(start_from, gan, initial, str(recipe.train.init)))
    observers = Observers(replace(recipe, tracker=(), metric=()) if world.rank else recipe, gan.data, place)
    run = run or world.first(partial(runs.create, name, marked))
    run = Silent(run.path) if world.rank else run
    with (
        run.training(),
        stop_on_signals() as stop,
        seeded(0, place),
        devices.precision(recipe.train.precision),
        execution.threads(gan),
    ):
        trainer = Trainer(run, gan, source, observers, listener, clock, stop)
        try:
            with trainer.keeper:
                trainer.begin(resume, begun)
                trainer.loop()
        except BaseException as error:
            shown = trainer.failed(error)
            if shown is error:
                raise
            raise shown from error
        observers.finish("finished")
    return run


def check_shared(data: DataInfo, world: World) -> None:
    """Raise UsageError where this process found other data than the first: a slice is cut by counting items."""
    first = world.first(data.to_json)
    for key, value in data.to_json().items():
        if value != first[key]:
            raise UsageError(
                f"the data are others on process {world.rank} than on the first: {key} is {value}, not {first[key]}: "
                "give every machine the same"
            )


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
        self.keeper = Keeper(run, gan.recipe, self.note)
        self.images = 0  # seen by the discriminator so far
        self.saved = -1  # images at the last checkpoint
        self.refused: set[str] = set()  # what the disk did not take the last time
        self.ticked = 0  # images at the last tick
        self.period = gan.images_per_round  # images until the next tick
        self.agreed = False  # whether, at the last tick, one of several processes was to stop
        self.seconds = 0.0  # of training, over all sittings
        self.ticked_at = clock()

    def begin(self, resume: bool, begun: str = "") -> None:
        """Start the run, or go on from the last good checkpoint; `begun` says what weights it has, if not its own."""
        if resume:
            self.restore()
        if begun:
            self.note(begun)
        self.gan.world.spread([*self.gan.parameters, *self.gan.buffers])
        execution.install(self.gan, self.fell_back)
        self.run.write_recipe(self.gan.recipe.to_json())
        self.run.cut_stats(self.images)
        self.observers.start(self.run)
        if self.images == 0:
            self.note(self.describe())
            self.show("reals", self.gallery.reals)

    def loop(self) -> None:
        """Train to the end."""
        train, gan = self.train, self.gan
        self.ticked, self.ticked_at = self.images, self.clock()
        while True:
            # ----------------------------------------------------------------
            # Maintenance.

            ending = self.images >= train.images or self.stopping
            draw, save = self.due(train.grid_every) or ending, self.due(train.checkpoint_every) or ending
            if draw or save or self.images >= self.ticked + self.period:
                self.tick()
            if draw:
                self.draw()
            if save and self.images != self.saved:
                self.save()
            if ending:
                gan.world.first(partial(self.keeper.hear, ending=True))  # none ends before all is written
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

        if self.images >= train.images and not gan.world.rank:
            self.dispensable("package", self.complete)
        if self.images < train.images:
            raise Interrupted(f"stopped and saved at {self.images:,} images: ganzoo train --resume {self.run.path}")
        self.note(f"finished after {self.images:,} images and {self.seconds:.0f} s of training; see {self.run.path}")

    def due(self, every: int) -> bool:
        """Whether the last round passed a multiple of `every` images; at the start, always."""
        return self.images % every < self.gan.images_per_round

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop; several processes agree on it at a tick."""
        return bool(self.stop) if self.gan.world.size == 1 else self.agreed

    # ------------------------------------------------------------------------
    # Maintenance.

    def tick(self) -> None:
        """Fetch, check and tell what was measured since the last tick."""
        if self.keeper.ready:
            self.keeper.hear()
        stats = self.gan.world.sum(self.averages.fetch())
        health.check_stats(stats, self.images)
        now = self.clock()
        elapsed, num = now - self.ticked_at, self.images - self.ticked
        self.seconds += elapsed
        self.ticked, self.ticked_at = self.images, now
        if not num:
            return
        speed = num / max(elapsed, 1e-9)
        period = max(self.gan.images_per_round, int(min(speed * TICK_SECONDS, 4 * self.period)))
        self.period, self.agreed = self.gan.world.agree(period, bool(self.stop), self.gan.parameters)
        memory = devices.peak_memory(self.gan.device)
        row = {"images": self.images, "seconds": self.seconds, "images_per_second": speed, **stats, "memory": memory}
        self.dispensable("statistics", self.run.add_stats, row)
        self.dispensable("log", self.run.log, sentence(row, self.train.images))
        self.listener.tick(row)
        self.observers.log(self.images, stats)

    def draw(self) -> None:
        """Write the grid of generated samples, or their text; trackers take pictures."""
        path = self.show(self.run.grid(self.images).stem, self.gallery.fakes)
        if path == self.run.grid(self.images):
            self.observers.grid(self.images, path)

    def save(self) -> None:
        """Measure, and keep package and checkpoint as they are now."""
        health.check_weights(self.gan, self.images)
        self.gan.world.spread(self.gan.buffers)  # each process had statistics of its own: all go on as if resumed
        self.saved = self.images
        if self.gan.world.rank:
            return
        metrics = self.observers.measure(self.gan, self.batches)
        if metrics:
            self.dispensable("statistics", self.run.add_stats, {"images": self.images, **metrics})
            self.observers.log(self.images, metrics)
        meta = {"seconds": self.seconds, "data": self.batches.source.info.to_json()}
        self.keeper.keep(self.gan, self.images, self.observers.records(metrics, self.batches), meta)

    def complete(self) -> None:
        """Give the packages all that people see of them; they are sampled back for that as anybody will."""
        for directory in (self.run.package, self.run.best):
            try:
                if directory.is_dir():
                    complete(directory, directory, registry(), self.gan.device)
            except GanzooError:
                raise
            except Exception as error:  # memory that ran out, say: the run is finished all the same
                raise GanzooError(f"{directory} has no card and no samples: {told(error)}") from error

    def restore(self) -> None:
        """Take up the newest checkpoint that is whole, where there is one."""
        found = self.gan.world.first(self.keeper.newest)
        if found is None:
            return
        tensors, meta = found
        self.check_same_data(meta["data"])
        self.gan.load_state(tensors, meta["numbers"])  # a whole one that does not fit is no damage: it stays
        self.images = self.saved = meta["images"]
        self.seconds = meta["seconds"]
        self.keeper.best = meta.get("best")
        self.note(f"{self.run.path}: going on from {self.images:,} images")

    def check_same_data(self, before: dict[str, Any]) -> None:
        """Compare the data with what the run was trained on: other shapes or classes stop it, other counts are told."""
        now = self.batches.source.info.to_json()
        for key in ("shape", "num_classes", "label_shape", "modality"):
            if now[key] != before[key]:
                raise UsageError(
                    f"the dataset changed: {key} was {before[key]} and is {now[key]}; bring it back, "
                    f"or start a new run with --config {self.run.path}"
                )
        if key := other_meaning(DataInfo.from_json(before), self.batches.source.info):
            raise UsageError(
                f"the dataset changed: its {key} are not those that the run was trained on; bring them back, "
                f"or start a new run with --config {self.run.path}"
            )
        if now["num_items"] != before["num_items"]:
            self.note(f"the dataset changed: it had {before['num_items']} items and has {now['num_items']}")

    def failed(self, error: BaseException) -> BaseException:
        """Tell the observers and the log of the run's end by an error; return the one that a user shall read."""
        self.keeper.hear_last()
        self.observers.finish("interrupted" if isinstance(error, (Interrupted, KeyboardInterrupt)) else "failed")
        with suppress(GanzooError):
            self.run.log(f"{type(error).__name__}: {error}")
        if devices.out_of_memory(error):
            error = GanzooError(f"{self.gan.device.type} memory ran out: {self.way_out_of_memory()}")
        if isinstance(error, Lost):
            return Lost(f"{error}; go on with torchrun ... -m ganzoo train --resume {self.run.path}")
        if isinstance(error, GanzooError) and not isinstance(error, Interrupted) and self.run.checkpoints:
            return type(error)(f"{error}; the last good checkpoint is {self.run.checkpoints[-1]}")
        return error

    # ------------------------------------------------------------------------
    # Words and pictures.

    def note(self, line: str) -> None:
        """Write a line to the log and tell it."""
        self.dispensable("log", self.run.log, line)
        self.listener.note(line)

    def dispensable(self, what: str, write: Callable[..., object], *args: Any) -> bool:
        """Write what a run can do without and return whether that went well; a refusal costs one line until it does."""
        try:
            write(*args)
        except GanzooError as error:
            if what not in self.refused:
                self.refused.add(what)
                self.listener.note(f"{error}; going on without")
            return False
        self.refused.discard(what)
        return True

    def way_out_of_memory(self) -> str:
        """Say what takes less memory: a run that has begun cannot, but a new one of the same settings can."""
        batches = self.batches
        present = min(batches.micro_batch, max(batches.batch, batches.g_batch) // self.gan.world.size)
        size = smaller_micro_batch(self.gan.recipe, present)
        smaller = "a smaller --batch, --size or width"
        if size is None:
            return f"start anew with ganzoo train --config {self.run.path} and {smaller}"
        return (
            f"start anew with ganzoo train --config {self.run.path} train.micro_batch={size}, which accumulates the "
            f"gradients of the same batch, or with {smaller}"
        )

    def fell_back(self, line: str) -> None:
        """Tell that the execution is another than was chosen, and freeze that one."""
        self.note(line)
        self.dispensable("recipe", self.run.write_recipe, self.gan.recipe.to_json())

    def describe(self) -> str:
        """Say what is trained."""
        recipe, gan = self.gan.recipe, self.gan
        g, d = (sum(p.numel() for p in network.parameters()) for network in (gan.generator, gan.discriminator))
        shape = "x".join(map(str, gan.data.shape))
        return (
            f"{self.run.path}: {recipe.arch.name} with {recipe.loss.name} on {recipe.dataset.name} {shape}, "
            f"generator {g:,} and discriminator {d:,} parameters, {self.train.precision} on {gan.device} "
            f"({torch.get_num_threads()} threads{f', {gan.world.size} processes' if gan.world.size > 1 else ''})"
        )

    def show(self, stem: str, samples: Callable[[], Image | str | None]) -> Path | None:
        """Write samples into the run, a PNG or text; return where, or None where they are not shown."""
        shown = None if self.gan.world.rank else samples()
        if shown is None:
            return None
        suffix, content = (".txt", shown.encode()) if isinstance(shown, str) else (".png", grid.encode(shown))
        path = self.run.path / (stem + suffix)
        return path if self.dispensable("pictures", write_atomic, path, [content]) else None
