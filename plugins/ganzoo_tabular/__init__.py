"""Tables: rows of numbers and categories from a CSV file, and CTGAN, which generates such rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Architecture, DataInfo, Dataset, Metric, Recipe, hookimpl, option

PAPER = (
    "Lei Xu, Maria Skoularidou, Alfredo Cuesta-Infante & Kalyan Veeramachaneni 2019, Modeling Tabular data using "
    "Conditional GAN, arXiv:1907.00503"
)


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Options of `table`."""

    path: str = option("", help="Path of the CSV file, whose first line names the columns; --dataset PATH sets it.")
    categories: tuple[str, ...] = option((), help="Columns to read as categories, though their cells are numbers.")
    numbers: tuple[str, ...] = option((), help="Columns to read as numbers, though they have few different ones.")
    ignore: tuple[str, ...] = option((), help="Columns to leave out.")
    max_categories: int = option(200, help="The largest number of categories of a column.", low=2)


@dataclass(frozen=True, kw_only=True)
class CTGANOptions:
    """Options of `ctgan`."""

    width: int = option(256, help="Units of each of the two hidden layers of both networks.", low=1)
    z_dim: int = option(128, help="Length of the latent z.", low=1)
    pack: int = option(1, help="Number of rows that D judges together; 10 in the paper.", low=1)
    tau: float = option(0.2, help="Temperature of the Gumbel-softmax of modes and categories.", low=0.01, high=10)
    dropout: float = option(0.5, help="Share of D's hidden units that each update leaves out.", low=0, high=0.95)
    condition_weight: float = option(
        1.0, help="Weight of G's loss of rows that do not have the category asked for.", low=0, used_with="labels"
    )


EXAMPLE = DataInfo(
    shape=(7,),
    dtype="float32",
    num_classes=3,
    modality="tabular",
    meta={
        "columns": [
            {
                "kind": "number", "name": "age", "weights": [0.7, 0.3], "means": [30.0, 60.0], "stds": [8.0, 5.0],
                "low": 0.0, "high": 100.0, "decimals": 0, "missing": True,
            },
            {"kind": "category", "name": "plan", "categories": ["basic", "plus", "pro"]},
        ],
        "classes": ["plan=basic", "plan=plus", "plan=pro"],
        "class_shares": [0.5, 0.3, 0.2],
    },
)  # fmt: skip


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="ctgan",
        summary="Fully connected networks for tables of mixed columns, which rows of one category can be asked of.",
        factory="ganzoo_tabular.ctgan:build",
        options=CTGANOptions,
        similar_to=dict.fromkeys(("tvae", "tablegan", "tgan", "sdv"), "--arch ctgan"),
        paper=PAPER,
        modalities=("tabular",),
        conditional="optional",
        provides=_provides,
        cases="ganzoo_tabular.cases:networks",
        examples=(EXAMPLE,),
        recommended={
            "loss": "wgan",
            "reg": "wgan-gp",
            "optim.g.lr": 2e-4,
            "optim.d.lr": 2e-4,
            "optim.g.betas": (0.5, 0.9),
            "optim.d.betas": (0.5, 0.9),
            "optim.g.weight_decay": 1e-6,
            "train.batch": 500,
            "train.images": 2_000_000,
            "train.ema_half_life": 0,
            "train.precision": "fp32",
            "train.grid_every": 500_000,
            "train.checkpoint_every": 500_000,
        },
    )


def _provides(options: CTGANOptions) -> tuple[str, ...]:
    return ("double-backward", "batch-coupled-d") if options.pack > 1 else ("double-backward",)


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the paper's training, and of a shorter one."""
    yield Recipe(
        name="ctgan",
        summary="CTGAN's training: packs of 10 rows, training by sampling of categories, 300 epochs.",
        paper=PAPER,
        dataset="table",
        similar_to=dict.fromkeys(("tabular", "table", "csv"), "--recipe ctgan"),
        settings="ganzoo_tabular.training:choose_settings",
    )
    yield Recipe(
        name="ctgan-short",
        summary="CTGAN's networks for a processor: D judges single rows without dropout, and G is averaged.",
        paper=PAPER,
        dataset="table",
        cost="four minutes of one core",
        settings="ganzoo_tabular.training:choose_short_settings",
    )


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="table",
        summary="A CSV file of numbers and categories; each number with its mode, as CTGAN reads them.",
        factory="ganzoo_tabular.table:Table",
        options=TableOptions,
        similar_to=dict.fromkeys(("csv", "tabular", "spreadsheet"), "--dataset FILE.csv"),
        paper=f"{PAPER}, section 4.2",
        label_rule="it has columns of categories",
        path_option="path",
        path_suffixes=(".csv", ".csv.gz"),
        show="ganzoo_tabular.columns:show",
        num_shown=1000,
        examples="ganzoo_tabular.table:write_example",
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metrics of columns, and of pairs of columns."""
    yield Metric(
        name="marginals",
        summary="Distance of each column of a table to the real one: total variation, or Kolmogorov-Smirnov.",
        factory="ganzoo_tabular.fidelity:Marginals",
        similar_to=dict.fromkeys(("column-shapes", "table-fidelity"), "--metric marginals"),
        better=dict.fromkeys(("tv", "ks", "worst", "tv/*", "ks/*"), "lower"),
        distances=("tv", "ks", "worst", "tv/*", "ks/*"),
        modalities=("tabular",),
        examples=(EXAMPLE,),
        cases="ganzoo_tabular.cases:marginals",
    )
    yield Metric(
        name="associations",
        summary="Distance of how the columns of a table depend on each other: rank correlations, joint shares.",
        factory="ganzoo_tabular.fidelity:Associations",
        similar_to=dict.fromkeys(("column-pair-trends", "correlations"), "--metric associations"),
        better={"*": "lower"},  # keys depend on the kinds of columns
        distances=("*",),
        modalities=("tabular",),
        examples=(EXAMPLE,),
        cases="ganzoo_tabular.cases:associations",
    )
