"""Converting generators of stylegan2-ada-pytorch: the same networks with the same scales, under other names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_stylegan2 import StyleGAN2Options
from ganzoo_stylegan2.networks import choose_widths
from ganzoo_stylegan2.recipes import SIZES

AVERAGE = "G_ema."  # the network in a pickle that makes the images
TAPS = (1.0, 3.0, 3.0, 1.0)  # of the filter of all changes of the resolution
NOTICE = (
    "Networks that NVIDIA published are under the NVIDIA Source Code License, which allows non-commercial use only; "
    "for other networks, ask who trained them"
)


def stylegan2_ada_pytorch(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read ``network-snapshot-N.pkl`` of stylegan2-ada-pytorch, or the ``state_dict`` of its ``G_ema``.

    The code of StyleGAN3 writes the same files with ``--cfg=stylegan2``. The noise is the constant one in the file.
    Maps are not clamped, which the authors do for half precision.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    own = select_average(weights)
    if "synthesis.input.freqs" in own:
        raise UsageError("it is a generator of StyleGAN3: add --format stylegan3")
    filters = {name: each for name, each in own.items() if name.endswith(".resample_filter")}
    for name, each in filters.items():
        _check_filter(name, each)
    own = {name: each for name, each in own.items() if name not in filters}
    try:
        options, data = _measure(own)
    except (KeyError, IndexError) as error:
        raise UsageError(f"tensor {error} is missing") from None
    names = dict(_name_tensors(data.shape[1], options.mapping, data.labelled))
    return ImportedGenerator(
        options={name: getattr(options, name) for name in ("channel_base", "channel_max", "z_dim", "w_dim", "mapping")},
        data=data,
        weights=rename_all(own, names),
        notice=NOTICE,
    )


def select_average(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the tensors of ``G_ema`` in a pickle, or all tensors of another file.

    Raises:
        UsageError: They are those of a discriminator.
    """
    own = {name.removeprefix(AVERAGE): each for name, each in weights.items() if name.startswith(AVERAGE)} or weights
    if "b4.fc.weight" in own:
        raise UsageError("it is a discriminator: give a file with G_ema")
    return own


def rename_all(weights: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors under our names.

    Args:
        weights: The tensors by their names there.
        names: Our name of each of them.

    Raises:
        UsageError: A tensor is missing, or it has no name of ours.
    """
    if missing := sorted(names.keys() - weights.keys()):
        raise UsageError(f"tensor {missing[0]!r} is missing")
    if extra := sorted(weights.keys() - names.keys()):
        raise UsageError(f"tensor {extra[0]!r} does not belong to it")
    return {ours: weights[theirs] for theirs, ours in names.items()}


def _check_filter(name: str, filter: Tensor) -> None:
    """Raise UsageError if the filter of a layer is not the paper's."""
    row = torch.tensor(TAPS) / sum(TAPS)
    if filter.shape != (4, 4) or not torch.allclose(filter.float(), row[:, None] * row, rtol=0, atol=1e-6):
        raise UsageError(f"filter {name!r} is not that of stylegan2, [1, 3, 3, 1]")


def _measure(weights: Mapping[str, Tensor]) -> tuple[StyleGAN2Options, DataInfo]:
    """Return the options and the samples that follow from the shapes of tensors.

    Raises:
        KeyError: A tensor is missing.
        UsageError: The sizes are not those of a network of ours.
    """
    style, image = weights["synthesis.b4.conv1.affine.weight"], weights["synthesis.b4.torgb.weight"]
    names = [name.split(".") for name in weights]
    size = max(int(each[1][1:]) for each in names if each[0] == "synthesis" and each[1][1:].isdigit())
    if size not in SIZES:
        raise UsageError(f"it makes images of {size} pixels; stylegan2 takes {', '.join(map(str, SIZES))}")
    if image.shape[0] not in (1, 3):
        raise UsageError(f"it makes images of {image.shape[0]} channels; stylegan2 takes 1 or 3")
    widths = [len(weights[f"synthesis.b{4 << level}.conv1.bias"]) for level in range(size.bit_length() - 2)]
    bases = [width * (4 << level) for level, width in enumerate(widths)]
    slim = [base for base, width in zip(bases, widths, strict=True) if width < max(widths)]
    z_dim, mapping, classes = measure_mapping(weights, style.shape[1])
    options = StyleGAN2Options(
        channel_base=max(slim or bases),
        channel_max=max(widths),
        z_dim=z_dim,
        w_dim=style.shape[1],
        mapping=mapping,
    )
    if choose_widths(options, size) != widths:
        raise UsageError(f"its layers are {widths} wide, which no channel_base of stylegan2 gives")
    return options, DataInfo(shape=(image.shape[0], size, size), num_classes=classes)


def measure_mapping(weights: Mapping[str, Tensor], w_dim: int) -> tuple[int, int, int]:
    """Return the length of z, the number of layers of the mapping network, and the number of classes; 0 without labels.

    Raises:
        KeyError: A tensor is missing.
    """
    layers = {name.split(".")[1] for name in weights if name.startswith("mapping.fc")}
    embedding = weights.get("mapping.embed.weight")
    inputs = weights["mapping.fc0.weight"].shape[1]
    if embedding is None:
        return inputs, len(layers), 0
    return inputs - w_dim, len(layers), embedding.shape[1]


def _name_tensors(size: int, mapping: int, labelled: bool) -> Iterator[tuple[str, str]]:
    """Yield the name of each tensor there, and its name in our generator.

    Args:
        size: Height and width of an image, in pixels.
        mapping: The number of layers of the mapping network.
        labelled: Whether the generator takes labels.
    """
    yield from name_mapping(mapping, labelled)
    yield "synthesis.b4.const", "synthesis.constant"
    for level in range(size.bit_length() - 2):
        block, ours = f"synthesis.b{4 << level}", f"synthesis.blocks.{level}"
        yield from name_layer(f"{block}.torgb", f"{ours}.image", f"{ours}.bias")
        for layer, name in (("conv0", "up"), ("conv1", "conv"))[level == 0 :]:
            yield from name_layer(f"{block}.{layer}", f"{ours}.{name}.conv", f"{ours}.{name}.bias")
            yield f"{block}.{layer}.noise_const", f"{ours}.{name}.noise"
            yield f"{block}.{layer}.noise_strength", f"{ours}.{name}.strength"


def name_mapping(mapping: int, labelled: bool) -> Iterator[tuple[str, str]]:
    """Yield the names of the tensors of a mapping network with a number of layers."""
    yield "mapping.w_avg", "mapping.mean"
    layers = [(f"fc{index}", f"network.{2 * index}") for index in range(mapping)]
    for theirs, ours in [*layers, *[("embed", "embedding")] * labelled]:
        for leaf in ("weight", "bias"):
            yield f"mapping.{theirs}.{leaf}", f"mapping.{ours}.{leaf}"


def name_layer(theirs: str, conv: str, bias: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a modulated convolution and of the bias after it."""
    yield f"{theirs}.bias", bias
    for leaf in ("weight", "affine.weight", "affine.bias"):
        yield f"{theirs}.{leaf}", f"{conv}.{leaf}"
