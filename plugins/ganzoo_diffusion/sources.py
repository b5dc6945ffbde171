"""Trained denoisers of ganzoo: where they are, what their networks are, and their weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

import ganzoo
from ganzoo.plugin import DataInfo, GanzooError, NotFound, UsageError
from ganzoo_diffusion.options import OneStepOptions

KEY = "arch.denoiser"
OWN, DIFFUSERS = "one-step", "one-step-diffusers"
STRUCTURE = ("width", "multipliers", "blocks", "sigma_data", "sigma_max")  # options that the weights belong to


def settle_own(options: OneStepOptions) -> OneStepOptions:
    """Return options with the absolute path of the denoiser, and with its networks in place of the defaults.

    Raises:
        NotFound: There is no such run or package.
        UsageError: It is something else than a model of `one-step`, or an option differs from its networks.
    """
    if not options.denoiser:
        return options
    path = find_own(options.denoiser)
    stored = load_own(path).config["recipe"]["arch"]["options"]
    default = OneStepOptions()
    found: dict[str, Any] = {}
    for name in STRUCTURE:
        found[name] = tuple(stored[name]) if isinstance(stored[name], list) else stored[name]
        given = getattr(options, name)
        if given not in (getattr(default, name), found[name]):
            raise UsageError(f"arch.{name}={given} is not that of {KEY}={options.denoiser}: remove arch.{name}")
    return replace(options, denoiser=str(path), **found)


def find_own(name: str) -> Path:
    """Return the absolute path of a run or of a package; nothing is downloaded."""
    path = Path(name).expanduser()
    if path.is_dir():
        if any((path / file).exists() for file in ("model_index.json", "unet", "scheduler_config.json")):
            raise UsageError(f"{KEY}={name} is a folder of diffusers: use --arch {DIFFUSERS}")
        return path.resolve()
    try:
        return ganzoo.find_run(name).path.resolve()
    except GanzooError:
        raise NotFound(
            f"{KEY}: {name!r} is neither a run nor a folder: give a run of --arch {OWN} --reg denoising, or download a "
            "model first with `ganzoo pull`"
        ) from None


def load_own(path: Path) -> Any:
    """Return a trained model of `one-step`, as `ganzoo.load` does; raise UsageError where it is something else."""
    model = ganzoo.load(path, device="cpu")
    if model.config["recipe"]["arch"]["name"].rpartition(":")[2] != OWN:
        raise UsageError(f"{KEY}={path} is not a model of --arch {OWN}: give a run that --reg denoising trained")
    return model


def load_own_weights(name: str, data: DataInfo, denoiser: nn.Module) -> None:
    """Give a denoiser the weights of a trained one.

    Args:
        name: The run or the package.
        data: The data of the samples.
        denoiser: The denoiser, with the same options.

    Raises:
        NotFound: There is no such run or package.
        UsageError: It was trained on images of another size, or on other classes, or its networks are others.
    """
    model = load_own(find_own(name))
    check_data(name, model.data.shape, model.data.num_classes, data)
    try:
        denoiser.load_state_dict(model.network.denoiser.state_dict())
    except RuntimeError:
        changed = " ".join(f"arch.{key}=..." for key in STRUCTURE)
        raise UsageError(f"{KEY}={name} has other networks: give its {changed}") from None


def check_data(name: str, shape: tuple[int, ...], num_classes: int, data: DataInfo) -> None:
    """Raise UsageError if a denoiser of samples of this shape and of these classes cannot make those of a run."""
    if tuple(shape) != data.shape:
        (channels, height, width), (wanted, *sides) = shape, data.shape
        if channels != wanted:
            raise UsageError(
                f"{KEY}={name} makes images of {channels} channels, and those of the dataset have {wanted}: give "
                "another denoiser or dataset"
            )
        resize = f"add dataset.size={height}" if height == width else "resize the images"
        raise UsageError(
            f"{KEY}={name} makes images of {width}x{height} pixels, and those of the dataset are "
            f"{sides[1]}x{sides[0]}: {resize}"
        )
    if num_classes != data.num_classes:
        way = "add --conditional and a dataset with as many" if num_classes else "remove --conditional"
        raise UsageError(f"{KEY}={name} has {num_classes} classes, and the run has {data.num_classes}: {way}")
