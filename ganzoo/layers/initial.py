"""The first weights of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor, nn

from ganzoo.layers.spectral import NORMALISED

Network = TypeVar("Network", bound=nn.Module)


def draw_weights(network: Network, draw: Callable[[Tensor], object] = nn.init.orthogonal_) -> Network:
    """Draw the weight of every linear layer, convolution and embedding of a network; return the network.

    Biases become 0. All other parameters, such as those of normalisation, stay the same. Where a weight is computed
    from another parameter, as with `spectral_norm`, that parameter is drawn.

    Args:
        network: The network whose weights are drawn.
        draw: A function that fills a tensor in place: by default `torch.nn.init.orthogonal_`, as in BigGAN (Brock et
            al. 2019, arXiv:1809.11096, section 3.2). DCGAN has ``functools.partial(torch.nn.init.normal_, std=0.02)``.
    """
    for layer in network.modules():
        if not isinstance(layer, (*NORMALISED, nn.Embedding)):
            continue
        parameters = dict(layer.named_parameters())
        weight = parameters["weight" if "weight" in parameters else "parametrizations.weight.original"]
        if not weight.is_meta:  # it has no values, and drawing them takes torch long
            draw(weight)
        if "bias" in parameters:
            nn.init.zeros_(parameters["bias"])
    return network
