"""How fast a run goes, and when its next tick is due: about every two seconds, whatever the speed."""

from __future__ import annotations

import time
from collections.abc import Callable

from ganzoo.compute.threads import WaitMeter

TICK_SECONDS = 2.0  # about so long between two ticks: what was measured is fetched, checked and told


class Pace:
    """The pace of one process.

    Args:
        images_per_round: The shortest period.
        clock: Seconds; nothing but speeds and times depends on it.

    Attributes:
        seconds: Of training, over all sittings.
        period: Images between the last tick and the next.
    """

    def __init__(self, images_per_round: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.images_per_round = clock, images_per_round
        self.seconds, self.period = 0.0, images_per_round
        self.start(0)

    def start(self, images: int) -> None:
        """Count from here on, after `images` images."""
        self.images, self.at, self.waiting = images, self.clock(), WaitMeter()

    def is_due(self, images: int) -> bool:
        """Whether the period has passed."""
        return images >= self.images + self.period

    def count(self, images: int) -> dict[str, float]:
        """Return what a tick after `images` images says of the time since the last one; empty where none was trained.

        ``seconds`` of training over all sittings, ``images_per_second``, and ``waiting``, the share of the time in
        which training had no core, where the system says so.
        """
        now = self.clock()
        elapsed, num = now - self.at, images - self.images
        waiting = self.waiting.measure_share(elapsed)
        self.seconds += elapsed
        self.images, self.at = images, now
        if not num:
            return {}
        speed = num / max(elapsed, 1e-9)
        self.period = max(self.images_per_round, int(min(speed * TICK_SECONDS, 4 * self.period)))
        known = {} if waiting is None else {"waiting": round(waiting, 3)}
        return {"seconds": self.seconds, "images_per_second": speed, **known}
