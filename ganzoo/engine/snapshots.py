"""Snapshots of averaged generators, and averages of any profile that are made of them after the training.

A run with ``train.ema_profiles`` stores its averages at each checkpoint. Their sum with the factors of
`ganzoo.compute.profiles` is the average that another profile would have given (Karras et al. 2024, arXiv:2312.02696,
section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.profiles import Profile, find_coefficients, find_exponent
from ganzoo.engine import checkpoint
from ganzoo.engine.ema import EMA, name_averaged
from ganzoo.errors import UsageError
from ganzoo.package.config import DISCRIMINATOR, MODEL, REFERENCE, has_discriminator, read_config, read_file
from ganzoo.package.package import write_files
from ganzoo.package.plan import make_metadata
from ganzoo.package.tensors import pack
from ganzoo.plugin.files import write_errors_explained
from ganzoo.recipe.stored import load_json
from ganzoo.runs.run import CHECKPOINT, Run

FOLDER = "averages"  # of a run; each file is named like the checkpoint of its moment
BUFFERS = "buffers"  # the part of a snapshot that is not averaged: BatchNorm's numbers of batches, for example


def select_snapshot(ema: EMA, copies: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a snapshot: what is averaged as ``WIDTH/NAME``, and the averaged generator's other buffers.

    Args:
        ema: The averages of a GAN.
        copies: The copied state of the GAN, as a checkpoint stores it.
    """
    averaged = name_averaged(ema.network)
    others = ema.network.state_dict().keys() - set(averaged)
    chosen = {f"{width:g}/{name}": copies[f"profile.{width:g}/{name}"] for width in ema.profiles for name in averaged}
    return chosen | {f"{BUFFERS}/{name}": copies[f"ema/{name}"] for name in others}


def write_snapshot(run: Run, images: int, tensors: Mapping[str, Tensor]) -> None:
    """Write the snapshot after so many images into the run's directory."""
    path = run.path / FOLDER / run.get_checkpoint_path(images).name
    with write_errors_explained(path):
        path.parent.mkdir(exist_ok=True)
    checkpoint.save(path, tensors, {"images": images})


def list_snapshots(run: Run) -> list[Path]:
    """Return the paths of a run's snapshots, oldest first."""
    return sorted(path for path in (run.path / FOLDER).glob("*.ckpt") if CHECKPOINT.fullmatch(path.name))


def write_averaged_package(run: Run, width: float, directory: Path) -> None:
    """Write a package of a run whose generator is the average of another width, up to the run's last snapshot.

    Args:
        run: The run, which has snapshots.
        width: The width of the average, sigma_rel.
        directory: The directory of the package, which does not exist yet.

    Raises:
        UsageError: The run has no snapshots, or the width is out of range.
        Corrupt: A file is damaged.
    """
    weights, images = average(run, width)
    config = read_config(run.package)
    changed = {key: value for key, value in config.json.items() if key != "files"}
    changed |= {"images": images, "metrics": [], "profile": width}
    files = {MODEL: pack(weights, make_metadata(changed))}
    if has_discriminator(run.package, config) and config.images == images:  # D of the same moment
        files[DISCRIMINATOR] = read_file(run.package / DISCRIMINATOR, config.files[DISCRIMINATOR])
    if REFERENCE in config.files and config.data.label_shape:  # real labels, which nobody can invent
        files[REFERENCE] = read_file(run.package / REFERENCE, config.files[REFERENCE])
    write_files(directory, changed, files)


def _explain_absence(run: Run) -> str:
    """Say why a run has no snapshots, and what to do."""
    train: Mapping[str, Any] = load_json(run.recipe_file)["train"] if run.recipe_file.is_file() else {}
    if not train.get("ema_profiles"):
        return (
            "train with train.ema_profiles=0.05,0.1, which stores them at each checkpoint that train.checkpoint_every "
            "asks for"
        )
    first = f"the first is stored after {min(train['checkpoint_every'], run.length):,} images"
    if run.active:
        return f"{first}, and it is being trained: wait"
    if run.images < run.length:
        return f"{first}, and it stopped after {run.images:,}: `ganzoo train --resume {run.path}` goes on"
    return f"those in {run.path / FOLDER} were removed: train it again"


def average(run: Run, width: float) -> tuple[dict[str, Tensor], int]:
    """Return the weights of a run's generator, averaged with the profile of a width, and the images seen at its end."""
    try:
        exponent = find_exponent(width)
    except ValueError as error:
        raise UsageError(f"--profile {width:g}: {error}") from None
    found = list_snapshots(run)
    if not found:
        raise UsageError(f"{run.path} has no snapshots to make an average of: {_explain_absence(run)}")
    train: Mapping[str, Any] = load_json(run.recipe_file)["train"]
    widths = train["ema_profiles"]
    each_round = train["batch"] * train["d_steps"]
    counts = [int(path.stem) // each_round * train["g_steps"] for path in found]
    stored = [Profile(count, find_exponent(each)) for count in counts for each in widths]
    factors = iter(find_coefficients(stored, Profile(counts[-1], exponent)))
    sums: dict[str, Tensor] = {}
    for path in found:
        tensors, _ = checkpoint.load(path)
        for each in widths:
            factor, prefix = next(factors), f"{each:g}/"
            for key in (key for key in tensors if key.startswith(prefix)):
                name = key.removeprefix(prefix)
                sums[name] = sums.get(name, torch.zeros((), dtype=torch.float64)) + factor * tensors[key].double()
    weights = {name: total.to(tensors[f"{widths[0]:g}/{name}"].dtype).contiguous() for name, total in sums.items()}
    buffers = {key: tensor for key, tensor in tensors.items() if key.startswith(f"{BUFFERS}/")}
    return weights | {key.removeprefix(f"{BUFFERS}/"): tensor for key, tensor in buffers.items()}, int(found[-1].stem)
