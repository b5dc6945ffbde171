"""What a finished package has beyond its weights: reference samples, a picture, a card, and D where it is asked for.

All of it is made by the generator as it is loaded back from the package, so a package that is complete is one that
loads and samples.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from ganzoo.compute.device import exact_products
from ganzoo.errors import UsageError
from ganzoo.package import package
from ganzoo.package.body import NOWHERE, Place
from ganzoo.package.card import card, decoded
from ganzoo.package.config import CARD, DISCRIMINATOR, FILES, MODEL, PICTURE, REFERENCE, TEXT, read, read_file
from ganzoo.package.generator import Generator
from ganzoo.plugin.files import explained
from ganzoo.registry import Registry
from ganzoo.samples import grid

SEED = 0  # of the picture and of the reference samples
NUM_REFERENCES = 8
LARGEST_REFERENCE = 1 << 20  # bytes of samples: fewer are kept where each is large


def complete(
    directory: Path,
    target: Path,
    registry: Registry,
    device: torch.device,
    discriminator: bool = True,
    license: str = "",
    place: Place = NOWHERE,
) -> None:
    """Write the package in `directory` to `target`, which may be the same place, with all that people see of it.

    Args:
        directory: A package, of which the weights are taken.
        target: Where to; a card that is there keeps what a person wrote into it. In another place than the run's the
            config says of paths on this machine no more than their last name.
        registry: Where its architecture is looked up.
        device: Where it is sampled.
        discriminator: Whether the discriminator goes along, where the package has one.
        license: Of the weights, by its identifier on the Hub; empty for what the card says already.
        place: Where the card will be read.

    Raises:
        GanzooError: As `ganzoo.package.package.load`, and where something cannot be written.
    """
    config = read(directory)
    generator = package.load(directory, registry, device)
    taken = (MODEL, DISCRIMINATOR) if discriminator else (MODEL,)
    files = {name: read_file(directory / name, config.files[name]) for name in taken if name in config.files}
    with exact_products():
        files[REFERENCE] = safetensors.torch.save(references(generator))
        files |= shown(generator)
    if target != directory:
        config = replace(config, recipe=without_places(config.recipe), json=without_places(config.json))
    before = next((folder / CARD for folder in (target, directory) if (folder / CARD).is_file()), None)
    written = card(config, registry, files, "" if before is None else decoded(before.read_bytes()), license, place)
    stated = {key: value for key, value in config.json.items() if key != "files"}
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    package.write_files(target, stated, files, written)


def references(generator: Generator) -> dict[str, Tensor]:
    """Return latents ``z [n, latent_dim]``, labels where it takes some, and the ``samples [n, *shape]`` they gave."""
    size = 4 * math.prod(generator.data.shape)
    num = max(1, min(NUM_REFERENCES, LARGEST_REFERENCE // size))
    z, labels = generator.latents(num, SEED), generator.some_labels(num)
    made = {"z": z, "samples": generator.replay(z, labels)}
    return made if labels is None else {**made, "labels": labels}


def shown(generator: Generator) -> dict[str, bytes]:
    """Return a grid of samples as a PNG, or their text; nothing where nobody says how to show them."""
    if generator.data.label_shape:
        return {}  # nobody can make up labels that are numbers
    num = grid.count(generator.data, generator.render, generator.write)
    columns = grid.columns_for(generator.data.num_classes)
    samples = generator.raw(grid.SIDE * columns if num == grid.NUM_SHOWN else num, seed=SEED)
    picture = generator.draw(samples, columns)
    if picture is not None:
        return {PICTURE: grid.encode(picture)}
    text = generator.text(samples)
    return {} if text is None else {TEXT: text.encode()}


def without_places(value: Any) -> Any:
    """Return JSON whose absolute paths are names alone: where somebody keeps data and plugins is nobody's business."""
    if isinstance(value, dict):
        return {key: without_places(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_places(each) for each in value]
    absolute = isinstance(value, str) and any(kind(value).is_absolute() for kind in (PurePosixPath, PureWindowsPath))
    return (PureWindowsPath(value).name or value) if absolute else value


def check_target(directory: Path) -> None:
    """Raise UsageError where a directory holds anything but a package: it would be replaced."""
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file: name a new directory")
    others = sorted(path.name for path in directory.iterdir() if path.name not in FILES) if directory.is_dir() else []
    if others:
        raise UsageError(f"{directory} holds {others[0]!r}, which is of no model package: name a new directory")
