"""The environment variables that ``torchrun`` sets for each process, read without torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Launch:
    """One of the processes that ``torchrun`` started together.

    Args:
        rank: The number of this process among all processes, from 0.
        size: The number of processes on all machines.
        local_rank: The number of this process among the processes on this machine.
        local_size: The number of processes on this machine.
        id: The identifier of the rendezvous; empty if the launcher does not restart processes.
        restarts: How often all processes were restarted.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    id: str = ""
    restarts: int = 0


def read_launch() -> Launch | None:
    """Return the launch of this process; None if it was not started by ``torchrun``."""
    given = os.environ
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= given.keys():
        return None
    return Launch(
        rank=int(given["RANK"]),
        size=int(given["WORLD_SIZE"]),
        local_rank=int(given.get("LOCAL_RANK", 0)),
        local_size=int(given.get("LOCAL_WORLD_SIZE", 1)),
        id=given.get("TORCHELASTIC_RUN_ID", ""),
        restarts=int(given.get("TORCHELASTIC_RESTART_COUNT", 0)),
    )


def make_mark(recipe: Mapping[str, Any]) -> str:
    """Return the text that identifies a run when ``torchrun`` restarts the command; empty if there are no restarts.

    Args:
        recipe: The recipe of the command, before its ``auto`` settings are resolved for the machine.
    """
    launch = read_launch()
    if launch is None or not launch.id:
        return ""
    return f"{launch.id} {hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()}"
