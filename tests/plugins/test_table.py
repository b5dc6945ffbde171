"""The dataset `table`: mixtures of modes, columns there and back, training by sampling, and mistakes of a file."""

from __future__ import annotations

import csv
import gzip
import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.compute.streams import Streams
from ganzoo.data.load import load_parts
from ganzoo.data.opening import open_source
from ganzoo.engine.reals import Reals
from ganzoo.errors import NotFound, UsageError
from ganzoo.recipe.resolve import parse_dataset_flag, resolve

mixture, columns, table = (import_module(f"ganzoo_tabular.{name}") for name in ("mixture", "columns", "table"))
CPU = torch.device("cpu")
DRAWS = np.random.default_rng(3)
NUM = 400
ROWS = ["city,size,price"] + [f"{'abbc'[i % 4]},{i % 30},{(i % 7) * 50 + i / 8:.3f}" for i in range(NUM)]


def write(path: Path, lines: list[str] | bytes) -> Path:
    path.write_bytes(lines if isinstance(lines, bytes) else ("\n".join(lines) + "\n").encode())
    return path


def open_table(path: Path, lines: list[str] | bytes | None = None, **options):
    if lines is not None:
        write(path, lines)
    return ganzoo.create("dataset", "table", path=str(path), **options)


def decode(made) -> list[str]:
    return columns.write_csv(made.data, made.info).splitlines()


# ----------------------------------------------------------------------------
# Modes.


def test_planted_modes_are_found():
    planted = {-40.0: (0.5, 3.0), 10.0: (0.3, 1.0), 100.0: (0.2, 8.0)}
    values = np.concatenate([DRAWS.normal(mean, std, int(6000 * share)) for mean, (share, std) in planted.items()])
    found = mixture.fit_mixture(DRAWS.permutation(values), seed=0)
    order = np.argsort(found.means)
    assert found.means[order] == pytest.approx(list(planted), abs=0.6)
    assert found.weights[order] == pytest.approx([share for share, _ in planted.values()], abs=0.01)
    assert found.stds[order] == pytest.approx([std for _, std in planted.values()], rel=0.1)


def test_a_normal_column_needs_few_modes_and_no_mode_is_lighter_than_the_paper_allows():
    for seed in range(2):
        found = mixture.fit_mixture(DRAWS.normal(5, 2, 3000), seed)
        assert found.weights.min() >= mixture.LEAST
        assert found.weights.sum() == pytest.approx(1)
        mean = found.weights @ found.means
        assert mean == pytest.approx(5, abs=0.15)
        assert found.weights @ (found.stds**2 + (found.means - mean) ** 2) == pytest.approx(4, rel=0.1)


def test_one_step_equals_bishops_formulas():
    x, counts = np.array([-1.0, 0.5, 2.0]), np.array([1, 2, 1])
    shares = np.array([[0.9, 0.1], [0.4, 0.6], [0.0, 1.0]])
    num, means, beta, precision, nu = mixture._update_modes(x, counts, shares)
    for k in range(2):
        r = np.repeat(shares[:, k], counts)
        values, total = np.repeat(x, counts), r.sum()
        centre = (r * values).sum() / total
        spread = (r * (values - centre) ** 2).sum() / total
        a, b = mixture.BETA, mixture.NU
        inverse = mixture.SCALE + total * spread + a * total / (a + total) * centre**2
        assert [num[k], means[k], beta[k]] == pytest.approx([total, total * centre / (a + total), a + total])
        assert [precision[k], nu[k]] == pytest.approx([1 / inverse, b + total])
    new = mixture._update_shares(x, num, means, beta, precision, nu)
    psi = torch.special.digamma
    alpha = torch.from_numpy(mixture.ALPHA + num)
    scores = (psi(alpha) - psi(alpha.sum())).numpy() + 0.5 * (psi(torch.from_numpy(nu / 2)).numpy() + np.log(precision))
    scores = scores + 0.5 * np.log(2) - 0.5 * (1 / beta + nu * precision * (x[:, None] - means) ** 2)
    assert new == pytest.approx(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))


def test_modes_depend_on_the_seed_alone():
    values = DRAWS.normal(size=500) ** 3
    one, again = (mixture.fit_mixture(values, seed=1) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(again).values(), strict=True))


# ----------------------------------------------------------------------------
# Rows there and back.


def test_decoded_rows_equal_the_file(tmp_path):
    lines = ["id,kind,income,rate,year"]
    for i in range(600):
        kind = ["a, b", 'say "no"', "Köln", ""][i % 4]
        income = "" if i % 50 == 7 else f"{DRAWS.lognormal(10, 1):.2f}"
        lines.append(
            ",".join([str(i), '"' + kind.replace('"', '""') + '"', income, f"{DRAWS.normal():.4f}", "NA"[i % 2 :]])
        )
    made = open_table(tmp_path / "t.csv", b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    read, back = (list(csv.reader(each)) for each in (lines, decode(made)))
    assert [column.kind for column in columns.read_columns(made.info)] == [
        "number",
        "category",
        "number",
        "number",
        "category",
    ]
    for index, kind in enumerate(["number", "category", "number", "number", "category"]):
        one, other = ([row[index] for row in rows] for rows in (read, back))
        if kind == "category":
            assert one == other
            continue
        numbers = [(float(a or "nan"), float(b or "nan")) for a, b in zip(one[1:], other[1:], strict=True)]
        limit = 1e-6 * columns.REACH * max(columns.read_columns(made.info)[index].stds)
        exact = sum(a == b for a, b in zip(one, other, strict=True))
        assert np.nanmax([abs(a - b) for a, b in numbers]) <= max(limit, 10.0 ** -(2 if index == 2 else 4))
        assert exact > 0.98 * len(one), index
    assert made.info == ganzoo.DataInfo.from_json(json.loads(json.dumps(made.info.to_json())))


def test_a_block_is_a_scalar_and_a_mode(tmp_path):
    made = open_table(tmp_path / "t.csv", ROWS)
    city, size, price = columns.read_columns(made.info)
    assert (city.categories, size.decimals, price.decimals) == (("a", "b", "c"), 0, 3)
    part = made.data[:, city.width + size.width :].astype(float)
    assert set(np.unique(part[:, 1:])) <= {0.0, 1.0}
    assert (part[:, 1:].sum(1) == 1).all()
    modes = part[:, 1:].argmax(1)
    values = np.array(price.means)[modes] + 4 * np.array(price.stds)[modes] * part[:, 0]
    assert values == pytest.approx([float(row.split(",")[2]) for row in ROWS[1:]], abs=1e-3)
    assert made.data[:, :3].sum(0).tolist() == [NUM / 4, NUM / 2, NUM / 4]


def test_modes_are_drawn_by_their_probability():
    column = columns.Number("x", (0.5, 0.5), (0.0, 1.0), (1.0, 1.0), -9, 9, 3, False)
    codes = column.encode(np.full(20_000, 0.8), np.random.default_rng(0))[:, 1:]
    assert codes.mean(0) == pytest.approx([1 / (1 + np.exp(0.3)), 1 / (1 + np.exp(-0.3))], abs=0.01)


def test_limits_are_not_numbers_of_a_row(tmp_path):
    lines = ["n,secret,kind"] + [f"{i % 20},{i % 40 + 0.25},{'ab'[i % 2]}" for i in range(400)]
    lines[200] = "3,98765.4321,a"
    info = open_table(tmp_path / "t.csv", lines).info
    secret = columns.read_columns(info)[1]
    assert secret.low <= 0.25 <= 98765.4321 <= secret.high == 99000
    assert "98765" not in json.dumps(info.to_json())


def test_kinds_are_inferred_unless_options_give_them(tmp_path):
    lines = ["code,count,name,share"] + [f"{i % 3},{i % 20},{'xyz'[i % 3]},{i % 2 / 2}" for i in range(60)]

    def kinds(**options):
        return [column.kind for column in columns.read_columns(open_table(tmp_path / "t.csv", lines, **options).info)]

    assert kinds() == ["category", "number", "category", "number"]
    assert kinds(numbers=("code",), categories=("count",)) == ["number", "category", "category", "number"]
    assert kinds(ignore=("code", "name")) == ["number", "number"]


def test_gzip_is_read_and_numbers_alone_have_no_classes(tmp_path):
    lines = ["a,b"] + [f"{i},{i / 4}" for i in range(30)]
    made = open_table(tmp_path / "t.csv.gz", gzip.compress("\n".join(lines).encode()))
    assert (made.info.num_classes, made.condition, made.resampling, len(made.data)) == (0, None, None, 30)
    recipe = resolve(
        ganzoo.registry(), pairs={"arch": "mlp", **parse_dataset_flag(ganzoo.registry(), str(tmp_path / "t.csv.gz"))}
    )
    assert recipe.dataset.name == "table"


# ----------------------------------------------------------------------------
# Training by sampling.


def test_categories_are_as_likely_as_the_logarithm_of_their_rows(tmp_path):
    """The exact probability of each (column, category), and of each row given it, from weights and odds."""
    lines = ["kind,flag,x"] + [f"{'a' if i < 90 else 'bc'[i % 2]},{int(i % 5 == 0)},{i}" for i in range(100)]
    made = open_table(tmp_path / "t.csv", lines)
    assert made.info.meta["classes"] == ["kind=a", "kind=b", "kind=c", "flag=0", "flag=1"]
    assert made.info.meta["class_shares"] == pytest.approx([0.45, 0.025, 0.025, 0.4, 0.1])
    counts = np.array([90, 5, 5, 80, 20])
    logs = np.log1p(counts)
    wanted = np.concatenate([logs[:3] / logs[:3].sum(), logs[3:] / logs[3:].sum()]) / 2  # two columns
    codes = made.data[:, :5].astype(float)
    odds = made.resampling.condition.odds.double().numpy()
    shares = codes * odds / (codes @ odds)[:, None]  # of the classes of each row
    joint = made.resampling.weights[:, None] * shares  # [N, C]
    assert joint.sum(0) == pytest.approx(wanted, rel=1e-5)
    assert joint == pytest.approx(codes * wanted / counts, rel=1e-5)  # all rows of a category are alike
    assert set(made.condition.odds.tolist()) == {1.0}


def test_a_conditional_run_draws_rows_and_labels_so_and_metrics_do_not(tmp_path):
    lines = ["kind,x"] + [f"{'a' if i < 990 else 'b'},{i}" for i in range(1000)]
    source = open_source(open_table(tmp_path / "t.csv", lines), name="table", key="", notify=print)
    train, held_out = source.select(torch.arange(0, 1000, 2)), source.select(torch.arange(1, 1000, 2))
    streams = Streams(0, CPU)
    for part in (train, held_out):
        reals = Reals(part, streams, labelled=True)
        drawn = reals.resample("d-real", 0, 20_000)
        assert set(drawn.tolist()) <= set(part.index.tolist())
        share = (drawn >= 990).double().mean()
        assert float(share) == pytest.approx(np.log1p(10) / (np.log1p(10) + np.log1p(990)), abs=0.01)
        assert torch.equal(drawn, reals.resample("d-real", 0, 20_000))
        assert not torch.equal(drawn, reals.resample("d-real", 100, 20_000))
        labels = part.resampling.condition(part.data[drawn], torch.Generator().manual_seed(0))
        assert torch.equal(labels, (drawn >= 990).long())
    assert Reals(train, streams, labelled=False).resampling is None


def test_damaged_weights_are_reported(tmp_path):
    made = open_table(tmp_path / "t.csv", ROWS)
    for weights in (np.ones(3), np.full(NUM, -1.0), np.zeros(NUM), np.full(NUM, np.nan)):
        object.__setattr__(made.resampling, "weights", weights)
        with pytest.raises(ganzoo.errors.GanzooError, match=f"a finite number from 0 for each of its {NUM} samples"):
            open_source(made, name="table", key="", notify=print)


def test_another_table_cannot_be_held_out(tmp_path):
    one, other = write(tmp_path / "one.csv", ROWS), write(tmp_path / "other.csv", ROWS[:200])
    lines = []

    def choose(path, holdout):
        pairs = {"arch": "mlp", "dataset": "table", "dataset.path": str(path), "dataset.holdout": holdout}
        return resolve(ganzoo.registry(), pairs=pairs)

    recipe = choose(one, str(other))
    with pytest.raises(UsageError, match="does not fit the dataset"):
        load_parts(recipe.dataset, CPU, lines.append)
    recipe = choose(one, "0.1")
    assert len(load_parts(recipe.dataset, CPU, lines.append).held_out) in range(20, 61)


# ----------------------------------------------------------------------------
# Mistakes.

IDS = ["city,size"] + [f"id{i},{i}" for i in range(300)]
MISTAKES = [
    (b"", {}, "is empty: its first line must name the columns"),
    (["a,b"], {}, "has no row: give a table that has some"),
    (["a,b,a", "1,2,3"], {}, "the first line names column 'a' twice"),
    ([*ROWS[:8], "c,1", *ROWS[8:]], {}, "line 9: 2 cells where the first line names 3 columns: correct the line"),
    ("city,size\nK\xf6ln,1\n".encode("latin-1"), {}, "line 2: not UTF-8: save the file as UTF-8"),
    (["a,b"] + ["x,1"] * 9, {}, "column 'a' is 'x' in every row: remove it with dataset.ignore=a"),
    (["a,b"] + ["x,1.5", "y,"] * 9, {}, "column 'b' has one number alone: remove it with dataset.ignore=b"),
    ([*ROWS[:7], "c,1,cheap", *ROWS[7:]], {}, "line 8: column 'price' is 'cheap', and nearly all of its other cells"),
    (IDS, {}, "column 'city' has 300 categories, more than dataset.max_categories=200: remove it with dataset.ignore="),
    (ROWS, {"numbers": ("city",)}, "line 2: column 'city' is 'a', and nearly all of its other cells are numbers"),
    (ROWS, {"ignore": ("town",)}, "dataset.ignore: "),
    (ROWS, {"ignore": ("city", "size", "price")}, "dataset.ignore names all columns"),
    (ROWS, {"numbers": ("size",), "categories": ("size",)}, "both name 'size': remove it from one of them"),
    ([*ROWS, '"' + "x" * 200_000 + '",1,1'], {}, "line 402: not CSV (field larger than field limit (131072)): "),
    (gzip.compress(b"a,b\n1,2\n")[:-9], {}, "is compressed and damaged"),
]


@pytest.mark.parametrize(("lines", "options", "words"), MISTAKES, ids=[words[:30] for *_, words in MISTAKES])
def test_mistakes_of_a_file_are_one_sentence(tmp_path, lines, options, words):
    with pytest.raises(UsageError) as error:
        open_table(tmp_path / "t.csv", lines, **options)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(NotFound, match="cannot be read"):
        open_table(tmp_path / "no.csv")
    with pytest.raises(UsageError, match=r"needs a CSV file: add --dataset FILE\.csv"):
        ganzoo.create("dataset", "table")
