"""A network of timm as the fixed features of discriminators."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import Tensor, nn

from ganzoo.plugin import GanzooError, UsageError

LEVELS = 4  # the coarsest levels of features


class Backbone(nn.Module):
    """Images ``[N, 3, H, W]`` in [-1, 1] to a list of features ``[N, C, h, w]``, the finest first.

    Trained weights are loaded when the network is first called, so that a generator can be loaded and sampled without
    them.

    Args:
        name: The network's name in timm. It must have an interface for features (`timm.create_model` with
            ``features_only=True``).
        pretrained: Whether it has its trained weights, which timm downloads once; otherwise they are random.

    Attributes:
        channels: The number of channels of each level.
        strides: The distance of neighbouring features of each level, in pixels of the image.
        title: Words for the network and its weights.

    Raises:
        UsageError: There is no such network, it has no interface for features, or it has no trained weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, pretrained: bool) -> None:
        super().__init__()
        self.name, self.missing = name, pretrained
        try:
            self.network = self._create(False)
            config = timm.get_pretrained_cfg(name)
        except (RuntimeError, AssertionError, AttributeError) as error:
            raise UsageError(f"arch.backbone: timm has no network {name!r} with features: {error}") from error
        if pretrained and not (config and config.has_weights):
            raise UsageError(f"arch.backbone: timm has no weights for {name!r}: add arch.pretrained=false")
        info: Any = self.network.feature_info
        self.channels: list[int] = info.channels()[-LEVELS:]
        self.strides: list[int] = info.reduction()[-LEVELS:]
        weights = f"{config.tag}" if config and config.tag else "its weights"
        known = " (trained on ImageNet)" if "in1k" in weights or "in21k" in weights or "in12k" in weights else ""
        self.title = f"timm {name} {weights}{known}" if pretrained else f"timm {name}, random"
        mean, std = (config.mean, config.std) if config else ((0.5,) * 3, (0.5,) * 3)
        self.register_buffer("mean", 2 * torch.tensor(mean).view(3, 1, 1) - 1)  # for images in [-1, 1]
        self.register_buffer("std", 2 * torch.tensor(std).view(3, 1, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features.

        Raises:
            GanzooError: The trained weights cannot be loaded.
        """
        if self.missing and x.device.type != "meta":
            self._load()
        levels: list[Tensor] = self.network((x - self.mean) / self.std)
        return levels[-LEVELS:]

    def _load(self) -> None:
        try:
            weights = self._create(True).state_dict()
        except Exception as error:  # of the client that downloads them
            raise GanzooError(
                f"the weights of timm's {self.name} could not be loaded ({error}): connect to the network once, or add "
                "arch.pretrained=false"
            ) from error
        self.network.load_state_dict(weights)
        self.missing = False

    def _create(self, pretrained: bool) -> nn.Module:
        network: nn.Module = timm.create_model(self.name, pretrained=pretrained, features_only=True)
        return network.eval().requires_grad_(False)
