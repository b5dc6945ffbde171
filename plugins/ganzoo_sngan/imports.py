"""Converting generators of torch-mimicry: those of its SNGAN, WGAN-GP, DCGAN, SSGAN, InfoMax-GAN, cGAN-PD and SAGAN."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_sngan.networks import MULTIPLES_G

ATTENTION = {32: 16, 128: 32}  # the resolution of SAGAN's attention, by the size of the image
SPECTRAL = {
    "weight_orig": "parametrizations.weight.original",
    "weight_u": "parametrizations.weight.0._u",
    "weight_v": "parametrizations.weight.0._v",
}


def mimicry(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a checkpoint ``netG_N_steps.pth`` of torch-mimicry 0.1.16, or the ``state_dict`` of its generator.

    Its generators interpolate linearly where those of the papers repeat pixels.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    prefix = "model_state_dict."
    weights = {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)} or weights
    if any(name.startswith("block1.") for name in weights):
        raise UsageError("it is a discriminator: give the file of netG")
    plain = {name.replace("weight_orig", "weight"): each for name, each in weights.items()}
    last = max((int(name[1:].split(".")[0]) for name in plain if name[:1] == "c" and name[1:2].isdigit()), default=0)
    try:
        first, image, width = plain["l1.weight"], plain[f"c{last}.weight"], plain["block2.c1.weight"].shape[1]
    except KeyError as error:
        raise UsageError(f"tensor {error} is missing") from None
    size = (6 if first.shape[0] == 36 * width else 4) << (last - 2)
    if size not in MULTIPLES_G or width % MULTIPLES_G[size][0]:
        raise UsageError(f"it makes images of {size} pixels from maps of {width} channels; sngan has no such network")
    embedding = plain.get("block2.b1.embed.weight")
    converted: dict[str, Tensor] = {}
    for name, each in weights.items():
        converted |= _convert(name, each, f"{last}", size)
    return ImportedGenerator(
        options={
            "width_g": width // MULTIPLES_G[size][0],
            "z_dim": first.shape[1],
            "upsampling": "bilinear",
            "spectral_g": "l1.weight_orig" in weights,
            "attention": (ATTENTION[size],) if "attn_block.gamma" in weights and size in ATTENTION else None,
        },
        data=DataInfo(shape=(image.shape[0], size, size), num_classes=0 if embedding is None else len(embedding)),
        weights=converted,
    )


def _convert(name: str, tensor: Tensor, last: str, size: int) -> dict[str, Tensor]:
    """Return our tensors for one of mimicry's; a class's gain and bias are one tensor there.

    Raises:
        UsageError: The tensor does not belong to the generator.
    """
    head, *rest = name.split(".")
    rest = [SPECTRAL.get(part, part) for part in rest]
    outer = {"l1": "first", f"b{last}": "norm", f"c{last}": "last"}
    if head in outer:
        return {".".join((outer[head], *rest)): tensor}
    if head == "attn_block" and size in ATTENTION:
        block = (ATTENTION[size] // 8).bit_length() - 1
        return {".".join((f"blocks.{block}.attention", *rest)): tensor}
    layers = {"c1": "conv1", "c2": "conv2", "c_sc": "shortcut", "b1": "norm1", "b2": "norm2"}
    if not (head.startswith("block") and rest and rest[0] in layers):
        raise UsageError(f"tensor {name!r} does not belong to it")
    ours = f"blocks.{int(head[5:]) - 2}.{layers[rest[0]]}"
    if rest[1] == "embed":
        gain, bias = tensor.chunk(2, 1)
        return {f"{ours}.gain.weight": gain - 1, f"{ours}.bias.weight": bias}
    inner = ["norm", *rest[1:]] if rest[0][0] == "b" and rest[1] != "bn" else rest[1:]
    inner = ["norm" if part == "bn" else part for part in inner]
    return {".".join((ours, *inner)): tensor}
