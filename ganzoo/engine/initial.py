"""Initial weights from a model package instead of random ones."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from ganzoo.engine.gan import Gan
from ganzoo.errors import UsageError
from ganzoo.package import tensors
from ganzoo.package.config import CONFIG, DISCRIMINATOR, MODEL, Config, has_discriminator, read_config, read_file
from ganzoo.plugin import DataInfo
from ganzoo.recipe.check import find_changed_meaning

INITIAL_FILES = (CONFIG, MODEL, DISCRIMINATOR)  # the files of a package that are needed
MOST_NAMED = 4  # an error lists no more tensors than this


def load_initial_weights(gan: Gan, directory: Path, source: str) -> str:
    """Give a GAN the weights of a package: the generator's to its two generators, and D's where they fit.

    Args:
        gan: The GAN, before its first update.
        directory: The directory of the package.
        source: The package's name as the user typed it, for messages.

    Returns:
        A line that says which weights were loaded.

    Raises:
        UsageError: The generator's weights do not fit; the message names the tensors.
        Corrupt: A file's bytes differ from the bytes that were written.
    """
    config = read_config(directory)
    weights, wrong = _read(directory, config, MODEL, gan.generator)
    if wrong:
        settings = "remove --arch, its options, --reg and --unconditional to use the settings that it was trained with"
        why = explain_misfit(config.data, gan.data) or f"{wrong}; {settings}"
        raise UsageError(f"--init {source}: its model does not fit the networks of this recipe: {why}")
    gan.generator.load_state_dict(weights)
    gan.ema.network.load_state_dict(weights)
    if has_discriminator(directory, config):
        weights, wrong = _read(directory, config, DISCRIMINATOR, gan.discriminator)
        if wrong:
            also = f"without its discriminator, which does not fit ({wrong}): D starts from random weights"
        else:
            gan.discriminator.load_state_dict(weights)
            also = "and its discriminator"
    else:
        also = "which has no discriminator: D starts from random weights"
    other = find_changed_meaning(config.data, gan.data)
    learned = f"; its {other} differ from those of this dataset" if other else ""
    return f"starting from the generator of {source} after {config.images:,} images, {also}{learned}"


def explain_misfit(before: DataInfo, now: DataInfo) -> str:
    """Return in words how the data of a model differ from those of the run, if its networks cannot fit then."""
    if before.shape != now.shape:
        sizes = ["x".join(map(str, info.shape)) for info in (before, now)]
        return f"it makes samples of {sizes[0]}, and those of this dataset are {sizes[1]}"
    if now.num_classes and before.num_classes and before.num_classes != now.num_classes:
        return f"it has {before.num_classes} classes, and this dataset has {now.num_classes}"
    return ""


def _read(directory: Path, config: Config, name: str, network: nn.Module) -> tuple[dict[str, Tensor], str]:
    """Return the tensors of a weights file, and a text that names those that do not fit a network: empty if all fit."""
    content = read_file(directory / name, config.files[name])
    stated, wanted = tensors.read_header(content, name), tensors.describe_tensors(network)
    differences = [f"{each!r} is missing" for each in wanted if each not in stated]
    differences += [f"{each!r} is extra" for each in stated if each not in wanted]
    differences += [
        f"{each!r} is {stated[each]}, not {form}" for each, form in wanted.items() if stated.get(each, form) != form
    ]
    more = len(differences) - MOST_NAMED
    named = ", ".join(differences[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return tensors.unpack(content, str(directory / name)), f"tensor {named}" if named else ""
