"""Completing a package: reference samples, a picture, a card, and the discriminator where it is wanted.

The samples come from the generator as it is loaded back from the package, so that a complete package is known to load
and to sample.
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
from ganzoo.package import package, tensors
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

SEED = 0  # of the shown samples
SHOWN = {".png": PICTURE, ".csv": TEXT, ".txt": TEXT, ".wav": SOUND}  # a package's files that show samples, by suffix


def complete_package(
    directory: Path,
    target: Path,
    registry: Registry,
    device: torch.device,
    discriminator: bool = True,
    license: str = "",
    address: Address = UNPUBLISHED,
    notify: Callable[[str], None] = lambda line: None,
    half: bool = False,
) -> None:
    """Write the package in `directory` to `target`, which may be the same directory, and add what people see.

    Args:
        directory: The package that the weights are taken from.
        target: The directory to write. Text that people wrote into its card is kept. Where it differs from `directory`,
            absolute paths in the config are shortened to their last name.
        registry: The registry in which the package's components are looked up.
        device: The device on which the generator is sampled.
        discriminator: Whether the discriminator is included, where the directory has it.
        license: The licence of the weights, by its identifier on the Hub; empty to keep the licence in the card.
        address: The address on the Hub at which the card is read; `UNPUBLISHED` for a local directory.
        notify: A function that shows one line to the user, here that the discriminator is missing.
        half: Whether float32 weights are written as float16.

    Raises:
        UsageError: Weights are too large for float16.
        GanzooError: As `ganzoo.package.package.load`; or a file cannot be written.
    """
    config = read_config(directory)
    generator = package.load(directory, registry, device)
    files = {MODEL: read_file(directory / MODEL, config.files[MODEL])}
    if discriminator and has_discriminator(directory, config):
        files[DISCRIMINATOR] = read_file(directory / DISCRIMINATOR, config.files[DISCRIMINATOR])
    elif discriminator and DISCRIMINATOR in config.files:
        notify(f"continuing without the discriminator, which {WITHOUT_D}")
    if half:
        halves = {name: tensors.halve(tensors.unpack(content, name)) for name, content in files.items()}
        generator.network.load_state_dict(halves[MODEL])  # the samples below are those of the weights as stored
        files = {name: tensors.pack(weights, planning.make_metadata(config.json)) for name, weights in halves.items()}
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
    contents = {key: value for key, value in config.json.items() if key != "files"}
    with write_errors_explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    package.write_files(target, contents, files, written)


def make_shown_files(generator: Generator, labels: Tensor | None) -> dict[str, bytes]:
    """Return files that show samples, by name: a picture, text, a sound. None where nothing can show the samples.

    Args:
        generator: The generator that is sampled.
        labels: Real labels, where the model's labels are arrays; without them such a model is not shown.
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
    """Raise UsageError where a directory contains files that are not part of a package: they would be lost."""
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file: name a new directory")
    others = sorted(path.name for path in directory.iterdir() if path.name not in FILES) if directory.is_dir() else []
    if others:
        raise UsageError(
            f"{directory} contains {others[0]!r}, which is not part of a model package: name a new directory"
        )
