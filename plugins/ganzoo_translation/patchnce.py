"""PatchNCE, which keeps the content of translated images (Park et al. 2020, arXiv:2007.15651, section 3)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import draw_normal_weights
from ganzoo.plugin import DataInfo, Networks, Step, UsageError
from ganzoo_translation.options import PatchNCEOptions

TINY = 1e-7  # is added to the length of a vector before it is divided by that


class PatchNCE(nn.Module):
    """weight (NCE(x, G(x)) + identity NCE(y, G(y))) for inputs x and images y (Park et al. 2020, eq. 5).

    NCE(x, x') looks at random places of the maps by which the generator encodes both (`encode`). A small network for
    each map turns a place into a vector of length 1: q at x', k at x. Each q has to find the k of its place among those
    of all the places of the image: -E log(exp(q k+ / tau) / sum exp(q k / tau)) (eq. 3 and 4). Maps count as their
    mean, as in the authors' code; eq. 4 has the sum. No gradient flows into k.

    The small networks are built when the generator is known (`prepare`), and learn with it.

    Args:
        options: The weights, the temperature and the numbers of places and of a vector.
        data: The data of images and inputs.
    """

    def __init__(self, options: PatchNCEOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data
        self.compares_identity = isinstance(options.identity, Tensor) or options.identity > 0
        inputs = data.label_shape or data.shape
        if self.compares_identity and inputs[0] != data.shape[0]:
            raise UsageError(
                f"regularizer 'patchnce': inputs have {inputs[0]} channels and images {data.shape[0]}, so images "
                "cannot be inputs: add reg.patchnce.identity=0"
            )
        self.heads = nn.ModuleList()

    def prepare(self, networks: Networks) -> None:
        """Build the small networks for the maps of this generator."""
        generator: Any = networks.generator
        like = next(networks.generator.parameters())
        image = torch.zeros(1, *(self.data.label_shape or self.data.shape), device=like.device, dtype=like.dtype)
        with torch.no_grad():
            widths = [each.shape[1] for each in generator.encode(image)]
        width = self.options.width
        self.heads = nn.ModuleList(
            draw_normal_weights(nn.Sequential(nn.Linear(each, width), nn.ReLU(), nn.Linear(width, width))).to(image)
            for each in widths
        )

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        if step.labels is None or step.real is None:
            raise ValueError("patchnce needs inputs as labels, and real images")
        generator: Any = step.generator
        term = self._compare(step, step.labels, step.fake)
        if self.compares_identity:
            images = step.real.detach()
            same = step.compute(generator.translate, images)
            term = term + self.options.identity * self._compare(step, images, same)
        weighted: Tensor = self.options.weight * term
        return weighted

    def _compare(self, step: Step, source: Tensor, made: Tensor) -> Tensor:
        """Return NCE(source, made)."""
        generator: Any = step.generator
        with torch.no_grad():
            keys = step.compute(generator.encode, source)
        queries, terms = step.compute(generator.encode, made), []
        for head, key, query in zip(self.heads, keys, queries, strict=True):
            num = key.shape[2] * key.shape[3]
            places = torch.rand(num, device=key.device).argsort()[: self.options.patches]  # without repetition
            with torch.no_grad():
                k = _scale(head(_take(key, places)))  # [N, P, width]
            terms.append(self._find(_scale(head(_take(query, places))), k))
        return torch.stack(terms).mean()

    def _find(self, q: Tensor, k: Tensor) -> Tensor:
        """Return how badly vectors ``[N, P, width]`` find the ones of their own places, a scalar."""
        alike = torch.bmm(q, k.transpose(1, 2)) / self.options.temperature  # [N, P, P]
        right = torch.arange(k.shape[1], device=k.device).repeat(len(k))
        return F.cross_entropy(alike.flatten(0, 1), right)


def _take(maps: Tensor, places: Tensor) -> Tensor:
    """Return the values ``[N, P, C]`` of maps ``[N, C, h, w]`` at places, numbers in the order of rows."""
    return maps.flatten(2)[:, :, places].transpose(1, 2)


def _scale(vectors: Tensor) -> Tensor:
    scaled: Tensor = vectors / (torch.linalg.vector_norm(vectors, dim=-1, keepdim=True) + TINY)
    return scaled
