"""Cycle consistency, and the second direction of `cyclegan` (Zhu et al. 2017, arXiv:1703.10593)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, Step, UsageError
from ganzoo_translation.options import CycleOptions


class Cycle(nn.Module):
    """Train F and D of inputs like G and D of images, and let G and F undo each other (Zhu et al. 2017, section 3).

    With inputs x, images y, the run's loss L and the generators G and F:

    - D's term is L(D_X; x, F(y)). F(y) and, for the update's own loss, G(x) come from `Pool`.
    - G's term is L(F; D_X(F(y))) + weight (E |F(G(x)) - x| + E |G(F(y)) - y|) (eq. 2), and with `identity` also
      weight identity (E |G(y) - y| + E |F(x) - x|) (section 5.2).

    Args:
        options: The weights, and the size of the pools.
        data: The data of images and inputs.

    Raises:
        UsageError: Images and inputs have different channels, so that none can stay unchanged.
    """

    def __init__(self, options: CycleOptions, data: DataInfo) -> None:
        super().__init__()
        self.options = options
        inputs = data.label_shape or data.shape
        self.compares_identity = isinstance(options.identity, Tensor) or options.identity > 0
        if self.compares_identity and inputs[0] != data.shape[0]:
            raise UsageError(
                f"regularizer 'cycle': inputs have {inputs[0]} channels and images {data.shape[0]}, so a generator "
                "always changes them: add reg.cycle.identity=0"
            )
        self.images, self.inputs = Pool(options.pool, data.shape), Pool(options.pool, inputs)

    def replace_fakes(self, fake: Tensor) -> Tensor:
        """Return the images ``[N, *shape]`` that D sees in place of those that G made now."""
        shown: Tensor = self.images(fake)
        return shown

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        inputs, images = _require_pairs(step)
        generators, judges = _get_both(step)
        with torch.no_grad():
            fake = self.inputs(step.compute(generators.back.translate, images))
        seen = (step.compute(judges.back, _augment(step, each)) for each in (inputs, fake))
        return step.adversarial_loss("discriminator", *seen)

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        inputs, images = _require_pairs(step)
        generators, judges = _get_both(step)
        fake = step.compute(generators.back.translate, images)
        cycles = _compare(step.compute(generators.back.translate, step.fake), inputs)
        cycles = cycles + _compare(step.compute(generators.forth.translate, fake), images)
        if self.compares_identity:
            same = _compare(step.compute(generators.forth.translate, images), images)
            same = same + _compare(step.compute(generators.back.translate, inputs), inputs)
            cycles = cycles + self.options.identity * same
        term: Tensor = self.options.weight * cycles
        if step.fake_output is None:  # before train.adversarial_start
            return term
        with torch.no_grad():
            real = step.compute(judges.back, _augment(step, inputs))
        return term + step.adversarial_loss("generator", real, step.compute(judges.back, _augment(step, fake)))


class Pool(nn.Module):
    """Earlier samples of a generator, so that D does not forget them (Zhu et al. 2017, section 4).

    The first samples fill the pool and are shown as they are. Each later one is shown itself, or, with probability 1/2,
    takes the place of a random one in the pool, which is shown instead (Shrivastava et al. 2017, arXiv:1612.07828,
    section 2.3, whose batches mix both).

    Args:
        size: The number of samples in the pool; 0 to show each sample itself.
        shape: The shape of one sample.
    """

    samples: Tensor
    count: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("samples", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, made: Tensor) -> Tensor:
        """Return the samples ``[N, *shape]`` that D sees, without a graph."""
        if not self.size:
            return made.detach()
        return torch.stack([self._exchange(sample) for sample in made.detach()])

    def _exchange(self, sample: Tensor) -> Tensor:
        full = self.count >= self.size
        drawn = torch.randint(self.size, (), device=sample.device)
        place = torch.where(full, drawn, self.count.clamp(max=self.size - 1))[None]
        old, swapped = self.samples.index_select(0, place)[0], torch.rand((), device=sample.device) < 0.5
        kept = torch.where(full & ~swapped, old, sample.to(old.dtype))
        self.samples.index_copy_(0, place, kept[None])
        self.count.add_((~full).to(self.count.dtype))
        return torch.where(full & swapped, old.to(sample.dtype), sample)


def _require_pairs(step: Step) -> tuple[Tensor, Tensor]:
    """Return the inputs and the images of an update."""
    if step.labels is None or step.real is None:
        raise ValueError("cycle needs inputs as labels, and real images")
    return step.labels, step.real.detach()


def _get_both(step: Step) -> tuple[Any, Any]:
    """Return the networks, each of which has the networks `forth` and `back`."""
    return step.generator, step.discriminator


def _augment(step: Step, images: Tensor) -> Tensor:
    """Return images as D sees them; they stand for the labels that move with them, too."""
    found: Tensor | tuple[Tensor, Tensor] = step.augment(images, images)
    return found[0] if isinstance(found, tuple) else found


def _compare(made: Tensor, wanted: Tensor) -> Tensor:
    return (made - wanted).abs().mean()
