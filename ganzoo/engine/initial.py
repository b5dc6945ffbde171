"""Training that starts from the weights of a model package, not from random ones."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from ganzoo.engine.gan import Gan
from ganzoo.errors import UsageError
from ganzoo.package import tensors
from ganzoo.package.config import CONFIG, DISCRIMINATOR, MODEL, read, read_file
from ganzoo.package.tensors import Form
from ganzoo.recipe.check import other_meaning

INITIAL = (CONFIG, MODEL, DISCRIMINATOR)  # files of a package that it takes
MOST_NAMED = 4  # tensors that an error lists


def start_from(gan: Gan, directory: Path, source: str) -> str:
    """Give a GAN the weights of a package: the averaged generator's to both of its own, and D's where there are some.

    Args:
        gan: Before its first update.
        directory: Of the package.
        source: What the user called it, for messages.

    Returns:
        A line that says what was taken.

    Raises:
        UsageError: Weights do not fit; the text names the tensors.
        Corrupt: A file is not what was written.
    """
    config = read(directory)
    weights = {}
    for network, name in ((gan.generator, MODEL), (gan.discriminator, DISCRIMINATOR)):
        if name in config.files:
            content = read_file(directory / name, config.files[name])
            _check(network, tensors.header(content, name), f"--init {source}: its {name.partition('.')[0]}")
            weights[name] = tensors.unpack(content, str(directory / name))
    gan.generator.load_state_dict(weights[MODEL])
    gan.ema.network.load_state_dict(weights[MODEL])
    if DISCRIMINATOR in weights:
        gan.discriminator.load_state_dict(weights[DISCRIMINATOR])
    also = "and its discriminator" if DISCRIMINATOR in weights else "which has no discriminator: that one starts anew"
    other = other_meaning(config.data, gan.data)
    learned = f"; its {other} were others than those of this data" if other else ""
    return f"starting from the generator of {source} after {config.images:,} images, {also}{learned}"


def _check(network: nn.Module, stated: dict[str, Form], title: str) -> None:
    """Raise UsageError where tensors are not those of a network."""
    wanted = tensors.forms_of(network)
    differences = [f"{name!r} is missing" for name in wanted if name not in stated]
    differences += [f"{name!r} is extra" for name in stated if name not in wanted]
    differences += [
        f"{name!r} is {stated[name]}, not {form}" for name, form in wanted.items() if stated.get(name, form) != form
    ]
    if differences:
        more = len(differences) - MOST_NAMED
        named = ", ".join(differences[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise UsageError(
            f"{title} does not fit the networks of this recipe: tensor {named}; "
            "leave --arch, its options, --reg and --unconditional away to take what it was trained with"
        )
