"""The values of an architecture's cases."""

from __future__ import annotations

from contextlib import nullcontext

import torch

from ganzoo.plugin import Case
from ganzoo.testing.architecture.networks import (
    build_networks,
    discriminate,
    flatten_logits,
    generate,
    make_labels,
    make_latents,
)
from ganzoo.testing.checks import Trial


def measure_case(trial: Trial, case: Case) -> dict[str, float]:
    """Return the values of an architecture's case: the numbers of parameters, and sums of samples and of logits.

    If the case expects only numbers of parameters, the networks, which may be large, are built without memory.
    """
    data, counts_alone = case.given["data"], case.expected.keys() <= {"generator", "discriminator"}
    with torch.device("meta") if counts_alone else nullcontext():
        networks = build_networks(Trial(trial.entry, case.options), data, case.seed)
    generator, discriminator = networks.generator.eval(), networks.discriminator.eval()
    counts: dict[str, float] = {
        "generator": sum(parameter.numel() for parameter in generator.parameters()),
        "discriminator": sum(parameter.numel() for parameter in discriminator.parameters()),
    }
    if counts_alone:
        return counts
    made = generate(generator, make_latents(networks, 2, case.seed), make_labels(data, 2), case.seed)
    with torch.no_grad():
        answer = discriminate(discriminator, made, make_labels(data, 2), case.seed)
    return counts | {
        "samples": float(made.double().sum()),
        "logits": float(flatten_logits(answer).double().sum()),
    }
