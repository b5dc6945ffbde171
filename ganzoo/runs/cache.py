"""The cache: packed datasets and features of metrics. Everything in it can be made again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import GanzooError, NotFound, suggest_names
from ganzoo.plugin.files import write_errors_explained

DATASETS, FEATURES = "datasets", "features"  # the folders in the cache
ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True)
class CacheEntry:
    """One thing in the cache that can be removed on its own.

    Args:
        name: The name by which `ganzoo cache clear NAME` removes it.
        path: The path of its folder.
        size: The size of its files in bytes.
        title: What it is, in words.
        used: The time at which it was last used, in seconds since 1970.
    """

    name: str
    path: Path
    size: int
    title: str
    used: float


def find_cache_folder() -> Path:
    """Return the folder of the cache: $GANZOO_CACHE, $XDG_CACHE_HOME/ganzoo or ~/.cache/ganzoo.

    Raises:
        GanzooError: Neither variable is set, and the user has no home directory.
    """
    try:
        if cache := os.environ.get("GANZOO_CACHE"):
            return Path(cache).expanduser()
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "ganzoo"
    except RuntimeError:
        raise GanzooError(
            "no home directory was found to cache datasets in: set GANZOO_CACHE to a folder that you can write to"
        ) from None


def is_abandoned(folder: Path) -> bool:
    """Return whether a temporary folder is of a killed process: nothing was written to it for an hour."""
    try:
        written = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:
        return False
    return time.time() - written > ABANDONED_SECONDS


def list_entries() -> list[CacheEntry]:
    """Return the entries of the cache, the last used first: one for each packed dataset, and one for all features."""
    root = find_cache_folder()
    entries = [_describe_dataset(folder) for folder in _list_folders(root / DATASETS)]
    if (root / FEATURES).is_dir():
        files = list(_list_files(root / FEATURES))
        used = max((status.st_mtime for status in files), default=0.0)
        title = "features of real samples, for metrics"
        entries.append(CacheEntry(FEATURES, root / FEATURES, sum(s.st_size for s in files), title, used))
    return sorted((entry for entry in entries if entry.size), key=lambda entry: entry.used, reverse=True)


def clear_cache(names: Sequence[str] = ()) -> list[CacheEntry]:
    """Remove entries of the cache, and return the removed ones.

    A process that reads an entry now keeps its open files, and continues. Folders in which a process packs a dataset
    now are not removed.

    Args:
        names: The names of the entries, or the paths of their folders; empty for all entries.

    Raises:
        NotFound: There is no entry of one of the names; nothing is removed then.
        GanzooError: An entry cannot be removed.
    """
    entries = list_entries()
    by_name = {key: entry for entry in entries for key in (entry.name, str(entry.path))}
    for name in names:
        if name not in by_name:
            hint = suggest_names(name, [entry.name for entry in entries]) or "; `ganzoo cache` lists what is there"
            raise NotFound(f"there is no {name!r} in the cache{hint}")
    chosen = [entry for entry in entries if not names or entry in [by_name[name] for name in names]]
    for entry in chosen:
        with write_errors_explained(entry.path):
            aside = entry.path.with_name(f".{entry.path.name}.{secrets.token_hex(8)}")
            entry.path.rename(aside)  # at once, so that no process finds half of it
            shutil.rmtree(aside)
    return chosen


def _list_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders of packed datasets, and the temporary folders of killed processes."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir() and (not path.name.startswith(".") or is_abandoned(path)):
                yield path


def _list_files(folder: Path) -> Iterator[os.stat_result]:
    """Yield size and times of the files in a folder and below; another process may remove them at the same time."""
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield os.stat(os.path.join(path, name))


def _describe_dataset(folder: Path) -> CacheEntry:
    """Return the entry of a packed dataset. Its manifest has the title, and the time of its last use.

    Of a dataset in shards, the first one that is there speaks for all.
    """
    size = sum(status.st_size for status in _list_files(folder))
    manifest = min(folder.glob("*/store.json"), default=folder / "store.json")
    title, used = "", folder.stat().st_mtime
    with suppress(OSError, ValueError):
        used = manifest.stat().st_mtime
        stored = json.loads(manifest.read_text(encoding="ascii"))
        title = str(stored.get("title") or "") if isinstance(stored, dict) else ""
    what = title or folder.name.lstrip(".").rpartition("-")[0] or "a dataset"
    return CacheEntry(folder.name, folder, size, f"unfinished: {what}" if folder.name.startswith(".") else what, used)
