"""Reading published generators of CycleGAN and pix2pix, the authors' PyTorch code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError

SIDE = 256  # pixels of the images of the published models with residual blocks, which take all sizes
DOWNS = 2  # layers of a generator with residual blocks that halve the sides
NOTICE = (
    "The authors' code has a BSD licence, which says nothing of weights, nor of the images that they were trained on"
)
RUNNING = ("running_mean", "running_var", "num_batches_tracked")


def translator(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a generator ``latest_net_G.pth`` of pix2pix (``unet_256``) or of CycleGAN (``resnet_9blocks``).

    Running statistics are dropped. Instance normalisation does not read them. The authors' programs apply batch
    normalisation with the statistics of the one image that is translated, which is instance normalisation with a
    learned scale. A U-Net gets no dropout, because theirs is at other layers.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    weights = {name.removeprefix("module."): each for name, each in weights.items()}
    if any(name.endswith(".filt") for name in weights):
        raise UsageError("its changes of resolution are filtered against aliasing, as in CUT; ganzoo's are not")
    if any(name.endswith(".conv_block.6.weight") and each.dim() == 4 for name, each in weights.items()):
        raise UsageError("its residual blocks have dropout; ganzoo's have none")
    if "model.0.weight" in weights:
        raise UsageError("it is a discriminator: give the file of the generator, such as latest_net_G.pth")
    weights = {name: each for name, each in weights.items() if name.rpartition(".")[2] not in RUNNING}
    try:
        return _read_unet(weights) if "model.model.0.weight" in weights else _read_resnet(weights)
    except KeyError as error:
        raise UsageError(f"tensor {error} is missing") from None


# ----------------------------------------------------------------------------
# Residual blocks.


def _read_resnet(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    first, scaled = weights["model.1.weight"], "model.2.weight" in weights
    blocks = len({found[1] for name in weights if (found := re.match(r"model\.(\d+)\.conv_block\.", name))})
    names = dict(_name_resnet(blocks))
    last = weights[f"model.{_find_last(blocks)}.weight"]
    return ImportedGenerator(
        options={
            "generator": "resnet", "width": len(first), "blocks": blocks, "downs": DOWNS,
            "norm": "instance" if scaled else "unscaled",
        },
        data=_describe(first.shape[1], len(last), SIDE),
        weights={_rename(name, names): each for name, each in weights.items()},
        notice=NOTICE,
    )  # fmt: skip


def _find_last(blocks: int) -> int:
    """Return the place of the last convolution: 3 layers for each change of resolution, and a padding before it."""
    return 3 * (DOWNS + 1) + 1 + blocks + 3 * DOWNS + 1


def _name_resnet(blocks: int) -> Iterator[tuple[str, str]]:
    """Yield the authors' name and ours of each layer with tensors."""
    for layer, (conv, norm) in enumerate((3 * number + 1, 3 * number + 2) for number in range(DOWNS + 1)):
        yield f"model.{conv}", "first.1" if not layer else f"down.{layer - 1}.0"
        yield f"model.{norm}", "first.2" if not layer else f"down.{layer - 1}.1"
    start = 3 * (DOWNS + 1) + 1
    for block in range(blocks):
        for layer in (1, 2, 5, 6):
            yield f"model.{start + block}.conv_block.{layer}", f"blocks.{block}.layers.{layer}"
    for up in range(DOWNS):
        yield f"model.{start + blocks + 3 * up}", f"up.{up}.0"
        yield f"model.{start + blocks + 3 * up + 1}", f"up.{up}.1"
    yield f"model.{_find_last(blocks)}", "last.1"


# ----------------------------------------------------------------------------
# U-Net.


def _read_unet(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read layers that are nested: each level has a convolution, the next level, and a transposed convolution."""
    levels = 1 + max(name.count("model.") for name in weights) - 2
    names, halves = dict[str, str](), set[str]()
    for level in range(levels):
        path = _find_level(level)
        down, up = f"down.{level}", f"up.{levels - 1 - level}"
        outer, inner = not level, level == levels - 1
        conv = 0 if outer else 1
        last = 3 if outer or inner else 5  # the transposed convolution
        names |= {f"{path}.{conv}": f"{down}.{conv}", f"{path}.{last}": f"{up}.1", f"{path}.{last + 1}": f"{up}.2"}
        names |= {} if outer or inner else {f"{path}.2": f"{down}.2"}
        halves |= set() if inner else {f"{path}.{last}.weight"}
    first, last_weight = weights["model.model.0.weight"], weights["model.model.3.weight"]
    scaled = "model.model.1.model.2.weight" in weights
    return ImportedGenerator(
        options={
            "generator": "unet", "width": len(first), "levels": levels, "dropout": 0.0,
            "norm": "instance" if scaled else "unscaled",
        },
        data=_describe(first.shape[1], last_weight.shape[1], 2**levels),
        weights={
            _rename(name, names): _swap_halves(each) if name in halves else each for name, each in weights.items()
        },
        notice=NOTICE,
    )  # fmt: skip


def _find_level(level: int) -> str:
    """Return the prefix of the layers of a level, 0 for the outermost."""
    return "model.model" + (".1.model" + ".3.model" * (level - 1) if level else "")


def _swap_halves(weight: Tensor) -> Tensor:
    """Return the weight of a transposed convolution ``[inputs, ...]`` that gets the encoder's maps last, not first."""
    return torch.cat(weight.chunk(2)[::-1])


# ----------------------------------------------------------------------------
# Helpers.


def _describe(inputs: int, outputs: int, side: int) -> DataInfo:
    return DataInfo(shape=(outputs, side, side), label_shape=(inputs, side, side), label_dtype="uint8")


def _rename(name: str, names: Mapping[str, str]) -> str:
    """Return our name of a tensor; raise UsageError if its layer is not one of the generator."""
    layer, _, leaf = name.rpartition(".")
    if layer not in names:
        raise UsageError(f"tensor {name!r} does not belong to it")
    return f"{names[layer]}.{leaf}"
