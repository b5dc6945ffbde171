"""`ganzoo new-plugin`: its output and every mistake; tests/test_templates.py tests the written plugins."""

import os
import resource
import shlex
import tomllib
from pathlib import Path

import pytest

from cli_calls import Answer, Ganzoo
from ganzoo.cli import new_plugin
from privileges import bound_by_modes

KINDS = (
    "architecture", "loss", "dataset", "regularizer", "augmentation", "metric", "extractor", "tracker", "diagnosis",
    "exporter",
)  # fmt: skip


def refused(answer: Answer, code: int, *words: str) -> None:
    """Assert that a command failed with this code and one sentence, and changed no file."""
    assert (answer.code, answer.out) == (code, ""), answer.err
    assert answer.err.startswith("ganzoo: ")
    assert answer.err.count("\n") == 1, answer.err
    for word in words:
        assert word in answer.err


def test_it_says_where_the_plugin_is_and_what_to_do_next(ganzoo: Ganzoo) -> None:
    done = ganzoo("new-plugin", "acme-gans")
    assert (done.code, done.out) == (0, "acme-gans\n"), done.err
    assert done.err.splitlines() == [
        "next:",
        "    cd acme-gans",
        "    pip install -e '.[test]'",
        "    ganzoo check acme-gans",
        "    ganzoo train --arch acme-gans",
    ]
    assert sorted(os.listdir()) == ["acme-gans"]
    files = {path.relative_to("acme-gans").as_posix() for path in Path("acme-gans").rglob("*") if path.is_file()}
    assert files == {
        ".gitignore",
        "README.md",
        "acme_gans/__init__.py",
        "acme_gans/networks.py",
        "acme_gans/py.typed",
        "pyproject.toml",
        "tests/test_contract.py",
    }
    project = tomllib.loads(Path("acme-gans/pyproject.toml").read_text())["project"]
    assert project["entry-points"]["ganzoo"] == {"acme-gans": "acme_gans"}
    assert project["dependencies"] == ["ganzoo"]
    assert "ganzoo" in project["keywords"]


@pytest.mark.parametrize("kind", [*KINDS, "losses", "datasets", "arch"])
def test_a_kind_may_be_plural_or_short(ganzoo: Ganzoo, kind: str) -> None:
    done = ganzoo("new-plugin", "acme-gans", "--kind", kind)
    assert done.code == 0, done.err
    module = (Path("acme-gans") / "acme_gans" / "__init__.py").read_text()
    assert f"def ganzoo_{kind[:4]}" in module
    assert done.err.count("\n") == 5
    assert "acme-gans" in done.err.splitlines()[-1]


def test_a_path_with_spaces_is_quoted_for_the_shell(ganzoo: Ganzoo) -> None:
    os.mkdir("my work")
    done = ganzoo("new-plugin", "acme-gans", "--dir", "my work")
    assert (done.code, done.out) == (0, "my work/acme-gans\n")
    assert shlex.split(done.err.splitlines()[1]) == ["cd", "my work/acme-gans"]


def test_an_empty_directory_is_used(ganzoo: Ganzoo) -> None:
    os.mkdir("acme-gans")
    assert ganzoo("new-plugin", "acme-gans").code == 0
    assert Path("acme-gans/README.md").is_file()
    assert os.listdir() == ["acme-gans"]


def test_a_folder_on_the_path_is_not_a_module(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir("acme_gans")
    monkeypatch.syspath_prepend(".")
    assert ganzoo("new-plugin", "acme-gans").code == 0


def test_files_of_a_killed_call_do_no_harm(ganzoo: Ganzoo) -> None:
    os.mkdir(".acme-gans.new")
    Path(".acme-gans.new/half").write_text("")
    assert ganzoo("new-plugin", "acme-gans").code == 0
    assert os.listdir() == ["acme-gans"]
    assert not Path("acme-gans/half").exists()


# ----------------------------------------------------------------------------
# Mistakes.

TYPED = [
    ("", 2, "missing argument 'NAME'", "`ganzoo new-plugin --help`"),
    ("one two", 2, "unexpected extra argument (two)"),
    ("Acme", 2, "NAME 'Acme': use lower-case words joined by hyphens, as in 'acme'"),
    ("acme_gans", 2, "as in 'acme-gans'"),
    ("acme--gans", 2, "as in 'acme-gans'"),
    ("a.b/c", 2, "as in 'a-b-c'"),
    ("3d-gans", 2, "NAME '3d-gans'", "begin with a letter"),
    ("é", 2, "NAME 'é'", "begin with a letter"),
    ("a" * 41, 2, "has 41 letters", "at most 40"),
    ("class", 2, "NAME 'class' is reserved", "choose another"),
    ("none", 2, "NAME 'none' is reserved"),
    ("tests", 2, "NAME 'tests' is reserved"),
    ("torch", 2, "NAME 'torch': a module 'torch' is installed already", "choose another"),
    ("json", 2, "a module 'json' is installed already"),
    ("sys", 2, "a module 'sys' is installed already"),
    ("ganzoo", 2, "names that begin with ganzoo are reserved"),
    ("ganzoo-more", 2, "names that begin with ganzoo are reserved"),
    ("dcgan", 2, "NAME 'dcgan' is taken by dcgan:dcgan of ganzoo", "choose another"),
    ("losses", 2, "NAME 'losses' is taken by losses:"),
    ("mse --kind loss", 2, "NAME 'mse' is taken by losses:lsgan"),
    ("acme --kind losss", 2, "no kind 'losss'", "did you mean 'loss'"),
    ("acme --kind zzz", 2, "no kind 'zzz'", "regularizer"),
    ("acme --kind recipe", 2, "--kind recipe", "choose one of architecture, loss"),
    ("acme --knd loss", 2, "no option '--knd'", "did you mean '--kind'"),
    ("acme --dir nothing", 4, "--dir nothing does not exist", "create it first"),
]


@pytest.mark.parametrize(("line", "code", "words"), [(line, code, words) for line, code, *words in TYPED])
def test_typing_mistakes(ganzoo: Ganzoo, line: str, code: int, words: list[str]) -> None:
    refused(ganzoo("new-plugin", *line.split()), code, *words)
    assert os.listdir() == []


def test_the_name_of_a_component_of_another_kind_is_free(ganzoo: Ganzoo) -> None:
    assert ganzoo("new-plugin", "mse", "--kind", "metric").code == 0


def test_existing_files_are_not_overwritten(ganzoo: Ganzoo) -> None:
    Path("file").write_text("")
    os.mkdir("full")
    Path("full/mine").write_text("")
    os.symlink("elsewhere", "link")
    for name in ("file", "full", "link"):
        refused(ganzoo("new-plugin", name), 2, f"{name} exists already", "choose another NAME or --dir")
    refused(ganzoo("new-plugin", "acme", "--dir", "file"), 4, "--dir file is not a folder", "create it first")
    assert sorted(os.listdir()) == ["file", "full", "link"]
    assert os.listdir("full") == ["mine"]


@pytest.mark.usefixtures("public")
def test_a_folder_that_may_not_be_written(ganzoo: Ganzoo) -> None:
    os.mkdir("closed")
    os.chmod("closed", 0o555)
    with bound_by_modes():
        answer = ganzoo("new-plugin", "acme", "--dir", "closed")
    refused(answer, 1, "cannot write closed/acme", "no permission", "choose a folder that you can write to")
    assert os.listdir("closed") == []


def test_nothing_remains_after_a_full_disk(ganzoo: Ganzoo) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, hard))  # the smaller files fit
    try:
        answer = ganzoo("new-plugin", "acme")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    refused(answer, 1, "cannot write acme: ", "try again")
    assert os.listdir() == []


def test_the_help_names_every_kind() -> None:
    (option,) = (param for param in new_plugin.command.params if param.name == "kind")
    for kind in KINDS:
        assert kind in option.help
