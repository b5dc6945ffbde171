"""Reading published generators: files of ESRGAN in three layouts, of Real-ESRGAN, and of SRVGGNetCompact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isqrt

from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError

SIDE = 32  # pixels of the small images that a package says; it takes all sizes
PREFIXES = ("params_ema.", "params.", "")  # of the tensors in a file, the averaged ones first
BLOCK = r"(\d+)\.rdb(\d)\.conv(\d)"
PARTS = {  # names of the first two layouts, in lower case, and ours
    rf"model\.1\.sub\.{BLOCK}\.0": r"body.\1.rdb\2.conv\3",
    r"model\.1\.sub\.\d+": "conv_body",
    r"model\.0": "conv_first",
    r"model\.3": "conv_up1",
    r"model\.6": "conv_up2",
    r"model\.8": "conv_hr",
    r"model\.10": "conv_last",
    rf"rrdb_trunk\.{BLOCK}": r"body.\1.rdb\2.conv\3",
    r"trunk_conv": "conv_body",
    r"upconv([12])": r"conv_up\1",
    r"hrconv": "conv_hr",
}
FOLDS = {1: 1, 4: 2, 16: 4}  # the side of the square that is one pixel, by the number of its pixels


def rrdb(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a generator of ESRGAN or Real-ESRGAN, which enlarges images 1, 2 or 4 times.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    weights = {_rename(name): each for name, each in _strip_prefix(weights).items()}
    if "body.0.weight" in weights:
        raise UsageError("it is a compact network: add --format compact")
    first, last, dense = (
        _read_kernel(weights, name) for name in ("conv_first.weight", "conv_last.weight", "body.0.rdb1.conv1.weight")
    )
    channels = last.shape[0]
    fold = FOLDS.get(first.shape[1] // channels)
    if fold is None or channels not in (1, 3):
        raise UsageError(
            f"it makes {channels} channels of {first.shape[1]}; rrdb makes 1 or 3 of 1, 4 or 16 times as many"
        )
    blocks = {int(found[1]) for name in weights if (found := re.match(r"body\.(\d+)\.", name))}
    return ImportedGenerator(
        options={"width": first.shape[0], "growth": dense.shape[0], "blocks": max(blocks) + 1},
        data=_describe(channels, 4 // fold),
        weights=weights,
    )


def compact(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read an SRVGGNetCompact with learned rectifiers, such as realesr-general-x4v3 and realesr-animevideov3.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    weights = _strip_prefix(weights)
    if "conv_first.weight" in weights or "model.0.weight" in weights:
        raise UsageError("it is a network of dense blocks: add --format real-esrgan")
    layers = [int(found[1]) for name in weights if (found := re.fullmatch(r"body\.(\d+)\.weight", name))]
    end = max(layers, default=0)
    first, last = (_read_kernel(weights, f"body.{number}.weight") for number in (0, end))
    if "body.1.weight" not in weights:
        raise UsageError("its rectifiers are not learned (PReLU), as those of compact are")
    channels = first.shape[1]
    scale = isqrt(last.shape[0] // channels)
    if channels not in (1, 3) or channels * scale**2 != last.shape[0]:
        raise UsageError(f"it makes {last.shape[0]} channels of {channels}, which are not the pixels of a square")
    return ImportedGenerator(
        options={"width": first.shape[0], "convs": end // 2 - 1}, data=_describe(channels, scale), weights=weights
    )


def _describe(channels: int, scale: int) -> DataInfo:
    return DataInfo(
        shape=(channels, scale * SIDE, scale * SIDE), label_shape=(channels, SIDE, SIDE), label_dtype="uint8"
    )


def _strip_prefix(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the averaged network if the file has it, else those of the trained one, or all."""
    prefix = next(prefix for prefix in PREFIXES if any(name.startswith(prefix) for name in weights))
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}


def _rename(name: str) -> str:
    """Return our name of a tensor of the older layouts; other names are returned as they are."""
    part, _, kind = name.rpartition(".")
    for pattern, ours in PARTS.items():
        if found := re.fullmatch(pattern, part.lower()):
            return f"{found.expand(ours)}.{kind}"
    return name


def _read_kernel(weights: Mapping[str, Tensor], name: str) -> Tensor:
    """Return the weight of a convolution of 3x3.

    Raises:
        UsageError: The tensor is missing, or is not such a weight.
    """
    if name not in weights:
        raise UsageError(f"tensor {name!r} is missing")
    if weights[name].dim() != 4 or weights[name].shape[2:] != (3, 3):
        raise UsageError(f"tensor {name!r} is not the weight of a convolution of 3x3")
    return weights[name]
