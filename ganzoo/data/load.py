"""Opening the dataset that a recipe names, on the device where it fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import torch

from ganzoo.data.source import ArraySource, EndlessSource, open_source
from ganzoo.plugin import options
from ganzoo.recipe.recipe import Choice

SHARE_OF_DEVICE = 0.25  # of a CUDA device's free memory that the data may take


def load_source(dataset: Choice, device: torch.device, notify: Callable[[str], None]) -> ArraySource | EndlessSource:
    """Open a recipe's dataset; where it takes little of a CUDA device's free memory it is held there."""
    stored = json.dumps(options.to_json(dataset.options), sort_keys=True)
    stored = f"{dataset.component.qualified} {dataset.spec.version} {stored}"
    key = f"{dataset.name}-{hashlib.sha256(stored.encode()).hexdigest()[:16]}"
    source = open_source(dataset.build(), name=dataset.name, key=key, notify=notify)
    if isinstance(source, ArraySource) and device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if source.data.nbytes < SHARE_OF_DEVICE * free:
            labels = None if source.labels is None else source.labels.to(device)
            return replace(source, data=source.data.to(device), labels=labels)
    return source
