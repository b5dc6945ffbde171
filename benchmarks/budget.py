"""Trainings that end when they had some seconds of the processor, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import ganzoo
from ganzoo.engine.events import Start, Tick
from ganzoo.errors import Interrupted

ENDLESS = {"train.images": 10**9, "train.grid_every": 10**9, "train.checkpoint_every": 10**9}


class Budget:
    """The processor time of one training on one thread, without what is done between its parts.

    Attributes:
        run: The run; None before the training has started.
        seconds: The processor time that the training had so far.
    """

    def __init__(self) -> None:
        self.run: ganzoo.Run | None = None
        self.seconds = self.begun = self.goal = 0.0

    def train_until(self, seconds: float, settings: Mapping[str, Any]) -> ganzoo.Run:
        """Train until the training had so many seconds in all, and return its run.

        The time is looked at in each tick of a run, about every two seconds.

        Args:
            seconds: The processor time in all, from the start of the run.
            settings: Arguments of `ganzoo.train` for the run; a run that goes on keeps its own.

        Raises:
            ganzoo.GanzooError: As `ganzoo.train`.
        """
        self.goal = seconds
        options = {**settings.get("options", {}), **ENDLESS}
        how: dict[str, Any] = {"resume": self.run} if self.run else {**settings, "options": options, "threads": 1}
        try:
            return ganzoo.train(**how, device="cpu", progress=False, listener=self, on_tick=self.check)
        except Interrupted:
            if self.run is None or self.seconds < self.goal:  # somebody pressed Ctrl-C
                raise
            return self.run

    def start(self, event: Start) -> None:
        """Store the run, which starts or goes on."""
        self.run, self.begun = event.run, time.process_time() - self.seconds

    def check(self, event: Tick) -> None:
        """Stop the training if it had its time."""
        self.seconds = time.process_time() - self.begun
        if self.seconds >= self.goal:
            raise KeyboardInterrupt
