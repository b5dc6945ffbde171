"""The settings of the recipes, by the data."""

from __future__ import annotations

from typing import Any

from ganzoo.plugin import DataInfo

BATCH, PACK = 500, 10
EPOCHS = 300
UNKNOWN = 50_000  # rows, of data that do not say how many they have
SHORT = 3_000_000  # rows that the short training sees


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


def choose_short_settings(data: DataInfo, device: str) -> dict[str, Any]:
    """Return those of a short training: as the paper's, but D judges single rows and drops no unit, G is averaged.

    Rates are five times as high at first and fall along a cosine.
    """
    return {
        **choose_settings(data, device),
        **{f"optim.{network}.lr": f"cosine(1e-3, 1e-5, images={SHORT})" for network in "gd"},
        "arch.pack": 1,
        "arch.dropout": 0.0,
        "train.images": SHORT,
        "train.ema_half_life": 100_000,
        "train.grid_every": SHORT // 10,
        "train.checkpoint_every": SHORT // 10,
    }
