"""Converting DCGAN generators of other projects: their layers are the same under other names."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_dcgan import SIZES
from ganzoo_dcgan.networks import list_channels

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def pytorch_examples(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read ``netG_epoch_N.pth`` of pytorch/examples, folder dcgan: one flat ``main``, for 64x64 images.

    Raises:
        UsageError: The tensors are not those of this generator.
    """
    if "main.11.weight" in weights and "main.12.weight" not in weights:
        raise UsageError("it is a discriminator: give the file of netG")
    return _convert(weights, [(f"main.{3 * level}", f"main.{3 * level + 1}") for level in range(4)], "main.12")


def torchgan(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read the ``state_dict`` of torchgan's DCGANGenerator, or a checkpoint of its Trainer, of any size.

    Its rectifiers have slope 0.2 below zero by default. The weights do not show if another slope was chosen.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    weights = _strip_prefix("generator.", weights)  # in a checkpoint
    weights = _strip_prefix("module.", weights)  # after training on several GPUs
    if any(name.startswith("disc.") for name in weights):
        raise UsageError("it is a discriminator: give the file of the generator")
    last = max(len({name.split(".")[1] for name in weights if name.startswith("model.")}) - 1, 0)
    blocks = [(f"model.{level}.0", f"model.{level}.1") for level in range(last)]
    return _convert(weights, blocks, f"model.{last}.0", slope=0.2, bias=True)


def pytorch_gan_zoo(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a checkpoint of pytorch_GAN_zoo's model ``DCGAN``, or the ``state_dict`` of its generator.

    Of a checkpoint this is ``netG``: nothing updates the statistics of batch normalisation in the averaged network.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    weights = _strip_prefix("netG.", weights)
    if any(name.startswith("decisionLayer.") for name in weights):
        raise UsageError("it is a discriminator: give a file with netG")
    levels = sum(name.startswith("main.convTranspose") for name in weights)
    blocks = [(f"main.convTranspose{level}", f"main.batchNorm{level}") for level in range(1, levels + 1)]
    return _convert(weights, [("formatLayer", "main.batchNorm0"), *blocks], "main.outlayer")


def _strip_prefix(prefix: str, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the weights whose names have a prefix, without the prefix; all weights if no name has it."""
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)} or weights


def _convert(
    weights: Mapping[str, Tensor], blocks: list[tuple[str, str]], last: str, slope: float = 0.0, bias: bool = False
) -> ImportedGenerator:
    """Convert a generator.

    Args:
        weights: The tensors by their names in the other project.
        blocks: The names of each block's convolution and normalisation.
        last: The name of the last layer.
        slope: The slope of the rectifiers below zero.
        bias: Whether the last layer has a bias.
    """
    names = {f"{last}.weight": "last.weight"} | ({f"{last}.bias": "last.bias"} if bias else {})
    for level, (conv, norm) in enumerate(blocks):
        ours = f"blocks.{level - 1}" if level else "first"
        names[f"{conv}.weight"] = f"{ours}.0.weight"
        names |= {f"{norm}.{part}": f"{ours}.1.{part}" for part in NORM}
    counters = {f"{norm}.num_batches_tracked": torch.tensor(0) for _, norm in blocks}  # older files have none
    weights = counters | dict(weights)
    if missing := sorted(names.keys() - weights.keys()):
        raise UsageError(f"tensor {missing[0]!r} is missing")
    if extra := sorted(weights.keys() - names.keys()):
        raise UsageError(f"tensor {extra[0]!r} does not belong to it")
    z_dim, width, channels = _read_sizes([weights[f"{conv}.weight"] for conv in (*(conv for conv, _ in blocks), last)])
    size = 4 * 2 ** len(blocks)
    return ImportedGenerator(
        options={"width": width, "z_dim": z_dim, "slope": slope, "bias": bias},
        data=DataInfo(shape=(channels, size, size)),
        weights={ours: weights[theirs] for theirs, ours in names.items()},
    )


def _read_sizes(layers: list[Tensor]) -> tuple[int, int, int]:
    """Return the length of z, the width, and the image's channels from the weights of the transposed convolutions.

    Raises:
        UsageError: The layers do not have the shapes of a DCGAN generator.
    """
    size = 4 * 2 ** (len(layers) - 1)
    if any(layer.dim() != 4 or layer.shape[2:] != (4, 4) for layer in layers):
        raise UsageError("its layers are not convolutions of 4x4")
    if size not in SIZES:
        raise UsageError(f"it makes images of {size}x{size}; dcgan takes {', '.join(map(str, SIZES))}")
    channels, width = layers[-1].shape[1], layers[-1].shape[0]
    if channels not in (1, 3):
        raise UsageError(f"it makes images of {channels} channels; dcgan takes 1 or 3")
    widths = [layer.shape[1] for layer in layers[:-1]]
    if widths != list_channels(size, width):
        raise UsageError(f"its layers are {widths} wide; those of dcgan are {list_channels(size, width)}")
    return layers[0].shape[0], width, channels
