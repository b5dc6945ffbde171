"""What each command does when it is called well."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from cli_calls import TINY, Answer, Ganzoo, process
from ganzoo import load
from ganzoo.cli.train import command
from ganzoo.plugin import KINDS
from ganzoo.registry import PLURALS, registry
from ganzoo.runs.run import Run
from outside_dist import make_distribution

RUN = "0000-dcgan-bce-digits"

# ----------------------------------------------------------------------------
# Help.


@pytest.mark.parametrize("command", ["train", "sample", "list", "info", "plugins", "runs"])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_explains_itself(ganzoo: Ganzoo, command: str, flag: str) -> None:
    done = ganzoo(command, flag)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: ganzoo {command} [OPTIONS]")
    assert command in ganzoo(flag).out


def test_no_command_shows_the_help(ganzoo: Ganzoo) -> None:
    done = ganzoo()
    assert (done.code, done.out) == (0, "")
    assert "Commands:" in done.err


def test_version(ganzoo: Ganzoo) -> None:
    assert re.fullmatch(r"ganzoo, version \d+\.\d+\.\d+\n", ganzoo("--version").out)


# ----------------------------------------------------------------------------
# list, info, plugins.


def test_list_names_every_component_under_its_kind(ganzoo: Ganzoo) -> None:
    done = ganzoo("list")
    assert (done.code, done.err) == (0, "")
    titles = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert titles == [PLURALS[kind] for kind in KINDS if registry().components(kind)]
    for entry in registry().components():
        name = entry.qualified if entry.spec.kind == "model" else entry.spec.name
        indent = "    " if entry.spec.kind == "recipe" else "  "
        assert re.search(rf"^{indent}{name} +ganzoo .*{re.escape(entry.spec.summary)}", done.out, re.MULTILINE)


def test_recipes_are_listed_by_their_data(ganzoo: Ganzoo) -> None:
    lines = ganzoo("list", "recipes").out.splitlines()
    starts = [index for index, line in enumerate(lines) if not line.startswith("    ")]
    assert lines[0] == "recipes"
    headings = [lines[index] for index in starts[1:]]
    assert headings == sorted(set(headings))
    assert "  for cifar10" in headings
    cifar10 = lines.index("  for cifar10")
    assert all("-cifar10 " in line for line in lines[cifar10 + 1 : starts[starts.index(cifar10) + 1]])


def test_list_of_one_kind_singular_or_plural(ganzoo: Ganzoo) -> None:
    one = ganzoo("list", "loss")
    assert one == ganzoo("list", "losses")
    assert one.out.startswith("losses\n  bce ")
    assert "dcgan" not in one.out
    assert "(also mse)" in one.out


def test_list_for_a_script(ganzoo: Ganzoo) -> None:
    rows = json.loads(ganzoo("list", "--json").out)
    assert [row["name"] for row in rows] == [entry.spec.name for entry in registry().components()]
    (lsgan,) = [row for row in rows if row["name"] == "lsgan"]
    assert (lsgan["kind"], lsgan["plugin"], lsgan["aliases"]) == ("loss", "losses", ["mse"])
    assert lsgan["source"].startswith("ganzoo ")
    architectures = [row["name"] for row in json.loads(ganzoo("list", "architectures", "--json").out)]
    assert architectures == [entry.spec.name for entry in registry().components("architecture")]


def test_list_of_nothing(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "all")
    assert ganzoo("list").__dict__ == {"code": 0, "out": "", "err": ""}
    assert json.loads(ganzoo("list", "--json").out) == []
    assert ganzoo("plugins").out == ""


def test_info_says_what_a_component_is_and_takes(ganzoo: Ganzoo) -> None:
    done = ganzoo("info", "dcgan")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("architecture dcgan:dcgan (ganzoo ")
    for words in ("arXiv:1511.06434", "sizes: 16, 32, 64", "optim.g.betas  ", "0.5,0.999", "arch.width", "at least 1"):
        assert words in done.out


def test_info_by_qualified_name_and_alias(ganzoo: Ganzoo) -> None:
    assert ganzoo("info", "dcgan:dcgan") == ganzoo("info", "dcgan")
    assert ganzoo("info", "mse") == ganzoo("info", "lsgan")
    assert "loss.a" in ganzoo("info", "losses:mse").out


def test_info_for_a_script(ganzoo: Ganzoo) -> None:
    (facts,) = json.loads(ganzoo("info", "lsgan", "--json").out)
    assert (facts["name"], facts["kind"], facts["aliases"]) == ("losses:lsgan", "loss", ["mse"])
    assert [(row["key"], row["default"]) for row in facts["options"]] == [("loss.a", 0), ("loss.b", 1), ("loss.c", 1)]


def test_info_of_a_run_shows_its_model(ganzoo: Ganzoo, runs: Path) -> None:
    done = ganzoo("info", "1")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("arch       dcgan:dcgan\n")
    assert ganzoo("info", next(path.name for path in runs.iterdir() if path.name.startswith("0001-"))) == done


def test_info_writes_the_papers_as_bibtex(ganzoo: Ganzoo) -> None:
    done = ganzoo("info", "hinge", "--bibtex")
    assert (done.code, done.err, done.out.count("@misc{")) == (0, "", 2)
    assert "  eprint        = {1705.02894},\n" in done.out
    refused = ganzoo("info", "folder", "--bibtex")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("ganzoo: datasets:folder names no paper: cite ganzoo itself")
    assert "is a model: name the component" in ganzoo("info", "user/model", "--bibtex").err


PRESET = """
from ganzoo.plugin import Diagnosis, Recipe, hookimpl

@hookimpl
def ganzoo_recipes():
    facts = {"source": "https://example.org", "published": "FID 2", "cost": "3 days", "dataset": "cats"}
    yield Recipe(name="listed", summary="L.", settings={"arch": "dcgan"}, **facts)
    yield Recipe(name="computed", summary="C.", settings="preset:settings")

@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="rule", summary="A rule.", factory="preset:rule")
"""


def test_info_shows_all_that_a_recipe_says_of_itself(ganzoo: Ganzoo, tmp_path: Path) -> None:
    (tmp_path / "preset.py").write_text(PRESET)
    lines = ganzoo("info", "listed", "--plugin", "preset.py").out.splitlines()
    for words in ("dataset: cats", "published: FID 2", "cost: 3 days", "origin: https://example.org", "  arch  dcgan"):
        assert f"  {words}" in lines
    computed = ganzoo("info", "computed", "--plugin", "preset.py").out
    assert "  computed: by preset:settings, from the data and the device\n" in computed
    assert ganzoo("list", "diagnoses", "--plugin", "preset.py").out.splitlines()[0] == "diagnoses"


MINE = """
from ganzoo.plugin import Loss, hookimpl

@hookimpl
def ganzoo_losses():
    yield Loss(name="bce", summary="My own.", factory="mine:build")
"""


def test_two_plugins_of_one_name_are_both_shown(ganzoo: Ganzoo, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    listed = ganzoo("list", "losses", "--plugin", "mine.py").out
    assert "  losses:bce " in listed
    assert "  mine:bce " in listed
    shown = ganzoo("info", "bce", "--plugin", "mine.py").out
    assert "loss losses:bce (ganzoo " in shown
    assert f"loss mine:bce ({tmp_path / 'mine.py'})" in shown


def test_a_plugin_named_before_the_command_stays_when_another_is_left_out_behind_it(
    ganzoo: Ganzoo, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    rows = json.loads(ganzoo("--plugin", "mine.py", "list", "--no-plugin", "losses", "--json").out)
    assert {"mine", "dcgan", "datasets"} <= {row["plugin"] for row in rows}
    assert "losses" not in {row["plugin"] for row in rows}
    assert [row["plugin"] for row in rows if row["name"] == "bce"] == ["mine"]


def test_plugins(ganzoo: Ganzoo) -> None:
    done = ganzoo("plugins")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^mlp +ganzoo \S+ +2 components +ok$", done.out, re.MULTILINE)
    rows = json.loads(ganzoo("plugins", "--json").out)
    assert [(row["module"], row["components"], row["error"]) for row in rows if row["name"] == "mlp"] == [
        ("ganzoo_mlp", 2, "")
    ]


def test_a_broken_plugin_is_told_once_shown_and_harms_nobody(tmp_path: Path) -> None:
    make_distribution(tmp_path, "broken-gans", "1.2", "raise RuntimeError('boom')", entry_point="broken")
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    out, err = process("plugins", env=environ).communicate(timeout=60)
    line = f"{tmp_path / 'broken_gans.py'}:1"
    assert err == f"ganzoo: plugin 'broken' (broken-gans 1.2): RuntimeError: boom ({line})\n"
    assert re.search(r"^broken +broken-gans 1.2 +0 components +RuntimeError: boom \(", out, re.MULTILINE)
    assert re.search(r"^dcgan .* ok$", out, re.MULTILINE)
    left_out = process("plugins", "--no-plugin", "broken", env=environ)
    assert "broken" not in "".join(left_out.communicate(timeout=60))
    typing = {"_GANZOO_COMPLETE": "bash_complete", "COMP_WORDS": "ganzoo train --arch ", "COMP_CWORD": "3"}
    out, err = process(env=environ | typing).communicate(timeout=60)
    assert "plain,dcgan\n" in out
    assert err == ""


def test_control_characters_of_strangers_are_dropped(ganzoo: Ganzoo, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE.replace("My own.", "My \\x1b[31mown."))
    assert "My [31mown." in ganzoo("list", "--plugin", "mine.py").out


# ----------------------------------------------------------------------------
# runs.


def test_runs(ganzoo: Ganzoo, runs: Path) -> None:
    stopped = Run(runs / "0001-stopped")
    (runs / "0003-garbled").mkdir()
    (runs / "0003-garbled" / "recipe.json").write_text('{"format": 1}')
    rows = json.loads(ganzoo("runs", "--json").out)
    assert [(row["run"], row["images"], row["of"], row["status"]) for row in rows] == [
        (RUN, 256, 256, "finished"),
        ("0001-stopped", stopped.images, 256, "unfinished"),
        ("0002-conditional", 256, 256, "finished"),
        ("0003-garbled", 0, 0, "unreadable"),
    ]
    assert [(row["dataset"], row["loss"], row["seed"]) for row in rows] == [("digits", "bce", 0)] * 3 + [("", "", "")]
    assert rows[0]["values"] == {}
    with stopped.training():
        done = ganzoo("runs")
    assert (done.code, done.err) == (0, "")
    table = done.out.splitlines()
    assert re.split("  +", table[0]) == [
        "run", "images", "of", "status", "dataset", "loss", "seed", "last value", "last change",
    ]  # fmt: skip
    assert re.match(rf"{RUN} +256 +256 +finished +digits +bce +0 +\d{{4}}-\d\d-\d\d \d\d:\d\d$", table[1])
    assert " training " in table[2]


def test_runs_are_told_apart_by_folder_loss_seed_and_last_value(ganzoo: Ganzoo, runs: Path) -> None:
    run = Run(runs / RUN)
    recipe = run.recipe()
    recipe["dataset"] = {"name": "datasets:folder", "options": {"path": "/data/holiday photos"}}
    recipe["metric"] = [{"name": "metrics:pixel-moments"}]
    recipe["train"] |= {"seed": 7, "best": "pixel-moments/fd"}
    run.write_recipe(recipe)
    for images, value in ((256, 12.345678), (512, 3.4567891)):
        run.add_stats({"images": images, "pixel-moments/mean": 0.5, "pixel-moments/fd": value})
        run.add_stats({"images": images, "loss_d": 1.0, "reg.r1/d": 0.25})
    line = next(line for line in ganzoo("runs").out.splitlines() if line.startswith(RUN))
    assert re.split("  +", line)[4:8] == ["holiday photos", "bce", "7", "pixel-moments/fd 3.457"]
    (row,) = [row for row in json.loads(ganzoo("runs", "--json").out) if row["run"] == RUN]
    assert row["values"] == {"pixel-moments/mean": 0.5, "pixel-moments/fd": 3.4567891}


def test_values_of_runs_that_cannot_be_compared_are_marked(ganzoo: Ganzoo, runs: Path) -> None:
    for name, num, others in ((RUN, 100, {}), ("0002-conditional", 200, {"content": "0b"})):
        run = Run(runs / name)
        run.write_recipe(run.recipe() | {"metric": [{"name": "metrics:pixel-moments"}]})
        run.add_stats({"images": 256, "pixel-moments/mean": 0.5})
        config = json.loads((run.package / "config.json").read_text())
        protocol = {"real": num, "fake": num, "content": "0a", **others}
        score = {"name": "pixel-moments/mean", "value": 0.5, "fingerprint": f"{num:016x}", "protocol": protocol}
        older = {**score, "value": 0.7, "fingerprint": f"{7:016x}"}
        (run.package / "config.json").write_text(json.dumps(config | {"metrics": [score, older]}))
    done = ganzoo("runs")
    marked = [line for line in done.out.splitlines() if "pixel-moments/mean 0.5" in line]
    assert ["(a)" in line and "(b)" not in line for line in marked] == [True, False]
    words = "(a) and (b) cannot be compared: number of generated samples 100 and 200"
    assert done.err == f"pixel-moments/mean: {words}\n"
    rows = json.loads(ganzoo("runs", "--json").out)
    found = [row["scores"].get("pixel-moments/mean", {"protocol": {}})["protocol"].get("real") for row in rows]
    assert found == [100, None, 200]
    shown = ganzoo("info", RUN).out
    assert "pixel-moments/mean 0.5 (a), pixel-moments/mean 0.7 (b)" in shown
    assert "pixel-moments/mean: (a) and (b) cannot be compared" in shown


def test_no_runs(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch, templates: Path) -> None:
    assert ganzoo("runs").__dict__ == {"code": 0, "out": "", "err": "no runs in runs/\n"}
    assert ganzoo("runs", "--json").out == "[]\n"
    monkeypatch.setenv("GANZOO_RUNS", str(templates))
    assert RUN in ganzoo("runs").out


# ----------------------------------------------------------------------------
# train.


def test_the_help_of_train_shows_each_option_in_one_group(ganzoo: Ganzoo) -> None:
    text = ganzoo("train", "--help").out
    titles = ["What is trained", "Data", "Length and machine", "Measure and log", "Go on", "Share", "Other"]
    assert re.findall(r"^([A-Z][\w ]+):(?! )", text, re.MULTILINE) == titles
    context = command.make_context("train", ["--dry-run"])
    options = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    shown = re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)
    assert sorted(shown) == sorted(option.opts[-1] for option in options)
    words = {option.opts[-1]: " ".join((option.help or "").split()) for option in options}
    assert not {name: said for name, said in words.items() if not re.match(r"[A-Z]\w+ \w+ .*\.$", said)}  # sentences


def settings(out: str) -> dict[str, tuple[str, str]]:
    """Return what ``--dry-run`` printed: value and origin by key."""
    rows = re.findall(r"^(\S+) += +(\S.*?) {2,}(\S.*)$", out, re.MULTILINE)
    assert len(rows) == len(out.splitlines())
    return {key: (value, origin) for key, value, origin in rows}


def test_a_dry_run_prints_every_setting_with_its_origin(ganzoo: Ganzoo, tmp_path: Path) -> None:
    done = ganzoo("train", "--arch", "dcgan", "--loss", "mse", "--size", "64", "loss.b=0.9", "--dry-run")
    assert (done.code, done.err) == (0, "")
    found = settings(done.out)
    assert found["arch"] == ("dcgan", "flag")
    assert found["loss"] == ("lsgan", "flag")
    assert found["loss.b"] == ("0.9", "KEY=VALUE")
    assert found["loss.a"] == ("0", "default")
    assert found["dataset"] == ("digits", "default")
    assert found["dataset.size"] == ("64", "flag")
    assert found["optim.g.betas"] == ("0.5,0.999", "arch 'dcgan'")
    assert found["reg"] == ("none", "default")
    assert found["train.micro_batch"] == ("none", "default")
    assert os.listdir(tmp_path) == []


def test_later_layers_win(ganzoo: Ganzoo, runs: Path) -> None:
    args = ("train", "--config", "1", "--batch", "8", "--images", "99", "train.images=77", "--dry-run")
    found = settings(ganzoo(*args).out)
    assert found["train.images"] == ("77", "KEY=VALUE")
    assert found["train.batch"] == ("8", "flag")
    assert found["arch.width"] == ("2", "config runs/0001-stopped")
    assert found["train.checkpoint_every"] == ("50000", "config runs/0001-stopped")


def test_a_loss_without_the_limit_that_it_wants_is_a_warning_before_the_run(ganzoo: Ganzoo) -> None:
    answer = ganzoo("train", "--arch", "dcgan", "--loss", "wasserstein", "--reg", "none", "--dry-run")
    warning = "note: loss 'wasserstein': nothing limits the slope of D, so its logits grow without end"
    assert (answer.code, answer.err) == (0, f"{warning}; try --reg wgan-gp, or --reg r1\n")
    assert ganzoo("train", "--arch", "dcgan", "--loss", "wasserstein", "--dry-run").err == ""


@pytest.mark.parametrize("config", ["1", "0001-stopped", "runs/0001-stopped", "runs/0001-stopped/recipe.json"])
def test_a_config_is_a_run_or_its_recipe(ganzoo: Ganzoo, runs: Path, config: str) -> None:
    assert settings(ganzoo("train", "--config", config, "--dry-run").out)["arch.width"][0] == "2"


def test_a_config_is_a_model_package(ganzoo: Ganzoo, runs: Path) -> None:
    package = runs / RUN / "package"
    found = settings(ganzoo("train", "--config", package, "--dry-run").out)
    assert found["arch.width"] == ("2", f"config {package}")


def test_a_folder_of_images_by_its_path(ganzoo: Ganzoo, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for path in ("photos", "./photos", tmp_path / "photos"):
        found = settings(ganzoo("train", "--arch", "dcgan", "--dataset", path, "--dry-run").out)
        assert found["dataset"] == ("folder", "flag")
        assert Path(found["dataset.path"][0]) in (tmp_path / "photos", Path("photos"))


def test_training_writes_the_run_and_prints_its_path_alone(ganzoo: Ganzoo, tmp_path: Path) -> None:
    done = ganzoo("train", *TINY)
    assert (done.code, done.out) == (0, f"runs/{RUN}\n")
    run = Run(tmp_path / "runs" / RUN)
    names = {path.name for path in run.path.iterdir()}
    assert {"recipe.json", "log.txt", "stats.jsonl", "reals.png", "checkpoints", "package"} <= names
    assert {"fakes-000000000.png", "fakes-000000256.png"} <= names
    assert {"config.json", "model.safetensors"} <= {path.name for path in run.package.iterdir()}
    assert [path.name for path in run.checkpoints] == ["000000000.ckpt", "000000256.ckpt"]
    assert run.recipe()["arch"]["options"]["width"] == 2
    assert [json.loads(line)["images"] for line in run.stats_file.read_text().splitlines()][-1] == 256
    assert not list(run.path.rglob("*.tmp"))
    for path in run.path.glob("*.png"):
        Image.open(path).verify()


def test_progress_is_plain_lines_where_there_is_no_terminal(ganzoo: Ganzoo) -> None:
    lines = ganzoo("train", *TINY, "--metric", "pixel-moments").err.splitlines()
    measured = [line for line in lines if line.startswith("measured at ")]
    assert [line.partition(": ")[0] for line in measured] == ["measured at 0 images", "measured at 256 images"]
    assert "pixel-moments/mean" in measured[0]
    assert "(best" in measured[1]
    lines = [line for line in lines if line not in measured]
    assert lines[0].startswith(f"runs/{RUN}: dcgan with bce on digits 1x16x16, generator ")
    assert lines[-2].startswith("0:00 left  256/256  ")
    assert max(len(line) for line in lines if " left  " in line) <= 80
    assert lines[-1].startswith("finished after 256 images")
    assert "\x1b" not in "".join(lines)
    assert "\r" not in "".join(lines)


def test_a_new_run_takes_the_next_number_and_a_name(ganzoo: Ganzoo, runs: Path) -> None:
    assert ganzoo("train", *TINY, "--name", "again").out == "runs/0003-again\n"
    assert (runs / "0003-again").is_dir()


@pytest.mark.parametrize("which", [[], ["1"], ["0001-stopped"], ["runs/0001-stopped"]])
def test_resume_goes_on_where_it_stopped(ganzoo: Ganzoo, runs: Path, which: list[str]) -> None:
    run = Run(runs / "0001-stopped")
    before = run.images
    done = ganzoo("train", "--resume", *which)
    assert (done.code, done.out) == (0, "runs/0001-stopped\n")
    assert f"going on from {before} images" in done.err
    assert run.images == 256
    assert [json.loads(line)["images"] for line in run.stats_file.read_text().splitlines()][-1] == 256


def test_resume_with_nothing_but_a_longer_run(ganzoo: Ganzoo, runs: Path) -> None:
    assert ganzoo("train", "--resume", "train.images=320").out == "runs/0001-stopped\n"
    assert Run(runs / "0001-stopped").images == 320
    assert ganzoo("train", "--resume", "0", "--images", "288").out == f"runs/{RUN}\n"
    assert Run(runs / RUN).images == 288
    assert Run(runs / RUN).length == 288


def test_a_resumed_run_ends_with_the_weights_of_one_that_was_not_stopped(ganzoo: Ganzoo, runs: Path) -> None:
    assert ganzoo("train", "--resume").code == 0
    whole, resumed = (runs / name / "package" / "model.safetensors" for name in (RUN, "0001-stopped"))
    assert whole.read_bytes() == resumed.read_bytes()


# ----------------------------------------------------------------------------
# sample.


@pytest.mark.parametrize("what", ["0", RUN, f"runs/{RUN}", f"runs/{RUN}/package"])
def test_sample_writes_a_grid_and_prints_where(ganzoo: Ganzoo, runs: Path, what: str) -> None:
    done = ganzoo("sample", what)
    assert done.__dict__ == {"code": 0, "out": f"{RUN}-seed0.png\n", "err": ""}
    with Image.open(f"{RUN}-seed0.png") as grid:
        assert grid.width * grid.height >= 64 * 16 * 16


@pytest.mark.parametrize(("name", "form"), [("a.png", "PNG"), ("a.PNG", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")])
def test_the_suffix_says_the_form(ganzoo: Ganzoo, runs: Path, name: str, form: str) -> None:
    assert ganzoo("sample", "0", "-n", "4", "--out", name).out == f"{name}\n"
    with Image.open(name) as picture:
        assert picture.format == form


@pytest.mark.parametrize("out", ["pictures", "pictures/", "new/v1.0/"])
def test_sample_to_a_folder(ganzoo: Ganzoo, runs: Path, out: str) -> None:
    done = ganzoo("sample", "0", "-n", "3", "--out", out)
    assert (done.code, done.out) == (0, out.rstrip("/") + "\n")
    assert sorted(os.listdir(out)) == ["00000.png", "00001.png", "00002.png"]
    with Image.open(Path(out) / "00000.png") as picture:
        assert picture.size == (16, 16)


def test_sample_into_an_existing_folder_of_any_name(ganzoo: Ganzoo, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "v1.0").mkdir()
    assert ganzoo("sample", "0", "-n", "2", "--out", "v1.0").code == 0
    assert len(os.listdir("v1.0")) == 2


def test_sample_to_an_array(ganzoo: Ganzoo, runs: Path) -> None:
    ganzoo("sample", "0", "-n", "5", "--seed", "7", "--out", "a.npz")
    with np.load("a.npz") as archive:
        assert archive.files == ["samples"]
        assert (archive["samples"].shape, archive["samples"].dtype) == ((5, 16, 16, 1), np.uint8)
        np.testing.assert_array_equal(archive["samples"], load(runs / RUN, device="cpu").sample(5, seed=7))


def test_the_seed_determines_the_samples(ganzoo: Ganzoo, runs: Path) -> None:
    for name, args in {"a": (), "b": ("--seed", "0"), "c": ("--seed", "1"), "d": ("-n", "66")}.items():
        ganzoo("sample", "0", "--out", f"{name}.npz", *args)
    a, b, c, d = (np.load(f"{name}.npz")["samples"] for name in "abcd")
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, d[:64])
    assert (a != c).any()


def test_labels(ganzoo: Ganzoo, runs: Path) -> None:
    ganzoo("sample", "2", "-n", "12", "--out", "all.npz")
    ganzoo("sample", "2", "-n", "3", "--label", "7", "--out", "one.npz")
    assert np.load("all.npz")["labels"].tolist() == [*range(10), 0, 1]
    assert np.load("one.npz")["labels"].tolist() == [7, 7, 7]
    ganzoo("sample", "2", "-n", "3", "--label", "7,8", "--label", "9", "--out", "some.npz")
    assert np.load("some.npz")["labels"].tolist() == [7, 8, 9]
    assert ganzoo("sample", "2", "-n", "20").out == "0002-conditional-seed0.png\n"
    assert ganzoo("sample", "2", "-n", "20", "--label", "3,4").out == "0002-conditional-seed0-3-4.png\n"


def test_a_folder_of_older_samples_is_said(ganzoo: Ganzoo, runs: Path) -> None:
    Path("pictures").mkdir()
    Path("pictures", "notes.txt").touch()
    assert ganzoo("sample", "0", "-n", "2", "--out", "pictures").err == ""
    said = "pictures contained 2 older samples"
    assert ganzoo("sample", "0", "-n", "2", "--out", "pictures").err == f"{said}, which were replaced\n"
    left = f"{said}, of which 1 is still there: --out NEW/ keeps samples apart\n"
    assert ganzoo("sample", "0", "-n", "1", "--out", "pictures").err == left


# ----------------------------------------------------------------------------
# Terminals and tracebacks.


def on_a_terminal(*args: str, **environ: str) -> tuple[int, str, str]:
    """Return exit code, stdout and what a terminal on stderr got."""
    ours, theirs = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "CI")}
    command = [sys.executable, "-m", "ganzoo", *args]
    seen = b""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=kept | {"TERM": "xterm"} | environ
    ) as started:
        os.close(theirs)
        while True:
            try:
                seen += os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
        assert started.stdout is not None
        out = started.stdout.read()
    os.close(ours)
    return started.returncode, out, seen.decode()


@pytest.mark.parametrize("no_color", ["", "1"])
def test_progress_is_a_live_line_on_a_terminal(no_color: str) -> None:
    code, out, seen = on_a_terminal("train", *TINY, "--metric", "pixel-moments", NO_COLOR=no_color)
    assert (code, out) == (0, f"runs/{RUN}\n")
    assert "0:00 left  256/256  " in seen
    assert "measured at 256 images: pixel-moments/mean" in seen
    assert "\x1b[2K" in seen  # the line is written anew
    assert bool(re.search(r"\x1b\[[\d;]+m", seen)) == (not no_color)


def test_a_mistake_on_a_terminal_leaves_it_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    code, out, seen = on_a_terminal("train", *TINY, "--dataset", "photos")
    assert (code, out) == (4, "")
    assert seen.count("\x1b[?25h") == seen.count("\x1b[?25l")  # the cursor is back
    assert "has no images" in seen.splitlines()[-1]


@pytest.mark.parametrize("args", [("-v", "train", "--arch", "dcgn"), ("train", "--arch", "dcgn", "-v")])
def test_verbose_shows_the_traceback(args: tuple[str, ...]) -> None:
    out, err = process(*args).communicate(timeout=60)
    assert out == ""
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-1] == "ganzoo: no architecture 'dcgn' is installed: did you mean 'dcgan'?"


def test_a_bug_of_ganzoo_does_not_blame_a_plugin(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganzoo.runs.run.list_runs", {}.popitem)  # raises, and has no frame of its own
    answer = ganzoo("runs")
    assert answer.code == 1
    assert answer.err.startswith("ganzoo: KeyError: ")
    assert answer.err.endswith(": this is a bug of ganzoo or of a plugin; -v shows where\n")


def test_a_bug_is_reported_and_verbose_shows_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "buggy.py").write_text(
        "from ganzoo.plugin import Command, hookimpl\n"
        "import click\n"
        "@hookimpl\n"
        "def ganzoo_commands():\n"
        '    yield Command(name="crash", summary="Crashes.", factory="buggy:crash")\n'
        "@click.command()\n"
        "def crash():\n"
        "    1/0\n"
    )
    out, err = process("--plugin", "buggy.py", "crash").communicate(timeout=60)
    words = f"ganzoo: ZeroDivisionError: division by zero ({tmp_path / 'buggy.py'}:8): this is a bug of the plugin; "
    words += "-v shows where\n"
    assert (out, err) == ("", words)
    out, err = process("-v", "--plugin", "buggy.py", "crash").communicate(timeout=60)
    assert "    1/0\n" in err
    assert err.endswith(words)


# ----------------------------------------------------------------------------
# The cache.


def test_cache_shows_what_it_has_and_clears_it(ganzoo: Ganzoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    empty = Answer(0, "", f"the cache has 0.0 KiB in {tmp_path}/cache\n")
    assert ganzoo("cache") == empty
    (tmp_path / "photos").mkdir()
    Image.effect_noise((20, 20), 80).save(tmp_path / "photos" / "one.png")
    assert ganzoo("train", *TINY, "--dataset", "photos").code == 0
    (entry,) = json.loads(ganzoo("cache", "--json").out)
    shown = ganzoo("cache")
    assert shown.out.splitlines()[0].split() == ["name", "size", "last", "used", "what"]
    assert shown.out.splitlines()[1].startswith(entry["name"])
    assert shown.out.endswith(f"folder path={tmp_path}/photos size=16\n")
    assert ganzoo("cache", "clear", entry["name"], "x").code == 4  # and nothing is removed
    freed = ganzoo("cache", "clear", entry["name"])
    assert (freed.out, freed.err) == (shown.out, f"freed {entry['size'] / 1024:.1f} KiB in {tmp_path}/cache\n")
    assert ganzoo("cache", "clear") == Answer(0, "", f"freed 0.0 KiB in {tmp_path}/cache\n")
    assert ganzoo("cache") == empty


def test_a_model_that_has_seen_no_images_is_reported(ganzoo: Ganzoo, runs: Path) -> None:
    """As that of a run before its first checkpoint after the start."""
    config = runs / "0000-dcgan-bce-digits" / "package" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "images": 0}))
    answer = ganzoo("sample", "0")
    assert answer.code == 0
    assert answer.err.startswith("runs/0000-dcgan-bce-digits/package has seen no images yet, so its samples are noise")
