"""Checks of architectures: the words that a spec provides are kept, and those that others refuse are not left out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo, GeneratorOutput
from ganzoo.testing.architecture.networks import (
    SAME,
    discriminate,
    flat,
    gap,
    generate,
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
        found = discriminate(gan.discriminator, samples(data, 4), labels(data, 4)).class_logits
        wanted, shape = [4, data.num_classes], None if found is None else list(found.shape)
        require(not data.num_classes or shape == wanted, f"{title(data)}: they are {shape}, not {wanted}.")


def features(trial: Trial) -> None:
    """``features``: D's answer has inner activations, tensors that lead with N and carry gradients."""
    _require_word(trial, "features")
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        found = discriminate(gan.discriminator, samples(data, 4).requires_grad_(), labels(data, 4)).features
        require(found, f"{title(data)}: it has {found!r}.")
        for feature in found or []:
            leads = feature.dim() > 0 and len(feature) == 4
            require(leads, f"{title(data)}: one of 4 samples is {list(feature.shape)}.")
            require(feature.requires_grad, f"{title(data)}: one of shape {list(feature.shape)} is cut from the graph.")


def embedding(trial: Trial) -> None:
    """``embedding``: D's answer has what it makes of a sample before its last layer, ``[N, E]``, with a gradient."""
    _require_word(trial, "embedding")
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        found = discriminate(gan.discriminator, samples(data, 4).requires_grad_(), labels(data, 4)).embedding
        shape = None if found is None else list(found.shape)
        fits = found is not None and found.dim() == 2 and len(found) == 4
        require(fits, f"{title(data)}: of 4 samples it is {shape}, not [4, E].")
        require(found is not None and found.requires_grad, f"{title(data)}: it is cut from the graph.")


def generator_says_more(trial: Trial) -> None:
    """What a generator answers besides samples: losses are finite scalars with a graph, intermediates lead with N."""
    found = False
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        with seeded(0):
            answer = gan.generator(latents(gan.networks, 4), labels(data, 4))
        if not isinstance(answer, GeneratorOutput):
            continue
        found = True
        for name, loss in answer.losses.items():
            scalar = isinstance(loss, torch.Tensor) and loss.dim() == 0
            shape = list(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
            require(scalar, f"{title(data)}: its loss {name!r} is {shape}, not a scalar: take the mean.")
            require(loss.isfinite(), f"{title(data)}: its loss {name!r} is {loss.item()}.")
            require(loss.requires_grad, f"{title(data)}: its loss {name!r} has no graph, and so teaches nothing.")
        for each in answer.intermediates:
            leads = each.dim() > 0 and len(each) == 4
            require(leads, f"{title(data)}: an intermediate of 4 samples is {list(each.shape)}.")
    if not found:
        raise Skip("it answers samples alone")


def weights_of_members(trial: Trial) -> None:
    """Where D weights its list of logits, there is a finite number, or a 0-dim tensor, for each member."""
    found = False
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        answer = discriminate(gan.discriminator, samples(data, 4), labels(data, 4))
        if answer.weights is None:
            continue
        found = True
        num = len(answer.logits)
        require(len(answer.weights) == num, f"{title(data)}: {len(answer.weights)} weights of {num} members.")
        for weight in answer.weights:
            value = torch.as_tensor(weight)
            fits = value.dim() == 0 and bool(value.isfinite())
            require(fits, f"{title(data)}: one of them is {weight!r}.")
    if not found:
        raise Skip("it gives no weights")


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
            found.append(flat(discriminate(network.train(), each, chosen))[0])
            network.load_state_dict(state)  # a forward in train mode may leave its mark
    return gap(*found)
