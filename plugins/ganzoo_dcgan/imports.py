"""DCGAN generators of other projects, whose layers are those of ours under other names."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_dcgan import SIZES
from ganzoo_dcgan.networks import channels_by_level

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def pytorch_examples(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read ``netG_epoch_N.pth`` of pytorch/examples, folder dcgan: one flat ``main``, for 64x64 images.

    Raises:
        UsageError: The tensors are not those of its generator.
    """
    if "main.11.weight" in weights and "main.12.weight" not in weights:
        raise UsageError("it is the discriminator's: name the file of netG")
    return _imported(weights, [(f"main.{3 * level}", f"main.{3 * level + 1}") for level in range(4)], "main.12")


def torchgan(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read the ``state_dict`` of torchgan's DCGANGenerator, or a checkpoint of its Trainer, of any size.

    Its rectifiers are leaky, of slope 0.2, unless somebody chose others, which the weights do not tell.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    weights = _under("module.", _under("generator.", weights))  # in a checkpoint, and trained on several GPUs
    if any(name.startswith("disc.") for name in weights):
        raise UsageError("it is the discriminator's: name the file of the generator")
    last = max(len({name.split(".")[1] for name in weights if name.startswith("model.")}) - 1, 0)
    blocks = [(f"model.{level}.0", f"model.{level}.1") for level in range(last)]
    return _imported(weights, blocks, f"model.{last}.0", slope=0.2, bias=True)


def _under(prefix: str, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the weights under a prefix, without it; all of them where none is."""
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)} or weights


def _imported(
    weights: Mapping[str, Tensor], blocks: list[tuple[str, str]], last: str, slope: float = 0.0, bias: bool = False
) -> ImportedGenerator:
    """Return a generator whose layers have the names of `blocks`, convolution and normalisation, and `last`."""
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
        raise UsageError(f"tensor {extra[0]!r} is none of its")
    z_dim, width, channels = _sizes([weights[f"{conv}.weight"] for conv in (*(conv for conv, _ in blocks), last)])
    size = 4 * 2 ** len(blocks)
    return ImportedGenerator(
        options={"width": width, "z_dim": z_dim, "slope": slope, "bias": bias},
        data=DataInfo(shape=(channels, size, size)),
        weights={ours: weights[theirs] for theirs, ours in names.items()},
    )


def _sizes(layers: list[Tensor]) -> tuple[int, int, int]:
    """Return length of z, width and channels of the image, by the shapes of the transposed convolutions.

    Raises:
        UsageError: They are not such layers, or widen as ours do not.
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
    if widths != channels_by_level(size, width):
        raise UsageError(f"its layers are {widths} wide; those of dcgan are {channels_by_level(size, width)}")
    return layers[0].shape[0], width, channels
