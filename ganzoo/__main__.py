"""The command ``ganzoo``, and ``python -m ganzoo``."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # as in `typing`, which takes long to import
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def main() -> NoReturn:
    """Import the command line and run it; Ctrl-C also ends the process without a traceback while it is imported."""
    before = signal.getsignal(signal.SIGINT)
    try:
        if before is signal.default_int_handler:  # a parent may have said that it is ignored (nohup)
            signal.signal(signal.SIGINT, _exit)
        from ganzoo import cli

        signal.signal(signal.SIGINT, before)
        cli.main()
    except KeyboardInterrupt:  # before the command line handles it, or after
        _exit()


def _exit(number: int = signal.SIGINT, frame: FrameType | None = None) -> NoReturn:
    os.write(2, b"ganzoo: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
