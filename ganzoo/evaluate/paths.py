"""Steps on paths between latents: what metrics of paths read (`Metric.paths`)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.streams import interpolate_latents, restrict_latents, seeded
from ganzoo.plugin import Networks, extract_samples

STEP = 1e-4  # of the whole path, as in StyleGAN (Karras et al. 2019, arXiv:1812.04948, section 4.1)


def generate_step(
    networks: Networks, z: Tensor, others: Tensor, labels: Tensor | None, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return samples of latents, and of latents that are a share `STEP` of the way further towards others.

    The way is straight between styles if the generator has ``mapping`` and ``synthesis``; otherwise it is on the sphere
    for normal latents, and straight for uniform ones. Both have the same random numbers in the networks.

    Args:
        networks: The generator in eval mode on the device, and the distribution of its latents.
        z: The latents ``[n, latent_dim]``, on the device.
        others: The latents at the other ends of the paths, ``[n, latent_dim]``.
        labels: The labels of the samples, or None.
        seed: The seed of the random numbers that the networks draw.
        device: The device of the latents and networks.

    Raises:
        ValueError: Samples are generated from labels alone.
    """
    if not z.shape[1]:
        raise ValueError("it follows paths of latents, and this generator has none")
    generator: Any = networks.generator
    with torch.no_grad():
        if hasattr(generator, "mapping") and hasattr(generator, "synthesis"):
            start, end = (generator.mapping(each, labels) for each in (z, others))
            latents = (start, torch.lerp(start, end, STEP))
            samples = [_call_seeded(generator.synthesis, seed, device, each) for each in latents]
        else:
            latents = (z, move_latents(networks.latent, z, others, STEP))
            samples = [_call_seeded(generator, seed, device, each, labels) for each in latents]
    return samples[0], samples[1]


def move_latents(kind: str, z: Tensor, others: Tensor, step: float) -> Tensor:
    """Return latents ``[n, dim]`` that are a share `step` of the way from `z` to `others`; a one-hot code stays.

    Args:
        kind: `Networks.latent`, which decides how latents move (`interpolate_latents`).
        z: The latents where the ways begin.
        others: The latents where they end.
        step: The share of the way.
    """
    return restrict_latents(kind, interpolate_latents(kind, z, others, step), z)


def _call_seeded(network: Any, seed: int, device: torch.device, *args: Tensor | None) -> Tensor:
    with seeded(seed, device):
        return extract_samples(network(*args)).float()
