"""A cache for features of real samples, and for weights of extractors that are trained on the data.

An entry is a file in the cache's folder ``features``: a safetensors body and its SHA-256. Its name is a hash of all
that it depends on. A damaged entry counts as missing. When the cache is full, the least recently used entries are
removed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.plugin.files import write_atomic, write_errors_explained
from ganzoo.runs.cache import FEATURES, find_cache_folder

LIMIT = 2 << 30  # bytes of all entries together
DIGEST = 32  # bytes of a SHA-256

Tensors = dict[str, Tensor]


def load_or_compute(depends_on: Any, compute: Callable[[], Tensors], notify: Callable[[str], None]) -> Tensors:
    """Return tensors by name, on the CPU, from the cache; compute and cache them where they are not in it.

    Args:
        depends_on: All that the tensors depend on, as JSON.
        compute: A function that returns the tensors, on any device.
        notify: A function that shows one line to the user, here that the tensors could not be cached. They are
            returned all the same.
    """
    found = load(depends_on)
    return store(depends_on, compute(), notify) if found is None else found


def load(depends_on: Any) -> Tensors | None:
    """Return the tensors of an entry; None where it is missing or damaged."""
    return _read(_make_name(depends_on))


def store(depends_on: Any, tensors: Tensors, notify: Callable[[str], None]) -> Tensors:
    """Cache tensors, and return them on the CPU; arguments as in `load_or_compute`."""
    found = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
    try:
        _write(_make_name(depends_on), found)
    except GanzooError as error:
        notify(f"{error}; the next measurement computes its features again")
    return found


def _make_name(depends_on: Any) -> str:
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:32]


def _read(name: str) -> Tensors | None:
    """Return the tensors of an entry; None where it is missing or damaged."""
    try:
        path = _find_folder() / name
        content = path.read_bytes()
        os.utime(path)  # marks the entry as used now
    except (OSError, GanzooError):
        return None
    body = memoryview(content)[:-DIGEST]
    if len(content) < DIGEST or hashlib.sha256(body).digest() != content[-DIGEST:]:
        return None
    try:
        return safetensors.torch.load(bytes(body))
    except SafetensorError:
        return None


def _write(name: str, tensors: Tensors) -> None:
    """Write an entry, unless it is larger than the cache; raise GanzooError where it cannot be written."""
    body = safetensors.torch.save(tensors)
    if len(body) > LIMIT:
        return
    folder = _find_folder()
    with write_errors_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / name, [body, hashlib.sha256(body).digest()])
    _make_room(folder)


def _make_room(folder: Path) -> None:
    """Remove the least recently used entries until the others fit into the limit."""
    entries = []
    for path in folder.iterdir():
        with suppress(OSError):  # another process may remove it at the same time
            stat = path.stat()
            entries.append((stat.st_mtime_ns, stat.st_size, path))
    total = 0
    for _, size, path in sorted(entries, reverse=True):
        total += size
        if total > LIMIT:
            with suppress(OSError):
                path.unlink()


def _find_folder() -> Path:
    return find_cache_folder() / FEATURES
