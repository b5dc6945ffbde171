"""The layers that read the latents first, as matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.latents.space import Space

PROBES = 5  # latents that tell the columns of a layer's input apart
MOST = 2**26  # numbers in a layer's answer to all unit vectors
TOLERANCE = 1e-4


def read_first_layers(space: Space, labels: Tensor | None) -> Tensor:
    """Return the weights A of the layers that read the latents first, one below the other, float64 ``[outputs, dim]``.

    A layer is found by what it does, not by its name: it has a weight, entries of its input are entries of the latent
    (if all of them are, also divided by their norm), and its output is an affine function of its input. A is the
    difference of its outputs for unit vectors and for zeros. Thus equalised and normalised layers have their effective
    weights. In w, these are the layers that make the scales of all modulated convolutions.

    Args:
        space: The space of the latents.
        labels: The label of one sample, ``[1, ...]``; None for a model without labels.

    Returns:
        A; it has no rows if no layer reads the latents.
    """
    z = space.generator.draw_latents(PROBES, 0)
    given = None if labels is None else labels[:1].expand(PROBES, *labels.shape[1:])
    points = space.enter(z, given)
    if space.name == "w":  # random numbers for styles, which are all alike where a model was trained little
        flat = torch.randn(PROBES, points.shape[-1], generator=torch.Generator().manual_seed(0))
        points = flat if points.dim() == 2 else flat[:, None].expand_as(points).contiguous()
    else:
        flat = points = torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    found: list[Tensor] = []
    seen: set[int] = set()

    def look(layer: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if id(layer) in seen or len(args) != 1 or not isinstance(args[0], Tensor) or not isinstance(output, Tensor):
            return
        seen.add(id(layer))  # before the layer is called again
        if (weights := _read_layer(layer, args[0], flat)) is not None:
            found.append(weights)

    _call_watched(space, points, given, look)
    return torch.cat(found) if found else torch.zeros(0, flat.shape[1], dtype=torch.float64)


def _call_watched(space: Space, points: Tensor, labels: Tensor | None, look: Callable[..., None]) -> None:
    """Call the generator, and `look` at each layer with a weight after it was called."""
    layers = [layer for layer in space.network.modules() if _has_weight(layer)]
    hooks = [layer.register_forward_hook(look) for layer in layers]
    device = space.generator.device
    try:
        with torch.no_grad():
            space.synthesise(points.to(device), None if labels is None else labels.to(device))
    finally:
        for hook in hooks:
            hook.remove()


def _has_weight(layer: nn.Module) -> bool:
    weight = getattr(layer, "weight", None)
    return isinstance(weight, Tensor) and weight.dim() >= 2


def _read_layer(layer: nn.Module, given: Tensor, latents: Tensor) -> Tensor | None:
    """Return the weights ``[outputs, dim]`` of a layer with respect to the latents; None if it does not read them."""
    if given.shape[0] != len(latents) or given.dim() < 2 or given[0].numel() != given.shape[1]:
        return None
    columns = _match_columns(given.flatten(1).double().cpu(), latents.double())
    if columns is None or len(columns[0]) * layer(given[:1]).numel() > MOST:
        return None
    inside, outside = columns
    zero = torch.zeros_like(given[:1])
    units = zero.repeat(len(inside), *[1] * (given.dim() - 1))
    units.view(len(inside), -1)[torch.arange(len(inside)), inside] = 1

    def call(x: Tensor) -> Tensor:
        with seeded(0, x.device):
            answer: Tensor = layer(x).flatten(1).double().cpu()
        return answer

    base = call(zero)
    rows = call(units) - base  # [inputs, outputs]
    expected = given.flatten(1).double().cpu()[:, inside] @ rows
    rest = given.clone()
    rest.view(len(given), -1)[:, inside] = 0
    error = (call(given) - call(rest) - expected).abs().max()
    if float(error) > 10 * TOLERANCE * (1 + float(expected.abs().max())):
        return None
    weights = torch.zeros(rows.shape[1], latents.shape[1], dtype=torch.float64)
    weights[:, outside] = rows.T
    return weights


def _match_columns(given: Tensor, latents: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return which columns of an input ``[n, inputs]`` are columns of the latents ``[n, dim]``, and of which ones.

    None if there are none. An input may also be the latents divided by their norms, before or after other entries, such
    as those of a label.
    """
    dim, whole = latents.shape[1], given.shape[1]
    pairs = [(0, given, latents)]
    if whole >= dim:
        pairs += [(at, _normalise(given[:, at : at + dim]), _normalise(latents)) for at in {0, whole - dim}]
    for start, one, other in pairs:
        near = (one.T[:, None] - other.T[None]).abs().amax(2) < TOLERANCE  # [inputs, dim]
        if bool(near.any()):
            inside = near.any(1).nonzero()[:, 0]
            return inside + start, near[inside].int().argmax(1)
    return None


def _normalise(rows: Tensor) -> Tensor:
    norms: Tensor = rows.norm(dim=1, keepdim=True)
    return rows / norms.clamp(min=1e-12)
