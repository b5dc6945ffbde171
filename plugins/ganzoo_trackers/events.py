"""A run for TensorBoard: event files in the run's directory, so that ``tensorboard --logdir runs`` shows all runs.

Records are written by TensorBoard's own writer, at once. The writers above it (of torch and of tensorboardX) have a
thread: it loses what it holds when the process is killed, and if the disk is full, one prints its traceback, and the
other one is waited for without end.
"""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.plugin import NoOptions, RunView, Verdict, append
from ganzoo_trackers.record import flatten_recipe, format_verdict

NAME = "events.out.tfevents"  # how the name of a file begins
VERSION = "brain.Event:2"  # of the format


class EventFiles:
    """Writes scalars, grids, the recipe (as hyperparameters and as text) and verdicts.

    The step is the number of images. A run that goes on has one file more, which says that the steps after the
    checkpoint are to be forgotten.
    """

    def __init__(self, options: NoOptions) -> None:
        pass

    def start(self, run: RunView) -> None:
        """Begin a new file, and write the recipe if there was no file before."""
        protocol: Any = importlib.import_module("tensorboard.compat.proto.event_pb2")
        writer: Any = importlib.import_module("tensorboard.summary.writer.record_writer")
        self.summary: Any = importlib.import_module("torch.utils.tensorboard.summary")
        self.protocol = protocol
        number = len([*run.path.glob(f"{NAME}.*")])  # files are read in the order of their names
        name = f"{NAME}.{int(time.time()):010d}.{os.uname().nodename}.{os.getpid()}.{number}"
        self.path = run.path / name
        self.writer = writer.RecordWriter(self)
        self._write(0, file_version=VERSION)
        if number:
            kept = run.images + 1 if run.images else 0
            self._write(kept, session_log=protocol.SessionLog(status=protocol.SessionLog.START))
        if not number or not run.images:
            recipe = run.recipe()
            text = f"```\n{json.dumps(recipe, indent=2)}\n```"
            self._add(0, *self.summary.hparams(flatten_recipe(recipe), {}), self.summary.text("recipe", text))

    def log(self, images: int, scalars: Mapping[str, float]) -> None:
        """Write the scalars."""
        self._add(images, *(self.summary.scalar(name, value) for name, value in scalars.items()))

    def grid(self, images: int, path: Path) -> None:
        """Write the picture."""
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        self._add(images, self.summary.image("grid", pixels, dataformats="HWC"))

    def verdict(self, images: int, verdict: Verdict) -> None:
        """Write the verdict as text."""
        self._add(images, self.summary.text(f"verdicts/{verdict.code}", format_verdict(images, verdict)))

    def finish(self, status: str) -> None:
        """Do nothing: all records are written already."""

    def write(self, content: bytes) -> None:
        """Append a record to the file, for TensorBoard's writer."""
        append(self.path, content)

    def _add(self, images: int, *summaries: Any) -> None:
        """Write summaries as one record."""
        if summaries:
            summary = type(summaries[0])()
            for each in summaries:
                summary.MergeFrom(each)
            self._write(images, summary=summary)

    def _write(self, images: int, **content: Any) -> None:
        event = self.protocol.Event(wall_time=time.time(), step=images, **content)
        self.writer.write(event.SerializeToString())
