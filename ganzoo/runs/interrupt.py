"""Requests to stop by SIGINT, SIGTERM or SIGHUP, which the training loop handles between two updates."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopRequest:
    """A request to stop, which is true after the first signal arrived.

    Attributes:
        requested: Whether the training should stop. Who asks for it without a signal sets this to True.
    """

    def __init__(self) -> None:
        self.requested = False

    def __bool__(self) -> bool:
        return self.requested

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:  # the second signal does not wait for the end of the update
            raise KeyboardInterrupt
        self.requested = True


@contextlib.contextmanager
def stop_on_signals(request: StopRequest | None = None) -> Iterator[StopRequest]:
    """A context in which a signal sets the request instead of ending the process. A second signal interrupts at once.

    Only the main thread can handle signals; in other threads they do not change the request. A signal that was ignored
    before (``nohup``) is still ignored.

    Args:
        request: The request that signals set; by default a new one.
    """
    request = StopRequest() if request is None else request
    names = ("SIGINT", "SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, request._handle)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
