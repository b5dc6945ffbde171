"""Trackers: csv, tensorboard, trackio, wandb and mlflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import NoOptions, Tracker, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Options of `csv`."""

    path: str = option("scalars.csv", help="Path of the file in the run's directory.")


@dataclass(frozen=True, kw_only=True)
class DashboardOptions:
    """Options of `trackio` and `wandb`."""

    project: str = option("ganzoo", help="Name of the project that the run belongs to.")
    group: str = option("", help="Name of the group of runs that the run belongs to; empty for none.")


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """Options of `mlflow`."""

    experiment: str = option("ganzoo", help="Name of the experiment that the run belongs to.")


@hookimpl
def ganzoo_trackers() -> Iterator[Tracker]:
    """Offer the trackers."""
    yield Tracker(
        name="csv",
        summary="A table of all scalars for a spreadsheet or pandas: scalars.csv in the run's directory.",
        factory="ganzoo_trackers.table:Table",
        options=TableOptions,
        similar_to=dict.fromkeys(
            ("comet", "neptune", "clearml", "aim"), "--tracker csv, a table for spreadsheets and pandas"
        ),
    )
    yield Tracker(
        name="tensorboard",
        aliases=("tb",),
        summary="Scalars, grids, recipe and verdicts for TensorBoard: event files in the run's directory.",
        factory="ganzoo_trackers.events:EventFiles",
        options=NoOptions,
        requires=("tensorboard>=2.15",),
        similar_to={"tensorboardx": "--tracker tensorboard, which writes the same files"},
    )
    yield Tracker(
        name="trackio",
        summary="Scalars, grids, recipe and verdicts in Trackio's dashboard, on this machine or in a Space.",
        factory="ganzoo_trackers.dashboards:Trackio",
        options=DashboardOptions,
        requires=("trackio>=0.20",),
    )
    yield Tracker(
        name="wandb",
        summary="Scalars, grids, recipe and verdicts on Weights & Biases; WANDB_MODE=offline keeps them here.",
        factory="ganzoo_trackers.dashboards:WeightsAndBiases",
        options=DashboardOptions,
        requires=("wandb>=0.24",),
        similar_to={"weights-and-biases": "--tracker wandb"},
    )
    yield Tracker(
        name="mlflow",
        summary="Scalars, grids, recipe and verdicts in an MLflow experiment, at MLFLOW_TRACKING_URI.",
        factory="ganzoo_trackers.experiments:Experiment",
        options=ExperimentOptions,
        requires=("mlflow-skinny>=3", "sqlalchemy>=2", "alembic>=1.10"),
    )
