"""DINOv2 and CLIP: networks of timm with weights from a file."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, GanzooError, UsageError
from ganzoo_extractors.files import find_weights
from ganzoo_extractors.images import make_rgb, require_rgb, resize
from ganzoo_extractors.options import CLIPOptions, DINOv2Options


def build_dinov2(options: DINOv2Options, data: DataInfo) -> TimmNetwork:
    """Return a network of DINOv2 (Oquab et al. 2023, arXiv:2304.07193); its features are the last class token."""
    return TimmNetwork("dinov2", options, data)


def build_clip(options: CLIPOptions, data: DataInfo) -> TimmNetwork:
    """Return the image network of a CLIP (Radford et al. 2021, arXiv:2103.00020); its features are the embedding."""
    return TimmNetwork("clip", options, data)


class TimmNetwork(nn.Module):
    """A network of timm with its last outputs as features, for images of the size and range that it was trained on.

    Args:
        name: The name of the extractor.
        options: The network, the file of its weights and the size of the images.
        data: The images, of one or three channels.

    Raises:
        UsageError: No weights are named, timm has no such network, or the images have other channels.
        NotFound: The file does not exist, or cannot be downloaded.
        GanzooError: The file does not have the weights of this network.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, options: DINOv2Options | CLIPOptions, data: DataInfo) -> None:
        super().__init__()
        require_rgb(data, name)
        config = timm.get_pretrained_cfg(options.network)
        if config is None:
            raise UsageError(
                f"extractor.{name}.network: timm has no network {options.network!r}: try {type(options).network}"
            )
        path = find_weights(
            options.weights, name, f"hf://{config.hf_hub_id}/model.safetensors, which is downloaded once"
        )
        self.data, self.size = data, options.size or config.input_size[-1]
        more: dict[str, Any] = {} if self.size == config.input_size[-1] else {"img_size": self.size}
        more |= {"num_classes": config.num_classes, "pretrained_cfg_overlay": {"state_dict": _read(path)}}
        try:
            self.network = timm.create_model(options.network, pretrained=True, **more)
        except (RuntimeError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise GanzooError(
                f"{path} does not fit timm's {options.network} at {self.size} pixels: {reason}"
            ) from error
        self.register_buffer("mean", 2 * torch.tensor(config.mean).view(3, 1, 1) - 1)  # for images in [-1, 1]
        self.register_buffer("std", 2 * torch.tensor(config.std).view(3, 1, 1))

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, F]`` of images ``[N, C, H, W]`` in [-1, 1]."""
        images = resize(make_rgb(samples, self.data), self.size, self.size)
        return {"features": self.network((images - self.mean) / self.std)}


def _read(path: Path) -> dict[str, Any]:
    """Return the tensors of a file; raise GanzooError if it is damaged or contains anything else."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return found
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise GanzooError(f"{path} is not a file of tensors: give one of safetensors or of torch.save") from error
