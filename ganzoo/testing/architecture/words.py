"""Checks of architectures: networks have all that their spec provides, and the spec declares what others refuse."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo, GeneratorOutput
from ganzoo.testing.architecture.networks import (
    ROUNDING,
    compute_gap,
    describe_data,
    discriminate,
    flatten_logits,
    generate,
    join_first,
    list_labelled_data,
    list_small_data,
    make_labels,
    make_latents,
    make_samples,
)
from ganzoo.testing.architecture.pair import share_trained
from ganzoo.testing.checks import Skip, Trial, require


def batch_coupling_declared(trial: Trial) -> None:
    """The spec provides ``batchnorm-in-d`` and ``batch-coupled-d`` if and only if they are true of D."""
    normed, coupled = ("batchnorm-in-d" in trial.provides, "batch-coupled-d" in trial.provides)
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        norms = [
            name for name, m in gan.discriminator.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
        ]
        off = _compute_coupling(gan.discriminator, data)
        words = f"other samples in the batch change a sample's logits by {off:.2g} of the largest"
        require(
            normed or not norms,
            f"{describe_data(data)}: {join_first(norms)} is BatchNorm, and the spec lacks batchnorm-in-d.",
        )
        require(normed or coupled or off < ROUNDING, f"{describe_data(data)}: {words}, and the spec has neither.")
        require(
            norms or off > ROUNDING or not normed,
            f"{describe_data(data)}: it has no BatchNorm; the spec has batchnorm-in-d.",
        )
        require(off > ROUNDING or not coupled, f"{describe_data(data)}: {words}, and the spec has batch-coupled-d.")


def class_logits(trial: Trial) -> None:
    """``class-logits``: D returns ``class_logits [N, num_classes]`` if the data has classes."""
    _skip_unless_provided(trial, "class-logits")
    for data in list_labelled_data(trial):
        gan, _ = share_trained(trial, data)
        found = discriminate(gan.discriminator, make_samples(data, 4), make_labels(data, 4)).class_logits
        wanted, shape = [4, data.num_classes], None if found is None else list(found.shape)
        require(
            not data.num_classes or shape == wanted, f"{describe_data(data)}: class_logits is {shape}, not {wanted}."
        )


def features(trial: Trial) -> None:
    """``features``: D returns inner activations, tensors of N rows that carry gradients."""
    _skip_unless_provided(trial, "features")
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        found = discriminate(gan.discriminator, make_samples(data, 4).requires_grad_(), make_labels(data, 4)).features
        require(found, f"{describe_data(data)}: features is {found!r}.")
        for feature in found or []:
            leads = feature.dim() > 0 and len(feature) == 4
            require(leads, f"{describe_data(data)}: for 4 samples, one is {list(feature.shape)}.")
            require(
                feature.requires_grad,
                f"{describe_data(data)}: the one of shape {list(feature.shape)} has no graph.",
            )


def embedding(trial: Trial) -> None:
    """``embedding``: D returns what it computes of each sample before its last layer, ``[N, E]``, with a gradient."""
    _skip_unless_provided(trial, "embedding")
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        found = discriminate(gan.discriminator, make_samples(data, 4).requires_grad_(), make_labels(data, 4)).embedding
        shape = None if found is None else list(found.shape)
        fits = found is not None and found.dim() == 2 and len(found) == 4
        require(fits, f"{describe_data(data)}: for 4 samples, embedding is {shape}, not [4, E].")
        require(found is not None and found.requires_grad, f"{describe_data(data)}: embedding has no graph.")


def generator_output(trial: Trial) -> None:
    """In a `GeneratorOutput`, losses are finite scalars with a graph, and intermediates have N rows."""
    found = False
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        with seeded(0):
            answer = gan.generator(make_latents(gan.networks, 4), make_labels(data, 4))
        if not isinstance(answer, GeneratorOutput):
            continue
        found = True
        for name, loss in answer.losses.items():
            scalar = isinstance(loss, torch.Tensor) and loss.dim() == 0
            shape = list(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
            require(scalar, f"{describe_data(data)}: its loss {name!r} is {shape}, not a scalar: take the mean.")
            require(loss.isfinite(), f"{describe_data(data)}: its loss {name!r} is {loss.item()}.")
            require(loss.requires_grad, f"{describe_data(data)}: its loss {name!r} has no graph, and so no effect.")
        for each in answer.intermediates:
            leads = each.dim() > 0 and len(each) == 4
            require(leads, f"{describe_data(data)}: for 4 samples, an intermediate is {list(each.shape)}.")
    if not found:
        raise Skip("it returns samples alone")


def intermediates(trial: Trial) -> None:
    """``intermediates``: G returns samples of earlier stages, of the samples' shape or smaller images, with a graph."""
    _skip_unless_provided(trial, "intermediates")
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        with seeded(0):
            answer = gan.generator(make_latents(gan.networks, 4), make_labels(data, 4))
        found = answer.intermediates if isinstance(answer, GeneratorOutput) else ()
        require(found, f"{describe_data(data)}: there are none in a GeneratorOutput.")
        for each in found:
            shape, wanted = list(each.shape[1:]), list(data.shape)
            smaller = len(wanted) == 3 and shape[:1] == wanted[:1] and all(map(int.__le__, shape, wanted))
            words = f"{describe_data(data)}: one is {list(each.shape)} beside samples of {wanted}"
            require(shape == wanted or smaller, f"{words}, not [4, C, h, w] of a smaller image.")
            require(each.requires_grad, f"{words}, without a graph.")


def logit_weights(trial: Trial) -> None:
    """If D weights its list of logits, it gives one finite number, or 0-dim tensor, for each item of the list."""
    found = False
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        answer = discriminate(gan.discriminator, make_samples(data, 4), make_labels(data, 4))
        if answer.weights is None:
            continue
        found = True
        num = len(answer.logits)
        require(
            len(answer.weights) == num,
            f"{describe_data(data)}: there are {len(answer.weights)} weights for a list of {num}.",
        )
        for weight in answer.weights:
            value = torch.as_tensor(weight)
            fits = value.dim() == 0 and bool(value.isfinite())
            require(fits, f"{describe_data(data)}: one of them is {weight!r}.")
    if not found:
        raise Skip("it returns no weights")


def style(trial: Trial) -> None:
    """``style``: ``generator.synthesis(generator.mapping(z, labels))`` equals ``generator(z, labels)``."""
    _skip_unless_provided(trial, "style")
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        z, chosen = make_latents(gan.networks, 4), make_labels(data, 4)
        network: Any = gan.generator.eval()
        missing = [name for name in ("mapping", "synthesis") if not callable(getattr(network, name, None))]
        require(not missing, f"{describe_data(data)}: its generator has no {' and no '.join(missing)}.")
        with seeded(0), torch.no_grad():
            made = network.synthesis(network.mapping(z, chosen))
        off = compute_gap(generate(network, z, chosen), made)
        require(off < ROUNDING, f"{describe_data(data)}: the two differ by {off:.2g} of the largest value.")


def truncation(trial: Trial) -> None:
    """``truncation``: the generator takes ``truncation=``. 1 changes nothing; less makes samples more alike."""
    _skip_unless_provided(trial, "truncation")
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        network, z, chosen = gan.ema.network, make_latents(gan.networks, 16), make_labels(data, 16)
        plain = generate(network, z, chosen)
        whole, half = (generate(network, z, chosen, truncation=share) for share in (1.0, 0.5))
        require(
            compute_gap(plain, whole) < ROUNDING,
            f"{describe_data(data)}: truncation=1 changed samples by {compute_gap(plain, whole):.2g}.",
        )
        one, two = (float(made.std(0).mean()) for made in (whole, half))
        require(two < one, f"{describe_data(data)}: their spread is {one:.4g} at truncation=1 and {two:.4g} at 0.5.")


# ----------------------------------------------------------------------------
# Helpers.


def _skip_unless_provided(trial: Trial, word: str) -> None:
    if word not in trial.provides:
        raise Skip(f"its spec does not provide {word}")


def _compute_coupling(network: nn.Module, data: DataInfo) -> float:
    """Return how much a sample's logits in train mode change with the other samples of the batch."""
    x, others, chosen = make_samples(data, 8), make_samples(data, 8, seed=1), make_labels(data, 8)
    others[0] = x[0]
    state, found = {name: tensor.clone() for name, tensor in network.state_dict().items()}, []
    with torch.no_grad():
        for each in (x, others):
            found.append(flatten_logits(discriminate(network.train(), each, chosen))[0])
            network.load_state_dict(state)  # a forward pass in train mode may change buffers
    return compute_gap(*found)
