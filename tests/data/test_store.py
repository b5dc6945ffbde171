import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ganzoo.data import packing as packing_module
from ganzoo.data.packing import Packing, describe_skipped
from ganzoo.data.store import Store, open_store
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Item

SHAPE = (3, 4, 4)
INFO = DataInfo(shape=SHAPE, num_classes=3)


class Files:
    """Items that count how often they are decoded; `broken` maps an index to the error that it raises."""

    def __init__(self, count: int, broken: dict[int, BaseException] | None = None) -> None:
        self.count, self.broken = count, broken or {}
        self.loads = 0
        self.lock = threading.Lock()

    def load(self, index: int) -> npt.NDArray[np.uint8]:
        with self.lock:
            self.loads += 1
        if index in self.broken:
            raise self.broken[index]
        return np.full(SHAPE, index % 251, np.uint8)

    def items(self) -> list[Item]:
        def loader(index: int) -> Callable[[], npt.NDArray[np.uint8]]:
            return lambda: self.load(index)

        return [Item(name=f"{i:04}.png", load=loader(i), label=i % 3, stamp="1 2") for i in range(self.count)]


def make_packing(items: Sequence[Item], cache: Path, **changes: object) -> Packing:
    lines: list[str] = []
    made = Packing("mine", items, INFO, False, cache / "key", lines.append)
    return replace(made, **changes)  # type: ignore[arg-type]


def get_lines(of: Packing) -> list[str]:
    return of.notify.__self__  # type: ignore[attr-defined, no-any-return]


def describe(store: Store) -> str:
    return describe_skipped(store.skipped)


def assert_clean(cache: Path) -> None:
    assert [path.name for path in cache.iterdir() if path.name != "key"] == []


def test_packs_in_the_order_of_the_items_whatever_the_timing(tmp_path: Path) -> None:
    def slow(index: int) -> Callable[[], npt.NDArray[np.uint8]]:
        def load() -> npt.NDArray[np.uint8]:
            time.sleep(0.02 if index % 2 == 0 else 0)
            return np.full(SHAPE, index, np.uint8)

        return load

    items = [Item(name=str(i), load=slow(i), label=i % 3) for i in range(20)]
    store = open_store(make_packing(items, tmp_path))
    assert store.data[:, 0, 0, 0].tolist() == list(range(20))
    assert store.data.shape == (20, *SHAPE)
    assert store.labels is not None
    assert store.labels.tolist() == [i % 3 for i in range(20)]
    assert store.labels.dtype == np.int64
    assert_clean(tmp_path)


def test_second_start_reads_no_item_and_maps_the_file(tmp_path: Path) -> None:
    files = Files(30)
    first = open_store(make_packing(files.items(), tmp_path))
    assert files.loads == 30
    second = open_store(make_packing(files.items(), tmp_path))
    assert files.loads == 30
    assert isinstance(second.data, np.memmap)
    assert not second.data.flags.writeable
    np.testing.assert_array_equal(first.data, second.data)


def test_unlabelled_has_no_labels(tmp_path: Path) -> None:
    items = [replace(item, label=None) for item in Files(5).items()]
    assert open_store(make_packing(items, tmp_path, info=DataInfo(shape=SHAPE))).labels is None
    assert not (tmp_path / "key" / "labels.npy").exists()


def make_array(number: int, dtype: str, shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    return np.full(shape, number / 8 if dtype == "float32" else number, dtype)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("label_dtype", ["uint8", "int16", "float32"])
def test_targets_are_packed_beside_samples_and_mapped(tmp_path: Path, dtype: Any, label_dtype: Any) -> None:
    info = DataInfo(shape=(2, 5), dtype=dtype, modality="audio", label_shape=(3, 4), label_dtype=label_dtype)
    items = [
        Item(
            name=str(i),
            load=partial(make_array, i, dtype, (2, 5)),
            target=partial(make_array, -i % 8, label_dtype, (3, 4)),
        )
        for i in range(8)
    ]
    items[5] = replace(items[5], target=partial(make_array, 0, label_dtype, (3, 5)))
    items[6] = replace(items[6], load=partial(make_array, 0, "float64", (2, 5)))
    for _ in range(2):
        of = make_packing(items, tmp_path, info=info)
        store = open_store(of)
        assert isinstance(store.labels, np.memmap)
        assert (store.data.dtype, store.labels.dtype) == (dtype, label_dtype)
        assert np.array_equal(store.data, np.stack([make_array(i, dtype, (2, 5)) for i in (0, 1, 2, 3, 4, 7)]))
        assert np.array_equal(
            store.labels, np.stack([make_array(-i % 8, label_dtype, (3, 4)) for i in (0, 1, 2, 3, 4, 7)])
        )
        assert f"5 (its target decoded to {label_dtype} (3, 5), expected {label_dtype} (3, 4))" in describe(store)


@pytest.mark.parametrize(("value", "modality"), [(1.5, "image"), (float("nan"), "image"), (float("inf"), "audio")])
def test_floats_beyond_their_range_are_broken(tmp_path: Path, value: float, modality: Any) -> None:
    shape = (1, 2, 2) if modality == "image" else (1, 4)
    info = DataInfo(shape=shape, dtype="float32", modality=modality)
    items = [Item(name=str(x), load=partial(np.full, shape, x, np.float32)) for x in (0.5, value)]
    assert open_store(make_packing(items, tmp_path, info=info)).data.shape == (1, *shape)


@pytest.mark.parametrize(
    "change",
    [
        lambda items: [replace(items[0], stamp="1 3"), *items[1:]],
        lambda items: [replace(items[0], name="x.png"), *items[1:]],
        lambda items: [replace(items[0], label=2), *items[1:]],
        lambda items: items[1:],
        lambda items: [*items, replace(items[0], name="y.png")],
    ],
    ids=["changed", "renamed", "relabelled", "removed", "added"],
)
def test_other_items_are_packed_again(tmp_path: Path, change: Callable[[list[Item]], list[Item]]) -> None:
    files = Files(10)
    open_store(make_packing(files.items(), tmp_path))
    items = change(files.items())
    store = open_store(make_packing(items, tmp_path))
    assert files.loads == 10 + len(items)
    assert len(store.data) == len(items)
    assert_clean(tmp_path)


def test_another_shape_is_packed_again(tmp_path: Path) -> None:
    items = [replace(item, load=lambda: np.zeros((1, 2, 2), np.uint8)) for item in Files(4).items()]
    open_store(make_packing(Files(4).items(), tmp_path))
    assert open_store(make_packing(items, tmp_path, info=replace(INFO, shape=(1, 2, 2)))).data.shape == (4, 1, 2, 2)


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    changed = {"cut": content[:-1], "empty": b"", "longer": content + b"x", "garbage": b"x" * len(content)}
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["cut", "empty", "longer", "garbage", "missing"])
@pytest.mark.parametrize("name", ["data.npy", "labels.npy", "store.json"])
def test_a_damaged_store_is_packed_again(tmp_path: Path, name: str, how: str) -> None:
    files = Files(10)
    open_store(make_packing(files.items(), tmp_path))
    damage(tmp_path / "key" / name, how)
    store = open_store(make_packing(files.items(), tmp_path))
    assert files.loads == 20
    assert store.data[:, 0, 0, 0].tolist() == list(range(10))
    open_store(make_packing(files.items(), tmp_path))
    assert files.loads == 20


@pytest.mark.parametrize("known", ["[]", "{}", '{"format": 1}', "nonsense"])
def test_a_store_with_an_invalid_manifest_is_packed_again(tmp_path: Path, known: str) -> None:
    files = Files(3)
    open_store(make_packing(files.items(), tmp_path))
    (tmp_path / "key" / "store.json").write_text(known)
    assert len(open_store(make_packing(files.items(), tmp_path)).data) == 3
    assert files.loads == 6


def test_a_store_of_another_format_is_packed_again(tmp_path: Path) -> None:
    files = Files(3)
    open_store(make_packing(files.items(), tmp_path))
    path = tmp_path / "key" / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    again = make_packing(files.items(), tmp_path)
    open_store(again)
    assert files.loads == 6
    assert get_lines(again) == ["dataset 'mine' was packed by another version of ganzoo: it is packed again"]
    again = make_packing(files.items(), tmp_path)
    open_store(again)
    assert (files.loads, get_lines(again)) == (6, [])


# ----------------------------------------------------------------------------
# Broken items.


def test_broken_items_are_skipped_and_named_again_from_the_cache(tmp_path: Path) -> None:
    files = Files(105, {i: ValueError(f"bad\n{i % 50}") for i in (1, 4, 50, 60, 70, 104)})
    store = open_store(make_packing(files.items(), tmp_path))
    expected = "0001.png (bad 1), 0004.png and 1 more (bad 4), 0050.png (bad 0), ... (2 more)"
    assert describe(store) == expected
    kept = [i for i in range(105) if i not in files.broken]
    assert store.data[:, 0, 0, 0].tolist() == kept
    assert store.labels is not None
    assert store.labels.tolist() == [i % 3 for i in kept]
    again = open_store(make_packing(files.items(), tmp_path))
    assert (len(again.data), describe(again), again.content) == (99, expected, store.content)
    assert files.loads == 105


def test_few_broken_items_are_all_named(tmp_path: Path) -> None:
    assert describe(open_store(make_packing(Files(5, {3: ValueError()}).items(), tmp_path))) == "0003.png (ValueError)"


def test_a_store_knows_its_content_by_samples_and_labels_alone(tmp_path: Path) -> None:
    def open_changed(name: str, change: Callable[[Item], Item]) -> str:
        items = Files(9).items()
        return open_store(make_packing([*items[:4], change(items[4]), *items[5:]], tmp_path / name)).content

    same = open_changed("same", lambda item: item)
    assert open_changed("moved", lambda item: replace(item, name="x.png", stamp="5 6")) == same
    other = np.full(SHAPE, 4, np.uint8)
    other[2, 3, 3] = 5
    assert open_changed("sample", lambda item: replace(item, load=lambda: other)) != same
    assert open_changed("label", lambda item: replace(item, label=2)) != same


def test_names_that_are_not_valid_text_can_be_reported(tmp_path: Path) -> None:
    items = Files(3, {0: ValueError("bad")}).items()
    items[0] = replace(items[0], name="a\nb\udcff.png")
    for _ in range(2):
        assert describe(open_store(make_packing(items, tmp_path))) == "a b?.png (bad)"


@pytest.mark.parametrize("array", [np.zeros((3, 4, 5), np.uint8), np.zeros(SHAPE, np.float32), None])
def test_an_item_of_wrong_shape_or_dtype_is_broken(tmp_path: Path, array: object) -> None:
    items = Files(3).items()
    items[1] = replace(items[1], load=lambda: array)  # type: ignore[arg-type, return-value]
    store = open_store(make_packing(items, tmp_path))
    assert len(store.data) == 2
    assert "0001.png (decoded to " in describe(store)
    assert "expected uint8 (3, 4, 4)" in describe(store)


def test_strict_names_the_first_broken_item_and_the_solution(tmp_path: Path) -> None:
    items = Files(50, {7: ValueError("bad"), 30: ValueError("worse")}).items()
    with pytest.raises(
        GanzooError,
        match=r"^dataset 'mine' cannot read 0007.png \(bad\): remove the file, or set dataset.strict=false to skip it$",
    ):
        open_store(make_packing(items, tmp_path, strict=True))
    assert list(tmp_path.iterdir()) == []


def test_strict_applies_to_a_store_that_was_packed_without_it(tmp_path: Path) -> None:
    files = Files(10, {7: ValueError("bad")})
    open_store(make_packing(files.items(), tmp_path))
    with pytest.raises(GanzooError, match=r"0007.png \(bad\)"):
        open_store(make_packing(files.items(), tmp_path, strict=True))
    assert files.loads == 11
    files.broken.clear()
    assert len(open_store(make_packing(files.items(), tmp_path, strict=True)).data) == 10


def test_files_that_can_be_read_again_are_packed(tmp_path: Path) -> None:
    files = Files(10, {2: ValueError("bad"), 6: PermissionError(13, "Permission denied"), 7: ImportError("no reader")})
    assert len(open_store(make_packing(files.items(), tmp_path)).data) == 7
    assert len(open_store(make_packing(files.items(), tmp_path)).data) == 7
    assert files.loads == 12  # a file of each reason that another machine may not have was tried again
    del files.broken[7]
    assert len(open_store(make_packing(files.items(), tmp_path)).data) == 8


def test_all_broken(tmp_path: Path) -> None:
    items = Files(4, {i: ValueError("bad") for i in range(4)}).items()
    with pytest.raises(GanzooError, match=r"none of its 4 files could be read, 0000.png and 3 more \(bad\): give it"):
        open_store(make_packing(items, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_no_items(tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match="has no items"):
        open_store(make_packing([], tmp_path))


# ----------------------------------------------------------------------------
# Packing that fails.


def test_interrupted_packing_leaves_the_old_store_and_no_litter(tmp_path: Path) -> None:
    open_store(make_packing(Files(10).items(), tmp_path))
    before = {path.name: path.read_bytes() for path in (tmp_path / "key").iterdir()}
    with pytest.raises(KeyboardInterrupt):
        open_store(make_packing(Files(40, {20: KeyboardInterrupt()}).items(), tmp_path))
    assert {path.name: path.read_bytes() for path in (tmp_path / "key").iterdir()} == before
    assert_clean(tmp_path)


SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from ganzoo.data.packing import Packing
from ganzoo.data.store import open_store
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Item

loads = []
def loader(index):
    def load():
        loads.append(index)
        time.sleep(float(sys.argv[3]))
        return np.full((3, 64, 64), index, np.uint8)
    return load

items = [Item(name=str(i), load=loader(i), stamp=sys.argv[4]) for i in range(int(sys.argv[2]))]
print("started", flush=True)
try:
    store = open_store(Packing("mine", items, DataInfo(shape=(3, 64, 64)), False, Path(sys.argv[1]) / "key", print))
except GanzooError as error:
    sys.exit(str(error))
print(store.data[:, 0, 0, 0].tolist() == list(range(len(items))))
print(len(loads))
"""


def start(cache: Path, count: int, seconds: float, stamp: str = "", limit: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", limit + SCRIPT, str(cache), str(count), str(seconds), stamp],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_signal_leaves_no_litter(tmp_path: Path) -> None:
    process = start(tmp_path, 200, 0.05)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    while not list(tmp_path.iterdir()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in err
    assert list(tmp_path.iterdir()) == []


def test_of_several_processes_one_packs_and_the_others_wait(tmp_path: Path) -> None:
    open_store(make_packing(Files(10).items(), tmp_path))  # a store that all of them replace
    processes = [start(tmp_path, 50, 0.02) for _ in range(3)]
    loads = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        begin, *waited, ok, count = out.splitlines()
        assert (process.returncode, begin, ok, err) == (0, "started", "True", "")
        assert waited in ([], ["another process packs dataset 'mine': waiting for it"])
        loads.append(int(count))
    assert sum(loads) == 50
    assert_clean(tmp_path)


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows; a disk of several machines may have none either


def test_a_process_that_is_killed_while_it_packs_lets_the_next_one_pack(tmp_path: Path) -> None:
    process = start(tmp_path, 200, 0.05)
    while not list(tmp_path.glob(".key.*/data.npy")):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert len(open_store(make_packing(Files(5).items(), tmp_path)).data) == 5
    assert not list(tmp_path.glob("*.lock"))


@pytest.mark.usefixtures("without_locks")
def test_a_store_that_was_installed_first_is_kept(tmp_path: Path) -> None:
    files = Files(5)

    def overtake() -> npt.NDArray[np.uint8]:
        open_store(make_packing([replace(item, load=files.items()[i].load) for i, item in enumerate(items)], tmp_path))
        return np.zeros(SHAPE, np.uint8)

    items = files.items()
    items[0] = replace(items[0], load=overtake)
    store = open_store(make_packing(items, tmp_path))
    assert store.data.shape == (5, *SHAPE)
    assert files.loads == 9
    assert_clean(tmp_path)


def test_a_store_that_was_packed_between_the_first_look_and_the_turn_is_not_packed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, other, files = Path.mkdir, Files(5), Files(5)

    def interleaved(path: Path, *args: Any, **kwargs: Any) -> None:
        mkdir(path, *args, **kwargs)
        monkeypatch.undo()
        open_store(make_packing(other.items(), tmp_path))

    monkeypatch.setattr(Path, "mkdir", interleaved)
    assert len(open_store(make_packing(files.items(), tmp_path)).data) == 5
    assert (other.loads, files.loads) == (5, 0)
    assert_clean(tmp_path)


@pytest.mark.usefixtures("without_locks")
def test_a_store_installed_between_the_two_renames_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(make_packing(Files(9).items(), tmp_path))
    rename, other = Path.rename, Files(5)

    def interleaved(path: Path, target: Path) -> Path:
        result = rename(path, target)
        if path.name == "key":
            monkeypatch.undo()
            open_store(make_packing(other.items(), tmp_path))
        return result

    monkeypatch.setattr(Path, "rename", interleaved)
    assert len(open_store(make_packing(Files(5).items(), tmp_path)).data) == 5
    assert other.loads == 5
    assert_clean(tmp_path)


def test_the_old_store_is_restored_where_the_new_one_cannot_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Files(9)
    open_store(make_packing(old.items(), tmp_path))
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name.startswith(".key.") and not path.name.endswith(".old"):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(GanzooError, match=r"\(Input/output error\): set GANZOO_CACHE"):
        open_store(make_packing(Files(5).items(), tmp_path))
    assert len(open_store(make_packing(old.items(), tmp_path)).data) == 9
    assert old.loads == 9
    assert_clean(tmp_path)


def test_full_disk(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    process = start(tmp_path, 50, 0, limit=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == (
        f"cannot write the packed dataset 'mine' to {tmp_path} (File too large): "
        "set GANZOO_CACHE to a folder that you can write to and that has room\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_full_disk_at_the_last_byte(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"  # less than one buffer
    process = start(tmp_path, 2, 0, limit=limit)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "(File too large)" in err) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GanzooError, match=r"file/cache \(Not a directory\): set GANZOO_CACHE to a folder that you can"):
        open_store(make_packing(Files(3).items(), tmp_path / "file" / "cache"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="drops to a user without rights")
def test_a_cache_of_another_user(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    tmp_path.chmod(0o755)
    process = start(tmp_path / "cache", 3, 0, limit="import os, ganzoo.data.store; os.seteuid(65534)\n")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "(Permission denied): set GANZOO_CACHE" in err) == (1, True)
    assert list((tmp_path / "cache").iterdir()) == []


def test_files_of_killed_processes_are_removed_when_they_are_old(tmp_path: Path) -> None:
    for name in (".key.old", ".key.young", ".other.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.npy").write_bytes(b"x")
        if name.endswith("old"):
            for path in (tmp_path / name / "data.npy", tmp_path / name):
                os.utime(path, (1, 1))
    open_store(make_packing(Files(3).items(), tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".key.young", ".other.old", "key"]


def test_long_packing_reports_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing_module, "LINE_SECONDS", 0.0)
    of = make_packing(Files(1200).items(), tmp_path)
    open_store(of)
    lines = get_lines(of)
    assert lines[0].startswith("packed 1 of 1,200 samples, ")
    assert (len(lines), lines[-1]) == (1200, "packed 1,200 of 1,200 samples")


def test_progress_that_is_shown_in_one_place_is_not_said_in_lines(tmp_path: Path) -> None:
    shown: list[tuple[str, float]] = []
    files = Files(30)
    slow = [replace(item, load=lambda: (time.sleep(0.02), files.load(0))[1]) for item in files.items()]
    of = make_packing(slow, tmp_path, progress=lambda line, share: shown.append((line, share)))
    open_store(of)
    assert get_lines(of) == []
    assert shown[-1] == ("packed 30 of 30 samples", 1.0)
    assert 1 < len(shown) < 30


def test_short_packing_says_nothing(tmp_path: Path) -> None:
    of = make_packing(Files(30).items(), tmp_path)
    open_store(of)
    assert get_lines(of) == []
