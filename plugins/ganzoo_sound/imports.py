"""Converting generators of HiFi-GAN, the authors' code."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_sound.hifigan import VERSIONS

MEL = {"n_fft": 1024, "f_min": 0.0, "f_max": 8000.0}  # of all models that the authors published
SAMPLE_RATE = 22_050
FRAMES = 32  # of a sound of the published training
PARTS = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}


def hifi_gan(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a generator's checkpoint ``g_02500000`` or ``generator_v1``, with weight normalisation or without.

    A file does not say of what mel spectrograms it makes sounds. They are taken to be those of the published models: of
    22,050 Hz, frames of 1,024 values, and up to 8,000 Hz.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    prefix = "generator."
    weights = {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)} or weights
    if any(name.startswith(("mpd.", "msd.", "discriminators.")) for name in weights):
        raise UsageError("it is a discriminator: give the file of the generator")
    plain = {name.replace("weight_v", "weight"): each for name, each in weights.items()}
    try:
        first, kernels = plain["conv_pre.weight"], _list_upsampling(plain)
        twice = "resblocks.0.convs1.0.weight" in plain
        second = plain["resblocks.0.convs1.0.weight" if twice else "resblocks.0.convs.0.weight"]
    except KeyError as error:
        raise UsageError(f"tensor {error} is missing") from None
    version = "v3" if not twice else "v1" if first.shape[0] == VERSIONS["v1"].width else "v2"
    if second.shape[2] != VERSIONS[version].kernels[0] or any(kernel % 2 for kernel in kernels):
        raise UsageError(f"its kernels are {second.shape[2]} and {kernels} long; hifigan has no such network")
    rates = tuple(kernel // 2 for kernel in kernels)
    hop, converted = prod(rates), dict[str, Tensor]()
    for name, each in weights.items():
        converted |= _convert(name, each)
    return ImportedGenerator(
        options={"version": version, "width": first.shape[0], "rates": rates},
        data=DataInfo(
            shape=(1, FRAMES * hop),
            dtype="int16",
            modality="audio",
            label_shape=(first.shape[1], FRAMES),
            meta={"sample_rate": SAMPLE_RATE, "mel": {"num": first.shape[1], "hop": hop, **MEL}},
        ),
        weights=converted,
    )


def _list_upsampling(plain: Mapping[str, Tensor]) -> list[int]:
    """Return the lengths of the kernels of the upsampling, each twice its rate."""
    names = sorted(
        (name for name in plain if name.startswith("ups.") and name.endswith(".weight")),
        key=lambda name: int(name.split(".")[1]),
    )
    if not names:
        raise KeyError("ups.0.weight")
    return [plain[name].shape[2] for name in names]


def _convert(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """Return our tensors for one of theirs; a weight without normalisation gets its own norm.

    Raises:
        UsageError: The tensor does not belong to the generator.
    """
    head, _, leaf = name.replace(".convs.", ".convs1.").rpartition(".")
    if not head.startswith(("conv_pre", "ups.", "resblocks.", "conv_post")) or leaf not in (*PARTS, "weight", "bias"):
        raise UsageError(f"tensor {name!r} does not belong to it")
    if leaf == "weight":
        norms = torch.linalg.vector_norm(tensor, dim=(1, 2), keepdim=True)
        return {f"{head}.{PARTS['weight_g']}": norms, f"{head}.{PARTS['weight_v']}": tensor}
    return {f"{head}.{PARTS.get(leaf, leaf)}": tensor}
