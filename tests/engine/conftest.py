"""A whole toy GAN, assembled from settings as a run would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from devices import CPU
from ganzoo.compute.streams import Streams
from ganzoo.data.opening import open_source
from ganzoo.engine import execution
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan
from ganzoo.engine.setup import draft, settle
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from imitated_graphs import Device, imitate

Make = Callable[..., tuple[Gan, Batches]]


@pytest.fixture
def make(toys: object, tmp_path: Any) -> Make:
    """Return ``make(KEY=VALUE as a mapping, device) -> (gan, batches)``."""

    def assemble_toy(settings: dict[str, Any] | None = None, device: torch.device = CPU) -> tuple[Gan, Batches]:
        pairs = {"arch": "toy", "dataset": "toy-array", **(settings or {})}
        recipe = resolve(registry(), pairs=pairs)
        source = open_source(recipe.dataset.build(), name="toy", key="toy", notify=print, cache=tmp_path)
        gan = assemble(settle(recipe, draft(recipe, source.info), device), source.info, device)
        execution.install(gan, pytest.fail)
        return gan, Batches(source, Streams(recipe.train.seed, device), gan)

    return assemble_toy


@pytest.fixture
def imitated_graphs(monkeypatch: pytest.MonkeyPatch) -> Device:
    """Make captures of CUDA graphs possible on the CPU."""
    return imitate(lambda owner, name, value: monkeypatch.setattr(owner, name, value, raising=False))
