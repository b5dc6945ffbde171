"""The two networks of CTGAN (Xu et al. 2019, arXiv:1907.00503, section 4.4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import label_size, pack_samples, with_labels
from ganzoo.plugin import DataInfo, GeneratorOutput, Networks, UsageError
from ganzoo_tabular import CTGANOptions
from ganzoo_tabular.columns import Category, list_blocks, list_condition_places, read_columns

SLOPE = 0.2  # of D's rectifiers below zero


def build(options: CTGANOptions, data: DataInfo) -> Networks:
    """Return the networks for rows of `data`, with conditions if it has classes.

    Raises:
        UsageError: The data's meta does not describe the columns, or its classes are not their categories.
    """
    num = len(list_condition_places(read_columns(data)))
    if data.num_classes not in (0, num):
        raise UsageError(
            f"ctgan takes a class for each category of the columns, and the data have {data.num_classes} classes for "
            f"{num} categories: use --dataset FILE.csv, or remove --conditional"
        )
    return Networks(
        generator=Generator(data, options),
        discriminator=Discriminator(data, options),
        latent_dim=options.z_dim,
        latent="normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, and the one-hot condition of each class, to rows ``[N, D]``.

    Each of two hidden layers adds its outputs to its inputs. A scalar of a number ends in tanh, a mode and a category
    in a Gumbel-softmax (Jang et al. 2017, arXiv:1611.01144, eq. 2). With classes, the output has the loss `condition`:
    the cross-entropy between the condition and the drawn category of its column (section 4.3).

    Args:
        data: A description of the rows and of their columns.
        options: The options of the architecture.
    """

    places: Tensor

    def __init__(self, data: DataInfo, options: CTGANOptions) -> None:
        super().__init__()
        columns = read_columns(data)
        self.num_classes, self.tau, self.weight = data.num_classes, options.tau, options.condition_weight
        self.blocks = [(isinstance(column, Category), part) for column, part in list_blocks(columns)]
        self.register_buffer("places", torch.tensor(list_condition_places(columns), dtype=torch.int64), False)
        inputs, width = options.z_dim + label_size(data), options.width
        self.fc1, self.norm1 = nn.Linear(inputs, width), nn.BatchNorm1d(width)
        self.fc2, self.norm2 = nn.Linear(inputs + width, width), nn.BatchNorm1d(width)
        self.last = nn.Linear(inputs + 2 * width, data.shape[0])

    def forward(self, z: Tensor, labels: Tensor | None = None) -> GeneratorOutput:
        """Return the rows of latents `z`, and the loss of their conditions if there are labels."""
        h = with_labels(z, labels, self.num_classes)  # [N, z_dim + C]
        h = torch.cat([h, F.relu(self.norm1(self.fc1(h)))], 1)  # [N, z_dim + C + width]
        h = torch.cat([h, F.relu(self.norm2(self.fc2(h)))], 1)  # [N, z_dim + C + 2 width]
        scores = self.last(h)  # [N, D]
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        drawn = (scores + draw_gumbel(scores)) / self.tau
        parts, log_parts = list[Tensor](), list[Tensor]()
        for has_categories, part in self.blocks:
            first = part.start if has_categories else part.start + 1
            log_parts += [scores[:, part.start : first], F.log_softmax(drawn[:, first : part.stop], 1)]
            parts += [torch.tanh(scores[:, part.start : first]), log_parts[-1].exp()]
        samples = torch.cat(parts, 1)  # [N, D]
        if labels is None or not self.weight:
            return GeneratorOutput(samples)
        chosen = torch.cat(log_parts, 1).gather(1, self.places[labels][:, None])  # [N, 1]
        return GeneratorOutput(samples, losses={"condition": -self.weight * chosen.mean()})


def draw_gumbel(like: Tensor) -> Tensor:
    """Return numbers of the standard Gumbel distribution, of the shape of `like`."""
    return -torch.empty_like(like, memory_format=torch.contiguous_format).exponential_().log()


class Discriminator(nn.Module):
    """Rows ``[N, D]``, each with its condition, to logits ``[N / pack]``: it judges `pack` rows together.

    Args:
        data: A description of the rows.
        options: The options of the architecture.
    """

    def __init__(self, data: DataInfo, options: CTGANOptions) -> None:
        super().__init__()
        self.num_classes, self.pack = data.num_classes, options.pack
        self.layers = nn.Sequential(
            nn.Linear(options.pack * (data.shape[0] + label_size(data)), options.width),
            nn.LeakyReLU(SLOPE),
            nn.Dropout(options.dropout),
            nn.Linear(options.width, options.width),
            nn.LeakyReLU(SLOPE),
            nn.Dropout(options.dropout),
            nn.Linear(options.width, 1),
        )

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of packs of rows `x`."""
        x = with_labels(x, labels, self.num_classes)  # [N, D + C]
        logits: Tensor = self.layers(pack_samples(x, self.pack)).squeeze(1)
        return logits
