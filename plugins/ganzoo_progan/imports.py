"""Converting ProGAN generators of pytorch_GAN_zoo, which multiplies a layer's bias by the layer's constant, too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_progan import SIZES, ProGANOptions
from ganzoo_progan.networks import GAIN, choose_widths


def pytorch_gan_zoo(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a checkpoint of pytorch_GAN_zoo's model ``PGAN`` (its average), or the ``state_dict`` of its generator.

    The file is one of a finished resolution: nothing of the lower one is mixed into the image.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    for prefix in ("avgG.", "netG."):
        found = {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
        weights = found or weights
    if any(name.startswith("fromRGBLayers.") for name in weights):
        raise UsageError("it is a discriminator: give a file with avgG or netG")
    weights = {name.replace(".module.", "."): each for name, each in weights.items()}
    levels = len({name.split(".")[1] for name in weights if name.startswith("scaleLayers.")})
    names = dict(_name_layers(levels))
    unused = {f"toRGBLayers.{level}" for level in range(levels)}  # of the lower resolutions
    known = {f"{name}.{leaf}" for name in names for leaf in ("weight", "bias")}
    if missing := sorted(known - weights.keys()):
        raise UsageError(f"tensor {missing[0]!r} is missing")
    if extra := sorted(name for name in weights.keys() - known if name.rpartition(".")[0] not in unused):
        raise UsageError(f"tensor {extra[0]!r} does not belong to it")
    options, data = _measure(weights, levels)
    converted: dict[str, Tensor] = {}
    for theirs, ours in names.items():
        weight, bias = weights[f"{theirs}.weight"], weights[f"{theirs}.bias"]
        bias = bias * GAIN / math.sqrt(weight[0].numel())
        if ours == "first":  # our constant is a quarter of theirs
            converted |= {"first.weight": 4 * weight, "bias": bias.view(-1, 4, 4)}
        else:  # that of our last layer has a gain of 1
            converted |= {f"{ours}.weight": weight * GAIN if ours == "last" else weight, f"{ours}.bias": bias}
    return ImportedGenerator(options=options, data=data, weights=converted)


def _name_layers(levels: int) -> Iterator[tuple[str, str]]:
    """Yield the name of each layer there, and its name in our generator.

    Args:
        levels: The number of resolutions above 4x4.
    """
    yield from (("formatLayer", "first"), ("groupScale0.0", "conv"), (f"toRGBLayers.{levels}", "last"))
    for level in range(levels):
        for part in (0, 1):
            yield f"scaleLayers.{level}.{part}", f"blocks.{level}.conv{part + 1}"


def _measure(weights: Mapping[str, Tensor], levels: int) -> tuple[dict[str, int | bool], DataInfo]:
    """Return the options and the samples that follow from the shapes of tensors.

    Raises:
        UsageError: The sizes are not those of a network of ours.
    """
    size, channels = 4 << levels, len(weights[f"toRGBLayers.{levels}.bias"])
    if size not in SIZES:
        raise UsageError(f"it makes images of {size} pixels; progan takes {', '.join(map(str, SIZES))}")
    if channels not in (1, 3):
        raise UsageError(f"it makes images of {channels} channels; progan takes 1 or 3")
    widths = [
        len(weights[name]) for name in ("groupScale0.0.bias", *(f"scaleLayers.{n}.1.bias" for n in range(levels)))
    ]
    bases = [width * (4 << level) for level, width in enumerate(widths)]
    slim = [base for base, width in zip(bases, widths, strict=True) if width < max(widths)]
    options = ProGANOptions(
        channel_base=max(slim or bases),
        channel_max=max(widths),
        z_dim=weights["formatLayer.weight"].shape[1],
        position_bias=True,
    )
    if choose_widths(options, size) != widths:
        raise UsageError(f"its layers are {widths} wide, which no channel_base of progan gives")
    return dict(vars(options)), DataInfo(shape=(channels, size, size))
