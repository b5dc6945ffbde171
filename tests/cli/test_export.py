"""``ganzoo export``: what it writes, and what it says where it cannot."""

import json
import os
import resource
from pathlib import Path

import pytest

import ganzoo as package
from cli_calls import Ganzoo
from ganzoo.errors import Conflict, UsageError
from privileges import bound_by_modes

EXPORTERS = """
from ganzoo.plugin import Exporter, hookimpl

@hookimpl
def ganzoo_exporters():
    yield Exporter(name="needy", summary="N.", factory="mine:Half", requires=("no-such-thing>=2",))
    yield Exporter(name="half", summary="H.", factory="mine:Half")

class Half:
    def __init__(self, options, data):
        pass

    def __call__(self, generator, directory):
        (directory / "half.bin").write_bytes(b"0" * 99)
        1 / 0
"""


def test_export_writes_the_files_and_prints_their_paths(ganzoo: Ganzoo) -> None:
    Path("new").mkdir()
    answer = ganzoo("export", "ganzoo:digits", "--to", "state-dict", "new")
    assert (answer.code, answer.out.split(), answer.err) == (0, ["new/model.pt", "new/model.json"], "")
    assert json.loads(Path("new/model.json").read_text())["labels"] == {"kind": "class", "num_classes": 10}
    written = package.export("ganzoo:ring", "numpy", "arrays")
    assert written == [Path("arrays/model.npz"), Path("arrays/model.json")]
    assert sorted(os.listdir()) == ["arrays", "new"]


def test_nothing_is_overwritten_or_left_half_written(ganzoo: Ganzoo, public: Path) -> None:
    Path("old").mkdir()
    Path("old/mine").touch()
    answer = ganzoo("export", "ganzoo:ring", "--to", "numpy", "old")
    assert (answer.code, answer.out) == (7, "")
    assert answer.err == "ganzoo: old contains files: name a new directory, so that nothing is overwritten\n"
    with pytest.raises(Conflict, match="old/mine is a file"):
        package.export("ganzoo:ring", "numpy", "old/mine")
    with pytest.raises(UsageError, match="no exporter 'pt2' is installed; the nearest is --to torch-export"):
        package.export("ganzoo:ring", "pt2", "x")
    Path("mine.py").write_text(EXPORTERS)
    answer = ganzoo("export", "ganzoo:ring", "--to", "needy", "x", "--plugin", "mine.py")
    assert (answer.code, "pip install 'no-such-thing>=2'" in answer.err) == (3, True)
    answer = ganzoo("export", "ganzoo:ring", "--to", "half", "x", "--plugin", "mine.py")
    assert (answer.code, "ZeroDivisionError" in answer.err) == (1, True)
    Path("closed").mkdir(mode=0o555)
    with bound_by_modes():
        answer = ganzoo("export", "ganzoo:ring", "--to", "numpy", "closed/x")
    assert (answer.code, "cannot write closed/x: no permission to write there" in answer.err) == (1, True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        answer = ganzoo("export", "ganzoo:digits", "--to", "numpy", "x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "raise the limit (ulimit -f)" in answer.err
    assert sorted(os.listdir()) == ["closed", "mine.py", "old"]
    assert os.listdir("closed") == []
