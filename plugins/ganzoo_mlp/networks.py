"""The two networks: linear layers and leaky rectifiers, nothing else."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzoo.layers import label_size, with_labels
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_mlp import MLPOptions

SLOPE = 0.2  # of the leaky rectifiers
LARGEST = 64  # pixels: for larger images nearly all parameters would be in the last layer
CODE_SCALE = 4.0  # the scale of the one-hot codes: at 1 the generator learns to ignore them


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
        generator=Generator(data, z_dim, codes, options.depth, options.width),
        discriminator=Discriminator(data, options.depth, options.width),
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
        depth, width: The number of hidden layers, and the number of units in each.
    """

    scale: Tensor

    def __init__(self, data: DataInfo, z_dim: int, codes: int, depth: int, width: int) -> None:
        super().__init__()
        self.shape, self.label_shape, self.num_classes = data.shape, data.label_shape, data.num_classes
        self.layers = make_layers(z_dim + codes + label_size(data), width, depth, math.prod(data.shape))
        if data.modality == "image":
            self.layers.append(nn.Tanh())
        self.codes = codes
        if codes:
            self.register_buffer("scale", torch.tensor([1.0] * z_dim + [CODE_SCALE] * codes))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples of latents `z`; raise ValueError if labels are missing or unexpected."""
        x: Tensor = z * self.scale if self.codes else z  # [N, z_dim + codes]
        x = with_labels(x, labels, self.num_classes, self.label_shape)  # [N, z_dim + codes + labels]
        x = self.layers(x)  # [N, D]
        return x.view(-1, *self.shape)  # [N, *shape]


class Discriminator(nn.Module):
    """Samples ``[N, *data.shape]`` to logits ``[N]``; `data`, `depth` and `width` as in the generator."""

    def __init__(self, data: DataInfo, depth: int, width: int) -> None:
        super().__init__()
        self.label_shape, self.num_classes = data.label_shape, data.num_classes
        self.layers = make_layers(math.prod(data.shape) + label_size(data), width, depth, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of samples `x`; raise ValueError if labels are missing or unexpected."""
        x = with_labels(x.flatten(1), labels, self.num_classes, self.label_shape)  # [N, D + labels]
        x = self.layers(x)  # [N, 1]
        return x.squeeze(1)  # [N]


# ----------------------------------------------------------------------------
# Parts of both networks.


def make_layers(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    """Return `depth` hidden layers of `width` units, and a linear layer to `outputs`.

    Weights are drawn from He's normal distribution (He et al. 2015, arXiv:1502.01852, eq. 15, slope 0.2), in the last
    layer from N(0, 1 / fan_in), so that outputs start at the scale of the inputs. Hidden biases keep torch's
    U(+-1 / sqrt(fan_in)), which spreads the bends of the rectifiers over the plane. The last bias starts at 0.
    """
    sides = [inputs, *[width] * depth]
    parts: list[nn.Module] = []
    for fan_in in sides[:-1]:
        hidden = nn.Linear(fan_in, width)
        nn.init.kaiming_normal_(hidden.weight, a=SLOPE)
        parts += [hidden, nn.LeakyReLU(SLOPE)]
    last = nn.Linear(width, outputs)
    nn.init.kaiming_normal_(last.weight, nonlinearity="linear")
    nn.init.zeros_(last.bias)
    return nn.Sequential(*parts, last)
