"""The training loop: maintenance, then a round of updates, until the run has its length.

Maintenance comes before the round, so the first and the last round need no special case. What is due depends on the
images seen alone, so a resumed run does the same as one that was never stopped. The loop reports what happens as events
(`ganzoo.engine.events`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ganzoo.compute import device as devices
from ganzoo.compute.streams import Streams
from ganzoo.data.content import describe_content
from ganzoo.data.source import Source
from ganzoo.engine import execution
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.conditioning import describe_ignored_labels
from ganzoo.engine.distributed import ALONE, World
from ganzoo.engine.events import Events, Facts, Finish, Measurement, Start, Tick
from ganzoo.engine.gallery import Gallery
from ganzoo.engine.gan import Gan, eager
from ganzoo.engine.initial import load_initial_weights
from ganzoo.engine.keeper import Keeper
from ganzoo.engine.metrics import RunMetrics
from ganzoo.engine.pace import Pace
from ganzoo.engine.probe import Probe
from ganzoo.engine.restore import restore
from ganzoo.engine.rollback import Rollbacks, check_weights
from ganzoo.engine.rounds import train_round
from ganzoo.engine.setup import set_up, training_modes
from ganzoo.engine.subscribers import subscribe
from ganzoo.engine.trial import fit_to_time
from ganzoo.engine.words import describe_end, explain, introduce, report_skipped
from ganzoo.errors import Interrupted
from ganzoo.health.signals import Averages, Diverged, check_stats
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.runs.interrupt import StopRequest, stop_on_signals
from ganzoo.runs.run import Run
from ganzoo.runs.silent import SilentRun


def train(
    recipe: ResolvedRecipe,
    run: Run | Callable[[], Run],
    *,
    device: str,
    events: Events,
    world: World = ALONE,
    initial: Path | None = None,
) -> Run:
    """Train a recipe, from the start or from a run's last good checkpoint.

    Args:
        recipe: The recipe; its ``auto`` settings are resolved for this machine and frozen.
        run: The run to resume, or a function that creates a new run.
        device: The device, as ``--device`` takes it.
        events: The run's events. The run's own files, its trackers and diagnoses subscribe to them too.
        world: The processes that train together; rank 0 alone writes files and emits events. By default this process
            is alone.
        initial: The directory of a model package, whose weights a new run starts from; None for random weights.

    Returns:
        The run at its end.

    Raises:
        Interrupted: A signal stopped the run; it is saved.
        GanzooError: An error that a user can act on; the last good checkpoint is kept.
    """
    resume = isinstance(run, Run)
    setup = set_up(recipe, device, world, events.note, resume, events.report_preparation)
    lines = list(recipe.reasons)
    if setup.recipe.train.time and not resume:
        setup, measured = fit_to_time(setup)
        lines += measured
    gan = assemble(setup.recipe, setup.source.info, setup.device, world)
    weights = (
        "" if initial is None else world.on_rank0(partial(load_initial_weights, gan, initial, str(recipe.train.init)))
    )
    measuring = gan.recipe if world.rank == 0 else replace(gan.recipe, metric=())
    metrics = RunMetrics(measuring, setup.source, setup.held_out, setup.device, events.note)
    trackers = {choice.name: choice.build() for choice in setup.recipe.tracker} if world.rank == 0 else {}
    run = run if isinstance(run, Run) else world.on_rank0(run)
    run = run if world.rank == 0 else SilentRun(run.path)
    batches = Batches(setup.source, Streams(recipe.train.seed, setup.device), gan)
    with run.training(), stop_on_signals(events.stop) as stop, training_modes(setup):
        if world.rank == 0:
            subscribe(events, run, gan.recipe, gan.data, trackers)
            if not resume and (line := describe_ignored_labels(gan)):
                events.note(line)
        trainer = Trainer(run, gan, batches, metrics, events, stop, setup.held_out)
        shown: BaseException | None = None
        try:
            with trainer.keeper:
                trainer.begin(resume, [*([weights] if weights else []), *lines])
                trainer.loop()
        except BaseException as error:
            trainer.keeper.report_last_writing()
            if isinstance(error, Diverged):
                events.emit(Facts(trainer.images, {"diverged": 1.0}))
            status = "interrupted" if isinstance(error, (Interrupted, KeyboardInterrupt)) else "failed"
            events.emit(Finish(trainer.images, status, f"{type(error).__name__}: {error}"))
            shown = explain(error, run, gan, batches)
            if shown is error:
                raise
            raise shown from error
        finally:  # no circle of references keeps the memory of this run from the next one
            gan.execute, shown = eager, None
        events.emit(Finish(trainer.images, "finished"))
    return run


class Trainer:
    """The training of one run.

    Args:
        run: The run, which this process has locked.
        gan: The GAN that is trained.
        batches: The batches of its updates.
        metrics: The run's metrics, which measure the averaged generator.
        events: The events of the run, which its subscribers receive.
        stop: Whether a signal asked the run to stop.
        held_out: The held-out data; None if nothing is held out.
    """

    def __init__(
        self,
        run: Run,
        gan: Gan,
        batches: Batches,
        metrics: RunMetrics,
        events: Events,
        stop: StopRequest,
        held_out: Source | None = None,
    ) -> None:
        self.run, self.gan, self.batches, self.events, self.stop = run, gan, batches, events, stop
        self.train = gan.recipe.train
        self.metrics = metrics
        self.gallery = Gallery(gan, batches, run, events)
        self.keeper = Keeper(run, gan.recipe, events, batches.draw_example_labels())
        self.averages = Averages(gan.last_logits, 1 / gan.world.size)
        self.images = 0  # images seen by the discriminator so far
        self.saved_at = self.measured_at = -1  # images seen at the last checkpoint, and at the last measurement
        self.values: dict[str, float] = {}  # the values of the last measurement
        self.content: Mapping[str, Any] | None = None  # of the data, to recognise them when the run is resumed
        self.any_rank_stops = False  # whether at the last tick any of several processes was asked to stop
        self.pace = Pace(gan.images_per_round)
        self.rollbacks = Rollbacks(run, gan, events)
        self.early = ""  # why the run finishes before it has its length
        self.probe = Probe(gan, batches, held_out, self.pace.clock)

    def begin(self, resume: bool, lines: Sequence[str] = ()) -> None:
        """Start the run, or resume it from its last good checkpoint.

        Args:
            resume: Whether the run is resumed.
            lines: What a user should know of a run that begins: where its weights come from, why settings were chosen.
        """
        gan, note = self.gan, self.events.note
        source = self.batches.source
        self.content = gan.world.on_rank0(partial(describe_content, source))
        if resume and (found := restore(gan, self.run, source, self.content, note)):
            self.images = self.saved_at = self.measured_at = found["images"]
            self.pace.seconds, self.keeper.best = found["seconds"], found.get("best")
            self.keeper.interrupted = self.images if found.get("interrupted") else -1
            self.rollbacks.load(found)
        gan.world.broadcast([*gan.parameters, *gan.buffers])
        execution.install(gan, self.report_fallback)
        self.run.write_recipe(gan.recipe.to_json(), gan.recipe.origins)
        self.run.cut_stats(self.images)
        self.early = gan.world.on_rank0(self._load_history)
        self.events.emit(Start(self.run, self.images))
        if gan.world.rank == 0 and (line := report_skipped(self.run, source)):
            note(line)
        if self.images == 0:
            introduce(self.run, gan, source, self.events, lines)
            self.gallery.write_reals()

    def loop(self) -> None:
        """Train until the run has its length, or finishes early, or is asked to stop."""
        train, gan = self.train, self.gan
        self.pace.start(self.images)
        self.probe.start(self.images)
        while True:
            try:
                if self.maintain():
                    break
            except Diverged as error:
                if train.on_nan != "rollback":
                    raise
                self.roll_back(str(error), error.reason)  # the error itself in a frame would keep the memory of the run
                continue

            # A round: D's updates, each on new reals and latents, then G's.
            for stats in train_round(gan, self.batches, self.images):
                self.averages.add(stats)
            self.images += gan.images_per_round

        gan.world.on_rank0(partial(self.keeper.report_writing, ending=True))  # all wait for the files
        if self.images < train.images and not self.early:
            raise Interrupted(
                f"stopped and saved at {self.images:,} images; to go on: ganzoo train --resume {self.run.path}"
            )
        if gan.world.rank == 0 and (line := self.metrics.describe_regressions(self.values, train.best)):
            self.events.note(line)
        if gan.world.rank == 0:
            self.events.attempt("package", self.keeper.complete, gan.device)
        self.run.mark_early_end(self.early)
        arrays = bool(gan.data.label_shape)
        self.events.note(describe_end(self.run, self.images, self.pace.seconds, self.early, arrays))

    def is_due(self, every: int) -> bool:
        """Return whether the last round passed a multiple of `every` images; always True at the start."""
        return self.images % every < self.gan.images_per_round

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to stop; several processes agree on it at a tick."""
        return bool(self.stop) if self.gan.world.size == 1 else self.any_rank_stops

    # ------------------------------------------------------------------------
    # Maintenance.

    def maintain(self) -> bool:
        """Do what is due before the next round; return whether the run ends here."""
        train, stopping = self.train, self.stopping
        ending = self.images >= train.images or stopping or bool(self.early)
        draw, save = self.is_due(train.grid_every) or ending, self.is_due(train.checkpoint_every) or ending
        measure = self.is_due(train.metric_every or train.checkpoint_every) or ending
        if draw or save or measure or self.pace.is_due(self.images):
            self.tick()
        if draw or self.pace.is_early_grid_due():
            self.gallery.write_fakes(self.images)
            self.pace.drawn_at = self.pace.seconds
        if measure and self.images != self.measured_at:
            save |= self.measure()
        if self.early and not ending:
            save = ending = True
            self.gallery.write_fakes(self.images)
        if save and self.images != self.saved_at:
            self.save(interrupted=stopping)
        return ending

    def roll_back(self, error: str, reason: str) -> None:
        """Go back to the last good checkpoint, with lower learning rates; see `Rollbacks.roll_back`."""
        if self.gan.world.rank == 0:
            self.keeper.report_writing()
        found = self.rollbacks.roll_back(error, reason, self.images)
        self.images = self.saved_at = self.measured_at = found["images"]
        self.keeper.best = found.get("best")
        self.early = self.gan.world.on_rank0(self._load_history)
        self.averages.fetch()
        self.pace.rewind(self.images)
        self.probe.start(self.images)

    def _load_history(self) -> str:
        """Read the values of earlier measurements; return why the run finishes early, or an empty string."""
        self.metrics.load_history(self.run.rows())
        return self.metrics.find_early_end(self.train)

    def tick(self) -> None:
        """Fetch, check and emit the statistics of the updates since the last tick."""
        if self.keeper.ready:
            self.keeper.report_writing()
        stats = self.gan.world.sum_stats(self.averages.fetch())
        check_stats(stats, self.images)
        speed = self.pace.measure(self.images)
        if not speed:
            return
        synchronise = self.gan.world.synchronise
        self.pace.period, self.any_rank_stops = synchronise(self.pace.period, bool(self.stop), self.gan.parameters)
        memory = devices.peak_memory(self.gan.device)
        if self.gan.world.rank == 0 and self.probe.is_due():
            self.events.attempt("probe", lambda: stats.update(self.probe.look(self.images)))
        row = {"images": self.images, **speed, **stats, "memory": memory}
        self.events.emit(Tick(self.images, self.train.images, row, stats))

    def measure(self) -> bool:
        """Measure the averaged generator; return whether it is the best so far, so that it must be saved."""
        check_weights(self.gan, self.images)
        self.measured_at = self.images
        best, self.early = self.gan.world.on_rank0(self._measure)
        return best

    def _measure(self) -> tuple[bool, str]:
        self.values = self.metrics.measure(self.gan)
        if self.values:
            self.events.emit(Measurement(self.images, self.values, self.metrics.compare(self.values)))
        return self.keeper.is_best(self.images, self.values), self.metrics.find_early_end(self.train)

    def save(self, interrupted: bool = False) -> None:
        """Save the package and the checkpoint, with the metrics' values for the same weights.

        Args:
            interrupted: Whether the run was asked to stop, so that an unbroken run may have no such checkpoint.
        """
        check_weights(self.gan, self.images)
        self.gan.world.broadcast(self.gan.buffers)  # as after a resume: each process has its own
        self.saved_at = self.images
        if self.gan.world.rank:
            return
        values = self.values if self.images == self.measured_at else {}
        data = {"data": self.batches.source.info.to_json(), "content": self.content}
        meta = {"seconds": self.pace.seconds, **data, "rollbacks": self.rollbacks.done}
        due = self.is_due(self.train.checkpoint_every) or self.images >= self.train.images or bool(self.early)
        regular, meta["interrupted"] = self.images > 0 and due, interrupted and not due
        self.keeper.keep(self.gan, self.images, self.metrics.records(values), meta, regular)

    def report_fallback(self, line: str) -> None:
        """Report that the chosen execution is not possible, and store the new one in the run's recipe."""
        self.events.note(line)
        recipe = self.gan.recipe
        self.events.attempt("recipe", self.run.write_recipe, recipe.to_json(), recipe.origins)
