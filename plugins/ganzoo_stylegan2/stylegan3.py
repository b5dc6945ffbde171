"""The generator of StyleGAN3 (Karras, Aittala, Laine, Härkönen, Hellsten, Lehtinen & Aila 2021, arXiv:2106.12423).

Maps are samples of continuous signals without high frequencies. Every layer treats the signal, not its pixels, so a
picture moves by any distance if its input does. For this a map has a margin around the picture, and a nonlinearity is
computed at twice the sampling rate between two low-pass filters. The discriminator is StyleGAN2's.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import decimate, interpolate
from ganzoo.plugin import DataInfo, Networks
from ganzoo_stylegan2 import StyleGAN3Options
from ganzoo_stylegan2.filters import CRITICAL, TAPS, Band, make_jinc_filter, make_kaiser_filter, plan_bands
from ganzoo_stylegan2.mapping import Mapping
from ganzoo_stylegan2.modulated import GAIN, SLOPE, ModulatedConv2d
from ganzoo_stylegan2.networks import Discriminator, choose_widths, require_square

MARGIN = 10  # pixels around the picture in all maps but the last ones (section 3.2)
MAGNIFICATION = 2  # m: a nonlinearity is computed at m times the higher rate of its layer's input and output
# Samples of G of all processes. With alternating updates and train.d_steps=1, G makes two for each real image, of which
# the paper's half-life is 20,000.
HALF_LIFE = 40_000


def build(options: StyleGAN3Options, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, or their labels are not classes.
    """
    size = require_square("stylegan3", data)
    widths = choose_widths(options, size)
    return Networks(
        generator=Generator(data.shape[0], size, options, data.num_classes),
        discriminator=Discriminator(data.shape[0], widths, options, data.num_classes),
        latent_dim=options.z_dim,
        latent="normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]``, which training brings to [-1, 1].

    Args:
        channels: The number of channels of the image.
        size: Height and width of the image, in pixels.
        options: The options of the architecture.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels.
    """

    def __init__(self, channels: int, size: int, options: StyleGAN3Options, num_classes: int = 0) -> None:
        super().__init__()
        self.mapping = Mapping(options.layers + 2, options, num_classes)
        self.synthesis = Synthesis(channels, size, options)

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected.

        Args:
            z: The latents, ``[N, z_dim]``.
            labels: The classes, int64 ``[N]``, or None.
            truncation: The factor by which styles are moved to their mean: 0 for the mean itself, 1 for no change.
        """
        images: Tensor = self.synthesis(self.mapping(z, labels, truncation))
        return images


class Synthesis(nn.Module):
    """Styles ``[N, layers + 2, w_dim]`` to images ``[N, channels, size, size]`` (figure 4b).

    The first style places the input, the last one modulates the colours.

    Args:
        channels, size, options: What they are in `Generator`.
    """

    def __init__(self, channels: int, size: int, options: StyleGAN3Options) -> None:
        super().__init__()
        bands, rotates = plan_bands(size, options.layers), options.rotates
        widths = [choose_width(options, band.cutoff) for band in bands]
        self.input = FourierFeatures(widths[0], options.w_dim, bands[0])
        self.layers = nn.ModuleList()
        for index, (band, width) in enumerate(zip(bands, widths, strict=True)):
            before = max(index - 1, 0)
            self.layers.append(
                FilteredConv2d(
                    widths[before],
                    width,
                    1 if rotates else 3,
                    options.w_dim,
                    bands[before],
                    band,
                    margin=MARGIN if index < options.layers - 1 else 0,
                    radial=rotates and index < options.layers - CRITICAL,
                    full_padding=options.full_padding,
                )
            )
        self.magnitude = Magnitude()
        self.colours = ModulatedConv2d(widths[-1], channels, 1, options.w_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, w: Tensor, shift: tuple[float, float] = (0.0, 0.0), angle: float = 0.0) -> Tensor:
        """Return the images of styles `w`.

        Args:
            w: The styles, ``[N, layers + 2, w_dim]``.
            shift: How far the content of the images moves to the right and down, as shares of their width.
            angle: How far it turns clockwise around the centre before, in radians. Shapes of a network that is not
                `rotates` change.
        """
        x = self.input(w[:, 0], shift, angle)
        for index, layer in enumerate(self.layers, 1):
            x = layer(x, w[:, index])
        y: Tensor = self.colours(x, w[:, -1], self.magnitude(x)) + self.bias[:, None, None]
        return y / 4  # black and white are -4 and 4 inside (appendix F.1)


def choose_width(options: StyleGAN3Options, cutoff: float) -> int:
    """Return the channels of a layer, C(2 f_c) (appendix F.2, generator capacity), twice as many for config R."""
    factor = 2 if options.rotates else 1
    return max(8, min(round(factor * options.channel_base / (2 * cutoff)), factor * options.channel_max))


# ----------------------------------------------------------------------------
# The input.


class FourierFeatures(nn.Module):
    """Styles ``[N, w_dim]`` to maps ``[N, channels, H, W]``: plane waves, moved by the style and mixed.

    The waves have fixed random directions, frequencies below the cutoff, and phases (section 3.1). A layer that first
    does nothing gives the rotation (r_c, r_s) and then the translation (t_x, t_y) of each sample (appendix F.1).

    Args:
        channels: The number of waves, and of channels.
        w_dim: Length of a style.
        band: The band of the maps.
    """

    frequencies: Tensor
    phases: Tensor

    def __init__(self, channels: int, w_dim: int, band: Band) -> None:
        super().__init__()
        self.rate, self.size = band.rate, band.rate + 2 * MARGIN
        radius, angle = band.cutoff * torch.rand(channels).sqrt(), 2 * math.pi * torch.rand(channels)
        self.register_buffer("frequencies", torch.stack([radius * angle.cos(), radius * angle.sin()]))  # of x and y
        self.register_buffer("phases", torch.rand(channels))
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = nn.Parameter(torch.zeros(4, w_dim))
        self.bias = nn.Parameter(torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def forward(self, w: Tensor, shift: tuple[float, float], angle: float) -> Tensor:
        """Return the maps of styles `w`, moved by `shift` and `angle` as in `Synthesis`."""
        # the sum of products, unlike a matrix product, is exact under autocast
        t = (w[:, None].to(self.affine.dtype) * self.affine).sum(2) / math.sqrt(w.shape[1]) + self.bias  # [N, 4]
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        waves = _move((*self.frequencies, self.phases), *t[:, :, None].unbind(1))
        x, y, phases = _move(waves, math.cos(angle), math.sin(angle), *shift)  # [N, channels] each
        places = (torch.arange(self.size, device=w.device, dtype=x.dtype) - (self.size - 1) / 2) / self.rate
        places = places[:, None]  # 0 is the centre of the picture, whose width is 1
        turns = (x[:, None] * places + phases[:, None])[:, None] + (y[:, None] * places)[:, :, None]
        maps = torch.sin(2 * math.pi * turns)  # [N, H, W, channels]
        return F.linear(maps, self.weight / math.sqrt(len(self.weight))).permute(0, 3, 1, 2)


def _move(
    waves: tuple[Tensor, Tensor, Tensor],
    cos: Tensor | float,
    sin: Tensor | float,
    dx: Tensor | float,
    dy: Tensor | float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Turn waves (frequencies of x and y, phases in turns) around the centre, then translate them."""
    x, y, phases = waves
    x, y = cos * x - sin * y, sin * x + cos * y
    return x, y, phases - x * dx - y * dy


# ----------------------------------------------------------------------------
# The layers.


class FilteredConv2d(nn.Module):
    """A modulated convolution and a leaky ReLU without aliasing, ``[N, inputs, H, W]`` to ``[N, outputs, H', W']``.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        size: Height and width of the kernel, in pixels.
        w_dim: Length of a style.
        source: The band of the input.
        target: The band of the output.
        margin: The number of pixels around the picture in the output.
        radial: Whether the second filter is radially symmetric.
        full_padding: Whether the convolution also computes the pixels beyond the borders that its kernel reaches.
    """

    rise: Tensor
    fall: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        w_dim: int,
        source: Band,
        target: Band,
        margin: int,
        radial: bool,
        full_padding: bool = False,
    ) -> None:
        super().__init__()
        rate = choose_rate(source, target)
        self.up, self.down, self.size = rate // source.rate, rate // target.rate, target.rate + 2 * margin
        self.magnitude = Magnitude()
        self.conv = ModulatedConv2d(inputs, outputs, size, w_dim, padding=size - 1 if full_padding else None)
        self.bias = nn.Parameter(torch.zeros(outputs))
        rise, fall = make_filters(source, target, radial)
        self.register_buffer("rise", rise)
        self.register_buffer("fall", fall)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the maps that the kernels of styles `w` make of `x`."""
        y = self.conv(x, w, self.magnitude(x)) + self.bias[:, None, None]
        needed = self.down * (self.size + TAPS - 1)  # pixels that the second filter reads
        crop = (self.up * (y.shape[-1] + TAPS - 1) - needed) // 2
        y = interpolate(GAIN * y, self.rise, self.up, crop)  # the gain is cheaper before the rate rises
        return decimate(F.leaky_relu(y, SLOPE), self.fall, self.down)


def choose_rate(source: Band, target: Band) -> int:
    """Return the sampling rate at which the nonlinearity between two bands is computed."""
    return MAGNIFICATION * max(source.rate, target.rate)


def make_filters(source: Band, target: Band, radial: bool) -> tuple[Tensor, Tensor]:
    """Return the filters before and after the nonlinearity of a layer, arguments as in `FilteredConv2d`."""
    rate = choose_rate(source, target)
    make = make_jinc_filter if radial else make_kaiser_filter
    rise = make_kaiser_filter(TAPS * (rate // source.rate), source.cutoff, source.half_width, rate)
    return rise.float(), make(TAPS * (rate // target.rate), target.cutoff, target.half_width, rate).float()


class Magnitude(nn.Module):
    """The factor 1 / sqrt(E[x^2]) for maps x, a tensor without dimensions (section 3.1, appendix F.1).

    The mean of the squares is a moving average over training, with which the scales of the layers cannot drift.
    """

    square: Tensor

    def __init__(self) -> None:
        super().__init__()
        known = torch.distributed.is_available() and torch.distributed.is_initialized()
        self.processes = torch.distributed.get_world_size() if known else 1  # each sees a part of the batch
        self.track_running_stats = True  # as of BatchNorm: the engine stops both in further forwards
        self.register_buffer("square", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the factor for maps `x`; in train mode, they move the average first."""
        if self.training and self.track_running_stats:
            with torch.no_grad():
                share = 0.5 ** (len(x) * self.processes / HALF_LIFE)
                self.square.lerp_(x.to(self.square.dtype).square().mean(), 1 - share)
        return self.square.rsqrt()
