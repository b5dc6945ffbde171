"""Checks of exporters: formats in which a generator is written for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from ganzoo.errors import GanzooError
from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo, Networks
from ganzoo.testing.building import built
from ganzoo.testing.checks import Broken, Trial, Unseen, require, usable
from ganzoo.testing.examples import hold_to_declining
from ganzoo.testing.probes import SmallDiscriminator, SmallGenerator

CONFIG = {"format": 1, "latent": {"dim": 4, "kind": "normal"}}


def writes_what_it_names(trial: Trial) -> None:
    """It returns the files that it wrote, all in the folder that it was given and one with the spec's suffix."""
    for info, generator in _taken(trial):
        with TemporaryDirectory() as folder, usable():
            files = _written(trial, info, generator, Path(folder))
            require(files, "It returned no files.")
            there = {path for path in Path(folder).rglob("*") if path.is_file()}
            require(
                set(files) <= there, f"It named {sorted(map(str, set(files) - there))[:1]}, which it did not write."
            )
            require(
                there <= set(files), f"It wrote {sorted(p.name for p in there - set(files))[:1]} and did not say so."
            )
            suffix = trial.spec.suffix
            fits = not suffix or any(path.name.endswith(suffix) for path in files)
            require(fits, f"None of {', '.join(path.name for path in files)} ends in {suffix!r}.")


def generator_left_alone(trial: Trial) -> None:
    """It leaves the generator as it was: its weights, and its modules in eval mode."""
    for info, generator in _taken(trial):
        before = {name: tensor.clone() for name, tensor in generator.network.state_dict().items()}
        with TemporaryDirectory() as folder:
            _written(trial, info, generator, Path(folder))
        after = generator.network.state_dict()
        changed = [name for name, tensor in before.items() if name not in after or not torch.equal(tensor, after[name])]
        require(not changed, f"It changed {', '.join(changed[:3])}.")
        training = [name for name, module in generator.network.named_modules() if module.training]
        require(not training, f"It left {', '.join(training[:3]) or 'modules'} in train mode.")


def declines_what_it_cannot_hold(trial: Trial) -> None:
    """A generator that the format cannot hold is declined by a GanzooError of one sentence."""

    def attempt(info: DataInfo) -> None:
        with TemporaryDirectory() as folder:
            _written(trial, info, _small_generator(info), Path(folder))

    hold_to_declining(trial, attempt)


def _small_generator(info: DataInfo) -> Generator:
    """Return a generator of that data as `ganzoo.load` returns it, with weights that are always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        pair: tuple[nn.Module, nn.Module] = SmallGenerator(info), SmallDiscriminator(info)
    return Generator(Networks(*pair, latent_dim=4), info, CONFIG)


def _taken(trial: Trial) -> Iterator[tuple[DataInfo, Generator]]:
    """Yield the first kind of data that it does not decline.

    Raises:
        Unseen: It declines all of them.
    """
    said = ""
    for info in trial.kinds:
        generator = _small_generator(info)
        try:
            with TemporaryDirectory() as folder:
                _written(trial, info, generator, Path(folder))
        except GanzooError as error:
            said = said or str(error)
        else:
            yield info, _small_generator(info)
            return
    raise Unseen(f"it declines all that the kit has: {said}")


def _written(trial: Trial, info: DataInfo, generator: Generator, folder: Path) -> list[Path]:
    files: Any = built(trial, info)(generator, folder)
    fits = isinstance(files, list) and all(isinstance(path, Path) for path in files)
    if not fits:
        raise Broken(f"It returned {files!r}, not a list of paths.")
    return files  # type: ignore[no-any-return]
