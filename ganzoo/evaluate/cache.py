"""What need not be computed twice: features of real samples, and weights of extractors that are trained on the data.

An entry is a file of tensors (safetensors, then its SHA-256) in the folder ``features`` of the cache, named after all
that it depends on. A damaged one counts as missing; those that were not used for longest make room for new ones.
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

from ganzoo.data.store import cache_folder
from ganzoo.errors import GanzooError
from ganzoo.plugin.files import write_atomic, write_errors_explained

LIMIT = 2 << 30  # bytes that all entries take together
DIGEST = 32  # bytes of a SHA-256

Tensors = dict[str, Tensor]


def load_or_compute(depends_on: Any, compute: Callable[[], Tensors], notify: Callable[[str], None]) -> Tensors:
    """Return tensors by name, on the CPU: from the cache, or else computed and kept there.

    Args:
        depends_on: JSON of all that they depend on.
        compute: Returns them, on the CPU or another device.
        notify: Gets a line where they could not be kept; they are returned all the same.
    """
    name = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:32]
    found = _read(name)
    if found is None:
        found = {key: tensor.detach().cpu().contiguous() for key, tensor in compute().items()}
        try:
            _write(name, found)
        except GanzooError as error:
            notify(f"{error}; the next measurement computes its features anew")
    return found


def _read(name: str) -> Tensors | None:
    """Return the tensors of an entry; None where there is none that is whole."""
    try:
        path = _find_folder() / name
        content = path.read_bytes()
        os.utime(path)  # it was used
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
    """Keep an entry, unless it is too large to be kept; raise GanzooError where the disk does not take it."""
    body = safetensors.torch.save(tensors)
    if len(body) > LIMIT:
        return
    folder = _find_folder()
    with write_errors_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / name, [body, hashlib.sha256(body).digest()])
    _make_room(folder)


def _make_room(folder: Path) -> None:
    """Remove the entries that were not used for longest, until the others keep the limit."""
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
    return cache_folder().parent / "features"
