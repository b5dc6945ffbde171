"""What a finished package has beyond its weights: reference samples, a picture, a card, and D where it is asked for.

All of it is made by the generator as it is loaded back from the package, so a package that is complete is one that
loads and samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from ganzoo.compute.device import float32_products
from ganzoo.errors import UsageError
from ganzoo.package import package
from ganzoo.package import plan as planning
from ganzoo.package.body import UNPUBLISHED, Address
from ganzoo.package.card import decode_card, make_card
from ganzoo.package.config import (
    CARD,
    DISCRIMINATOR,
    FILES,
    MODEL,
    PICTURE,
    REFERENCE,
    SOUND,
    TEXT,
    WITHOUT_D,
    has_discriminator,
    read_config,
    read_file,
)
from ganzoo.package.generator import Generator
from ganzoo.package.references import make_references, read_labels
from ganzoo.plugin.files import write_errors_explained
from ganzoo.registry import Registry
from ganzoo.samples import grid
from ganzoo.samples.show import count_shown, select_kept_files

SEED = 0  # of what is shown
SHOWN = {".png": PICTURE, ".txt": TEXT, ".wav": SOUND}  # by suffix, what a package keeps of what is shown


def complete_package(
    directory: Path,
    target: Path,
    registry: Registry,
    device: torch.device,
    discriminator: bool = True,
    license: str = "",
    address: Address = UNPUBLISHED,
    notify: Callable[[str], None] = lambda line: None,
) -> None:
    """Write the package in `directory` to `target`, which may be the same directory, with all that people see of it.

    Args:
        directory: A package, of which the weights are taken.
        target: Where to; a card that is there keeps what a person wrote into it. In another directory the
            config says of paths on this machine no more than their last name.
        registry: Where its architecture is looked up.
        device: Where it is sampled.
        discriminator: Whether the discriminator goes along, where it is in the directory.
        license: Of the weights, by its identifier on the Hub; empty for what the card says already.
        address: The address on the Hub at which the card is read; `UNPUBLISHED` for a local directory.
        notify: Gets a line where the discriminator should go along and is not there.

    Raises:
        GanzooError: As `ganzoo.package.package.load`, and where something cannot be written.
    """
    config = read_config(directory)
    generator = package.load(directory, registry, device)
    files = {MODEL: read_file(directory / MODEL, config.files[MODEL])}
    if discriminator and has_discriminator(directory, config):
        files[DISCRIMINATOR] = read_file(directory / DISCRIMINATOR, config.files[DISCRIMINATOR])
    elif discriminator and DISCRIMINATOR in config.files:
        notify(f"going on without the discriminator, which {WITHOUT_D}")
    labels = read_labels(directory, config)
    with float32_products():
        files[REFERENCE] = safetensors.torch.save(make_references(generator, labels))
        files |= make_shown_files(generator, labels)
    if target != directory:
        recipe = planning.shorten_paths(config.recipe)
        config = replace(config, recipe=recipe, json={**config.json, "recipe": recipe})
    before = next((folder / CARD for folder in (target, directory) if (folder / CARD).is_file()), None)
    written = make_card(
        config, registry, files, "" if before is None else decode_card(before.read_bytes()), license, address
    )
    stated = {key: value for key, value in config.json.items() if key != "files"}
    with write_errors_explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    package.write_files(target, stated, files, written)


def make_shown_files(generator: Generator, labels: Tensor | None) -> dict[str, bytes]:
    """Return files that show samples, by name: a picture, text, a sound; nothing where nobody says how.

    Args:
        generator: Whose.
        labels: Real ones, where they are arrays; a model that needs such and has none is not shown.
    """
    if generator.data.label_shape and labels is None:
        return {}
    num = len(labels) if labels is not None else count_shown(generator.data, generator.dataset)
    columns = grid.choose_columns(generator.data.num_classes)
    num = grid.SIDE * columns if num == grid.NUM_SHOWN else num
    samples = generator.sample_raw(num, seed=SEED) if labels is None else generator.sample_from_labels(labels, SEED)
    kinds = select_kept_files(generator.show(samples, labels, columns))
    return {SHOWN[suffix]: content for suffix, content in kinds.items() if suffix in SHOWN}


def check_target(directory: Path) -> None:
    """Raise UsageError where a directory holds anything but a package: it would be replaced."""
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file: name a new directory")
    others = sorted(path.name for path in directory.iterdir() if path.name not in FILES) if directory.is_dir() else []
    if others:
        raise UsageError(f"{directory} holds {others[0]!r}, which is of no model package: name a new directory")
