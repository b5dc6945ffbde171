"""Networks that are used and not trained: features for a perceptual distance, a teacher, a pretrained encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from torch import nn

from ganzoo.compute.streams import seeded
from ganzoo.errors import UsageError
from ganzoo.plugin import Built, DataInfo
from ganzoo.registry import registry


class Frozen(nn.Module):
    """A network in eval mode that nothing trains, averages, checkpoints or publishes.

    Calling it calls the network. It moves to a device, and to another dtype, with the module that holds it, but it has
    no parameters, buffers or state: an optimizer, a checkpoint and a model package do not see it. So whoever holds one
    builds it anew each time, from weights that lie elsewhere. Its name and the SHA-256 of its weights stand in the
    recipe of a run, which does not go on with others.

    Args:
        network: It is put into eval mode and its parameters take no gradients. Gradients flow through it to its input.
        name: What it is called in the recipe.
    """

    network: nn.Module

    def __init__(self, network: nn.Module, name: str = "") -> None:
        super().__init__()
        self.__dict__["network"] = network.eval().requires_grad_(False)  # not a submodule
        self.name = name

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the network returns."""
        return self.network(*args, **kwargs)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        self.network._apply(fn)  # type: ignore[no-untyped-call]
        moved: Self = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return moved

    def __deepcopy__(self, memo: dict[int, Any]) -> Frozen:
        """Return itself: an averaged generator shares it with the trained one."""
        return self


def extractor(name: str, data: DataInfo) -> Frozen:
    """Return an installed extractor with its default options, to be looked through and not trained.

    Args:
        name: Of the extractor, as a user gives it: an option of the term that asks for it.
        data: What the networks see.

    Returns:
        A module that turns samples ``[N, *shape]`` into what the extractor does: a dict, ``features`` ``[N, F]`` in it.

    Raises:
        UsageError: There is no extractor of that name; it is not a `torch.nn.Module`, so that no gradient flows
            through; or it has to be trained on the data first.
    """
    entry = registry().resolve("extractor", name)
    assert isinstance(entry.spec, Built)
    with seeded(0):  # what it draws is the same in every run, and where a published discriminator is built again
        made = entry.build(entry.spec.options(), data)
    if not isinstance(made, nn.Module):
        raise UsageError(f"extractor {name!r} is not a network, so nothing can learn through it: choose another")
    if hasattr(made, "prepare"):
        raise UsageError(f"extractor {name!r} is trained on the data before it is of use: choose another")
    return Frozen(made, entry.qualified)
