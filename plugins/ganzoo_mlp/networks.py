"""The two networks: linear layers and leaky rectifiers, nothing else."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzoo.layers import label_size, pack_samples, with_labels
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_mlp import MLPOptions

SLOPE = 0.2  # of the leaky rectifiers
LARGEST = 64  # pixels: for larger images nearly all parameters would be in the last layer
WAVES = 32  # beside D's input


def build(options: MLPOptions, data: DataInfo) -> Networks:
    """Return the networks for samples of `data`, with labels if it has some.

    Raises:
        UsageError: Images have more than `LARGEST` pixels a side.
    """
    if data.modality == "image" and max(data.shape[1:]) > LARGEST:
        raise UsageError(
            f"mlp takes images of at most {LARGEST} pixels a side, not {max(data.shape[1:])}: "
            "use smaller images (dataset.size) or a convolutional arch"
        )
    codes = options.codes if options.latent == "mixed" else 0
    numbers = math.prod(data.shape) * (2 if codes else 1)  # with codes, a short z is soon ignored
    z_dim = min(numbers, 32) if options.z_dim is None else options.z_dim
    return Networks(
        generator=Generator(data, z_dim, codes, options.code_scale, options.depth, options.width),
        discriminator=Discriminator(
            data, options.depth, options.width, options.projection, options.pack, options.frequency
        ),
        latent_dim=z_dim + codes,
        latent=f"normal+onehot{codes}" if codes else "normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim + codes]`` to samples ``[N, *data.shape]``: images in [-1, 1], other data unbounded.

    Args:
        data: A description of the samples. Labels are concatenated to z (Mirza & Osindero 2014, arXiv:1411.1784).
        z_dim: The length of the normal part of z.
        codes: The length of the one-hot part after it; 0 for none. A continuous map of a connected latent distribution
            cannot make separate modes without samples between them. With codes, each code can make a mode of its own
            (ClusterGAN, Mukherjee et al. 2018, arXiv:1809.03627).
        code_scale: The factor by which the codes are multiplied.
        depth, width: The number of hidden layers, and the number of units in each.
    """

    scale: Tensor

    def __init__(self, data: DataInfo, z_dim: int, codes: int, code_scale: float, depth: int, width: int) -> None:
        super().__init__()
        self.shape, self.label_shape, self.num_classes = data.shape, data.label_shape, data.num_classes
        inputs = z_dim + codes + label_size(data)
        self.layers = make_layers(inputs, width, depth).append(make_last(width, math.prod(data.shape)))
        if data.modality == "image":
            self.layers.append(nn.Tanh())
        self.codes = codes
        if codes:
            self.register_buffer("scale", torch.tensor([1.0] * z_dim + [code_scale] * codes))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples of latents `z`; raise ValueError if labels are missing or unexpected."""
        x: Tensor = z * self.scale if self.codes else z  # [N, z_dim + codes]
        x = with_labels(x, labels, self.num_classes, self.label_shape)  # [N, z_dim + codes + labels]
        x = self.layers(x)  # [N, D]
        return x.view(-1, *self.shape)  # [N, *shape]


class Discriminator(nn.Module):
    """Samples ``[N, *data.shape]`` to logits ``[N]``; `data`, `depth` and `width` as in the generator.

    Its features and its embedding are the last hidden layer, ``[N, width]``. Without `projection` it ignores labels. If
    it judges `pack` samples together, it has no features, and its logits are ``[N / pack]``. With a
    `frequency` it sees `Waves` of that frequency beside the samples.
    """

    def __init__(
        self,
        data: DataInfo,
        depth: int,
        width: int,
        projection: bool = True,
        pack: int = 1,
        frequency: float = 0.0,
    ) -> None:
        super().__init__()
        self.projection, self.pack = projection, pack
        self.label_shape, self.num_classes = (data.label_shape, data.num_classes) if projection else ((), 0)
        numbers = math.prod(data.shape)
        self.waves = Waves(numbers, frequency) if frequency else None
        inputs = numbers + label_size(data) * projection + (2 * WAVES if frequency else 0)
        self.hidden = make_layers(pack * inputs, width, depth)
        self.last = make_last(width, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the output for samples `x`; raise ValueError if labels are missing or unexpected."""
        labels = labels if self.projection else None
        x = x.flatten(1)  # [N, D]
        x = self.waves(x) if self.waves else x  # [N, D + 2 WAVES]
        x = with_labels(x, labels, self.num_classes, self.label_shape)  # [N, D + 2 WAVES + labels]
        x = self.hidden(pack_samples(x, self.pack))  # [N, width]
        logits = self.last(x).squeeze(1)  # [N]
        return DiscriminatorOutput(logits) if self.pack > 1 else DiscriminatorOutput(logits, features=[x], embedding=x)


# ----------------------------------------------------------------------------
# Parts of the networks.


class Waves(nn.Module):
    """Samples ``[N, D]`` and random sines and cosines of them, ``[N, D + 2 WAVES]``, as in Tancik et al. 2020.

    Rectifiers learn what changes slowly over the data first, so D would see a small mode as a point long before it sees
    how wide the mode is (Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains,
    arXiv:2006.10739).

    Args:
        numbers: The length D of a sample.
        frequency: The standard deviation of a wave's frequency in each direction, in periods for a length of 1.
    """

    frequencies: Tensor

    def __init__(self, numbers: int, frequency: float) -> None:
        super().__init__()
        self.register_buffer("frequencies", math.tau * frequency * torch.randn(numbers, WAVES))

    def forward(self, x: Tensor) -> Tensor:
        """Return samples `x` and their waves."""
        angles = x @ self.frequencies  # [N, WAVES]
        return torch.cat([x, angles.sin(), angles.cos()], dim=1)


def make_layers(inputs: int, width: int, depth: int) -> nn.Sequential:
    """Return `depth` hidden layers of `width` units.

    Weights are drawn from He's normal distribution (He et al. 2015, arXiv:1502.01852, eq. 15, slope 0.2). Biases keep
    torch's U(+-1 / sqrt(fan_in)), which spreads the bends of the rectifiers over the plane.
    """
    sides = [inputs, *[width] * depth]
    parts: list[nn.Module] = []
    for fan_in in sides[:-1]:
        hidden = nn.Linear(fan_in, width)
        nn.init.kaiming_normal_(hidden.weight, a=SLOPE)
        parts += [hidden, nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*parts)


def make_last(width: int, outputs: int) -> nn.Linear:
    """Return a linear layer whose outputs start at the scale of its inputs: weights from N(0, 1 / width), biases 0."""
    last = nn.Linear(width, outputs)
    nn.init.kaiming_normal_(last.weight, nonlinearity="linear")
    nn.init.zeros_(last.bias)
    return last
