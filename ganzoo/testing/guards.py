"""Contexts in which checks run a component: without a network, on a full disk; and records of copies and draws."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo.testing.checks import NotChecked

CACHES = ("GANZOO_CACHE", "XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME")


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Run the block without a network: names do not resolve, and no connection can be made."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    with contextlib.ExitStack() as stack:
        for name in ("connect", "connect_ex", "sendto"):
            stack.enter_context(mock.patch.object(socket.socket, name, refuse))
        for name in ("getaddrinfo", "gethostbyname"):
            stack.enter_context(mock.patch.object(socket, name, refuse))
        yield


@contextlib.contextmanager
def empty_caches() -> Iterator[None]:
    """Run the block with empty caches."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {name: folder for name in CACHES}):
        yield


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Run the block on a full disk: every write to a file raises OSError."""
    try:
        import resource
    except ImportError:
        raise NotChecked("this system cannot limit what a process writes") from None
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def temporary_working_folder() -> Iterator[Path]:
    """Run the block in a temporary working folder, so that the files that a component writes are removed."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


class CopyRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the copies from one device to another that happen inside its context.

    Attributes:
        found: A line for each copy.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default and args[0].device != result.device:
            self.found.append(f"{list(result.shape)} from {args[0].device} to {result.device}")
        return result


def copy_generator_states() -> dict[str, bytes]:
    """Return copies of the states of the process's global random generators, by names that authors know."""
    return {
        "Python's random": repr(random.getstate()).encode(),
        "NumPy's global generator": repr(np.random.get_state()).encode() + np.random.get_state()[1].tobytes(),  # type: ignore
        "torch's default generator": torch.default_generator.get_state().numpy().tobytes(),
    }


def list_moved_generators(before: dict[str, bytes]) -> list[str]:
    """Return the names of the generators whose states changed since `copy_generator_states` returned `before`."""
    return [name for name, state in copy_generator_states().items() if state != before[name]]


def find_message_defect(error: BaseException) -> str:
    """Return why an error's text is not one sentence for a user; empty if it is."""
    text = str(error).strip()
    if not text:
        return "its text is empty"
    if "\n" in text or len(text) > 500:
        return f"its text is not one sentence: {' '.join(text.split())[:80]!r} ..."
    return ""
