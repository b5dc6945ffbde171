"""Completion, as the shells ask for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import ganzoo
from cli_calls import Ganzoo
from ganzoo.cli import COMMANDS
from ganzoo.plugin import KINDS, Built
from ganzoo.plugin.options import list_options
from ganzoo.registry import registry

TEMPLATES = Path(ganzoo.__file__).parent / "templates"

PLUGIN = """
from ganzoo.plugin import Loss, Regularizer, hookimpl

@hookimpl
def ganzoo_losses():
    yield Loss(name="mine", summary="My loss.", factory="mine:build")

@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="my-reg", summary="My regularizer.", factory="mine:build")
"""


@pytest.fixture
def complete(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch):
    """Return a function that completes the last word of a line, as (kind, value) by bash's protocol."""

    def call(line: str) -> list[tuple[str, str]]:
        monkeypatch.setenv("_GANZOO_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        done = ganzoo()
        assert (done.code, done.err) == (0, "")
        return [(row.partition(",")[0], row.partition(",")[2]) for row in done.out.splitlines() if row]

    return call


def values(found: list[tuple[str, str]]) -> list[str]:
    return [value for kind, value in found if kind == "plain"]


def names(kind: str | None) -> list[str]:
    return [entry.spec.name for entry in registry().components(kind)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    if shell == "bash" and not shutil.which("bash"):
        pytest.skip("click asks bash for its version")
    monkeypatch.setenv("_GANZOO_COMPLETE", f"{shell}_source")
    done = ganzoo()
    assert (done.code, done.err) == (0, "")
    assert f"_GANZOO_COMPLETE={shell}_complete" in done.out
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=done.out, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_commands(complete) -> None:
    assert values(complete("ganzoo ")) == list(COMMANDS)
    assert values(complete("ganzoo tr")) == ["train"]
    assert values(complete("ganzoo nothing")) == []


@pytest.mark.parametrize(("flag", "kind"), [("--arch", "architecture"), ("--loss", "loss"), ("--dataset", "dataset")])
def test_components_of_the_kind_that_the_flag_takes(complete, flag: str, kind: str) -> None:
    assert values(complete(f"ganzoo train {flag} ")) == names(kind) != []
    assert values(complete(f"ganzoo train {flag} {names(kind)[0][:2]}")) == [
        name for name in names(kind) if name.startswith(names(kind)[0][:2])
    ]


def test_a_dataset_may_be_a_folder(complete) -> None:
    assert complete("ganzoo train --dataset photos/") == [("dir", "photos/")]


def test_regularizers_of_a_plugin_file_and_none(complete, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    assert values(complete("ganzoo train --plugin mine.py --reg ")) == [*names("regularizer"), "none"]
    assert "my-reg" in names("regularizer")
    assert values(complete("ganzoo --plugin mine.py train --loss min")) == ["minimax", "mine"]


def test_a_disabled_plugin_is_not_completed(complete) -> None:
    assert values(complete("ganzoo train --no-plugin losses --loss ")) == []
    assert values(complete("ganzoo --no-plugin losses train --loss ")) == []


@pytest.mark.parametrize("option", ["--plugin fails.py", "--plugin nothing.py", "--no-plugin nothing"])
def test_a_broken_plugin_option_is_not_reported_while_typing(complete, tmp_path: Path, option: str) -> None:
    (tmp_path / "fails.py").write_text("1/0")
    assert values(complete(f"ganzoo train {option} --arch ml")) == ["mlp"]


@pytest.mark.parametrize("arch", ["dcgan", "dcgan:dcgan"])
def test_keys_of_the_chosen_architecture(complete, arch: str) -> None:
    spec = registry().resolve("architecture", arch).spec
    assert isinstance(spec, Built)
    assert values(complete(f"ganzoo train --arch {arch} arch.")) == [
        f"arch.{name}=" for name in list_options(spec.options)
    ]


def test_keys_of_the_engine(complete) -> None:
    assert values(complete("ganzoo train train.micro")) == ["train.micro_batch="]
    assert {"optim.g.lr=", "optim.g.betas=", "optim.g.name="} <= set(values(complete("ganzoo train optim.g.")))


def test_keys_of_another_architecture_are_not_offered(complete) -> None:
    assert values(complete("ganzoo train --arch other arch.")) == []


@pytest.mark.parametrize("line", ["ganzoo sample ", "ganzoo evaluate ", "ganzoo train --resume "])
def test_runs(complete, runs: Path, line: str) -> None:
    assert values(complete(line)) == sorted(os.listdir(runs))
    assert values(complete(line + "0001")) == ["0001-stopped"]
    assert complete(line + "pack") == [("dir", "pack")]


def test_kinds(complete) -> None:
    assert values(complete("ganzoo list ")) == list(KINDS)
    assert values(complete("ganzoo list arch")) == ["architecture"]


def test_kinds_of_plugins_to_write(complete) -> None:
    found = values(complete("ganzoo new-plugin acme --kind "))
    assert found == [kind for kind in KINDS if (TEMPLATES / kind).is_dir()] != []
    assert values(complete("ganzoo new-plugin acme --kind me")) == ["metric"]


def test_metrics_and_their_options_for_an_evaluation(complete) -> None:
    assert values(complete("ganzoo evaluate 0 --metric ")) == names("metric") != []
    assert values(complete("ganzoo evaluate 0 metric.pix")) == ["metric.pixel-moments.dimensions="]
    assert values(complete("ganzoo evaluate 0 dataset.si")) == ["dataset.size="]
    assert values(complete("ganzoo evaluate 0 train.")) == values(complete("ganzoo evaluate 0 arch.")) == []


def test_all_components(complete) -> None:
    assert set(values(complete("ganzoo info "))) == set(names(None))
