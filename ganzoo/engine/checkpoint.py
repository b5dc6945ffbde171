"""Checkpoints, which are written completely or not at all, and verified when they are read.

A file is a safetensors body followed by the body's SHA-256. It contains the whole state of the training: random numbers
depend on the images seen alone (`ganzoo.compute.streams`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from ganzoo.errors import Corrupt, GanzooError
from ganzoo.plugin.files import write_atomic

FORMAT = 1
DIGEST = hashlib.sha256().digest_size


def save(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically.

    Args:
        path: The path of the file. After a crash at any moment it holds its old content or the complete new file.
        tensors: The tensors by name, as `ganzoo.package.tensors.snapshot` returns them.
        meta: Further values, which can be stored as JSON.
    """
    body = safetensors.torch.save(dict(tensors), {"ganzoo": json.dumps({"format": FORMAT, **meta})})
    write_atomic(path, [body, hashlib.sha256(body).digest()])


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint; return its tensors, on the CPU, and its meta.

    Raises:
        Corrupt: The file's bytes differ from the bytes that were written, or it is not a checkpoint.
        GanzooError: A newer ganzoo wrote the file, or it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GanzooError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    body, digest = content[:-DIGEST], content[-DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        raise Corrupt(f"checkpoint {path} is damaged: its bytes differ from what was saved")
    try:
        tensors = safetensors.torch.load(body)
        length = int.from_bytes(body[:8], "little")
        meta = json.loads(json.loads(body[8 : 8 + length])["__metadata__"]["ganzoo"])
    except (SafetensorError, ValueError, KeyError) as error:
        raise Corrupt(f"{path} is not a checkpoint of ganzoo: {error}") from error
    if meta["format"] > FORMAT:
        raise GanzooError(f"checkpoint {path} was written by a newer ganzoo: python -m pip install -U ganzoo")
    return tensors, meta
