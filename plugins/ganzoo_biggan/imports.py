"""Converting generators of BigGAN-PyTorch, the authors' code, and of pytorch-pretrained-biggan."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ganzoo.plugin import DataInfo, ImportedGenerator, UsageError
from ganzoo_biggan.networks import LOWEST, MULTIPLES_G

BLOCKS = {len(multiples) - 1: size for size, multiples in MULTIPLES_G.items()}  # image size by the number of blocks
EPS = 1e-5  # of our batch normalisations
PRETRAINED_EPS = 1e-4  # of those of pytorch-pretrained-biggan
ATTENTION = {"snconv1x1_theta": "theta", "snconv1x1_phi": "phi", "snconv1x1_g": "g", "snconv1x1_o_conv": "o"}


def biggan_pytorch(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a checkpoint ``G.pth`` or ``G_ema.pth`` of BigGAN-PyTorch's model ``BigGAN``.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    return _read_authors(weights, deep=False)


def biggan_deep_pytorch(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read a checkpoint ``G.pth`` or ``G_ema.pth`` of BigGAN-PyTorch's model ``BigGANdeep``, with two blocks a stage.

    Raises:
        UsageError: The tensors are not those of such a generator.
    """
    return _read_authors(weights, deep=True)


def _read_authors(weights: Mapping[str, Tensor], deep: bool) -> ImportedGenerator:
    weights = {name.removeprefix("module."): each for name, each in weights.items()}
    if any(name.startswith(("embed.", "input_conv.")) for name in weights):
        raise UsageError("it is a discriminator: give the file of G or of G_ema")
    if ("blocks.0.0.conv4.weight" in weights) != deep and "blocks.0.0.conv1.weight" in weights:
        name = "biggan-pytorch" if deep else "biggan-deep-pytorch"
        raise UsageError(f"it is a generator of {'BigGAN' if deep else 'BigGAN-deep'}: add --format {name}")
    try:
        first, image, gain = (
            weights[name] for name in ("linear.weight", "output_layer.2.weight", "blocks.0.0.bn1.gain.weight")
        )
    except KeyError as error:
        raise UsageError(f"tensor {error} is missing") from None
    num_blocks = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    size, width = _measure(num_blocks // 2 if deep else num_blocks, first)
    shared = weights.get("shared.weight")
    shared_dim = 0 if shared is None else shared.shape[1]
    spectral = "linear.u0" in weights
    hierarchical = not deep and shared is not None and gain.shape[1] > shared_dim
    z_dim = first.shape[1] - (shared_dim if deep else 0)
    options = {
        "width_g": width,
        "z_dim": z_dim * (num_blocks + 1) if hierarchical else z_dim,
        "shared_dim": shared_dim,
        "spectral_g": spectral,
        "attention": _find_attention(weights, num_blocks, deep),
        **({} if deep else {"hierarchical": hierarchical}),
    }
    num_classes = len(gain) if shared is None else len(shared)
    converted: dict[str, Tensor] = {}
    for name, each in weights.items():
        converted |= _convert(name, each, weights)
    return ImportedGenerator(
        options=options,
        data=DataInfo(shape=(image.shape[0], size, size), num_classes=num_classes),
        weights=converted,
    )


def _measure(num_stages: int, first: Tensor) -> tuple[int, int]:
    """Return the size of the images, and the width, of a generator with so many doublings; `first`: its first weight.

    Raises:
        UsageError: There is no such generator.
    """
    if num_stages not in BLOCKS:
        raise UsageError(f"it makes images of {LOWEST << num_stages} pixels; there are networks for {_list_sizes()}")
    size = BLOCKS[num_stages]
    width, rest = divmod(first.shape[0], MULTIPLES_G[size][0] * LOWEST**2)
    if rest:
        raise UsageError(f"its first layer has {first.shape[0]} outputs, which fit no network for {size} pixels")
    return size, width


def _list_sizes() -> str:
    return ", ".join(map(str, MULTIPLES_G))


def _find_attention(weights: Mapping[str, Tensor], num_blocks: int, deep: bool) -> tuple[int, ...] | None:
    """Return the resolutions with attention; None for none."""
    found = [index for index in range(num_blocks) if f"blocks.{index}.1.gamma" in weights]
    return tuple((2 * LOWEST) << (index // 2 if deep else index) for index in found) or None


def _convert(name: str, tensor: Tensor, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return our tensors for one of the authors'.

    Raises:
        UsageError: The tensor does not belong to the generator.
    """
    outer = {
        "shared": "latents.embedding",
        "linear": "first",
        "output_layer.0": "norm",
        "output_layer.2": "last",
    }
    layers = {"conv_sc": "shortcut", **{f"conv{index}": f"conv{index}" for index in range(1, 5)}}
    layers |= {f"bn{index}": f"norm{index}" for index in range(1, 5)}
    head, _, leaf = name.rpartition(".")
    if head.startswith("blocks.") and len(parts := head.split(".")) >= 3:
        block, place, *rest = parts[1:]
        if place == "1":
            return _convert_leaf(
                f"blocks.{block}.attention" + "".join(f".{part}" for part in rest), head, leaf, weights
            )
        if rest and rest[0] in layers:
            inner = [layers[rest[0]], *rest[1:]]
            if leaf.startswith(("stored", "accumulation")) or rest[1:] == ["bn"]:
                inner = [layers[rest[0]], "norm"]
            return _convert_leaf(".".join((f"blocks.{block}", *inner)), head, leaf, weights)
    base = head.removesuffix(".bn")
    if base in outer:
        return _convert_leaf(outer[base], head, leaf, weights)
    raise UsageError(f"tensor {name!r} does not belong to it")


def _convert_leaf(ours: str, theirs: str, leaf: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of our layer for one tensor of theirs, by the last part of its name."""
    tensor = weights[f"{theirs}.{leaf}"]
    spectral = f"{theirs}.u0" in weights
    match leaf:
        case "weight" if spectral:
            return {f"{ours}.parametrizations.weight.original": tensor}
        case "u0":  # they make a step of the power iteration in every forward, also in eval mode, and keep it in none
            matrix = weights[f"{theirs}.weight"].flatten(1)
            v = normalize(tensor.flatten() @ matrix, dim=0)
            prefix = f"{ours}.parametrizations.weight.0"
            return {f"{prefix}._u": normalize(matrix @ v, dim=0), f"{prefix}._v": v}
        case "sv0" | "accumulation_counter" | "num_batches_tracked":
            return {}
        case "stored_mean" | "running_mean":
            return {f"{ours}.running_mean": tensor, f"{ours}.num_batches_tracked": torch.tensor(0)}
        case "stored_var" | "running_var":
            return {f"{ours}.running_var": tensor}
        case "gain":
            return {f"{ours}.weight": tensor}
        case "weight" | "bias" | "gamma":
            return {f"{ours}.{leaf}": tensor}
    raise UsageError(f"tensor '{theirs}.{leaf}' does not belong to it")


# ----------------------------------------------------------------------------
# pytorch-pretrained-biggan: BigGAN-deep.


def pytorch_pretrained_biggan(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    """Read ``pytorch_model.bin`` of pytorch-pretrained-biggan 0.1.1, or the ``state_dict`` of its ``BigGAN``.

    Its spectral norms are divided out: its last layer has more channels than an image, so the norm of the rest would
    be another one. Of its statistics of batch normalisation, those for a truncation of 1 are read.

    Raises:
        UsageError: The tensors are not those of such a model.
    """
    try:
        return _read_pretrained(weights)
    except KeyError as error:
        raise UsageError(f"tensor {error} is missing") from None


def _read_pretrained(weights: Mapping[str, Tensor]) -> ImportedGenerator:
    first, embedding = weights["generator.gen_z.weight_orig"], weights["embeddings.weight"]
    layers = sorted({int(name.split(".")[2]) for name in weights if name.startswith("generator.layers.")})
    attention = [index for index in layers if f"generator.layers.{index}.gamma" in weights]
    size, width = _measure((len(layers) - len(attention)) // 2, first)
    converted = {"latents.embedding.weight": embedding.t()}
    matrix, bias = _normalise(weights, "generator.gen_z"), weights["generator.gen_z.bias"]
    converted["first.weight"] = matrix.view(LOWEST, LOWEST, -1, matrix.shape[1]).permute(2, 0, 1, 3).flatten(0, 2)
    converted["first.bias"] = bias.view(LOWEST, LOWEST, -1).permute(2, 0, 1).flatten()  # their maps have channels last
    for block, index in enumerate(index for index in layers if index not in attention):
        theirs, ours = f"generator.layers.{index}", f"blocks.{block}"
        for part in range(4):
            conv = f"{theirs}.conv_{part}"
            converted[f"{ours}.conv{part + 1}.weight"] = _normalise(weights, conv)
            converted[f"{ours}.conv{part + 1}.bias"] = weights[f"{conv}.bias"]
            norm = f"{theirs}.bn_{part}"
            converted[f"{ours}.norm{part + 1}.gain.weight"] = _normalise(weights, f"{norm}.scale")
            converted[f"{ours}.norm{part + 1}.bias.weight"] = _normalise(weights, f"{norm}.offset")
            converted |= _convert_statistics(f"{ours}.norm{part + 1}.norm", norm, weights)
    for index in attention:
        theirs, ours = f"generator.layers.{index}", f"blocks.{index - 1}.attention"
        converted |= {f"{ours}.{to}.weight": _normalise(weights, f"{theirs}.{name}") for name, to in ATTENTION.items()}
        converted[f"{ours}.gamma"] = weights[f"{theirs}.gamma"].squeeze()
    converted["norm.weight"], converted["norm.bias"] = weights["generator.bn.weight"], weights["generator.bn.bias"]
    converted |= _convert_statistics("norm", "generator.bn", weights)
    converted["last.weight"] = _normalise(weights, "generator.conv_to_rgb")[:3]
    converted["last.bias"] = weights["generator.conv_to_rgb.bias"][:3]
    return ImportedGenerator(
        options={
            "width_g": width,
            "z_dim": first.shape[1] - len(embedding),
            "shared_dim": len(embedding),
            "spectral_g": False,
            "attention": tuple(LOWEST << (index // 2) for index in attention) or None,
        },
        data=DataInfo(shape=(3, size, size), num_classes=embedding.shape[1]),
        weights=converted,
    )


def _normalise(weights: Mapping[str, Tensor], name: str) -> Tensor:
    """Return a layer's weight divided by its spectral norm, as torch's older `spectral_norm` computes it."""
    weight, u, v = (weights[f"{name}.weight_{part}"] for part in ("orig", "u", "v"))
    return weight / torch.dot(u, torch.mv(weight.flatten(1), v))


def _convert_statistics(ours: str, theirs: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return our statistics for theirs; the epsilons differ, so the variance takes up the difference."""
    return {
        f"{ours}.running_mean": weights[f"{theirs}.running_means"][-1],
        f"{ours}.running_var": weights[f"{theirs}.running_vars"][-1] + (PRETRAINED_EPS - EPS),
        f"{ours}.num_batches_tracked": torch.tensor(0),
    }
