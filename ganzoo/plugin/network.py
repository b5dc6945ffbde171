"""Whether the network may be used: not with ``--offline``, and not with ``HF_HUB_OFFLINE=1`` in the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

VARIABLE = "HF_HUB_OFFLINE"  # of the Hub's own client
_OFFLINE = ContextVar("offline", default=False)


def is_offline() -> bool:
    """Whether nothing may be downloaded, because the user said ``--offline`` or set ``HF_HUB_OFFLINE=1``.

    A component that downloads files asks this first. Then it uses the files that are there, or raises a `NotFound`.
    """
    return _OFFLINE.get() or os.environ.get(VARIABLE, "").upper() in ("1", "ON", "YES", "TRUE")


@contextmanager
def without_network(offline: bool) -> Iterator[None]:
    """A context in which `is_offline` returns True, if the user asked for it."""
    token = _OFFLINE.set(_OFFLINE.get() or offline)
    try:
        yield
    finally:
        _OFFLINE.reset(token)
