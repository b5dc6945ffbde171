"""The settings of the recipe `ctgan`, by the data."""

from __future__ import annotations

from typing import Any

from ganzoo.plugin import DataInfo

BATCH, PACK = 500, 10
EPOCHS = 300
UNKNOWN = 50_000  # rows, of data that do not say how many they have


def choose_settings(data: DataInfo, device: str) -> dict[str, Any]:
    """Return the paper's settings: 300 epochs, and conditions if the table has columns of categories."""
    rows = max(data.num_items or UNKNOWN, BATCH)
    return {
        "arch": "ctgan",
        "arch.pack": PACK,
        "loss": "wgan",
        "reg": "wgan-gp",
        "reg.wgan-gp.weight": 10.0,
        **{f"optim.{network}.lr": 2e-4 for network in "gd"},
        **{f"optim.{network}.betas": (0.5, 0.9) for network in "gd"},
        "optim.g.weight_decay": 1e-6,
        "train.batch": BATCH,
        "train.images": rows // BATCH * BATCH * EPOCHS,
        "train.conditional": data.num_classes > 0,
        "train.ema_half_life": 0,
        "train.precision": "fp32",
        "train.grid_every": rows // BATCH * BATCH * EPOCHS // 10,
        "train.checkpoint_every": rows // BATCH * BATCH * EPOCHS // 10,
    }
