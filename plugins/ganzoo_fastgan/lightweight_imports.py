"""Converting generators of the package lightweight_gan: the same layers under other names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_fastgan import SIZES, LightweightGANOptions
from ganzoo_fastgan.lightweight_gan import GATES, list_widths
from ganzoo_fastgan.lightweight_layers import HEADS
from ganzoo_fastgan.networks import list_resolutions

KEYS = ("channel_base", "channel_max", "z_dim", "attention", "head_width", "antialias")
BOTH = ("weight", "bias")
NORM = (*BOTH, "running_mean", "running_var", "num_batches_tracked")
FILTER = ".0.1.f"  # how the name of a block's low-pass filter ends


def lightweight_gan(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read ``model_N.pt`` of lightweight_gan 1.2.1, or the ``state_dict`` of one of its generators.

    Of a checkpoint this is ``GE``, the averaged generator. Before 20,000 updates it is a copy of the trained one that
    is up to 1,000 updates old. The package draws new noise for each sample; here all samples have the same, which is
    drawn now.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    own = _select_average(weights)
    if any(name.endswith(".dct_weights") for name in own):
        raise UsageError("its gates weigh frequencies (freq_chan_attn), which lightweight-gan here cannot")
    filters = [name for name in own if name.endswith(FILTER)]
    own = {name: each for name, each in own.items() if name not in filters}
    try:
        options, data = _measure(own, bool(filters))
    except (KeyError, IndexError) as error:
        raise UsageError(f"tensor {error} is missing") from None
    size = data.shape[1]
    names = dict(_name_tensors(size, options))
    if missing := sorted(names.keys() - own.keys()):
        raise UsageError(f"tensor {missing[0]!r} is missing")
    if extra := sorted(own.keys() - names.keys()):
        raise UsageError(f"tensor {extra[0]!r} does not belong to it")
    return ImportedGenerator(
        options={name: getattr(options, name) for name in KEYS},
        data=data,
        weights={ours: _reshape(ours, own[theirs]) for theirs, ours in names.items()} | dict(_draw_noise(size)),
    )


def _select_average(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the tensors of ``GE``, or all of a file without parts; raise UsageError where there is no generator."""
    weights = {name.removeprefix("GAN."): each for name, each in weights.items()}
    average = {name.removeprefix("GE."): each for name, each in weights.items() if name.startswith("GE.")}
    if not average and any(name.startswith(("D.", "to_logits.")) for name in weights):
        raise UsageError("it is a discriminator: give a file with GE")
    return average or weights


def _measure(weights: Mapping[str, Tensor], antialias: bool) -> tuple[LightweightGANOptions, DataInfo]:
    """Return the options and the samples that follow from the shapes of tensors.

    Raises:
        KeyError: A tensor is missing.
        UsageError: The sizes are not those of a network of ours.
    """
    levels = len({name.split(".")[1] for name in weights if name.startswith("layers.")})
    size, z_dim = 4 << levels, weights["initial_conv.0.weight"].shape[0]
    if size not in SIZES:
        raise UsageError(f"it makes images of {size} pixels; lightweight-gan takes {', '.join(map(str, SIZES))}")
    channels = weights["out_conv.weight"].shape[0]
    if channels not in (1, 3):
        raise UsageError(f"it makes images of {channels} channels; lightweight-gan takes 1 or 3")
    widths = [len(weights[f"layers.{level}.0.4.weight"]) // 2 for level in range(levels)]
    few = [width for resolution, width in zip(list_resolutions(8, size), widths, strict=True) if resolution <= 256]
    bases = [width * resolution for width, resolution in zip(few, list_resolutions(8, size), strict=False)]
    slim = [base for base, width in zip(bases, few, strict=True) if width < max(few)]
    attention = {4 << level: f"layers.{level}.2.fn.to_lin_q.weight" for level in range(levels)}
    found = {resolution: weights[name].shape[0] for resolution, name in attention.items() if name in weights}
    options = LightweightGANOptions(
        channel_base=max(slim or bases),
        channel_max=max(few),
        z_dim=z_dim,
        attention=tuple(found) or None,
        head_width=next(iter(found.values()), 64 * HEADS) // HEADS,  # 64 for D's own where G has none
        antialias=antialias,
    )
    if list_widths(size, options)[1:] != widths:
        raise UsageError(f"its layers are {widths} wide, which no channel_base of lightweight-gan gives")
    return options, DataInfo(shape=(channels, size, size))


def _name_tensors(size: int, options: LightweightGANOptions) -> Iterator[tuple[str, str]]:
    """Yield the name of each tensor there, and its name in our generator.

    Args:
        size: The height and width of an image in pixels.
        options: The options of the architecture.
    """
    yield from _join("initial_conv.0", "first.0", BOTH)
    yield from _join("initial_conv.1", "first.1", NORM)
    yield from _join("out_conv", "last", BOTH)
    for level in range(size.bit_length() - 3):
        block, ours = f"layers.{level}", f"blocks.{level}"
        yield from _join(f"{block}.0.0.net.0", f"{ours}.up", BOTH)
        yield from _join(f"{block}.0.2.1", f"{ours}.conv", BOTH)
        yield f"{block}.0.3.weight", f"{ours}.strength"
        yield from _join(f"{block}.0.4", f"{ours}.norm", NORM)
        if 4 << level in (options.attention or ()):
            yield from _name_attention(f"{block}.2", f"{ours}.attention")
    for high, low in GATES.items():
        if high <= size:
            gate = f"layers.{low.bit_length() - 4}.1"
            yield from _join(f"{gate}.to_k", f"gates.{low}.weigh", BOTH)
            for layer in (0, 2):
                yield from _join(f"{gate}.net.{layer}", f"gates.{low}.layers.{layer}", BOTH)


def _name_attention(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    yield f"{theirs}.norm.g", f"{ours}.norm.weight"
    yield f"{theirs}.norm.b", f"{ours}.norm.bias"
    layers = {"lin_q": "far_q", "lin_kv.net.0": "far_kv.0", "lin_kv.net.1": "far_kv.1", "q": "near_q", "kv": "near_kv"}
    for name, own in layers.items():
        yield f"{theirs}.fn.to_{name}.weight", f"{ours}.{own}.weight"
    yield from _join(f"{theirs}.fn.to_out", f"{ours}.last", BOTH)


def _join(theirs: str, ours: str, leaves: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((f"{theirs}.{leaf}", f"{ours}.{leaf}") for leaf in leaves)


def _reshape(name: str, tensor: Tensor) -> Tensor:
    """Return a tensor in the shape that it has here: strengths of noise are numbers, norms of pixels have one axis."""
    if name.endswith(".strength"):
        return tensor.reshape(())
    return tensor.flatten() if ".attention.norm." in name else tensor


def _draw_noise(size: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the constant noise of each block, the same at each import."""
    for level, resolution in enumerate(list_resolutions(8, size)):
        generator = torch.Generator().manual_seed(resolution)
        yield f"blocks.{level}.noise", torch.randn(resolution, resolution, generator=generator)
