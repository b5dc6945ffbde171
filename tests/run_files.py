"""Runs without a training: the files that a training would have written."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.runs.run import Run

SURE = {
    "auc": 0.999,
    "loss_d": 0.001,
    "loss_g": 9.0,
    "real": 9.0,
    "fake": -9.0,
}  # D is too strong


def write_run(
    folder: Path,
    rows: Iterable[Mapping[str, Any]] = (),
    frames: Mapping[int, int] | None = None,
    log: str = "",
    **settings: Any,
) -> Run:
    """Write the files of a run, and return it.

    Args:
        folder: The directory of the run.
        rows: The rows of its statistics.
        frames: The grey value of each grid, by images seen.
        log: The text of its log.
        settings: Settings of an mlp with bce, by key.
    """
    recipe = resolve(registry(), flags={"arch": "mlp", "loss": "bce"}, pairs={"train.images": 100_000, **settings})
    folder.mkdir(parents=True)
    run = Run(folder)
    run.write_recipe(recipe.to_json(), recipe.origins)
    run.stats_file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (folder / "log.txt").write_text(log)
    (folder / "reals.png").write_bytes(make_picture(128))
    for images, grey in (frames or {}).items():
        run.get_grid_path(images).write_bytes(make_picture(grey))
    return run


def make_picture(grey: int, side: int = 64) -> bytes:
    """Return a PNG of one grey value."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), grey).save(buffer, "PNG")
    return buffer.getvalue()


def make_ticks(num: int = 100, **values: float) -> list[dict[str, float]]:
    """Return rows of ticks, with losses that go up and down, and other values on request."""
    return [
        {
            "images": 1_000 * tick, "seconds": 2.0 * tick, "images_per_second": 500.0, "waiting": 0.1,
            "loss_d": 1 + math.sin(tick / 9), "loss_g": 2 - tick / num, "memory": 600 << 20, **values,
        }
        for tick in range(1, num + 1)
    ]  # fmt: skip
