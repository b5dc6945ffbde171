"""The data that the recipe `fastgan-fewshot` suits."""

from __future__ import annotations

from ganzoo.plugin import DataInfo

FEW = 1000  # images; with more, other networks come further
SIDES = (256, 512, 1024)


def explain_suitability(data: DataInfo, device: str) -> str:
    """Return why the recipe suits data on a device; empty if it does not: without a GPU it would take days."""
    few = data.num_items is not None and data.num_items < FEW
    if device != "cuda" or not few or data.modality != "image" or data.shape[1:] not in [(s, s) for s in SIDES]:
        return ""
    return f"it is made for so few images as these {data.num_items:,}"
