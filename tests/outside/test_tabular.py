"""A plugin for tables in its own distribution: its dataset, networks and metric, installed with pip."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.errors import NotFound, UsageError

if TYPE_CHECKING:
    from strangers import Outside

TWENTY = ("--images", "640", "--batch", "32", "arch.width=16")
ROWS = ["city,size,price"] + [f"{'ab'[i % 2]},{i % 30},{i / 8:.3f}" for i in range(60)]


@pytest.fixture
def tabular(install: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the distribution on this process's path."""
    monkeypatch.syspath_prepend(install("acme-tabular"))
    ganzoo.registry.cache_clear()
    yield
    ganzoo.registry.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "acme_tabular"]:
        del sys.modules[name]


def module(name: str) -> ModuleType:
    import importlib

    return importlib.import_module(f"acme_tabular.{name}")


def table(path: Path, lines: list[str] | bytes, **options: object):
    path.write_bytes(lines if isinstance(lines, bytes) else ("\n".join(lines) + "\n").encode())
    return ganzoo.create("dataset", "rides", path=str(path), **options)


# ----------------------------------------------------------------------------
# The dataset.


def test_decoded_rows_equal_the_file(tabular: None, install: Callable[[str], Path]) -> None:
    stored = (install("acme-tabular") / "acme_tabular" / "rides.csv").read_text().splitlines()
    for split, kept in (("train", lambda i: i % 10 != 9), ("held-out", lambda i: i % 10 == 9)):
        rides = ganzoo.create("dataset", "rides", split=split)
        rows = [stored[0], *(row for index, row in enumerate(stored[1:]) if kept(index))]
        if split == "held-out":  # values beyond the training rows are cut
            low, high = (np.quantile(rides.data, q) for q in (0, 1))
            assert -3.72 < low < high < 3.72
            assert np.mean([a == b for a, b in zip(back(rides), rows, strict=True)]) > 0.99
        else:
            assert back(rides) == rows
    info = ganzoo.DataInfo.from_json(json.loads(json.dumps(rides.info.to_json())))
    assert info == rides.info


def back(dataset) -> list[str]:
    return module("columns").to_csv(dataset.data, dataset.info).splitlines()


def test_the_rides_are_what_the_script_makes(tabular: None, install: Callable[[str], Path]) -> None:
    stored = (install("acme-tabular") / "acme_tabular" / "rides.csv").read_text().splitlines()
    rides = module("rides")
    draws = np.random.default_rng(rides.SEED)
    assert [",".join(rides.draw_ride(draws)) for _ in range(100)] == stored[1:101]
    assert len(stored) == rides.ROWS + 1


def test_numbers_are_standard_normal_and_categories_one_hot(tabular: None) -> None:
    data, info = (rides := ganzoo.create("dataset", "rides")).data, rides.info
    kinds = {column["name"]: column["kind"] for column in info.meta["columns"]}
    assert list(kinds.values()) == ["category"] * 3 + ["number"] * 4
    assert (data.shape, data.dtype) == ((5400, 2 + 8 + 4 + 4), np.float32)
    assert np.unique(data[:, :14]).tolist() == [0, 1]
    for start, end in ((0, 2), (2, 10), (10, 14)):
        assert (data[:, start:end].sum(1) == 1).all()
    for value in data.T[14:]:
        assert abs(value.mean()) < 0.01
        assert abs(value.std() - 1) < 0.01
        assert np.abs(np.quantile(value, [0.1, 0.5, 0.9]) - [-1.2816, 0, 1.2816]).max() < 0.02


def test_kinds_are_inferred_unless_options_give_them(tabular: None, tmp_path: Path) -> None:
    lines = ["code,count,name,share"] + [f"{i % 3},{i % 20},{'xyz'[i % 3]},{i % 2 / 2}" for i in range(60)]

    def kinds(**options: object) -> list[str]:
        return [column["kind"] for column in table(tmp_path / "t.csv", lines, **options).info.meta["columns"]]

    assert kinds() == ["category", "number", "category", "number"]
    assert kinds(numeric=("code",), categorical=("count", "share")) == ["number", "category", "category", "category"]
    assert kinds(drop=("code", "name")) == ["number", "number"]


def test_quoted_cells_byte_order_marks_and_zeros_survive(tabular: None, tmp_path: Path) -> None:
    lines = ['"a, b",n'] + [f'"say ""{"xy"[i % 2]}"", {i % 2}",{i - 30}.50' for i in range(60)]
    made = table(tmp_path / "t.csv", b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert back(made) == [row for index, row in enumerate(lines) if index % 10 or not index]


def test_a_column_can_be_the_label(tabular: None, tmp_path: Path) -> None:
    made = table(tmp_path / "t.csv", ROWS, label="city")
    assert (made.info.num_classes, made.info.meta["classes"]) == (2, ["a", "b"])
    assert made.labels.tolist() == made.data[:, 1].tolist()


def many(cell: Callable[[int], str]) -> list[str]:
    return ["city,size"] + [f"{cell(i)},{i}" for i in range(200)]


MISTAKES = [
    ([], {}, "is empty: its first line must name the columns"),
    (["a,b"], {}, "has no row: give a table that has one"),
    (["a,b", "1,"], {"missing": "drop"}, "has no row without an empty cell"),
    (ROWS[:6], {}, "has 5 rows, of which every 10th is held out: add rows, or a smaller dataset.every"),
    (["a,b,a", "1,2,3"], {}, "names a column 'a' twice"),
    (["a,b,", "1,2,3"], {}, "names a column '' twice or leaves a name empty"),
    ([*ROWS[:8], "c,1", *ROWS[8:]], {}, "line 9: 2 cells where the first line names 3 columns: correct the line"),
    ([*ROWS[:8], "c,,1", *ROWS[8:]], {}, "line 9: column 'size' is empty: fill it in, or drop such rows with "),
    ("city,size\nK\xf6ln,1\n".encode("latin-1"), {}, "line 2: not UTF-8: save the file as UTF-8"),
    (many(lambda i: "a"), {}, "column 'city' is 'a' in every row: remove it with dataset.drop=city"),
    (
        many(lambda i: f"id{i}"),
        {},
        "column 'city' has 200 categories, more than dataset.max_categories=100: remove it ",
    ),
    (ROWS, {"numeric": ("city",)}, "line 2: column 'city' is 'a', which is not a finite number: correct it, or "),
    (ROWS, {"drop": ("town",)}, "has no column 'town': it has city, size, price"),
    (ROWS, {"drop": ("city", "size", "price")}, "dataset.drop names all columns"),
    (ROWS, {"label": "size"}, "dataset.label=size: it must be a categorical column of the table (city)"),
    ([*ROWS, '"' + "x" * 200_000 + '",1,1'], {}, "line 62: not CSV (field larger than field limit (131072)): "),
]


@pytest.mark.parametrize(("lines", "options", "words"), MISTAKES, ids=[words[:30] for *_, words in MISTAKES])
def test_mistakes_of_a_file_are_one_sentence(tabular: None, tmp_path: Path, lines, options, words: str) -> None:
    with pytest.raises(UsageError) as error:
        table(tmp_path / "t.csv", b"" if lines == [] else lines, **options)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_reported(tabular: None, tmp_path: Path) -> None:
    with pytest.raises(
        NotFound, match=r"no\.csv' cannot be read \(no such file.*give a CSV file with dataset.path=FILE"
    ):
        ganzoo.create("dataset", "rides", path=str(tmp_path / "no.csv"))
    with pytest.raises(NotFound, match="is a directory"):
        ganzoo.create("dataset", "rides", path=str(tmp_path))


# ----------------------------------------------------------------------------
# The networks and the metric.


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (None, "the data's meta has no 'columns' for its 3 numbers a row"),
        ([{"name": "a", "kind": "colour"}], "the data's meta has damaged 'columns'"),
        ([{"name": "a", "kind": "number", "quantiles": [2, 1], "decimals": 0}], "two or more, in order"),
        (
            [{"name": "a", "kind": "number", "quantiles": [1, 2], "decimals": 0}],
            "columns of 1 numbers, but its shape is (3,)",
        ),
    ],
)
def test_missing_or_wrong_meta_is_reported(tabular: None, columns, words: str) -> None:
    data = ganzoo.DataInfo(shape=(3,), modality="tabular", meta={"columns": columns} if columns else {})
    with pytest.raises(UsageError) as error:
        ganzoo.create("architecture", "tabgan", data=data)
    assert words in str(error.value)
    assert str(error.value).endswith("choose a dataset that describes its columns, such as --dataset rides")


@pytest.mark.parametrize("tau", [0.0, 0.2])
def test_generated_rows_are_activated_column_by_column(tabular: None, tau: float) -> None:
    import acme_tabular

    torch.manual_seed(0)
    networks = ganzoo.create("architecture", "tabgan", data=acme_tabular.EXAMPLE, tau=tau)
    z = torch.randn(512, networks.latent_dim)
    rows = networks.generator(z)
    assert rows.shape == (512, 4)
    assert (rows[:, 0].abs() > 1).any()  # a number has no bound
    assert (rows[:, 1:] > 0).all()
    torch.testing.assert_close(rows[:, 1:].sum(1), torch.ones(512))
    likeliest = rows[:, 1:].amax(1)
    assert (likeliest > 0.9).float().mean() > 0.6 if tau else (likeliest < 0.9).float().mean() > 0.6
    assert torch.equal(networks.generator(z), rows) == (not tau)
    assert networks.discriminator(rows).shape == (512,)


def test_fidelity_has_its_values_in_closed_form(tabular: None) -> None:
    fidelity = module("fidelity")
    assert fidelity.total_variation(np.array([0, 0, 1, 2]), np.array([0, 3])) == pytest.approx(0.5)
    assert fidelity.total_variation(np.array([0, 1]), np.array([1, 0, 1, 0])) == 0
    assert fidelity.kolmogorov_smirnov(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == pytest.approx(0.5)
    assert fidelity.kolmogorov_smirnov(np.array([2.0, 1]), np.array([1.0, 2, 2, 1])) == 0
    assert fidelity.kolmogorov_smirnov(np.array([0.0, 0, 0, 1]), np.array([0.0])) == pytest.approx(0.25)


def test_fidelity_rounds_rows_as_in_the_file(tabular: None) -> None:
    """In EXAMPLE, ages 18 and 19 differ, 18.0 and 18.4 do not, and a plan is its most probable category."""
    import acme_tabular

    ages, draws = np.array([18.0, 18, 30, 42, 60]), np.random.default_rng(0)
    age, _ = module("columns").read_columns(acme_tabular.EXAMPLE)
    real = torch.from_numpy(np.hstack([age.encode(ages, draws), np.eye(3)[[0, 0, 1, 1, 2]]]))
    soft = 0.6 * np.eye(3)[[0, 1, 1, 1, 1]] + 0.2
    fake = torch.from_numpy(np.hstack([age.encode(ages + np.eye(5)[1], draws), soft]))
    metric = ganzoo.create("metric", "table-fidelity", data=acme_tabular.EXAMPLE)
    for batch in real.split(2):
        metric.real(batch)
    metric.fake(fake)
    assert metric.compute() == pytest.approx({"ks/age": 0.2, "ks": 0.2, "tv/plan": 0.4, "tv": 0.4})


def test_the_picture_has_a_panel_for_each_column(tabular: None) -> None:
    rides, picture = ganzoo.create("dataset", "rides", split="held-out"), module("picture")
    drawn = picture.draw_marginals(rides.data, rides.info)
    assert (drawn.shape, drawn.dtype) == ((600, 960, 3), np.uint8)
    assert (drawn == picture.FAKE).all(2).sum() > 10_000
    columns = module("columns")
    for column, part in columns.list_blocks(columns.read_columns(rides.info)):
        real, fake = picture.compute_shares(column, rides.data[:, part])
        assert np.abs(real - fake).sum() / 2 < 0.15, column.name


@pytest.mark.slow
def test_the_plugin_passes_the_kit(tabular: None) -> None:
    from ganzoo.testing import check

    results = list(check("rides"))
    assert {result.status for result in results} == {"PASS", "SKIP"}, [r for r in results if r.status == "FAIL"]
    assert sum(result.status == "PASS" for result in results) > 60


# ----------------------------------------------------------------------------
# From a file to generated rows.

LOADED = """
import json, sys
import ganzoo
from acme_tabular.columns import to_csv
generator = ganzoo.load(sys.argv[1])
print(to_csv(generator.sample_raw(40).numpy(), generator.data))
"""


@pytest.mark.slow
def test_twenty_updates_from_a_file_to_rows(outside: Callable[[str], Outside]) -> None:
    tabular = outside("acme-tabular")
    stored = (tabular.site / "acme_tabular" / "rides.csv").read_text().splitlines(keepends=True)[:301]
    file = tabular.folder / "some" / "rides.csv"
    file.parent.mkdir()
    file.write_text("".join(stored))
    words = ("--metric", "table-fidelity", "train.checkpoint_every=320", *TWENTY)
    run = (
        tabular.folder
        / tabular.ganzoo(
            "train", "--arch", "tabgan", "--dataset", "rides", "dataset.path=some/rides.csv", *words
        ).strip()
    )
    assert {"reals.png", "fakes-000000640.png"} <= {path.name for path in run.iterdir()}
    assert [row["images"] for row in measured(run)] == [0, 320, 640]
    assert {f"table-fidelity/{key}" for key in ("tv", "ks", "tv/sky", "ks/age")} <= measured(run)[-1].keys()

    file.unlink()  # all that decoding needs is in the package
    tabular.ganzoo("sample", run, "-n", "40", "--out", "new.csv")
    written = (tabular.folder / "new.csv").read_text()
    rows, known = (
        list(csv.reader(written.splitlines())),
        [set(column) for column in zip(*csv.reader(stored), strict=True)],
    )
    assert [rows[0], len(rows)] == [next(csv.reader(stored)), 41]
    for row in rows[1:]:
        assert all(cell in values for cell, values in zip(row[:3], known[:3], strict=True))
        assert [len(cell.partition(".")[2]) for cell in row[3:]] == [2, 1, 0, 1]
    loaded = tabular.python("-c", LOADED, run)
    assert loaded.stdout.rstrip() == written.rstrip(), loaded.stderr


def measured(run: Path) -> list[dict[str, float]]:
    return [
        row for row in map(json.loads, (run / "stats.jsonl").read_text().splitlines()) if "table-fidelity/tv" in row
    ]


def test_a_run_goes_on_only_with_the_columns_of_its_start(
    tabular: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(ROWS))
    settings = {"dataset.path": "rows.csv", "train.images": 64, "train.batch": 32, "dataset.label": "city"}
    run = ganzoo.train(arch="tabgan", dataset="rides", conditional=True, options=settings).path.absolute()
    one, other = (ganzoo.load(run).sample(2, labels=label) for label in (0, 1))
    assert (one.shape, np.array_equal(one, other)) == ((2, 4), False)
    held_out = ganzoo.evaluate(run, "table-fidelity", options={"dataset.split": "held-out"})
    assert (held_out.num, sorted(held_out.values)[0]) == (6, "table-fidelity/ks")

    file.write_text("\n".join(ROWS).replace("size", "area"))  # as many columns, of the same kinds
    with pytest.raises(UsageError, match="the dataset changed: its columns are not those that the run was trained on"):
        ganzoo.train(resume=run, images=128)
    with pytest.raises(UsageError, match="dataset 'rides' does not fit the model: its columns are not the model's"):
        ganzoo.evaluate(run, "table-fidelity")
    file.write_text("\n".join(ROWS))
    monkeypatch.chdir("/")  # the path was kept whole
    assert ganzoo.train(resume=run, images=128).images == 128


@pytest.mark.slow
def test_each_column_comes_close_to_rows_that_were_held_out(
    tabular: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As trained by default, for half as long; of a pair of columns that depend on each other as well."""
    monkeypatch.chdir(tmp_path)
    run = ganzoo.train(arch="tabgan", dataset="rides", images=100_000)
    generator, held_out = ganzoo.load(run), ganzoo.create("dataset", "rides", split="held-out")
    metric = ganzoo.create("metric", "table-fidelity", data=generator.data)
    metric.real(torch.from_numpy(held_out.data))
    metric.fake(generator.sample_raw(600, seed=1))
    values = metric.compute()
    assert len(values) == 3 + 4 + 2
    assert values["tv"] < 0.15
    assert values["ks"] < 0.2

    rows = list(
        csv.DictReader(module("columns").to_csv(generator.sample_raw(3000).numpy(), generator.data).splitlines())
    )
    riders = {rider: [row for row in rows if row["rider"] == rider] for rider in ("casual", "subscriber")}
    early = {rider: np.mean([float(row["hour"]) < 10 for row in of]) for rider, of in riders.items()}
    parks = {rider: np.mean([row["station"] == "Park" for row in of]) for rider, of in riders.items()}
    assert early["subscriber"] > 0.35 > 0.12 > early["casual"]  # 0.47 and 0.04 by the rules that made the table
    assert parks["casual"] > 0.16 > 0.1 > parks["subscriber"]  # 0.26 and 0.04
