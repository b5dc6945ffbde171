"""The checkpoints that a run keeps: the last ones, the best one, and the packages of the last and the best.

The training's thread copies all weights and states. The writer's thread turns the copy into files while training goes
on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganzoo.engine import checkpoint
from ganzoo.engine.events import Events, SavedCheckpoint
from ganzoo.engine.gan import Gan
from ganzoo.engine.snapshots import select_snapshot, write_snapshot
from ganzoo.engine.writer import Writer
from ganzoo.errors import GanzooError
from ganzoo.evaluate.compare import collect_directions, is_better
from ganzoo.package import package
from ganzoo.package.complete import complete_package
from ganzoo.package.config import DISCRIMINATOR, MODEL
from ganzoo.package.tensors import snapshot
from ganzoo.plugin.files import write_errors_explained
from ganzoo.plugin.measuring import get_direction
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.registry import registry
from ganzoo.registry.failures import describe_error
from ganzoo.runs.run import Run

PACKAGED = {"ema": MODEL, "discriminator": DISCRIMINATOR}  # the parts of a GAN's state that are in its package too


class Keeper:
    """Writes the checkpoints of one run, and deletes old ones. Its context waits at the end for the last writing.

    Args:
        run: The run, whose directory the checkpoints are in.
        recipe: The recipe, which says how many checkpoints are kept and which value decides about the best.
        events: The run's events, for each checkpoint that was written or could not be written.
        labels: A few real labels that are arrays, ``[n, *label_shape]``, which a package shows its model with; None
            where labels are not arrays.
    """

    def __init__(self, run: Run, recipe: ResolvedRecipe, events: Events, labels: Tensor | None = None) -> None:
        self.run, self.train, self.events, self.labels = run, recipe.train, events, labels
        self.better = collect_directions(recipe.metric)
        self.writer = Writer()
        self.images = -1  # images seen at the last checkpoint that was given to the writer
        self.unreported = False  # whether the end of that writing was not yet reported
        self.best: dict[str, Any] | None = None  # images and value of the best checkpoint that was written
        self.interrupted = -1  # images seen at the checkpoint of an interruption, which lasts until the next
        self.warned = False  # whether a line said that no metric has the name in `train.best`

    def __enter__(self) -> Keeper:
        self.writer.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self.writer.__exit__(*raised)

    # ------------------------------------------------------------------------
    # Writing.

    def keep(
        self, gan: Gan, images: int, metrics: list[dict[str, Any]], meta: Mapping[str, Any], regular: bool = False
    ) -> None:
        """Write the package and the checkpoint of the GAN's present state.

        Args:
            gan: The GAN whose state is written.
            images: Images seen so far.
            metrics: The values of metrics for the GAN's present state, as a package lists them.
            meta: Further values that are stored in the checkpoint, as JSON.
            regular: Whether an unbroken run saves at this moment too. Then the averages of other profiles are stored.
        """
        self.report_writing()  # before the copy, so that memory never has two
        tensors, numbers = gan.state()
        meta = {"images": images, **meta, "numbers": numbers, "best": self.find_best(images, _values(metrics))}
        contents = package.make_contents(gan.recipe, gan.data, gan.averaged_networks, images, metrics, self.labels)
        copies = {
            f"{part}/{name}": copy for part, file in PACKAGED.items() for name, copy in contents.weights[file].items()
        }
        copies |= snapshot({name: tensor for name, tensor in tensors.items() if name not in copies})
        averages = select_snapshot(gan.ema, copies) if regular and gan.ema.profiles else {}
        self.writer.submit(partial(self._write, contents, copies, meta, averages))
        self.images, self.unreported = images, True

    def _write(
        self,
        contents: package.Contents,
        tensors: dict[str, Tensor],
        meta: dict[str, Any],
        averages: dict[str, Tensor],
    ) -> None:
        """Write the package, the averages and the checkpoint, and delete the oldest one; in the writer's thread.

        The checkpoint is written last: a run that died before that writes both again when it is resumed.
        """
        run, best = self.run, meta["best"]
        kept = best and run.get_checkpoint_path(best["images"])
        path = run.get_checkpoint_path(meta["images"])
        package.write(run.package, contents)
        if path == kept:
            package.write(run.best, contents)
        if averages:
            write_snapshot(run, meta["images"], averages)
        checkpoint.save(path, tensors, meta)
        self.best = best
        passing = run.get_checkpoint_path(self.interrupted)
        lasting = [] if meta["interrupted"] else [each for each in run.checkpoints if each != passing]
        self.interrupted = meta["images"] if meta["interrupted"] else -1
        for old in (passing, *lasting[: -self.train.keep]):
            if old not in (kept, path):
                with write_errors_explained(old):
                    old.unlink(missing_ok=True)

    def is_best(self, images: int, metrics: Mapping[str, float]) -> bool:
        """Return whether these values are the best so far by ``train.best``. Waits for the present writing."""
        if self.train.best is None:
            return False
        self.report_writing()
        return self.find_best(images, metrics) != self.best

    def find_best(self, images: int, metrics: Mapping[str, float]) -> dict[str, Any] | None:
        """Return images and value of the best checkpoint by ``train.best``, among them one with these values."""
        if self.train.best is None:
            return None
        key = self.train.best
        value = metrics.get(key, math.nan)
        if math.isfinite(value) and (
            self.best is None or is_better(value, self.best["value"], get_direction(key, self.better))
        ):
            return {"images": images, "value": value}
        siblings = [name for name in metrics if name.partition("/")[0] == key.partition("/")[0]]
        if siblings and key not in metrics and not self.warned:
            self.warned = True
            self.events.note(
                f"train.best={self.train.best}: no best checkpoint is kept, choose one of {', '.join(siblings)}"
            )
        return self.best

    def complete(self, device: torch.device) -> None:
        """Complete the packages with a card, a picture and reference samples, from the generators loaded back.

        Raises:
            GanzooError: A package could not be completed; its weights are whole all the same.
        """
        for directory in (self.run.package, self.run.best):
            try:
                if directory.is_dir():
                    complete_package(directory, directory, registry(), device)
            except GanzooError:
                raise
            except Exception as error:  # memory that ran out, say
                raise GanzooError(f"{directory} has no card and no samples: {describe_error(error)}") from error

    # ------------------------------------------------------------------------
    # Reporting how the writing ended.

    @property
    def ready(self) -> bool:
        """Whether a writing has ended and was not yet reported."""
        return self.writer.ready

    def report_writing(self, ending: bool = False) -> None:
        """Wait for the present writing and report its end.

        Args:
            ending: Whether the run ends. A failed writing then raises its error; else a line reports it.
        """
        try:
            self.writer.wait()
        except GanzooError as error:
            if ending:
                raise
            checkpoints = self.run.checkpoints
            good = f"the last good one is {checkpoints[-1]}" if checkpoints else "none is good yet"
            self.unreported = False
            self.events.note(
                f"could not write the checkpoint at {self.images:,} images: {error}; {good}; trying again at the next"
            )
        if self.unreported:
            self.unreported = False
            self.events.emit(SavedCheckpoint(self.images, self.run.get_checkpoint_path(self.images)))

    def report_last_writing(self) -> None:
        """Report that the last checkpoint was not written, where the run failed for another reason."""
        if self.ready:
            with suppress(Exception):
                self.report_writing()


def _values(metrics: list[dict[str, Any]]) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in metrics}
