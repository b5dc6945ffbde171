"""The two networks: fully connected, the generator's output activated column by column."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gumbel_softmax

from acme_tabular import TabGANOptions
from acme_tabular.columns import Category, Column, blocks, columns_of
from ganzoo.layers import with_labels
from ganzoo.plugin import DataInfo, Networks

SLOPE = 0.2  # of the leaky rectifiers


def build(options: TabGANOptions, data: DataInfo) -> Networks:
    """Return the networks for rows of `data`, with labels where it has some.

    Raises:
        UsageError: The data's meta does not say what the columns are.
    """
    columns = columns_of(data)
    return Networks(
        generator=Generator(options, columns, data.num_classes),
        discriminator=Discriminator(options, data.shape[0], data.num_classes),
        latent_dim=options.z_dim,
    )


class Generator(nn.Module):
    """z ``[N, z_dim]`` to rows ``[N, D]``: a number as it comes, a category as the Gumbel-softmax of its logits.

    The Gumbel-softmax (Jang et al. 2017, arXiv:1611.01144, eq. 2) draws a category that is one-hot but for its
    temperature, and lets gradients pass, as in CTGAN (Xu et al. 2019, arXiv:1907.00503, section 4.4).

    Args:
        options: Sizes and temperature.
        columns: Of a row.
        num_classes: Of the labels, which are concatenated to z as one-hot; 0 for none.
    """

    def __init__(self, options: TabGANOptions, columns: list[Column], num_classes: int) -> None:
        super().__init__()
        self.columns, self.tau, self.num_classes = columns, options.tau, num_classes
        self.layers = layers(options.z_dim + num_classes, options, sum(column.width for column in columns))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the rows of latents `z`."""
        x: Tensor = self.layers(with_labels(z, labels, self.num_classes)).float()  # [N, D]
        return torch.cat([self.activated(x[:, part], column) for column, part in blocks(self.columns)], 1)

    def activated(self, x: Tensor, column: Column) -> Tensor:
        """Return a column's block ``[N, width]``."""
        if not isinstance(column, Category):
            return x
        return gumbel_softmax(x, self.tau) if self.tau else x.softmax(1)


class Discriminator(nn.Module):
    """Rows ``[N, D]`` to logits ``[N]``."""

    def __init__(self, options: TabGANOptions, width: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.layers = layers(width + num_classes, options, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of rows `x`."""
        logits: Tensor = self.layers(with_labels(x, labels, self.num_classes)).squeeze(1)
        return logits


def layers(inputs: int, options: TabGANOptions, outputs: int) -> nn.Sequential:
    """Return hidden layers with leaky rectifiers, He-normal, and a linear one whose bias starts at 0."""
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
