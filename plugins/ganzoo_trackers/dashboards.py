"""Trackio and Weights & Biases: two services with one interface, ``init``, ``log``, ``alert`` and ``finish``."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganzoo.plugin import GanzooError, RunView, Verdict
from ganzoo_trackers import DashboardOptions
from ganzoo_trackers.record import Record, flatten_recipe, format_verdict

START_SECONDS, FINISH_SECONDS = 15, 15  # the longest time that wandb waits for its server
LEVELS = {"info": "INFO", "warn": "WARN", "stop": "ERROR"}


class Dashboard:
    """Logs scalars, grids, the recipe (as config) and verdicts (as alerts); the step is the number of images.

    A run that goes on continues its record. Steps cannot be removed there, so those that come again are left out.
    """

    name = ""  # of the module and of the tracker

    def __init__(self, options: DashboardOptions) -> None:
        self.options = options
        self.module: Any = None
        self.run: Any = None

    def start(self, run: RunView) -> None:
        """Begin a record, or go on with the one that the run's directory remembers."""
        self.record = Record(run.path, self.name)
        if not self.record.id:
            self.record.open(uuid.uuid4().hex[:8])
        with quiet_terminal():
            self.module = importlib.import_module(self.name)
            self.run = self._init(run)

    def _init(self, run: RunView) -> Any:
        raise NotImplementedError

    def log(self, images: int, scalars: Mapping[str, float]) -> None:
        """Log the scalars that the record does not have yet."""
        self._add(images, dict(scalars))

    def grid(self, images: int, path: Path) -> None:
        """Log the picture."""
        self._add(images, {"grid": path})

    def verdict(self, images: int, verdict: Verdict) -> None:
        """Log the verdict as an alert."""
        name = f"verdict {verdict.code} {verdict.severity}"
        if self.record.select_new(images, {name: verdict}):
            self._alert(verdict.code, format_verdict(images, verdict), LEVELS[verdict.severity])
            self.record.add(images, {name: verdict})

    def _alert(self, title: str, text: str, level: str) -> None:
        with quiet_terminal():
            self.run.alert(title=title, text=text, level=getattr(self.module.AlertLevel, level))

    def _add(self, images: int, values: Mapping[str, Any]) -> None:
        new = self.record.select_new(images, values)
        if new:
            self.run.log(
                {name: self.module.Image(str(v)) if isinstance(v, Path) else v for name, v in new.items()}, step=images
            )
            self.record.add(images, new)

    def finish(self, status: str) -> None:
        """Close the record."""
        with quiet_terminal():
            self.run.finish()


class Trackio(Dashboard):
    """A record in Trackio: ``trackio show`` opens its dashboard on this machine."""

    name = "trackio"

    def _init(self, run: RunView) -> Any:
        return self.module.init(
            project=self.options.project,
            name=f"{run.path.name}-{self.record.id}",  # Trackio resumes by name, and two folders may have a run 0000-*
            group=self.options.group or None,
            config=flatten_recipe(run.recipe()),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )


class WeightsAndBiases(Dashboard):
    """A record on Weights & Biases. Verdicts are notes of the run too."""

    name = "wandb"

    def _init(self, run: RunView) -> Any:
        wait = {"init_timeout": START_SECONDS, "finish_timeout": FINISH_SECONDS, "finish_timeout_raises": True}
        try:
            return self.module.init(
                project=self.options.project,
                id=self.record.id,
                name=run.path.name,
                group=self.options.group or None,
                dir=os.environ.get("WANDB_DIR") or str(run.path),
                config=flatten_recipe(run.recipe()),
                resume="allow",
                allow_val_change=True,
                reinit="finish_previous",
                settings=self.module.Settings(console="off", quiet=True, **wait),
            )
        except self.module.errors.UsageError as error:
            if "API key" in str(error):
                words = "tracker 'wandb' has no key: `wandb login` stores one, WANDB_MODE=offline needs none"
                raise GanzooError(words) from None
            raise

    def _alert(self, title: str, text: str, level: str) -> None:
        super()._alert(title, text, level)
        self.run.notes = f"{self.run.notes or ''}\n{text}".strip()

    def finish(self, status: str) -> None:
        """Close the record as finished or failed; what could not be sent is kept, for ``wandb sync``.

        The library writes the end of a file and releases the record's name a moment later, unless it is stopped. It is
        not if the user has a record of their own.
        """
        with quiet_terminal():
            self.run.finish(exit_code=int(status == "failed"))
            if self.module.run is None:
                stopping = threading.Thread(target=self.module.teardown, daemon=True)
                stopping.start()
                stopping.join(FINISH_SECONDS)


@contextlib.contextmanager
def quiet_terminal() -> Iterator[None]:
    """A context in which a library asks the user nothing, and in which its lines do not mix with results on stdout."""
    stdin = sys.stdin
    with open(os.devnull, encoding="utf-8") as nothing, contextlib.redirect_stdout(io.StringIO()):
        sys.stdin = nothing
        try:
            yield
        finally:
            sys.stdin = stdin
