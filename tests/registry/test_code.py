"""The code of a component, by which what was computed with it is known."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ganzoo.plugin import Extractor
from ganzoo.registry.code import hash_package
from ganzoo.registry.installed import Plugin, RegisteredComponent


def write_package(folder: Path) -> RegisteredComponent:
    package = folder / "acme_code"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text("def build(options, data): ...\n")
    (package / "helper.py").write_text("WIDTH = 1\n")
    (package / "deep" / "net.py").write_text("DEPTH = 1\n")
    spec = Extractor(name="coded", summary="-", factory="acme_code.main:build")
    return RegisteredComponent(Plugin("acme", "acme_code", "acme", "1.0"), spec)


def test_the_code_of_a_plugin_is_every_file_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = write_package(tmp_path)
    (tmp_path / "beside.py").write_text("A = 1\n")
    first = hash_package(entry)
    assert first == hash_package(entry)
    seen = {first, hash_package(replace(entry, plugin=replace(entry.plugin, version="1.1")))}
    for name in ("helper.py", "deep/net.py", "main.py", "__init__.py"):
        (tmp_path / "acme_code" / name).write_text("CHANGED = 1\n")
        seen.add(hash_package(entry))
    (tmp_path / "acme_code" / "helper.py").rename(tmp_path / "acme_code" / "helpers.py")
    seen.add(hash_package(entry))
    assert len(seen) == 7
    before = hash_package(entry)
    (tmp_path / "beside.py").write_text("A = 2\n")
    assert hash_package(entry) == before
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_code"]:
        monkeypatch.delitem(sys.modules, name)
