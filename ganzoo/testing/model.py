"""Checks of models, the weights that come with a plugin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ganzoo.errors import GanzooError
from ganzoo.package import package
from ganzoo.package.config import CONFIG, MODEL
from ganzoo.plugin import Model
from ganzoo.registry import registry
from ganzoo.runs.where import locate_folder
from ganzoo.testing.checks import Failure, Trial, as_sentence, require


def package_is_included(trial: Trial) -> None:
    """The plugin's data includes the model package that the spec's path names."""
    folder = _find_folder(trial)
    for name in (CONFIG, MODEL):
        require((folder / name).is_file(), f"{trial.spec.path} has no {name}: declare it as package data.")


def samples_as_loaded(trial: Trial) -> None:
    """The package loads and samples: its weights fit the architecture that it names."""
    try:
        generator = package.load(_find_folder(trial), registry(), torch.device("cpu"))
        inputs = generator.make_labels(4) if generator.data.label_shape else None
        made = generator.sample(4, seed=0) if inputs is None else generator.sample_from_labels(inputs, 0).numpy()
    except GanzooError as error:
        raise Failure(as_sentence(error)) from error
    require(len(made) == 4, f"Asked for 4 samples, it made {list(made.shape)}.")
    require(made.dtype == np.uint8 or bool(np.isfinite(made).all()), "Its samples are not finite.")


def _find_folder(trial: Trial) -> Path:
    assert isinstance(trial.spec, Model)
    try:
        return locate_folder(trial.spec)
    except GanzooError as error:
        raise Failure(as_sentence(error)) from error
