"""Standing statistics of batch normalisation: those of inputs that training did not have.

A generator in eval mode normalises its maps by the mean and variance that they had in training. Truncated latents give
maps of another mean and variance. BigGAN (Brock et al. 2019, arXiv:1809.11096) therefore averages them over batches of
such latents before it samples.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

NUM_BATCHES = 16  # as in the authors' code


def gather_statistics(network: nn.Module, run: Callable[[nn.Module], object]) -> nn.Module:
    """Return a network whose batch normalisation has the statistics of other inputs.

    Args:
        network: The network, in eval mode. It is not changed.
        run: A function that calls a network on batches of those inputs. Their means and variances are averaged.

    Returns:
        A copy in eval mode that shares all parameters; the network itself if it has no statistics.
    """
    if not _list_norms(network):
        return network
    twin = copy.deepcopy(network, {id(parameter): parameter for parameter in network.parameters()})
    norms = _list_norms(twin)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:  # all other modules stay in eval mode
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for the plain average over batches
        norm.train()
    run(twin)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    return twin


def _list_norms(network: nn.Module) -> list[_BatchNorm]:
    return [norm for norm in network.modules() if isinstance(norm, _BatchNorm) and norm.running_mean is not None]
