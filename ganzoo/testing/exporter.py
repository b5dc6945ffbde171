"""Checks of exporters, with small generators that were never trained. What is written is removed afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo, Networks
from ganzoo.testing.building import built
from ganzoo.testing.checks import Trial, require, usable
from ganzoo.testing.examples import accepted, hold_to_declining
from ganzoo.testing.guards import own_folder

LATENT_DIM = 8


def writes_the_files_that_it_names(trial: Trial) -> None:
    """It returns the files that it wrote, all of them and each inside the directory; one of them has its suffix."""
    with usable():
        info = _taken(trial)
    with own_folder() as folder:
        written = _exported(trial, _generator(info), folder / "out")
        require(isinstance(written, list), f"It returned {type(written).__name__}, not a list of paths.")
        wrong = next((each for each in written if not isinstance(each, Path)), None)
        require(wrong is None, f"It returned {wrong!r} among the files, which is not a Path.")
        there = {path.resolve() for path in folder.rglob("*") if path.is_file()}
        named = {path.resolve() for path in written}
        require(named, "It wrote nothing.")
        require(named <= there, f"It names {_names(named - there, folder)}, which is not there.")
        require(there <= named, f"It wrote {_names(there - named, folder)} and does not name it.")
        outside = {path for path in named if (folder / "out").resolve() not in path.parents}
        require(not outside, f"It wrote {_names(outside, folder)} outside the directory.")
        suffix = trial.spec.suffix
        fits = not suffix or any(path.name.endswith(suffix) for path in named)
        require(fits, f"None of its files ends in {suffix!r}: {_names(named, folder)}.")


def leaves_the_generator_alone(trial: Trial) -> None:
    """The generator gives the same samples before and after: whoever exports it goes on with it."""
    generator = _generator(_taken(trial))
    before = generator.sample(4, seed=0)
    with own_folder() as folder:
        _exported(trial, generator, folder / "out")
    require(np.array_equal(before, generator.sample(4, seed=0)), "Its samples are others afterwards.")
    require(not generator.network.training, "It is in train mode afterwards.")


def exports_or_declines(trial: Trial) -> None:
    """A generator of every kind of data is written, or declined by a GanzooError of one sentence."""
    hold_to_declining(trial, _attempt(trial))


# ----------------------------------------------------------------------------
# A generator to export.


class _Plain(nn.Module):
    """Linear, and no larger than it must be."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self.shape = data.shape
        self.linear = nn.Linear(LATENT_DIM, int(np.prod(data.shape)))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.tanh(self.linear(z)).reshape(-1, *self.shape)


def _generator(data: DataInfo) -> Generator:
    return Generator(Networks(_Plain(data), nn.Identity(), LATENT_DIM), data, {"images": 0})


def _exported(trial: Trial, generator: Generator, directory: Path) -> Any:
    directory.mkdir()
    return built(trial, generator.data)(generator, directory)


def _attempt(trial: Trial) -> Callable[[DataInfo], object]:
    def attempt(info: DataInfo) -> object:
        with own_folder() as folder:
            return _exported(trial, _generator(info), folder / "out")

    return attempt


def _taken(trial: Trial) -> DataInfo:
    return next(accepted(trial, _attempt(trial)))


def _names(paths: set[Path], folder: Path) -> str:
    inside = folder.resolve()
    return ", ".join(sorted(str(p.relative_to(inside)) if inside in p.parents else str(p) for p in paths))
