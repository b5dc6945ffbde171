"""Checks of exporters, with small untrained generators. The written files are removed afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo, Networks
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Trial, fatal_failures, require
from ganzoo.testing.examples import list_accepted, require_clear_refusals
from ganzoo.testing.guards import temporary_working_folder

LATENT_DIM = 8


def writes_the_files_that_it_names(trial: Trial) -> None:
    """It returns all the files that it wrote, each inside the directory, and one has the spec's suffix."""
    with fatal_failures():
        info = _find_accepted(trial)
    with temporary_working_folder() as folder:
        written = _export(trial, _make_generator(info), folder / "out")
        require(isinstance(written, list), f"It returned {type(written).__name__}, not a list of paths.")
        wrong = next((each for each in written if not isinstance(each, Path)), None)
        require(wrong is None, f"It returned {wrong!r}, which is not a Path.")
        there = {path.resolve() for path in folder.rglob("*") if path.is_file()}
        named = {path.resolve() for path in written}
        require(named, "It wrote nothing.")
        require(named <= there, f"It returned {_join_names(named - there, folder)}, which does not exist.")
        require(there <= named, f"It wrote {_join_names(there - named, folder)} and did not return it.")
        outside = {path for path in named if (folder / "out").resolve() not in path.parents}
        require(not outside, f"It wrote {_join_names(outside, folder)} outside the directory.")
        suffix = trial.spec.suffix
        fits = not suffix or any(path.name.endswith(suffix) for path in named)
        require(fits, f"None of its files ends in {suffix!r}: {_join_names(named, folder)}.")


def generator_unchanged(trial: Trial) -> None:
    """The generator gives the same samples before and after the export."""
    generator = _make_generator(_find_accepted(trial))
    before = generator.sample(4, seed=0)
    with temporary_working_folder() as folder:
        _export(trial, generator, folder / "out")
    require(np.array_equal(before, generator.sample(4, seed=0)), "Its samples differ afterwards.")
    require(not generator.network.training, "The generator is in train mode afterwards.")


def exports_or_declines(trial: Trial) -> None:
    """A generator of every kind of data is exported, or declined with a GanzooError of one sentence."""
    require_clear_refusals(trial, _make_attempt(trial))


# ----------------------------------------------------------------------------
# A generator to export.


class _LinearGenerator(nn.Module):
    """A generator of one linear layer."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self.shape = data.shape
        self.linear = nn.Linear(LATENT_DIM, int(np.prod(data.shape)))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.tanh(self.linear(z)).reshape(-1, *self.shape)


def _make_generator(data: DataInfo) -> Generator:
    return Generator(Networks(_LinearGenerator(data), nn.Identity(), LATENT_DIM), data, {"images": 0})


def _export(trial: Trial, generator: Generator, directory: Path) -> Any:
    directory.mkdir()
    return build_component(trial, generator.data)(generator, directory)


def _make_attempt(trial: Trial) -> Callable[[DataInfo], object]:
    def attempt(info: DataInfo) -> object:
        with temporary_working_folder() as folder:
            return _export(trial, _make_generator(info), folder / "out")

    return attempt


def _find_accepted(trial: Trial) -> DataInfo:
    return next(list_accepted(trial, _make_attempt(trial)))


def _join_names(paths: set[Path], folder: Path) -> str:
    inside = folder.resolve()
    return ", ".join(sorted(str(p.relative_to(inside)) if inside in p.parents else str(p) for p in paths))
