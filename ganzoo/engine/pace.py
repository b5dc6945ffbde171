"""The speed of a run, and when its next tick is due: about every two seconds, whatever the speed."""

from __future__ import annotations

import time
from collections.abc import Callable

from ganzoo.compute.threads import WaitMeter

EARLY_GRIDS = (15.0, 300.0)  # seconds of training in which grids are due by time as well
TICK_SECONDS = 2.0  # about the time between two ticks, at which statistics are fetched, checked and emitted


class Pace:
    """The speed of one process.

    Args:
        images_per_round: The images of one round of updates, the shortest period between two ticks.
        clock: A function that returns the time in seconds. Only speeds and times depend on it.

    Attributes:
        seconds: Seconds of training, over all sessions of the run.
        period: The number of images from the last tick to the next.
        drawn_at: Seconds of training at the last grid.
    """

    def __init__(self, images_per_round: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.images_per_round = clock, images_per_round
        self.seconds, self.period = 0.0, images_per_round
        self.start(0)

    def start(self, images: int) -> None:
        """Start to measure, at `images` images seen."""
        self.images, self.time, self.waiting = images, self.clock(), WaitMeter()
        self.drawn_at = self.seconds

    def rewind(self, images: int) -> None:
        """Go on at `images` images seen, after a rollback; the time that was spent counts."""
        now = self.clock()
        self.seconds, self.time, self.images = self.seconds + now - self.time, now, images

    def is_due(self, images: int) -> bool:
        """Return whether the period has passed."""
        return images >= self.images + self.period

    def is_early_grid_due(self) -> bool:
        """Return whether a grid is due by time: in the first minutes, when the time at the last grid has doubled."""
        first, last = EARLY_GRIDS
        return first <= self.seconds <= last and self.seconds >= 2 * self.drawn_at

    def measure(self, images: int) -> dict[str, float]:
        """Measure the time since the last tick, at `images` images seen; return an empty dict if none were seen since.

        Returns:
            ``seconds`` of training over all sessions; ``images_per_second``; and ``waiting``, the share of the time in
            which the training had no core, where the system reports it.
        """
        now = self.clock()
        elapsed, num = now - self.time, images - self.images
        waiting = self.waiting.measure_share(elapsed)
        self.seconds += elapsed
        self.images, self.time = images, now
        if not num:
            return {}
        speed = num / max(elapsed, 1e-9)
        self.period = max(self.images_per_round, int(min(speed * TICK_SECONDS, 4 * self.period)))
        known = {} if waiting is None else {"waiting": round(waiting, 3)}
        return {"seconds": self.seconds, "images_per_second": speed, **known}
