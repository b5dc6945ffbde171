"""Converting generators of the package stylegan2_pytorch: the same networks under other names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_stylegan2 import LucidrainsOptions
from ganzoo_stylegan2.imports import rename_all
from ganzoo_stylegan2.recipes import SIZES
from ganzoo_stylegan2.stylegan2_lucidrains import NAME, DirectionMapping, choose_widths

BLOCK = re.compile(r"GE\.blocks\.(\d+)\.conv2\.weight")
ATTENTION = re.compile(r"GE\.attns\.(\d+)\.0\.fn\.norm\.g")
LAYER = re.compile(r"SE\.net\.(\d+)\.weight")
FILTER = re.compile(r"GE\.blocks\.\d+\.to_rgb\.upsample\.1\.f")
TAPS = (1.0, 2.0, 1.0)  # of the filter after the colours were doubled
SEED = 0  # of the noise and of the latents whose mean style is measured: neither is in the file
LATENTS = 2000  # as many as the package takes for the mean
LARGEST = 30  # no number of blocks is larger


def stylegan2_lucidrains(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read ``model_N.pt`` of stylegan2_pytorch, or the ``state_dict`` of its `StyleGAN2`: the averaged networks in it.

    The package draws new noise for each image, and the mean of styles at each start; here the noise and the latents of
    the mean are drawn from a fixed seed. The learning rate ``lr_mlp`` is not in the file; it is the default, 0.1.

    Raises:
        UsageError: The tensors are not those of such networks.
    """
    named = {name.removeprefix("GAN."): each for name, each in weights.items()}
    own = {name: each for name, each in named.items() if name.startswith(("SE.", "GE."))}
    if {name[:3] for name in own} != {"SE.", "GE."}:
        raise UsageError(
            "it has no tensors SE.* and GE.*, the averaged networks: give a file model_N.pt of the package"
        )
    filters = {name: own.pop(name) for name in list(own) if FILTER.fullmatch(name)}
    for name, each in filters.items():
        if each.shape != (3,) or not torch.equal(each, each.new_tensor(TAPS)):
            raise UsageError(f"filter {name!r} is not that of the package, [1, 2, 1]")
    try:
        options, data = _measure(own)
    except KeyError as error:
        raise UsageError(f"tensor {error} is missing") from None
    levels = data.shape[1].bit_length() - 2
    for level in range(levels - 1):
        if (name := f"GE.blocks.{level}.to_rgb.upsample.1.f") not in filters:
            raise UsageError(
                f"tensor {name!r} is missing, as in early versions of the package, which filter no colours"
            )
    converted = rename_all(own, dict(_name_tensors(levels, options)))
    generator = torch.Generator().manual_seed(SEED)
    converted = {name: _fit(name, each) for name, each in converted.items()}
    converted["synthesis.noise"] = torch.rand(data.shape[1:], generator=generator)
    converted["mapping.mean"] = _measure_mean(converted, options, generator)
    chosen = ("capacity", "channel_max", "z_dim", "mapping", "constant", "attention")
    return ImportedGenerator(options={name: getattr(options, name) for name in chosen}, data=data, weights=converted)


def _measure(weights: Mapping[str, Tensor]) -> tuple[LucidrainsOptions, DataInfo]:
    """Return the options and the samples that follow from the shapes of tensors.

    Raises:
        KeyError: A tensor is missing.
        UsageError: The sizes are not those of a network of ours.
    """
    blocks = [int(match[1]) for match in map(BLOCK.fullmatch, weights) if match]
    size = 4 << min(max(blocks, default=0), LARGEST)
    if size not in SIZES:
        raise UsageError(f"it makes images of {size} pixels; {NAME} takes {', '.join(map(str, SIZES))}")
    channels = len(weights["GE.blocks.0.to_rgb.conv.weight"])
    if channels != 3:
        words = "images with transparency" if channels == 4 else f"images of {channels} channels"
        raise UsageError(f"it makes {words}; {NAME} takes those of the package with 3 channels")
    widths = [len(weights[f"GE.blocks.{level}.conv2.weight"]) for level in range(max(blocks) + 1)]
    layers = sorted(int(match[1]) for match in map(LAYER.fullmatch, weights) if match)
    z_dim = weights["SE.net.0.weight"].shape[-1]
    for layer in layers:
        shapes = [tuple(weights[f"SE.net.{layer}.{leaf}"].shape) for leaf in ("weight", "bias")]
        if shapes != [(z_dim, z_dim), (z_dim,)]:
            raise UsageError(f"layer 'SE.net.{layer}' does not map {z_dim} numbers to as many")
    seen = sorted(2 << int(match[1]) for match in map(ATTENTION.fullmatch, weights) if match)
    options = LucidrainsOptions(
        capacity=(widths[-1] + 1) // 2,
        channel_max=max(widths),
        z_dim=z_dim,
        mapping=len(layers),
        constant="GE.initial_block" in weights,
        attention=tuple(seen) or None,
    )
    if choose_widths(options, size) != widths:
        raise UsageError(f"its layers are {widths} wide, which no network_capacity of the package gives")
    return options, DataInfo(shape=(3, size, size))


def _fit(name: str, tensor: Tensor) -> Tensor:
    """Return a tensor of the package in our shape: affine biases with the 1 that is added to a style."""
    if name.endswith("affine.bias"):
        return tensor + 1
    if name == "synthesis.constant":
        return tensor.squeeze(0)
    return tensor.flatten() if name.endswith("strength") or ".norm" in name else tensor


def _measure_mean(weights: Mapping[str, Tensor], options: LucidrainsOptions, generator: torch.Generator) -> Tensor:
    """Return the mean style of some latents, ``[z_dim]``."""
    mapping = DirectionMapping(1, options).eval()
    prefix = "mapping."
    own = {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
    mapping.load_state_dict(own | {"mean": mapping.mean})
    with torch.no_grad():
        styles: Tensor = mapping(torch.randn(LATENTS, options.z_dim, generator=generator))
    return styles[:, 0].mean(0)


def _name_tensors(levels: int, options: LucidrainsOptions) -> Iterator[tuple[str, str]]:
    """Yield the name of each tensor there but the filters, and its name in our generator.

    Args:
        levels: The number of blocks.
        options: The options that follow from the tensors.
    """
    for layer in range(options.mapping):
        yield from _name_leaves(f"SE.net.{2 * layer}", f"mapping.network.{2 * layer}")
    if options.constant:
        yield "GE.initial_block", "synthesis.constant"
    else:
        yield "GE.to_initial_block.weight", "synthesis.initial.weight"
    yield from _name_leaves("GE.initial_conv", "synthesis.conv")
    for level in range(levels):
        theirs, ours = f"GE.blocks.{level}", f"synthesis.blocks.{level}"
        for number in (1, 2):
            yield from _name_leaves(f"{theirs}.to_style{number}", f"{ours}.conv{number}.conv.affine")
            yield f"{theirs}.conv{number}.weight", f"{ours}.conv{number}.conv.weight"
            yield f"{theirs}.to_noise{number}.weight", f"{ours}.conv{number}.strength"
            yield f"{theirs}.to_noise{number}.bias", f"{ours}.conv{number}.bias"
        yield from _name_leaves(f"{theirs}.to_rgb.to_style", f"{ours}.colours.affine")
        yield f"{theirs}.to_rgb.conv.weight", f"{ours}.colours.weight"
        if 2 << level in (options.attention or ()):
            yield from _name_attention(f"GE.attns.{level}", f"synthesis.attentions.{level}")


def _name_attention(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    for index in range(2):
        yield f"{theirs}.{index}.fn.norm.g", f"{ours}.norm{index + 1}.weight"
        yield f"{theirs}.{index}.fn.norm.b", f"{ours}.norm{index + 1}.bias"
    for name, known in (("to_q", "queries"), ("to_kv.net.0", "near"), ("to_kv.net.1", "keys_and_values")):
        yield f"{theirs}.0.fn.fn.{name}.weight", f"{ours}.{known}.weight"
    for name, known in (("0.fn.fn.to_out", "last"), ("1.fn.fn.0", "hidden"), ("1.fn.fn.2", "result")):
        yield from _name_leaves(f"{theirs}.{name}", f"{ours}.{known}")


def _name_leaves(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    for leaf in ("weight", "bias"):
        yield f"{theirs}.{leaf}", f"{ours}.{leaf}"
