"""What ``torchrun`` tells each process that it starts, read without torch."""

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
        rank: Its number among all.
        size: How many there are, on all machines.
        local_rank: Its number on this machine.
        local_size: How many there are on this machine.
        id: Of the rendezvous; empty where the launcher restarts nothing.
        restarts: How often all of them were started anew since the first time.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    id: str = ""
    restarts: int = 0


def read_launch() -> Launch | None:
    """Return how this process was launched; None where nobody launched several."""
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
    """Return what a run that this command starts is known by when ``torchrun`` starts the command anew; empty if never.

    Args:
        recipe: As the command means it, before anything of it depends on the machine.
    """
    launch = read_launch()
    if launch is None or not launch.id:
        return ""
    return f"{launch.id} {hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()}"
