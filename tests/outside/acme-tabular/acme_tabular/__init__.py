"""Tables of mixed columns: the dataset `rides` (a CSV file), the architecture `tabgan`, the metric `table-fidelity`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, DataInfo, Dataset, Metric, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """The file, and the kinds of its columns."""

    path: str = option("", help="CSV file whose first line names the columns; empty for the rides of this plugin.")
    numeric: tuple[str, ...] = option((), help="Columns to read as numbers.")
    categorical: tuple[str, ...] = option((), help="Columns to read as categories.")
    drop: tuple[str, ...] = option((), help="Columns to remove.")
    missing: Literal["error", "drop"] = option("error", help="An empty cell is an error, or drops its row.")
    max_categories: int = option(100, help="Largest number of categories of a column.", low=2)
    label: str = option("", help="Categorical column that becomes the label, for --conditional.")
    split: Literal["train", "held-out"] = option("train", help="The training rows, or the rows that are held out.")
    every: int = option(10, help="Every so many rows, one is held out and never used for training.", low=2)


@dataclass(frozen=True, kw_only=True)
class TabGANOptions:
    """The sizes of the networks, and the temperature of categories."""

    width: int = option(128, help="Units of a hidden layer.", low=1)
    depth: int = option(2, help="Hidden layers of each network.", low=1)
    z_dim: int = option(32, help="Length of the latent z.", low=1)
    tau: float = option(0.2, help="Temperature of the Gumbel-softmax; 0 for a plain softmax.", low=0, high=10)


EXAMPLE = DataInfo(
    shape=(4,),
    modality="tabular",
    meta={
        "columns": [
            {"name": "age", "kind": "number", "quantiles": [17.5, 30.0, 42.0, 80.5], "decimals": 0},
            {"name": "plan", "kind": "category", "categories": ["basic", "plus", "pro"], "shares": [0.5, 0.3, 0.2]},
        ]
    },
)


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="rides",
        summary="A CSV file of numeric and categorical columns; without one, 6,000 synthetic bicycle rides.",
        factory="acme_tabular.table:Table",
        options=TableOptions,
        path_option="path",
        split_option="split",
        opens_paths=False,  # `--dataset FILE.csv` is ganzoo's own `table`
        show="acme_tabular.picture:show",
        num_shown=2500,
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="tabgan",
        summary="Fully connected networks for tables: a normal number or a Gumbel-softmax for each column.",
        factory="acme_tabular.networks:build",
        options=TabGANOptions,
        paper="Xu et al. 2019, Modeling Tabular data using Conditional GAN, arXiv:1907.00503",
        modalities=("tabular",),
        conditional="optional",
        provides=("double-backward",),
        recommended={
            "loss": "rpgan",
            "reg": ("r1", "r2"),
            "reg.r1.gamma": 0.3,
            "reg.r2.gamma": 0.3,
            "optim.g.lr": 1e-3,
            "optim.d.lr": 1e-3,
            "optim.g.betas": (0.0, 0.99),
            "optim.d.betas": (0.0, 0.99),
            "train.batch": 128,
            "train.images": 200_000,
            "train.precision": "fp32",
            "train.grid_every": 50_000,
            "train.checkpoint_every": 100_000,
        },
        examples=(EXAMPLE,),
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metric."""
    yield Metric(
        name="table-fidelity",
        summary="Distance of each column to the real one, total variation or Kolmogorov-Smirnov, and the largest.",
        factory="acme_tabular.fidelity:TableFidelity",
        better=dict.fromkeys(("tv", "ks", "tv/*", "ks/*"), "lower"),
        modalities=("tabular",),
        examples=(EXAMPLE,),
    )
