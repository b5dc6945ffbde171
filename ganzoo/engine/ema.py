"""The averaged generator, which a run samples from, packages and publishes, and averages of other profiles."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from ganzoo.compute.profiles import Profile, compute_weight, find_exponent


class EMA:
    """An exponential moving average of a network's parameters and of BatchNorm's statistics; other buffers are copied.

    Statistics of the last few batches, copied to averaged weights, would move from look to look more than the weights.

    Args:
        network: The network that is averaged.
        half_life: The number of images after which the weight of the past is one half; 0 for no average.
        ramp: The half-life is at most this share of the images seen so far (Karras et al. 2020, ADA); None for no ramp.
        shared: Tensors that the averages share with the network: those of scheduled options.
        widths: The widths of further averages, whose profiles are power functions (`ganzoo.compute.profiles`).

    Attributes:
        network: The averaged network, in eval mode.
        profiles: The further averages, by their width.
        numbers: The tensors that `update` reads where it is recorded: for each average the weight of the present
            network, 0-dim. Empty where it is not recorded.
    """

    def __init__(
        self,
        network: nn.Module,
        half_life: float,
        ramp: float | None = None,
        shared: Iterable[Tensor] = (),
        widths: Iterable[float] = (),
    ) -> None:
        self.half_life = half_life
        self.ramp = ramp
        kept = {id(tensor): tensor for tensor in shared}

        def copy_network() -> nn.Module:
            return copy.deepcopy(network, dict(kept)).eval().requires_grad_(False)

        self.network = copy_network()
        self.profiles = {width: copy_network() for width in widths}
        self._exponents = [find_exponent(width) for width in self.profiles]
        averages = [self.network, *self.profiles.values()]
        self._averaged = [_group(_list_averaged(average), _list_averaged(network)) for average in averages]
        self._copied = [_group(_list_copied(average), _list_copied(network)) for average in averages]
        self.numbers: list[Tensor] = []
        self._weights = [1.0 for _ in averages]

    def beta(self, num: float, images: int) -> float:
        """Return the weight of the past in an update of `num` images: ``0.5 ** (num / half-life)``."""
        half_life = self.half_life if self.ramp is None else min(self.half_life, self.ramp * images)
        return 0.5 ** (num / half_life) if half_life > 0 else 0.0

    def make_recordable(self, device: torch.device) -> None:
        """Make `update` read its weights from tensors from now on, so that it can be recorded."""
        self.numbers = [torch.zeros((), dtype=torch.float64, device=device) for _ in self._weights]

    def make_eager(self) -> None:
        """Make `update` read its weights from numbers again."""
        self.numbers = []

    def refill(self, num: float, images: int, count: int = 1) -> None:
        """Set the weights for the next update.

        Args:
            num: The number of images of the update.
            images: Images seen so far.
            count: The number of updates that are averaged, with the next one.
        """
        weights = [compute_weight(Profile(count, exponent)) for exponent in self._exponents]
        self._weights = [1.0 - self.beta(num, images), *weights]
        for number, weight in zip(self.numbers, self._weights, strict=False):
            number.fill_(weight)

    @torch.no_grad()
    def update(self) -> None:
        """Move the averages towards the present network."""
        for index, groups in enumerate(self._averaged):
            for average, current in groups:
                if index == 0 and self.half_life == 0:
                    torch._foreach_copy_(average, current)
                elif self.numbers:  # `_foreach_lerp_` takes no weight from a tensor
                    steps = torch._foreach_sub(current, average)
                    torch._foreach_mul_(steps, self.numbers[index].to(average[0].dtype))
                    torch._foreach_add_(average, steps)
                else:
                    torch._foreach_lerp_(average, current, self._weights[index])
        for average, current in chain(*self._copied):
            torch._foreach_copy_(average, current)


def name_averaged(network: nn.Module) -> list[str]:
    """Return the names of what is averaged: parameters, and the running means and variances of batch normalisations."""
    norms = [name for name, module in network.named_modules() if isinstance(module, _NormBase)]
    statistics = {".".join(filter(None, (norm, each))) for norm in norms for each in ("running_mean", "running_var")}
    names = [name for name, _ in network.named_parameters(remove_duplicate=False)]
    return names + [name for name, _ in network.named_buffers() if name in statistics]


def _list_averaged(network: nn.Module) -> list[Tensor]:
    tensors = dict(chain(network.named_parameters(remove_duplicate=False), network.named_buffers()))
    return list({id(tensors[name]): tensors[name] for name in name_averaged(network)}.values())  # tied ones once


def _list_copied(network: nn.Module) -> list[Tensor]:
    averaged = {id(tensor) for tensor in _list_averaged(network)}
    return [buffer for buffer in network.buffers() if id(buffer) not in averaged]


def _group(averages: Iterable[Tensor], currents: Iterable[Tensor]) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Return tensors and their averages, for each dtype apart: torch has one kernel for tensors of one dtype."""
    groups: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for average, current in zip(averages, currents, strict=True):
        for tensors, tensor in zip(groups.setdefault(average.dtype, ([], [])), (average, current), strict=True):
            tensors.append(tensor)
    return list(groups.values())
