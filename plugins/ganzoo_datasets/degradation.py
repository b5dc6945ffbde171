"""Making small images of large ones: by a filter, or as photographs lose detail (Wang et al. 2021, arXiv:2107.10833).

Images are ``[N, C, H, W]`` from 0 to 1, and stay on their device. All random numbers come from the given generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo_datasets.jpeg import compress
from ganzoo_datasets.kernels import Blur, blur_images, draw_kernels, draw_sides, make_sincs

GROUP = 4  # images that are resized in the same way; blur, noise and quality are drawn for each image
FILTERS = ("area", "bilinear", "bicubic")
LEVELS = 255.0
RINGING = 0.8  # the share of images with a sinc filter at the end
LEAST = torch.pi / 3  # of the largest frequency that such a filter passes
NUM_CHOICES = 12  # random numbers of a group


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the two rounds of blur, resizing, noise and compression. The values are those of Real-ESRGAN's first one.

    Args:
        blur: How blur kernels are drawn.
        blurred: The share of images that are blurred.
        larger, smaller: The shares of images that are enlarged and shrunk; the others keep their size.
        sizes: The least and the largest factor of a size.
        gaussian: The range of the standard deviation of noise, in levels of bytes. Half of the images have such noise.
        poisson: The range of the strength of shot noise, which the others have; 1 is a photon for each level of a byte.
        grey: The share of images whose noise is equal in all channels.
        quality: The range of the quality of JPEG.
    """

    blur: Blur = Blur()  # noqa: RUF009 (it is frozen)
    blurred: float = 1.0
    larger: float = 0.2
    smaller: float = 0.7
    sizes: tuple[float, float] = (0.15, 1.5)
    gaussian: tuple[float, float] = (1.0, 30.0)
    poisson: tuple[float, float] = (0.05, 3.0)
    grey: float = 0.4
    quality: tuple[float, float] = (30.0, 95.0)


REAL = (
    Stage(),
    Stage(
        blur=Blur(sigma=(0.2, 1.5)), blurred=0.8, larger=0.3, smaller=0.4, sizes=(0.3, 1.2), gaussian=(1.0, 25.0),
        poisson=(0.05, 2.5),
    ),
)  # fmt: skip


def shrink(images: Tensor, scale: int) -> Tensor:
    """Return images ``[N, C, H / scale, W / scale]``, shrunk by the antialiased bicubic filter of Pillow."""
    height, width = (side // scale for side in images.shape[2:])
    return images if scale == 1 else resize(images, height, width, "bicubic")


def degrade(images: Tensor, scale: int, generator: torch.Generator, first: Stage, second: Stage) -> Tensor:
    """Return images ``[N, C, H / scale, W / scale]`` that are degraded twice, each in its own way (section 3.3).

    Args:
        images: The large images, with values from 0 to 1.
        scale: How many times smaller the result is.
        generator: The source of all random numbers, on the device of the images.
        first: The first round, which sees the large images.
        second: The second round. At its end a sinc filter comes before or after the compression (section 3.4).
    """
    groups = torch.split(images, GROUP)
    choices = torch.rand(len(groups), NUM_CHOICES, generator=generator, device=images.device).tolist()
    parts = [_degrade_group(*each, scale, generator, first, second) for each in zip(groups, choices, strict=True)]
    return torch.cat(parts)


def _degrade_group(
    images: Tensor, choices: list[float], scale: int, generator: torch.Generator, first: Stage, second: Stage
) -> Tensor:
    height, width = images.shape[2:]
    x = _blur(images, first, generator)
    x = _resize_at_random(x, height, width, first, choices[:3])
    x = _compress(_add_noise(x, first, generator), first, generator)
    x = _blur(x, second, generator)
    height, width = height // scale, width // scale
    x = _resize_at_random(x, height, width, second, choices[3:6])
    x = _add_noise(x, second, generator)
    last = FILTERS[int(choices[6] * len(FILTERS))]
    if choices[7] < 0.5:
        x = _ring(resize(x, height, width, last), generator)
        return _compress(x, second, generator)
    x = _compress(x, second, generator)
    return _ring(resize(x, height, width, last), generator).clamp(0, 1)


# ----------------------------------------------------------------------------
# Steps.


def resize(images: Tensor, height: int, width: int, mode: str) -> Tensor:
    """Return images ``[N, C, height, width]``, resized by a filter of `FILTERS`."""
    if images.shape[2:] == (height, width):
        return images
    if mode == "area":
        return F.interpolate(images, (height, width), mode="area")
    return F.interpolate(images, (height, width), mode=mode, antialias=True, align_corners=False)


def _blur(images: Tensor, stage: Stage, generator: torch.Generator) -> Tensor:
    blurred = blur_images(images, draw_kernels(stage.blur, len(images), generator))
    return _mix(blurred, images, stage.blurred, generator)


def _ring(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images of which some have edges that ring, as after sharpening."""
    draws = torch.rand(2, len(images), generator=generator, device=images.device)
    ringing = blur_images(images, make_sincs(LEAST + (torch.pi - LEAST) * draws[0], draw_sides(draws[1])))
    return _mix(ringing, images, RINGING, generator)


def _resize_at_random(images: Tensor, height: int, width: int, stage: Stage, choices: list[float]) -> Tensor:
    """Return images of a random size around height and width.

    Args:
        images: The images that are resized.
        height: The height of which the random one is a multiple.
        width: The width of which the random one is a multiple.
        stage: The shares and the factors.
        choices: Numbers from 0 to 1, which choose the direction, the factor and the filter.
    """
    way, place, which = choices
    low, high = stage.sizes
    factor = 1.0
    if way < stage.larger:
        factor = 1 + place * (high - 1)
    elif way < stage.larger + stage.smaller:
        factor = low + place * (1 - low)
    height, width = (max(1, int(factor * side)) for side in (height, width))
    return resize(images, height, width, FILTERS[int(which * len(FILTERS))])


def _add_noise(images: Tensor, stage: Stage, generator: torch.Generator) -> Tensor:
    """Return images with Gaussian noise, or with shot noise, whose variance grows with the brightness."""
    kind, strength, grey = torch.rand(3, len(images), 1, 1, 1, generator=generator, device=images.device)
    images = images.clamp(0, 1)
    gaussian = torch.randn(images.shape, generator=generator, device=images.device)
    one = torch.randn(images[:, :1].shape, generator=generator, device=images.device).expand_as(images)
    deviation = (stage.gaussian[0] + (stage.gaussian[1] - stage.gaussian[0]) * strength) / LEVELS
    brightness = images.mean(1, keepdim=True)
    shots = torch.poisson(images * LEVELS, generator=generator) / LEVELS - images
    alike = (torch.poisson(brightness * LEVELS, generator=generator) / LEVELS - brightness).expand_as(images)
    factor = stage.poisson[0] + (stage.poisson[1] - stage.poisson[0]) * strength
    same = grey < stage.grey
    noise = torch.where(
        kind < 0.5, deviation * torch.where(same, one, gaussian), factor * torch.where(same, alike, shots)
    )
    return (images + noise).clamp(0, 1)


def _compress(images: Tensor, stage: Stage, generator: torch.Generator) -> Tensor:
    low, high = stage.quality
    quality = low + (high - low) * torch.rand(len(images), generator=generator, device=images.device)
    return compress(images.clamp(0, 1), quality)


def _mix(changed: Tensor, images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return changed images for a share of the images, and the others as they are."""
    chosen = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) < share
    return torch.where(chosen, changed, images)
