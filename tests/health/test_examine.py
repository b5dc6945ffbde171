"""Examining runs from their files alone, and the installation."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ganzoo.cli import cli
from ganzoo.errors import Corrupt
from ganzoo.health.examine import examine_run
from ganzoo.health.installation import examine_installation
from ganzoo.health.rows import HEAD_BYTES, TAIL_BYTES, read_rows, thin_rows
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.runs.run import Run

SURE = {"auc": 0.999, "loss_d": 0.001, "loss_g": 9.0, "real": 9.0, "fake": -9.0}


def make_run(folder: Path, rows: Iterator[Mapping[str, Any]] | str, **settings: Any) -> Run:
    """Write the files of a run of an mlp with bce that `rows` stand in, without a package."""
    recipe = resolve(registry(), pairs={"arch": "mlp", "loss": "bce", "reg": "none", **settings}).to_json()
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps(recipe))
    text = rows if isinstance(rows, str) else "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "stats.jsonl").write_text(text)
    return Run(folder)


def make_rows(num: int = 100) -> Iterator[dict[str, float]]:
    for tick in range(1, num + 1):
        yield {"images": 1_000 * tick, "seconds": 2.0 * tick, **SURE}


def test_a_copy_of_two_files_is_enough(tmp_path: Path) -> None:
    found = examine_run(make_run(tmp_path / "copy", make_rows()), registry())
    assert [verdict.code for verdict in found.verdicts] == ["d-too-strong"]
    assert (found.status, found.images, found.length, found.num_rows) == ("unfinished", 100_000, 500_000, 100)
    stored = found.to_json()
    assert stored["verdicts"][0]["advice"][:2] == ["--reg r1", "optim.d.lr=0.0002"]
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


def test_damaged_lines_and_values_are_skipped(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in make_rows()]
    lines[5:5] = ["", "{", "[]", "3", '{"images": null}', '{"images": 6000, "auc": "high"}', '{"images": NaN}']
    run = make_run(tmp_path / "run", "\n".join(lines) + lines[-1][:30])
    with run.stats_file.open("ab") as file:
        file.write(b"\xff\xfe\n\x00")
    found = examine_run(run, registry())
    assert [verdict.code for verdict in found.verdicts] == ["d-too-strong"]
    assert found.notes == ()


def test_a_run_without_statistics_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "")
    for _ in range(2):
        found = examine_run(run, registry())
        assert (found.verdicts, found.images) == ((), 0)
        assert "it has no statistics yet" in found.notes[0]
        run.stats_file.unlink(missing_ok=True)


def test_a_run_of_a_plugin_that_is_not_installed_is_examined(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_rows())
    recipe = run.recipe()
    recipe["arch"]["name"] = "acme:blob"
    run.recipe_file.write_text(json.dumps(recipe))
    found = examine_run(run, registry())
    assert [verdict.code for verdict in found.verdicts] == ["d-too-strong"]
    assert found.notes[0].startswith(
        "its recipe does not fit this installation: the stored recipe uses arch 'acme:blob'"
    )


def test_a_damaged_recipe_is_an_error(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_rows())
    run.recipe_file.write_text('{"format"')
    with pytest.raises(Corrupt, match="damaged"):
        examine_run(run, registry())


def test_a_recipe_without_its_parts_costs_rules_and_not_the_examination(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_rows())
    run.recipe_file.write_text('{"format": 1, "train": {"images": 1000}}')
    found = examine_run(run, registry())
    assert any("damaged" in line or "failed" in line for line in found.notes)


def test_of_a_long_file_all_measurements_are_read_and_ticks_at_even_distances(tmp_path: Path) -> None:
    path, tick = tmp_path / "stats.jsonl", json.dumps({"seconds": 1.0, **{f"value_{n}": 0.123456 for n in range(30)}})
    lines = [f'{{"images": {n}, {tick[1:]}\n' for n in range(80_000)]
    lines[40_000:40_000] = ['{"images": 40000, "frechet/fd": 3.0}\n']
    path.write_text("".join(lines))
    start = time.process_time()
    rows = read_rows(path, ["frechet"])
    assert time.process_time() - start < 2
    assert path.stat().st_size > HEAD_BYTES + TAIL_BYTES
    assert [row["images"] for row in rows] == sorted({row["images"] for row in rows} | {40_000})
    assert 10_000 < len(rows) < 30_000
    assert [row for row in rows if "frechet/fd" in row] == [{"images": 40_000, "frechet/fd": 3.0}]
    assert (rows[0]["images"], rows[1]["images"], rows[-2]["images"], rows[-1]["images"]) == (0, 1, 79_998, 79_999)


def test_old_ticks_are_thinned_and_measurements_are_kept() -> None:
    rows = [{"images": n, **({"seconds": 1.0} if n % 10 else {})} for n in range(100)]
    kept = thin_rows(rows, 20)
    assert kept[-20:] == rows[-20:]
    assert [row["images"] for row in kept if "seconds" not in row] == list(range(0, 100, 10))
    assert len(kept) == 20 + 8 + 36


def test_the_command_says_what_is_wrong_and_what_to_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "run", make_rows())
    cli(["doctor", str(tmp_path / "run")], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path / 'run'}: unfinished, 100,000 of 500,000 images"
    assert lines[1].startswith("warning: d-too-strong since 16,000 images: D orders 99.9% of the pairs")
    assert lines[2] == "    try --reg r1, or optim.d.lr=0.0002, or --aug ada"


def test_a_run_that_will_not_recover_has_another_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "run", iter([*make_rows(), {"images": 100_064, "diverged": 1.0}]))
    assert cli(["doctor", str(tmp_path / "run"), "--json"], standalone_mode=False) == 1
    said = json.loads(capsys.readouterr().out)
    assert [verdict["code"] for verdict in said["verdicts"]] == ["numeric-blowup", "d-too-strong"]


def test_the_installation_is_described_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = {each.title: each for each in examine_installation(registry())}
    assert found["Hub"].words == "a token is stored"
    assert {"ganzoo", "torch", "device", "memory", "cache", "runs", "plugins"} <= found.keys()
    assert all(each.ok for each in found.values())
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    cli(["doctor", "--json"], standalone_mode=False)
    said = capsys.readouterr().out
    assert "no token" in said
    assert "hf_secret" not in said


def test_a_broken_plugin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = type("Plugin", (), {"name": "acme", "error": "ImportError: no module"})
    monkeypatch.setattr(type(registry()), "plugins", property(lambda self: [broken]))
    found = [each for each in examine_installation(registry()) if not each.ok]
    assert [each.words for each in found] == ["acme is broken: ImportError: no module"]


def test_a_run_in_training_is_examined(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_rows(40))
    with run.training():
        found = examine_run(run, registry())
        assert found.status == "training"
    shutil.rmtree(run.path)
