"""A denoiser as a generator of one step, and a discriminator on the maps of a denoiser.

Sources: Sauer, Boesel, Dockhorn, Blattmann, Esser & Rombach 2024, Fast High-Resolution Image Synthesis with Latent
Adversarial Diffusion Distillation, arXiv:2403.12015, section 3 (the discriminator); Lin et al. 2025, Diffusion
Adversarial Post-Training for One-Step Video Generation, arXiv:2501.08316 (real samples, and nothing but a GAN).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import Frozen, spectral_norm_all
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_diffusion.denoisers import FREQUENCIES, Denoised, PreconditionedUNet, embed_levels
from ganzoo_diffusion.options import JudgeOptions, OneStepOptions
from ganzoo_diffusion.sources import load_own_weights

Load = Callable[[nn.Module], None]  # gives a denoiser the weights of the trained one


def build(options: OneStepOptions, data: DataInfo) -> Networks:
    """Build the networks of `one-step`.

    Raises:
        UsageError: The sides of the images cannot be halved so often.
    """
    channels, multiple = data.shape[0], 2 ** (len(options.multipliers) - 1)
    if any(side % multiple for side in data.shape[1:]):
        height, width = data.shape[1:]
        raise UsageError(
            f"arch 'one-step': images are {width}x{height}; with {len(options.multipliers)} levels sides must be "
            f"multiples of {multiple}: choose another size, or fewer arch.multipliers"
        )
    load = partial(load_own_weights, options.denoiser, data) if options.denoiser else None
    return pair_networks(options, data, lambda: PreconditionedUNet(channels, data.num_classes, options), load)


def pair_networks(options: JudgeOptions, data: DataInfo, make: Callable[[], Any], load: Load | None) -> Networks:
    """Return a generator and a discriminator with a denoiser each.

    Args:
        options: The options of the discriminator, and ``denoiser``.
        data: The data of the samples.
        make: A function that builds a denoiser with random weights.
        load: A function that gives it the weights of a trained one; None if both are trained from random weights.
    """
    generator = OneStep(make(), data.shape, load)
    discriminator = Discriminator(make(), data, options, load, getattr(options, "denoiser", ""))
    return Networks(generator, discriminator, latent_dim=prod(data.shape))


class OneStep(nn.Module):
    """Latents ``[N, C H W]`` to samples: what the denoiser predicts from nothing but noise, at the last noise level.

    Trained weights are loaded at the first call, unless others were loaded before, so that a trained generator needs
    no denoiser beside it.

    Args:
        denoiser: The denoiser that makes the samples.
        shape: The shape of one sample.
        load: A function that gives it the weights of a trained one; None to keep its own.
    """

    def __init__(self, denoiser: Any, shape: tuple[int, ...], load: Load | None = None) -> None:
        super().__init__()
        self.denoiser, self.shape, self.load = denoiser, shape, load
        self.register_load_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples ``[N, C, H, W]``."""
        noise, highest = z.view(-1, *self.shape), self.denoiser.sigma_max.to(z.dtype)
        return self.denoise(highest * noise, highest.expand(len(noise)), labels)

    def denoise(self, x: Tensor, sigma: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples that are predicted from samples with noise of the levels `sigma` ``[N]``."""
        load_once(self, self.denoiser, x)
        found: Denoised = self.denoiser(x, sigma, labels)
        return found.samples


class Discriminator(nn.Module):
    """Samples to a list of logits ``[N, 1, h, w]``: one head for each of the maps of a denoiser.

    The denoiser sees samples with noise. The noise level of each sample is drawn anew, and known to the heads. In eval
    mode level and noise are fixed. So they are in finite differences, for which the engine puts layers that draw random
    numbers into eval mode.

    A trained denoiser is frozen. A denoiser with random weights is trained with the heads.

    Args:
        denoiser: The denoiser whose maps are judged.
        data: The data of the samples.
        options: The width of the heads, and the noise levels.
        load: A function that gives the denoiser the weights of a trained one; None to train its own.
        name: The name of the trained denoiser.
    """

    def __init__(self, denoiser: Any, data: DataInfo, options: JudgeOptions, load: Load | None, name: str) -> None:
        super().__init__()
        self.load, widths = load, denoiser.widths
        self.backbone = Frozen(denoiser, f"denoiser {name.rpartition('/')[2]}") if load else denoiser
        self.noise = Noise(data.shape, options.noise_mean, options.noise_std)
        self.heads = nn.ModuleList(Head(width, options.width_d, data.num_classes) for width in widths)
        spectral_norm_all(self.heads)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """Return the logits of samples."""
        denoiser = self.backbone.network if isinstance(self.backbone, Frozen) else self.backbone
        load_once(self, denoiser, x)
        sigma, noise = self.noise(x)
        found: Denoised = self.backbone(x + sigma.view(-1, 1, 1, 1) * noise, sigma, labels)
        level = embed_levels(sigma.log() / 4)
        return [head(maps, level, labels) for head, maps in zip(self.heads, found.maps, strict=True)]


class Noise(nn.modules.dropout._DropoutNd):
    """Random noise levels ``[N]`` and noise of the variance 1 of the samples' shape.

    It is dropout to the engine, which switches that off for finite differences: both of their forwards then see the
    noise of eval mode.

    Args:
        shape: The shape of one sample.
        mean: The mean of the logarithm of the levels.
        std: The standard deviation of the logarithm of the levels.
    """

    still: Tensor

    def __init__(self, shape: tuple[int, ...], mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = mean, std
        self.register_buffer("still", torch.randn(shape))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return levels and noise for samples ``[N, C, H, W]``."""
        if self.training:
            return draw_levels(x, self.mean, self.std), torch.randn_like(x)
        return torch.full_like(x[:, 0, 0, 0], self.mean).exp(), self.still.to(x.dtype).expand_as(x)


class Head(nn.Module):
    """Maps ``[N, inputs, h, w]`` to logits ``[N, 1, h, w]``, which know the noise level, and the class by projection.

    Args:
        inputs: The number of channels of the maps, which are scaled to the variance 1.
        width: The number of channels inside.
        num_classes: The number of classes; 0 for none.
    """

    def __init__(self, inputs: int, width: int, num_classes: int) -> None:
        super().__init__()
        self.first, self.level = nn.Conv2d(inputs, width, 1), nn.Linear(2 * FREQUENCIES, width)
        self.second, self.last = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, 1, 1)
        self.classes = nn.Embedding(num_classes, width) if num_classes else None

    def forward(self, maps: Tensor, level: Tensor, labels: Tensor | None) -> Tensor:
        """Return the logits for embedded noise levels ``[N, 2 FREQUENCIES]`` and classes ``[N]``."""
        y = F.leaky_relu(self.first(F.group_norm(maps, 1)) + self.level(level)[:, :, None, None], 0.2)
        y = y + F.leaky_relu(self.second(y), 0.2)
        logits: Tensor = self.last(y)
        if self.classes is not None:
            logits = logits + (self.classes(labels)[:, :, None, None] * y).mean(1, keepdim=True)
        return logits


def draw_levels(x: Tensor, mean: float, std: float) -> Tensor:
    """Return random noise levels ``[N]`` for samples, exp(mean + std n) with n ~ N(0, 1).

    A flow whose time is t = sigma / (1 + sigma) then has the logit-normal times of Sauer et al. 2024.
    """
    return (mean + std * torch.randn(len(x), dtype=x.dtype, device=x.device)).exp()


def load_once(owner: Any, denoiser: nn.Module, x: Tensor) -> None:
    """Give a denoiser its trained weights, if its owner has not done that before and is not on the meta device."""
    if owner.load is not None and x.device.type != "meta":
        owner.load(denoiser)
        owner.load = None


def _forget(module: Any, _: Any) -> None:
    module.load = None
