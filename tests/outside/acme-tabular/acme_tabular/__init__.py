"""Tables of mixed columns: the dataset `table` (a CSV file), the architecture `tabgan`, the metric `table-fidelity`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, DataInfo, Dataset, Metric, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Which file, and what its columns are."""

    path: str = option("", help="The CSV file, its first line the columns' names; the rides that come along if empty.")
    numeric: tuple[str, ...] = option((), help="Columns that are numbers, whatever they look like.")
    categorical: tuple[str, ...] = option((), help="Columns that are categories, whatever they look like.")
    drop: tuple[str, ...] = option((), help="Columns to leave out.")
    missing: Literal["error", "drop"] = option("error", help="drop leaves rows with an empty cell out.")
    max_categories: int = option(100, help="A column of more categories than this is a mistake.", low=2)
    label: str = option("", help="A categorical column that becomes the label, for --conditional.")
    split: Literal["train", "held-out"] = option("train", help="Which rows.")
    holdout: int = option(10, help="Every so many-th row is held out: train never has it.", low=2)


@dataclass(frozen=True, kw_only=True)
class TabGANOptions:
    """How large the networks are, and how categories are drawn."""

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
        name="table",
        summary="A CSV file of numeric and categorical columns; without one, 6,000 synthetic bicycle rides.",
        factory="acme_tabular.table:Table",
        options=TableOptions,
        path_option="path",
        path_suffixes=(".csv",),
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
        summary="How far each column is from the real one: total variation or Kolmogorov-Smirnov, and the worst.",
        factory="acme_tabular.fidelity:TableFidelity",
        better=dict.fromkeys(("tv", "ks", "tv/*", "ks/*"), "lower"),
        modalities=("tabular",),
        examples=(EXAMPLE,),
    )
