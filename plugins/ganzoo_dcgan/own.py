"""The recipe `first-look`, for one's own pictures: its settings, and which data it suits."""

from __future__ import annotations

from typing import Any

from ganzoo.plugin import DataInfo

SIZES = (16, 32, 64, 128, 256)
FEW, LARGE = 1000, 256  # a GPU trains larger networks on more pictures, and others on larger ones
MANY = 10_000  # pictures from which D needs no augmentation for so short a training


def choose_settings(data: DataInfo, device: str) -> dict[str, Any]:
    """Return the settings for pictures: with classes where there are some, augmented where there are few pictures."""
    few = data.num_items is not None and data.num_items < MANY
    return {
        "arch": "dcgan",
        **({} if device == "cpu" else {"arch.width": 64}),
        "loss": "bce",
        **({"aug": "diffaugment"} if few else {}),
        **({"train.conditional": True} if data.num_classes > 1 else {}),
    }


def explain_suitability(data: DataInfo, device: str) -> str:
    """Return why the recipe suits data on a device; empty if it does not, or if a GPU allows a better training."""
    channels, *sides = data.shape
    if data.modality != "image" or channels not in (1, 3) or len(set(sides)) > 1 or sides[0] not in SIZES:
        return ""
    num = data.num_items or MANY
    few = f"{num:,} images are so few that D needs an augmentation"
    if device == "cpu":
        return "its networks are small enough for a machine without a GPU" + (f", and {few}" if num < MANY else "")
    return few if num < FEW and sides[0] < LARGE else ""
