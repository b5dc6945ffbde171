"""Networks that are used and not trained: features for a perceptual distance, a teacher, a pretrained encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.errors import UsageError
from ganzoo.plugin import Built, DataInfo
from ganzoo.registry import registry


class Frozen(nn.Module):
    """A network in eval mode that is never trained, averaged, checkpointed or published.

    A call of this module calls the network. It moves with the module that contains it, to a device and to another
    dtype. But it has no parameters, buffers or state, so optimizers, checkpoints and model packages do not see it. The
    component that uses it therefore builds it anew each time, from weights that are stored elsewhere. The recipe of a
    run contains its name and the SHA-256 of its weights; the run does not go on with other weights.

    Args:
        network: The network. It is put into eval mode, and its parameters get no gradients. Gradients flow through it
            to its input.
        name: The network's name in the recipe.
    """

    network: nn.Module

    def __init__(self, network: nn.Module, name: str = "") -> None:
        super().__init__()
        self.__dict__["network"] = network.eval().requires_grad_(False)  # not a submodule
        self.name = name

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the network and return its output."""
        return self.network(*args, **kwargs)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        self.network._apply(fn)  # type: ignore[no-untyped-call]
        moved: Self = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return moved

    def __deepcopy__(self, memo: dict[int, Any]) -> Frozen:
        """Return this object itself: an averaged generator shares it with the trained one."""
        return self


def extractor(name: str, data: DataInfo) -> Frozen:
    """Return an installed extractor with its default options, frozen.

    Args:
        name: The extractor's name, as a user types it: an option of the term that uses it.
        data: The data that the networks see.

    Returns:
        A module that returns the extractor's output for samples ``[N, *shape]``: a dict with ``features`` ``[N, F]``.

    Raises:
        UsageError: No extractor has that name, or it is not a `torch.nn.Module`, so that gradients cannot flow
            through it, or it must be trained on the data first.
    """
    entry = registry().resolve("extractor", name)
    assert isinstance(entry.spec, Built)
    with seeded(0):  # the same weights in every run, and where a published discriminator is built again
        made = entry.build(entry.spec.options(), data)
    if not isinstance(made, nn.Module):
        raise UsageError(f"extractor {name!r} is not a network, so gradients cannot flow through it: choose another")
    if hasattr(made, "prepare"):
        raise UsageError(f"extractor {name!r} must be trained on the data before it is used: choose another")
    return Frozen(made, entry.qualified)


def perceptual_distance(
    network: Frozen, first: Tensor, second: Tensor, weights: Sequence[float] | None = None, scaled: bool = True
) -> Tensor:
    """Return how far samples ``[N, *shape]`` are from those in the same rows for an extractor, a scalar.

    If the extractor has ``maps(samples)``, its maps ``[N, C, h, w]`` at several depths are compared place by place: the
    channels of a place are scaled to the length 1, and squared distances are averaged over places and summed over
    depths (Zhang, Isola, Efros, Shechtman & Wang 2018, arXiv:1801.03924, eq. 1 with weights of 1). It is not LPIPS,
    whose weights are learned. Without maps it is the mean absolute difference of the features.

    Args:
        network: The extractor, as `extractor` returns it.
        first: The samples of one side.
        second: The samples of the other side; gradients flow to both.
        weights: The weight of each depth, the finest first; None for 1 each.
        scaled: Whether maps are compared as above. If not, the distance of a depth is the mean absolute difference of
            its maps (Wang et al. 2018, arXiv:1809.00219, section 3.3).

    Raises:
        UsageError: There is another number of weights than of depths.
    """
    maps = getattr(network.network, "maps", None)
    if maps is None:
        one, other = ([network(samples)["features"]] for samples in (first, second))
    else:
        one, other = maps(first), maps(second)
    compare = _compare_directions if scaled and maps is not None else _compare_numbers
    far = [compare(*pair) for pair in zip(one, other, strict=True)]
    if weights is not None and len(weights) != len(far):
        raise UsageError(f"{len(weights)} weights are for as many maps: extractor {network.name!r} has {len(far)}")
    return torch.stack([w * each for w, each in zip(weights or [1.0] * len(far), far, strict=True)]).sum()


def _compare_directions(one: Tensor, other: Tensor) -> Tensor:
    return (_scale_channels(one) - _scale_channels(other)).square().sum(1).mean()


def _compare_numbers(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().mean()


def _scale_channels(maps: Tensor) -> Tensor:
    """Return maps ``[N, C, h, w]`` whose channels have the length 1 at each place."""
    return maps / (maps.square().sum(1, keepdim=True) + 1e-10).sqrt()
