"""File modes that bind a test even where it runs as root."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

CAPABILITIES_V3 = 0x20080522  # of capset(2)
IGNORE_MODES = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, which let root pass any file mode


@contextlib.contextmanager
def bound_by_modes() -> Iterator[None]:
    """Obey file modes inside the block, as every user but root does; root can still read its own files."""
    if os.geteuid() != 0:
        yield
        return
    header, before, now = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0), (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, before) == 0
    now[:] = before[:]
    now[0] &= ~IGNORE_MODES  # the effective ones; they stay permitted, so that they can be taken back
    assert libc.capset(header, now) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0
