"""Checks of architectures: the words that a spec provides are kept, and those that others refuse are not left out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo
from ganzoo.testing.architecture.networks import (
    SAME,
    flat,
    gap,
    generate,
    judge,
    labelled,
    labels,
    latents,
    samples,
    smallest,
    some,
    title,
)
from ganzoo.testing.architecture.pair import trained
from ganzoo.testing.checks import Skip, Trial, require


def batch_coupling_declared(trial: Trial) -> None:
    """``batchnorm-in-d`` and ``batch-coupled-d`` are said of a discriminator if and only if they are true of it."""
    normed, coupled = ("batchnorm-in-d" in trial.provides, "batch-coupled-d" in trial.provides)
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        norms = [
            name for name, m in gan.discriminator.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
        ]
        off = _coupling(gan.discriminator, data)
        words = f"other neighbours changed a sample's logits by {off:.2g} of the largest"
        require(normed or not norms, f"{title(data)}: {some(norms)} is BatchNorm, and the spec lacks batchnorm-in-d.")
        require(normed or coupled or off < SAME, f"{title(data)}: {words}, and the spec has neither.")
        require(norms or off > SAME or not normed, f"{title(data)}: it has no BatchNorm; the spec has batchnorm-in-d.")
        require(off > SAME or not coupled, f"{title(data)}: {words}, and the spec has batch-coupled-d.")


def class_logits(trial: Trial) -> None:
    """``class-logits``: D's answer has ``class_logits [N, num_classes]`` where the data has classes."""
    _require_word(trial, "class-logits")
    for data in labelled(trial):
        gan, _ = trained(trial, data)
        found = judge(gan.discriminator, samples(data, 4), labels(data, 4)).class_logits
        wanted, shape = [4, data.num_classes], None if found is None else list(found.shape)
        require(not data.num_classes or shape == wanted, f"{title(data)}: they are {shape}, not {wanted}.")


def features(trial: Trial) -> None:
    """``features``: D's answer has inner activations, tensors that lead with N and carry gradients."""
    _require_word(trial, "features")
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        found = judge(gan.discriminator, samples(data, 4).requires_grad_(), labels(data, 4)).features
        require(found, f"{title(data)}: it has {found!r}.")
        for feature in found or []:
            leads = feature.dim() > 0 and len(feature) == 4
            require(leads, f"{title(data)}: one of 4 samples is {list(feature.shape)}.")
            require(feature.requires_grad, f"{title(data)}: one of shape {list(feature.shape)} is cut from the graph.")


def style(trial: Trial) -> None:
    """``style``: ``generator.synthesis(generator.mapping(z, labels))`` is ``generator(z, labels)``."""
    _require_word(trial, "style")
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        z, chosen = latents(gan.networks, 4), labels(data, 4)
        network: Any = gan.generator.eval()
        missing = [name for name in ("mapping", "synthesis") if not callable(getattr(network, name, None))]
        require(not missing, f"{title(data)}: its generator has no {' and no '.join(missing)}.")
        with seeded(0), torch.no_grad():
            made = network.synthesis(network.mapping(z, chosen))
        off = gap(generate(network, z, chosen), made)
        require(off < SAME, f"{title(data)}: the two differ by {off:.2g} of the largest value.")


def truncation(trial: Trial) -> None:
    """``truncation``: the generator takes ``truncation=``; 1 changes nothing, less brings samples closer together."""
    _require_word(trial, "truncation")
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        network, z, chosen = gan.ema.network, latents(gan.networks, 16), labels(data, 16)
        plain = generate(network, z, chosen)
        whole, half = (generate(network, z, chosen, truncation=share) for share in (1.0, 0.5))
        require(gap(plain, whole) < SAME, f"{title(data)}: truncation=1 changed samples by {gap(plain, whole):.2g}.")
        one, two = (float(made.std(0).mean()) for made in (whole, half))
        require(two < one, f"{title(data)}: their spread is {one:.4g} at truncation=1 and {two:.4g} at 0.5.")


# ----------------------------------------------------------------------------
# What they share.


def _require_word(trial: Trial, word: str) -> None:
    if word not in trial.provides:
        raise Skip(f"it does not say that it provides {word}")


def _coupling(network: nn.Module, data: DataInfo) -> float:
    """Return how far a sample's logits in train mode move with its neighbours."""
    x, others, chosen = samples(data, 8), samples(data, 8, seed=1), labels(data, 8)
    others[0] = x[0]
    state, found = {name: tensor.clone() for name, tensor in network.state_dict().items()}, []
    with torch.no_grad():
        for each in (x, others):
            found.append(flat(judge(network.train(), each, chosen))[0])
            network.load_state_dict(state)  # a forward in train mode may leave its mark
    return gap(*found)
