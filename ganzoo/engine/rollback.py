"""Rolling back: a run that diverged goes on from its last good checkpoint, with lower learning rates.

The random numbers after it are the same as before, so only the rates differ. The rollbacks are a part of the
checkpoint: a resumed run keeps its rates, and rolls back where an unbroken one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.engine import checkpoint, execution
from ganzoo.engine.events import Events, Facts, Rollback
from ganzoo.engine.gan import Gan
from ganzoo.errors import GanzooError
from ganzoo.health.signals import Diverged, find_bad_weight, make_diverged
from ganzoo.runs.run import Run

Found = tuple[dict[str, Tensor], dict[str, Any]]  # the tensors of a checkpoint, and its meta


def check_weights(gan: Gan, images: int) -> None:
    """Raise Diverged on all processes if a weight of one is not a finite number, so that it is never saved."""
    reason = find_bad_weight(gan.networks)
    if gan.world.sum_stats({"bad": float(bool(reason))})["bad"]:  # buffers differ between processes
        raise make_diverged(reason or "a weight of another process is not finite", images)


class Rollbacks:
    """The rollbacks of one run.

    Args:
        run: The run, whose checkpoints it goes back to.
        gan: The GAN that is trained.
        events: The run's events, for each rollback.

    Attributes:
        done: The rollbacks so far, each with the images seen before (``from``) and after it (``to``).
    """

    def __init__(self, run: Run, gan: Gan, events: Events) -> None:
        self.run, self.gan, self.events, self.train = run, gan, events, gan.recipe.train
        self.done: list[dict[str, int]] = []

    def load(self, meta: Mapping[str, Any]) -> None:
        """Take over the rollbacks of a checkpoint from its meta, and set the learning rates."""
        self.done = list(meta.get("rollbacks", []))
        for optimizer in self.gan.optimizers.values():
            optimizer.factor = self.train.rollback_factor ** len(self.done)

    def roll_back(self, error: str, reason: str, images: int) -> dict[str, Any]:
        """Load the last good checkpoint into the GAN, lower the learning rates, and return the checkpoint's meta.

        Args:
            error: The text of the error that ends the run if it cannot roll back.
            reason: What is not finite, in words.
            images: Images seen so far.

        Raises:
            Diverged: The run rolled back as often as it may, or it has no good checkpoint.
        """
        train, world = self.train, self.gan.world
        if len(self.done) >= train.rollbacks:
            num = f"{len(self.done)} rollback{'s' * (len(self.done) != 1)}"
            raise Diverged(f"after {num} (train.rollbacks={train.rollbacks}) {error}")
        found = world.read_on_rank0(lambda: self._read(images))
        if found is None:
            raise Diverged(f"the run has no good checkpoint to roll back to: {error}")
        tensors, meta = found
        self.gan.load_state(tensors, meta["numbers"])
        execution.restart(self.gan)
        self.load(meta)
        factor = train.rollback_factor ** len(self.done)
        if world.rank == 0:
            self.events.emit(Rollback(meta["images"]))
            values = {"from": float(images), "factor": factor, "count": float(len(self.done))}
            self.events.emit(Facts(meta["images"], {f"rollback/{name}": value for name, value in values.items()}))
            self.events.note(
                f"training diverged before {images:,} images ({reason}): rolled back to {meta['images']:,} "
                f"images, learning rates times {factor:g} (rollback {len(self.done)} of {train.rollbacks})"
            )
        return meta

    def _read(self, images: int) -> Found | None:
        """Read the checkpoint, add this rollback to it, and remove later ones; None if none is good."""
        found = self._find()
        if found is None:
            return None
        path, (tensors, meta) = found
        meta["rollbacks"] = [*self.done, {"from": images, "to": meta["images"]}]
        self.events.attempt("checkpoint", checkpoint.save, path, tensors, meta)
        for later in self.run.checkpoints:
            if int(later.stem) > meta["images"]:
                self.events.attempt("checkpoint", later.unlink)
        return tensors, meta

    def _find(self) -> tuple[Path, Found] | None:
        """Return the checkpoint to go back to: the newest good one that an unbroken run has too, or else any.

        Where the run has diverged again before a new checkpoint, it is the one before.
        """
        second = None
        for path in reversed(self.run.checkpoints):
            try:
                found = checkpoint.load(path)
            except GanzooError as error:
                self.events.note(str(error))
                continue
            again = self.done and self.done[-1]["to"] == found[1]["images"]
            if not again and not found[1].get("interrupted"):
                return path, found
            second = second or (path, found)
        return second
