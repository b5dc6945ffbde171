"""The cache: what is in it, in whose home it is, and how it is cleared, also under a process that uses it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ganzoo.data.packing import Packing
from ganzoo.data.store import Store, open_store
from ganzoo.errors import NotFound
from ganzoo.plugin import DataInfo, Item
from ganzoo.runs.cache import clear_cache, find_cache_folder, list_entries

SHAPE = (1, 8, 8)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty cache, and return its folder."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    return tmp_path


def pack(key: str, title: str = "") -> Store:
    """Open the store of a dataset of three pictures."""
    items = [Item(name=str(i), load=lambda i=i: np.full(SHAPE, i, np.uint8)) for i in range(3)]
    info = DataInfo(shape=SHAPE)
    return open_store(Packing("mine", items, info, False, find_cache_folder() / "datasets" / key, print, title))


def test_entries_have_a_title_a_size_and_the_time_of_their_last_use(cache: Path) -> None:
    assert list_entries() == []
    for number, key in enumerate(("old-1", "new-2")):
        pack(key, f"mine path=/{key}")
        os.utime(cache / "datasets" / key / "store.json", (number, number))
    (cache / "features").mkdir()
    (cache / "features" / "one").write_bytes(bytes(1000))
    assert [(entry.name, entry.title) for entry in list_entries()] == [
        ("features", "features of real samples, for metrics"),
        ("new-2", "mine path=/new-2"),
        ("old-1", "mine path=/old-1"),
    ]
    assert list_entries()[0].size == 1000
    assert list_entries()[2].size == sum(path.stat().st_size for path in (cache / "datasets" / "old-1").iterdir())
    pack("old-1")
    assert abs(list_entries()[0].used - time.time()) < 60
    assert {entry.name for entry in list_entries()[:2]} == {"old-1", "features"}


def test_one_entry_or_all_are_removed() -> None:
    for key in ("one-1", "two-2", "three-3"):
        pack(key)
    assert [entry.name for entry in clear_cache(["two-2"])] == ["two-2"]
    with pytest.raises(NotFound, match=r"there is no 'two-2' in the cache; `ganzoo cache` lists what is there"):
        clear_cache(["two-2"])
    assert {entry.name for entry in clear_cache()} == {"one-1", "three-3"}
    assert list_entries() == []
    assert not list((find_cache_folder() / "datasets").iterdir())


def test_a_store_that_is_in_use_can_be_read_to_the_end_after_it_was_removed() -> None:
    store = pack("mine-1")
    clear_cache()
    assert np.array(store.data)[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert len(pack("mine-1").data) == 3  # and it is packed again


def test_a_packing_that_goes_on_is_kept_and_one_that_died_is_removed(cache: Path) -> None:
    for name, age in ((".mine-1.aaaa", 0), (".mine-1.bbbb", 7200)):
        folder = cache / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "data.npy").write_bytes(bytes(10))
        for path in (folder / "data.npy", folder):
            os.utime(path, (time.time() - age,) * 2)
    assert [entry.title for entry in clear_cache()] == ["unfinished: mine"]
    assert [path.name for path in (cache / "datasets").iterdir()] == [".mine-1.aaaa"]


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"format": 1})])
def test_a_damaged_store_is_listed_by_the_name_of_its_dataset(cache: Path, content: str) -> None:
    pack("mine-1", "lost")
    (cache / "datasets" / "mine-1" / "store.json").write_text(content)
    assert [entry.title for entry in list_entries()] == ["mine"]


# ----------------------------------------------------------------------------
# The folder.


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"GANZOO_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"GANZOO_CACHE": "~/a", "HOME": "/c"}, "/c/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/ganzoo"),
        ({"HOME": "/c"}, "/c/.cache/ganzoo"),
        ({"GANZOO_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/ganzoo"),
    ],
)
def test_cache_folder(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("GANZOO_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert find_cache_folder() == Path(expected)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes a user that nobody knows")
def test_no_home_directory() -> None:
    script = (
        "import os, sys; from ganzoo.runs.cache import find_cache_folder; from ganzoo.errors import GanzooError\n"
        "os.environ.clear(); os.setuid(54321)\n"
        "try: find_cache_folder()\n"
        "except GanzooError as error: sys.exit(str(error))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr[:27]) == (1, "no home directory was found")
