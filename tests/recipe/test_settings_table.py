"""Tables of settings: values between commas, files, and the runs that follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzoo.errors import GanzooError, UsageError
from ganzoo.recipe.table import Cell, make_cells, make_dimension, read_table, split_flags, split_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1e-4", ["1e-4"]),
        ("1e-4,cosine(1e-3,1e-5,images=1e5)", ["1e-4", "cosine(1e-3,1e-5,images=1e5)"]),
        ("(0,0.99),(0.5,0.9)", ["0,0.99", "0.5,0.9"]),
        ("(cosine(0.5,0,images=9),0.99), 0", ["cosine(0.5,0,images=9),0.99", "0"]),
        ("", [""]),
    ],
)
def test_commas_in_parentheses_do_not_separate(text: str, values: list[str]) -> None:
    assert split_values(text) == values


def test_an_empty_value_is_an_error() -> None:
    with pytest.raises(UsageError, match="remove a comma"):
        split_values("bce,,lsgan")


def labels(cells: list[Cell]) -> list[str]:
    return [cell.label for cell in cells]


def test_all_combinations_with_seeds_last() -> None:
    table = [make_dimension("arch", ["dcgan"]), make_dimension("loss", ["bce", "lsgan"]), make_dimension("seed", [7])]
    cells = make_cells(table, seeds=2)
    assert labels(cells) == [
        "loss=bce train.seed=7", "loss=bce train.seed=8", "loss=lsgan train.seed=7", "loss=lsgan train.seed=8",
    ]  # fmt: skip
    assert split_flags(cells[3].settings) == ({"arch": "dcgan", "loss": "lsgan"}, {"train.seed": "8"}, {})
    assert cells[3].name == f"loss-lsgan-seed-8-{cells[3].id}"


def test_the_id_depends_on_the_settings_alone() -> None:
    few = make_cells([make_dimension("loss", ["bce"]), make_dimension("images", [64])])
    more = make_cells([make_dimension("train.images", ["64", "128"]), make_dimension("loss", ["bce", "lsgan"])])
    assert few[0].id in {cell.id for cell in more}
    assert len({cell.id for cell in more}) == 4


def test_repeated_flags_of_several_components_are_joined() -> None:
    table = [make_dimension("reg", ["r1"]), make_dimension("reg", ["r2", "none"])]
    assert [split_flags(cell.settings)[0]["reg"] for cell in make_cells(table)] == [("r1", "r2"), ("r1", "none")]


def test_a_setting_in_two_places_is_an_error() -> None:
    table = [make_dimension("images", [64]), make_dimension("train.images", [128])]
    with pytest.raises(UsageError, match=r"train\.images is given twice: .* train\.images=A,B"):
        make_cells(table)
    with pytest.raises(UsageError, match="both set the seeds"):
        make_cells([make_dimension("seed", [1, 2])], seeds=2)


def test_a_file_of_lists_and_rows(tmp_path: Path) -> None:
    (tmp_path / "table.toml").write_text(
        'arch = "dcgan"\nimages = 64\noptim.g.lr = [1e-4, "constant(1e-3)"]\noptim.g.betas = [[0, 0.99], [0.5, 0.9]]\n'
        '[[runs]]\nloss = "bce"\n[[runs]]\nloss = "hinge"\nreg = ["r1", "r2"]\n'
    )
    cells = make_cells(read_table(tmp_path / "table.toml"))
    assert len(cells) == 8
    assert dict(cells[3].settings) == {
        "arch": "dcgan", "train.images": "64", "optim.g.lr": "0.0001", "optim.g.betas": "0.5,0.9", "loss": "hinge",
        "reg": "r1,r2",
    }  # fmt: skip


def test_a_csv_has_a_run_in_each_row(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text('loss,optim.g.betas\nbce,"0,0.99"\nhinge,\n')
    cells = make_cells(read_table(tmp_path / "table.csv"))
    assert [dict(cell.settings) for cell in cells] == [{"loss": "bce", "optim.g.betas": "0,0.99"}, {"loss": "hinge"}]
    assert labels(cells) == ["loss=bce optim.g.betas=0,0.99", "loss=hinge"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.toml", b"arch = ", "is not TOML"),
        ("a.toml", b"runs = 3", r"each \[\[runs\]\]"),
        ("a.toml", b"", "has no settings"),
        ("a.csv", b"loss,\nbce,1", "its first line has the keys"),
        ("a.csv", b"loss\nbce,1", "no line has more cells"),
        ("a.csv", b"", "has no settings"),
        ("a.toml", b"\xff\xfe", "UTF-8"),
        ("b.toml", b"", "there is no file"),
    ],
)
def test_a_file_that_is_not_a_table(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name.replace("b", "other")).write_bytes(content)
    with pytest.raises(GanzooError, match=words):
        read_table(tmp_path / name)
