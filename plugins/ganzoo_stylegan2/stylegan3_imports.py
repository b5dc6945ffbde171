"""Converting generators of StyleGAN3's code, configurations T and R: the same networks under other names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_stylegan2 import StyleGAN3Options
from ganzoo_stylegan2.filters import CRITICAL, plan_bands
from ganzoo_stylegan2.imports import NOTICE, measure_mapping, name_layer, name_mapping, rename_all, select_average
from ganzoo_stylegan2.recipes import SIZES
from ganzoo_stylegan2.stylegan3 import choose_width, make_filters

LAYER = re.compile(r"synthesis\.(L(\d+)_(\d+)_(\d+))\.weight")  # with its number, size and channels
FILTERS = ("up_filter", "down_filter")
LARGEST = 1 << 20  # no channel_base is larger


def stylegan3(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read ``network-snapshot-N.pkl`` of StyleGAN3's code, configuration T or R, or its ``G_ema.state_dict()``.

    Maps are not clamped, which the authors do for half precision.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    own = dict(select_average(weights))
    if "synthesis.b4.const" in own:
        raise UsageError("it is a generator of StyleGAN2: add --format stylegan2-ada-pytorch")
    found = sorted((int(match[2]), match[1], int(match[3])) for match in map(LAYER.fullmatch, own) if match)
    try:
        options, data = _measure(own, [name for _, name, _ in found], found[-1][2] if found else 0)
    except KeyError as error:
        raise UsageError(f"tensor {error} is missing") from None
    layers = [name for _, name, _ in found]
    filters = {name: own.pop(name) for name in list(own) if name.endswith(FILTERS)}
    converted = rename_all(own, dict(_name_tensors(layers, options.mapping, data.labelled)))
    if not torch.equal(converted.pop("transform"), torch.eye(3)):
        raise UsageError("its input is transformed: give a file whose 'synthesis.input.transform' is the identity")
    for name, (rise, fall) in zip(layers, _make_filters(data.shape[1], options), strict=False):
        for leaf, ours, filter in ((FILTERS[0], "rise", rise), (FILTERS[1], "fall", fall)):
            theirs = filters.pop(f"synthesis.{name}.{leaf}", None)
            if theirs is None or theirs.shape != filter.shape or not torch.allclose(theirs, filter, rtol=0, atol=1e-5):
                raise UsageError(f"filter 'synthesis.{name}.{leaf}' is not that of the paper's configurations T and R")
            converted[f"synthesis.layers.{layers.index(name)}.{ours}"] = theirs
    converted["synthesis.input.frequencies"] = converted["synthesis.input.frequencies"].t()
    for leaf in ("affine", "bias"):  # they rotate in the other direction
        sign = torch.tensor([1.0, -1.0, 1.0, 1.0]).view(-1, *[1] * (leaf == "affine"))
        converted[f"synthesis.input.{leaf}"] = converted[f"synthesis.input.{leaf}"] * sign
    chosen = ("channel_base", "channel_max", "z_dim", "w_dim", "mapping", "layers", "rotates", "full_padding")
    return ImportedGenerator(
        options={name: getattr(options, name) for name in chosen}, data=data, weights=converted, notice=NOTICE
    )


def _measure(weights: Mapping[str, Tensor], layers: list[str], size: int) -> tuple[StyleGAN3Options, DataInfo]:
    """Return the options and the samples that follow from the shapes of tensors.

    Args:
        weights: The tensors by their names there.
        layers: The names of the layers, the last of which makes colours.
        size: Height and width of an image, in pixels.

    Raises:
        KeyError: A tensor is missing.
        UsageError: The sizes are not those of a network of ours.
    """
    affine = weights["synthesis.input.affine.weight"]
    if size not in SIZES or len(layers) < 5:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(f"it has {len(layers)} layers, for {size} pixels; stylegan3 has 5 or more, for {sizes}")
    kernels = [weights[f"synthesis.{name}.weight"] for name in layers]
    channels, rotates, w_dim = len(kernels.pop()), kernels[0].shape[-1] == 1, affine.shape[1]
    if channels not in (1, 3):
        raise UsageError(f"it makes images of {channels} channels; stylegan3 takes 1 or 3")
    widths, cutoffs = [len(kernel) for kernel in kernels], [band.cutoff for band in plan_bands(size, len(kernels))]
    z_dim, mapping, classes = measure_mapping(weights, w_dim)
    options = StyleGAN3Options(
        channel_base=_find_base(widths, cutoffs, 2 if rotates else 1),
        channel_max=max(widths) // (2 if rotates else 1),
        z_dim=z_dim,
        w_dim=w_dim,
        mapping=mapping,
        layers=len(kernels),
        rotates=rotates,
        full_padding=True,
    )
    if [choose_width(options, cutoff) for cutoff in cutoffs] != widths:
        raise UsageError(f"its layers are {widths} wide, which no channel_base of stylegan3 gives")
    return options, DataInfo(shape=(channels, size, size), num_classes=classes)


def _find_base(widths: list[int], cutoffs: list[float], factor: int) -> int:
    """Return the roundest channel_base that gives these widths at these cutoffs; one that does not if there is none."""
    slim = [(width, cutoff) for width, cutoff in zip(widths, cutoffs, strict=True) if width < max(widths)]
    slim = slim or [(widths[-1], cutoffs[-1])]
    low = max((width - 0.5) * 2 * cutoff / factor for width, cutoff in slim)
    high = min((width + 0.5) * 2 * cutoff / factor for width, cutoff in slim)
    step = LARGEST
    while step > 1 and math.ceil(low / step) * step > high:
        step //= 2
    return max(math.ceil(low / step) * step, 16)


def _make_filters(size: int, options: StyleGAN3Options) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the two filters of each layer that is not the last."""
    bands = plan_bands(size, options.layers)
    for index, target in enumerate(bands):
        radial = options.rotates and index < options.layers - CRITICAL
        yield make_filters(bands[max(index - 1, 0)], target, radial)


def _name_tensors(layers: list[str], mapping: int, labelled: bool) -> Iterator[tuple[str, str]]:
    """Yield the name of each tensor there but the filters, and its name in our generator, which has no transform.

    Args:
        layers: The names of the layers, the last of which makes colours.
        mapping: The number of layers of the mapping network.
        labelled: Whether the generator takes labels.
    """
    yield from name_mapping(mapping, labelled)
    yield "synthesis.input.transform", "transform"
    inputs = {"weight": "weight", "freqs": "frequencies", "phases": "phases"}
    for theirs, ours in (inputs | {"affine.weight": "affine", "affine.bias": "bias"}).items():
        yield f"synthesis.input.{theirs}", f"synthesis.input.{ours}"
    for index, name in enumerate(layers[:-1]):
        ours = f"synthesis.layers.{index}"
        yield from name_layer(f"synthesis.{name}", f"{ours}.conv", f"{ours}.bias")
        yield f"synthesis.{name}.magnitude_ema", f"{ours}.magnitude.square"
    yield from name_layer(f"synthesis.{layers[-1]}", "synthesis.colours", "synthesis.bias")
    yield f"synthesis.{layers[-1]}.magnitude_ema", "synthesis.magnitude.square"
