"""Consistency: D's logits change little where a sample or its latent changes little. E is the mean over all logits.

D's outputs that are compared are computed in float32, without dropout and with fixed spectral norms, so that only the
change makes them differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, Step, UsageError
from ganzoo_regularizers.options import BCROptions, CROptions, ZCROptions
from ganzoo_regularizers.outputs import join_logits


@dataclass(frozen=True)
class CR:
    """weight E (D(x) - D(T(x)))^2 at the real x that D saw (Zhang et al. 2020, eq. 3). T mirrors and shifts."""

    options: CROptions
    data: DataInfo

    def __post_init__(self) -> None:
        require_fixed_labels("cr", self.data)

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * compare_moved(step, step.real_seen, step.real_labels, self.options)


@dataclass(frozen=True)
class BCR:
    """`CR` at real and at generated samples, each with its weight (Zhao et al. 2021, algorithm 1, bCR)."""

    options: BCROptions
    data: DataInfo

    def __post_init__(self) -> None:
        require_fixed_labels("bcr", self.data)

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        real = compare_moved(step, step.real_seen, step.real_labels, self.options)
        fake = compare_moved(step, step.fake_seen, step.fake_labels, self.options)
        return self.options.weight_real * real + self.options.weight_fake * fake


@dataclass(frozen=True)
class ZCR:
    """Consistency in the latent: z' = z + e with e ~ N(0, sigma^2 I) (Zhao et al. 2021, algorithm 2, zCR).

    D: weight_d E (D(G(z)) - D(G(z')))^2, for samples before augmentation
    G: -weight_g E (G(z) - G(z'))^2, the mean over all numbers of the samples, which keeps G from ignoring z
    """

    options: ZCROptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        return self.options.weight_d * compare(step, step.fake, self._vary(step).detach(), step.labels)

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar; it is negative."""
        return -self.options.weight_g * (step.fake - self._vary(step)).square().mean()

    def _vary(self, step: Step) -> Tensor:
        """Return samples ``[N, *shape]`` of latents near those of `step.fake`."""
        return step.generate(step.z + self.options.sigma * torch.randn_like(step.z), step.labels)


def compare_moved(step: Step, samples: Tensor | None, labels: Tensor | None, options: CROptions | BCROptions) -> Tensor:
    """Return the mean square of the change of D's logits if samples ``[N, C, H, W]`` are mirrored and shifted."""
    if samples is None:
        raise ValueError("cr and bcr need the step of D's update, which has real samples")
    return compare(step, samples, move(samples.detach(), options.shift, options.mirror), labels)


def compare(step: Step, samples: Tensor, changed: Tensor, labels: Tensor | None) -> Tensor:
    """Return the mean square of the differences of D's logits for two batches with the same labels."""
    one, other = (join_logits(step.discriminate(x, labels, float32=True)) for x in (samples, changed))
    return (one - other).square().mean()


def move(images: Tensor, pixels: int, mirror: float) -> Tensor:
    """Shift each image by up to `pixels` in both directions, and mirror it with probability `mirror`.

    Pixels from outside of the image have the colour of its nearest pixel.
    """
    n, channels, height, width = images.shape
    down, right = (torch.randint(-pixels, pixels + 1, (n, 1), device=images.device) for _ in range(2))
    rows = (torch.arange(height, device=images.device) + down).clamp(0, height - 1)  # [N, H]
    columns = (torch.arange(width, device=images.device) + right).clamp(0, width - 1)  # [N, W]
    mirrored = torch.rand(n, 1, device=images.device) < mirror
    columns = torch.where(mirrored, width - 1 - columns, columns)
    moved = images.gather(2, rows[:, None, :, None].expand(n, channels, height, width))
    return moved.gather(3, columns[:, None, None, :].expand(n, channels, height, width))


def require_fixed_labels(name: str, data: DataInfo) -> None:
    """Raise UsageError if labels are images, which would have to move with the samples."""
    if data.labels_are_images:
        raise UsageError(f"regularizer {name!r} moves samples, but not the images that are their labels: remove it")
