"""SSGAN: D tells by how much images are turned (Chen, Zhai, Ritter, Lucic & Houlsby 2019, arXiv:1811.11212)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.layers import measure_embedding, require_embedding
from ganzoo.plugin import DataInfo, Networks, Step, UsageError
from ganzoo_heads.heads import cross_entropy, make_linear
from ganzoo_heads.options import SSGANOptions


class SSGAN(nn.Module):
    """Q is a linear classifier on D's embedding that finds the turn r of an image: 0, 90, 180 or 270 degrees.

    D: weight_d E -log Q(r|x turned by r), for real x
    G: weight_g E -log Q(r|G(z) turned by r)

    A quarter of the batch is used, in all four directions, so that D sees as many images again as there are in the
    batch. They are not augmented, because an augmentation may turn images too. Images of other shapes than squares, and
    labels that are images, cannot be turned.
    """

    classifier: nn.Linear

    def __init__(self, options: SSGANOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data
        if data.labels_are_images:
            raise UsageError("regularizer 'ssgan' turns samples, but not the images that are their labels: remove it")
        if data.modality == "image" and data.shape[1] != data.shape[2]:
            raise UsageError("regularizer 'ssgan' turns images by 90 degrees: use square images, or remove it")

    def prepare(self, networks: Networks) -> None:
        """Build the classifier."""
        self.classifier = make_linear(measure_embedding(networks.discriminator, self.data), 4, self.options.spectral)

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        if step.real is None:
            raise ValueError("ssgan needs the step of D's update, which has real samples")
        return self.options.weight_d * self.compute_loss(step, step.real)

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        return self.options.weight_g * self.compute_loss(step, step.fake)

    def compute_loss(self, step: Step, images: Tensor) -> Tensor:
        """Return the classifier's loss, a scalar, for a quarter of the images ``[N, C, S, S]`` in four directions."""
        n = max(1, len(images) // 4)
        turned = torch.cat([torch.rot90(images[:n], turns, (2, 3)) for turns in range(4)])  # [4 n, C, S, S]
        labels = None if step.labels is None else step.labels[:n].repeat(4, *[1] * (step.labels.dim() - 1))
        embedding = require_embedding(step.discriminate(turned, labels), 4 * n)
        turns = torch.arange(4, device=images.device).repeat_interleave(n)  # [4 n]
        return cross_entropy(self.classifier(embedding), turns)
