"""A run in an MLflow experiment, on a server or in a file, as ``MLFLOW_TRACKING_URI`` says."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from ganzoo.plugin import RunView, Verdict
from ganzoo_trackers import ExperimentOptions
from ganzoo_trackers.record import Record, flatten_recipe, format_verdict

MOST_PARAMS = 100  # parameters in one request
LONGEST = 500  # characters of a parameter, which every server takes
WAIT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}  # a server may be dead
STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


class Experiment:
    """Logs scalars, grids, the recipe (as parameters and as an artifact) and verdicts (as tags and as the description).

    The step is the number of images. A run that goes on continues its record. Steps cannot be removed there, so those
    that come again are left out.
    """

    def __init__(self, options: ExperimentOptions) -> None:
        self.options = options

    def start(self, run: RunView) -> None:
        """Begin a run of MLflow, or go on with the one that the run's directory remembers."""
        for name, value in WAIT.items():
            os.environ.setdefault(name, value)
        import mlflow
        from mlflow.entities import Metric, Param

        self.make_metric: Any = Metric
        self.client: Any = mlflow.MlflowClient()
        self.record, self.notes = Record(run.path, "mlflow"), list[str]()
        if self.record.id:
            self.client.update_run(self.record.id, status="RUNNING")
            self.notes = self.client.get_run(self.record.id).data.tags.get("mlflow.note.content", "").splitlines()
            return
        found = self.client.get_experiment_by_name(self.options.experiment)
        experiment = found.experiment_id if found else self.client.create_experiment(self.options.experiment)
        created = self.client.create_run(experiment, run_name=run.path.name)
        recipe = run.recipe()
        params = (Param(name, str(value)[:LONGEST]) for name, value in flatten_recipe(recipe).items())
        while batch := list(islice(params, MOST_PARAMS)):
            self.client.log_batch(created.info.run_id, params=batch)
        self.client.log_dict(created.info.run_id, recipe, "recipe.json")
        self.record.open(created.info.run_id)

    def log(self, images: int, scalars: Mapping[str, float]) -> None:
        """Log the scalars that the record does not have yet."""
        new, now = self.record.select_new(images, scalars), int(time.time() * 1000)
        if new:
            metrics = [self.make_metric(_clean_name(name), float(value), now, images) for name, value in new.items()]
            self.client.log_batch(self.record.id, metrics=metrics)
            self.record.add(images, new)

    def grid(self, images: int, path: Path) -> None:
        """Log the picture."""
        if self.record.select_new(images, {"grid": path}):
            with Image.open(path) as picture:
                picture.load()
            self.client.log_image(self.record.id, picture, key="grid", step=images)
            self.record.add(images, {"grid": path})

    def verdict(self, images: int, verdict: Verdict) -> None:
        """Log the verdict."""
        name, words = f"verdict.{verdict.code}", format_verdict(images, verdict)
        if self.record.select_new(images, {f"{name} {verdict.severity}": words}):
            self.notes.append(words)
            self.client.set_tag(self.record.id, name, words)
            self.client.set_tag(self.record.id, "mlflow.note.content", "\n".join(self.notes))
            self.record.add(images, {f"{name} {verdict.severity}": words})

    def finish(self, status: str) -> None:
        """Close the run of MLflow."""
        self.client.set_terminated(self.record.id, STATUS[status])


def _clean_name(name: str) -> str:
    """Return the name of a scalar with the characters that MLflow allows."""
    return "".join(letter if letter.isalnum() or letter in "/_-. " else "_" for letter in name)
