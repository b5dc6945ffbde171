"""What a run keeps of its training: the last checkpoints, the best one, and the package of each.

A copy of all that matters is made on the training thread; the writer's thread turns it into files meanwhile.
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
from ganzoo.engine.writer import Writer
from ganzoo.errors import GanzooError
from ganzoo.evaluate.compare import collect_directions, is_better
from ganzoo.package import package
from ganzoo.package.complete import complete_package
from ganzoo.package.config import DISCRIMINATOR, MODEL
from ganzoo.package.tensors import snapshot
from ganzoo.plugin.files import write_errors_explained
from ganzoo.plugin.specs import get_direction
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.registry import registry
from ganzoo.registry.installed import describe_error
from ganzoo.runs.run import Run

PACKAGED = {"ema": MODEL, "discriminator": DISCRIMINATOR}  # parts of a GAN's state that its package holds too


class Keeper:
    """Keeps the checkpoints of one run. Leaving its context waits for what is being written.

    Args:
        run: Whose directory they are in.
        recipe: How many are kept, and by which value the best.
        events: Are told of each one that is written, and in a line of each one that could not be.
        labels: A few real labels that are arrays, ``[n, *label_shape]``: a package shows its model by them.
    """

    def __init__(self, run: Run, recipe: ResolvedRecipe, events: Events, labels: Tensor | None = None) -> None:
        self.run, self.train, self.events, self.labels = run, recipe.train, events, labels
        self.better = collect_directions(recipe.metric)
        self.writer = Writer()
        self.images = -1  # at the last checkpoint that the writer was given
        self.under_way = False  # whether nobody has heard of its end
        self.best: dict[str, Any] | None = None  # images and value of the best checkpoint that is written
        self.told = False  # that nothing measured is called as `train.best` says

    def __enter__(self) -> Keeper:
        self.writer.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self.writer.__exit__(*raised)

    # ------------------------------------------------------------------------
    # Writing.

    def keep(self, gan: Gan, images: int, metrics: list[dict[str, Any]], meta: Mapping[str, Any]) -> None:
        """Write package and checkpoint of the GAN as it is now.

        Args:
            gan: Which.
            images: Images seen.
            metrics: What was measured of it, as a package lists it.
            meta: Goes into the checkpoint.
        """
        self.report_writing()  # before anything is copied: no more than one copy is held
        tensors, numbers = gan.state()
        meta = {"images": images, **meta, "numbers": numbers, "best": self.best_with(images, _values(metrics))}
        contents = package.make_contents(
            gan.recipe, gan.data, gan.averaged_networks, gan.regularizers, images, metrics, self.labels
        )
        copies = {
            f"{part}/{name}": copy for part, file in PACKAGED.items() for name, copy in contents.weights[file].items()
        }
        copies |= snapshot({name: tensor for name, tensor in tensors.items() if name not in copies})
        self.writer.submit(partial(self._write, contents, copies, meta))
        self.images, self.under_way = images, True

    def _write(self, contents: package.Contents, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        """Write package and checkpoint, and let the oldest checkpoint go; in the writer's thread.

        The checkpoint comes last: a run that died before it does all this again when it is resumed.
        """
        run, best = self.run, meta["best"]
        kept = best and run.get_checkpoint_path(best["images"])
        path = run.get_checkpoint_path(meta["images"])
        package.write(run.package, contents)
        if path == kept:
            package.write(run.best, contents)
        checkpoint.save(path, tensors, meta)
        self.best = best
        for old in run.checkpoints[: -self.train.keep]:
            if old != kept:
                with write_errors_explained(old):
                    old.unlink(missing_ok=True)

    def is_best(self, images: int, metrics: Mapping[str, float]) -> bool:
        """Whether these values are the best so far by ``train.best``; waits for the checkpoint under way."""
        if self.train.best is None:
            return False
        self.report_writing()
        return self.best_with(images, metrics) != self.best

    def best_with(self, images: int, metrics: Mapping[str, float]) -> dict[str, Any] | None:
        """Return images and value of the best checkpoint by ``train.best``, one with these values included."""
        if self.train.best is None:
            return None
        key = self.train.best
        value = metrics.get(key, math.nan)
        if math.isfinite(value) and (
            self.best is None or is_better(value, self.best["value"], get_direction(key, self.better))
        ):
            return {"images": images, "value": value}
        siblings = [name for name in metrics if name.partition("/")[0] == key.partition("/")[0]]
        if siblings and key not in metrics and not self.told:
            self.told = True
            self.events.note(
                f"train.best={self.train.best}: no best checkpoint is kept, measured are {', '.join(siblings)}"
            )
        return self.best

    def complete(self, device: torch.device) -> None:
        """Give the packages all that people see of them; they are sampled back for that as anybody will.

        Raises:
            GanzooError: That was not possible; the packages are whole all the same.
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
    # Hearing how the writing went.

    @property
    def ready(self) -> bool:
        """Whether a writing has ended whose end nobody has heard of."""
        return self.writer.ready

    def report_writing(self, ending: bool = False) -> None:
        """Wait for the writing under way; where it failed say so and go on, at the end of the run fail."""
        try:
            self.writer.wait()
        except GanzooError as error:
            if ending:
                raise
            checkpoints = self.run.checkpoints
            good = f"the last good one is {checkpoints[-1]}" if checkpoints else "there is no good one yet"
            self.under_way = False
            self.events.note(
                f"could not write the checkpoint at {self.images:,} images: {error}; {good}; trying again at the next"
            )
        if self.under_way:
            self.under_way = False
            self.events.emit(SavedCheckpoint(self.images, self.run.get_checkpoint_path(self.images)))

    def report_last_writing(self) -> None:
        """Tell, where the run failed of something else, that the writing of its last checkpoint did as well."""
        if self.ready:
            with suppress(Exception):
                self.report_writing()


def _values(metrics: list[dict[str, Any]]) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in metrics}
