"""The two networks. They are fully connected, and the generator has an activation for each column."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gumbel_softmax

from acme_tabular import TabGANOptions
from acme_tabular.columns import Category, Column, list_blocks, read_columns
from ganzoo.layers import with_labels
from ganzoo.plugin import DataInfo, Networks

SLOPE = 0.2  # of the leaky ReLU


def build(options: TabGANOptions, data: DataInfo) -> Networks:
    """Build the networks for rows of `data`, with labels if it has classes.

    Raises:
        UsageError: The data's meta does not describe the columns.
    """
    columns = read_columns(data)
    return Networks(
        generator=Generator(options, columns, data.num_classes),
        discriminator=Discriminator(options, data.shape[0], data.num_classes),
        latent_dim=options.z_dim,
    )


class Generator(nn.Module):
    """Turns z ``[N, z_dim]`` into rows ``[N, D]``: numbers without an activation, categories with a Gumbel-softmax.

    The Gumbel-softmax (Jang et al. 2017, arXiv:1611.01144, eq. 2) draws a category that is nearly one-hot, and passes
    gradients, as in CTGAN (Xu et al. 2019, arXiv:1907.00503, section 4.4).

    Args:
        options: The sizes and the temperature.
        columns: The columns of a row.
        num_classes: The number of classes, which are added to z as one-hot; 0 for networks without labels.
    """

    def __init__(self, options: TabGANOptions, columns: list[Column], num_classes: int) -> None:
        super().__init__()
        self.columns, self.tau, self.num_classes = columns, options.tau, num_classes
        self.layers = build_layers(options.z_dim + num_classes, options, sum(column.width for column in columns))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the rows of latents `z`."""
        x: Tensor = self.layers(with_labels(z, labels, self.num_classes)).float()  # [N, D]
        return torch.cat([self.activate(x[:, part], column) for column, part in list_blocks(self.columns)], 1)

    def activate(self, x: Tensor, column: Column) -> Tensor:
        """Apply the activation of a column to its block ``[N, width]``."""
        if not isinstance(column, Category):
            return x
        return gumbel_softmax(x, self.tau) if self.tau else x.softmax(1)


class Discriminator(nn.Module):
    """Gives rows ``[N, D]`` their logits ``[N]``."""

    def __init__(self, options: TabGANOptions, width: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.layers = build_layers(width + num_classes, options, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of rows `x`."""
        logits: Tensor = self.layers(with_labels(x, labels, self.num_classes)).squeeze(1)
        return logits


def build_layers(inputs: int, options: TabGANOptions, outputs: int) -> nn.Sequential:
    """Build hidden layers with leaky ReLU and He-normal weights, and a linear layer whose bias starts at 0."""
    sides = [inputs, *[options.width] * options.depth]
    parts: list[nn.Module] = []
    for fan_in in sides[:-1]:
        hidden = nn.Linear(fan_in, options.width)
        nn.init.kaiming_normal_(hidden.weight, a=SLOPE)
        parts += [hidden, nn.LeakyReLU(SLOPE)]
    last = nn.Linear(sides[-1], outputs)
    nn.init.kaiming_normal_(last.weight, nonlinearity="linear")
    nn.init.zeros_(last.bias)
    return nn.Sequential(*parts, last)
