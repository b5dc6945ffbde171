"""FastGAN's self-supervised D: decoders draw real images again from its features (arXiv:2101.04775, eq. 2)."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import Frozen, draw_weights, extractor, perceptual_distance
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, Step, UsageError
from ganzoo_fastgan import ReconstructionOptions
from ganzoo_fastgan.networks import DoublingConv2d

LAYERS = 4  # convolutions of a decoder, each at twice the resolution of the one before (section 3.2)
FINEST = 16  # the channels of a decoder halve down to this number


class Reconstruction(nn.Module):
    """weight E |G(f) - T(x)| for real x that D saw, with D's features f and decoders G (Liu et al. 2021, eq. 2).

    From the last features that are maps a decoder draws the whole image. From a random square of half the sides of the
    maps before them another decoder draws that part of the image. T cuts out the part, and shrinks images to the size
    that a decoder draws: 16 times the maps', 128 pixels in FastGAN, or that of the image if that is smaller. The
    distance is the mean over all pixels; with an extractor, `ganzoo.layers.perceptual_distance` is added, where the
    authors use LPIPS. Features without height and width count as maps of one pixel.

    The decoders are built when D is known (`prepare`) and learn with D.
    """

    def __init__(self, options: ReconstructionOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data
        self.whole: nn.Sequential | None = None
        self.part: nn.Sequential | None = None
        self.looks = nn.ModuleDict()  # an extractor for each size of image, if there is one

    def prepare(self, networks: Networks) -> None:
        """Build the decoders for the features of this D.

        Raises:
            UsageError: D has one output for several samples, or the extractor cannot be used.
        """
        network, like = networks.discriminator, next(networks.discriminator.parameters())
        image, training = torch.zeros(2, *self.data.shape, device=like.device, dtype=like.dtype), network.training
        with torch.no_grad():
            maps = list_maps(network.eval()(image, _make_labels(self.data, image)))
        network.train(training)
        if len(maps[-1]) != len(image):
            raise UsageError("regularizer 'reconstruction' needs features of single samples: remove it")
        self.whole = self._make_decoder(maps[-1], image)
        if len(maps) > 1 and min(maps[-2].shape[2:]) > 1:
            corner = torch.zeros(2, 1, dtype=torch.int64, device=image.device)
            self.part = self._make_decoder(*cut(maps[-2], image, corner, corner))

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        assert step.real_seen is not None
        assert self.whole is not None
        maps, images = list_maps(step.real_output), step.real_seen.detach()
        term = self._compare(self.whole(maps[-1]), images)
        if self.part is not None:
            down, right = (
                torch.randint(side - side // 2 + 1, (len(images), 1), device=images.device)
                for side in maps[-2].shape[2:]
            )
            features, parts = cut(maps[-2], images, down, right)
            term = term + self._compare(self.part(features), parts)
        return self.options.weight * term

    def _compare(self, drawn: Tensor, images: Tensor) -> Tensor:
        """Return the distance of drawn images ``[N, C, h, w]`` from images that are as large or larger."""
        wanted = F.adaptive_avg_pool2d(images, (drawn.shape[2], drawn.shape[3]))  # T(x)
        distance, name = (drawn - wanted).abs().mean(), _name_size(drawn)
        if name in self.looks:
            distance = distance + perceptual_distance(cast(Frozen, self.looks[name]), drawn, wanted)
        return distance

    def _make_decoder(self, maps: Tensor, image: Tensor) -> nn.Sequential:
        """Return a decoder from maps ``[N, C, h, w]`` to images that are at most as large as `image`."""
        times = min(image.shape[2] // maps.shape[2], image.shape[3] // maps.shape[3])
        decoder = make_decoder(maps.shape[1], image.shape[1], min(LAYERS, times.bit_length() - 1)).to(image)
        drawn = decoder(maps)
        if self.options.extractor and _name_size(drawn) not in self.looks:
            look = extractor(self.options.extractor, replace(self.data, shape=tuple(drawn.shape[1:])))
            self.looks[_name_size(drawn)] = look.to(image)
        return decoder


def cut(maps: Tensor, images: Tensor, down: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Return a rectangle of half the sides of each sample's maps, and the part of its image under that rectangle.

    Args:
        maps: Maps ``[N, C, h, w]`` with two rows and columns or more.
        images: The images ``[N, c, H, W]`` of the maps.
        down: The first row of each rectangle, in pixels of the maps, int64 ``[N, 1]``.
        right: The first column of each rectangle, as `down`.
    """
    height, width = maps.shape[2] // 2, maps.shape[3] // 2
    tall, wide = images.shape[2] // maps.shape[2], images.shape[3] // maps.shape[3]  # pixels of the image for one
    part = _take(maps, down, right, height, width)
    return part, _take(images, down * tall, right * wide, height * tall, width * wide)


def make_decoder(inputs: int, outputs: int, doublings: int) -> nn.Sequential:
    """Return a network from maps ``[N, inputs, h, w]`` to images ``[N, outputs, h 2^doublings, w 2^doublings]``."""
    layers: list[nn.Module] = []
    for left in reversed(range(doublings)):
        width = max(inputs // 2, min(inputs, FINEST))
        conv = DoublingConv2d(inputs, 2 * width if left else outputs, 3, padding=1)
        layers += [conv, nn.GLU(1) if left else nn.Tanh()]
        inputs = width
    layers = layers or [nn.Conv2d(inputs, outputs, 3, padding=1), nn.Tanh()]
    return draw_weights(nn.Sequential(*layers), nn.init.kaiming_normal_)


def list_maps(output: object) -> list[Tensor]:
    """Return the features of D's output that are maps, ``[N, C, h, w]``; if there are none, its last ones as one pixel.

    Tokens ``[N, T, C]`` become the mean of a sample's tokens.

    Raises:
        ValueError: The output has no features.
    """
    if not isinstance(output, DiscriminatorOutput) or not output.features:
        raise ValueError("reconstruction needs features in D's output for real samples")
    maps = [each for each in output.features if each.dim() == 4]
    last = output.features[-1]
    return maps or [(last if last.dim() == 2 else last.flatten(1, -2).mean(1))[:, :, None, None]]


def _take(x: Tensor, down: Tensor, right: Tensor, height: int, width: int) -> Tensor:
    """Return ``[N, C, height, width]``: the part of each sample that begins at its row and column."""
    n, channels, _, columns = x.shape
    row = down + torch.arange(height, device=x.device)  # [N, height]
    column = right + torch.arange(width, device=x.device)  # [N, width]
    x = x.gather(2, row[:, None, :, None].expand(n, channels, height, columns))
    return x.gather(3, column[:, None, None, :].expand(n, channels, height, width))


def _name_size(images: Tensor) -> str:
    return f"{images.shape[2]}x{images.shape[3]}"


def _make_labels(data: DataInfo, like: Tensor) -> Tensor | None:
    if data.label_shape:
        return torch.zeros(len(like), *data.label_shape, device=like.device, dtype=like.dtype)
    return torch.zeros(len(like), dtype=torch.int64, device=like.device) if data.num_classes else None
