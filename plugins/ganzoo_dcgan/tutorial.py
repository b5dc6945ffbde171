"""The two networks of TensorFlow's DCGAN tutorial for images of 28x28, with the layers of Keras.

The tutorial is https://www.tensorflow.org/tutorials/generative/dcgan (Apache 2.0); what its layers compute is written
from Keras's documentation. They differ from torch's layers of the same names:

- ``same`` padding of a convolution with stride 2 adds one more row and column at the end than at the start;
- a transposed convolution with ``same`` padding is the transpose of that convolution, so it cuts one more at the end;
- BatchNorm has momentum .99 (in torch's terms .01) and epsilon 1e-3, and averages the biased variance;
- weights of convolutions and dense layers are Glorot's uniform, biases 0;
- LeakyReLU has slope .3.

In Keras a map is flattened as height, width, channels; here as channels, height, width. For weights drawn at random
this is the same network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, pad

from ganzoo.layers import draw_weights
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_dcgan import TutorialOptions

KERNEL, SLOPE, START = 5, 0.3, 7  # START: the height and width of the generator's first map


def build(options: TutorialOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`.

    Raises:
        UsageError: The samples are not images of 28x28.
    """
    if len(data.shape) != 3 or data.shape[1:] != (4 * START, 4 * START):
        raise UsageError(f"dcgan-tutorial makes images of 28x28, not samples of shape {data.shape}: add --size 28")
    networks = Networks(
        generator=Generator(data.shape[0], options.width, options.z_dim),
        discriminator=Discriminator(data.shape[0], options.width, options.dropout),
        latent_dim=options.z_dim,
        latent="normal",
    )
    for network in (networks.generator, networks.discriminator):
        draw_weights(network, nn.init.xavier_uniform_)  # Glorot & Bengio 2010, eq. 16
    return networks


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, 28, 28]`` in [-1, 1].

    Args:
        channels: The number of channels of the image.
        width: The number of channels at 14x14; 7x7 has twice and four times as many.
        z_dim: The length of z.
    """

    def __init__(self, channels: int, width: int, z_dim: int) -> None:
        super().__init__()
        features = 4 * width * START * START
        self.first = nn.Sequential(
            nn.Linear(z_dim, features, bias=False),
            BatchNorm(features),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Unflatten(1, (4 * width, START, START)),
        )
        self.blocks = nn.Sequential(make_up_block(4 * width, 2 * width, 1), make_up_block(2 * width, width, 2))
        self.last = UpConv(width, channels, 2)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`. There are no labels."""
        x = self.first(z)  # [N, 4 * width, 7, 7]
        x = self.blocks(x)  # [N, width, 14, 14]
        return torch.tanh(self.last(x))  # [N, channels, 28, 28]


class Discriminator(nn.Module):
    """Images ``[N, channels, 28, 28]`` in [-1, 1] to logits ``[N, 1]``.

    Args:
        channels: The number of channels of the image.
        width: The number of channels at 14x14; 7x7 has twice as many.
        dropout: The probability that a number of a map becomes 0.
    """

    def __init__(self, channels: int, width: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            make_down_block(channels, width, dropout), make_down_block(width, 2 * width, dropout)
        )
        self.last = nn.Linear(2 * width * START * START, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of images `x`. There are no labels."""
        logits: Tensor = self.last(self.blocks(x).flatten(1))  # [N, 1]
        return logits


# ----------------------------------------------------------------------------
# Layers as Keras has them.


def make_up_block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return a block ``[N, inputs, R, R] -> [N, outputs, stride * R, stride * R]``."""
    return nn.Sequential(UpConv(inputs, outputs, stride), BatchNorm(outputs), nn.LeakyReLU(SLOPE, inplace=True))


def make_down_block(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    """Return a block ``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``."""
    return nn.Sequential(DownConv(inputs, outputs), nn.LeakyReLU(SLOPE, inplace=True), Dropout(dropout))


class DownConv(nn.Conv2d):
    """``Conv2D(outputs, 5, strides=2, padding="same")``: ``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``, R even.

    The window moves over the image with 3 rows and columns of zeros: 1 at the start and 2 at the end.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, KERNEL, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map of half the size."""
        return super().forward(pad(x, (1, 2, 1, 2)))


class UpConv(nn.ConvTranspose2d):
    """``Conv2DTranspose(outputs, 5, strides=stride, padding="same", use_bias=False)``.

    The full result has ``stride * R + 5 - stride`` rows and columns. Of those beyond ``stride * R``, half are cut at
    the start, rounded down, and the others at the end.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, KERNEL, stride, padding=(KERNEL - stride) // 2, bias=False)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return the map, ``stride`` times as large."""
        height, width = (side * scale for side, scale in zip(x.shape[2:], self.stride, strict=True))
        return super().forward(x)[:, :, :height, :width]


class Dropout(nn.Dropout):
    """``Dropout(p)``. Torch's own fills its mask in the order of memory, which differs in a compiled update."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the numbers that are kept, divided by the share of the kept ones; 0 for the others."""
        if not self.training:
            return input
        kept = torch.rand(input.shape, device=input.device) >= self.p
        return input * kept / (1 - self.p)


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """``BatchNormalization()`` for features ``[N, C]`` or maps ``[N, C, H, W]``."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised values; in training, also move the averages of mean and variance.

        Torch averages the unbiased variance v n / (n - 1), where n is the number of values of a channel. Of the old
        average a it makes .99 a + .01 v n / (n - 1). Times (n - 1) / n, plus .99 a / n, that is .99 a + .01 v.
        """
        if not self.training:
            return super().forward(input)
        buffers = self.running_mean, self.running_var, self.num_batches_tracked
        mean, variance, count = (each for each in buffers if each is not None)
        new_mean, new_variance = mean.clone(), variance.clone()  # gradients need these as they are after this forward
        normalised = batch_norm(input, new_mean, new_variance, self.weight, self.bias, True, 0.01, self.eps)
        num = input.numel() // input.shape[1]
        mean.copy_(new_mean)
        variance.mul_(0.99 / num).add_(new_variance, alpha=1 - 1 / num)
        count.add_(1)
        return normalised

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept features and maps alike."""
