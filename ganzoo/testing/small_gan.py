"""The engine's GAN with small networks and one regularizer."""

from __future__ import annotations

from typing import Any, Literal

import torch

from ganzoo.engine.gan import Gan
from ganzoo.plugin import Architecture, DataInfo, Dataset, Loss, Networks, NoOptions
from ganzoo.recipe.recipe import Choice, OptimizerChoice, ResolvedRecipe
from ganzoo.recipe.settings import RMSprop, TrainOptions
from ganzoo.registry.installed import Plugin, RegisteredComponent
from ganzoo.testing.architecture.pair import Softplus
from ganzoo.testing.probes import NUM_SAMPLES

AVERAGE = 0.9  # the parameters of the averaged generator, as a share of the generator's


def make_gan(
    networks: Networks,
    data: DataInfo,
    regularizer: Choice,
    part: Any,
    *,
    pairs: bool = False,
    precision: Literal["fp32", "bf16"] = "fp32",
) -> Gan:
    """Build the engine's GAN with these networks and one regularizer.

    The averaged generator's parameters are 0.9 of the generator's, as if G had moved away from its average.

    Args:
        networks: The generator and the discriminator.
        data: The data that the networks are built for.
        regularizer: The regularizer's component and options.
        part: The regularizer's runtime object.
        pairs: Whether the loss pairs, so that G's update has real samples.
        precision: The precision that the networks compute in.
    """
    recipe = make_small_recipe((regularizer,), pairs, precision)
    device = next(networks.discriminator.parameters()).device
    gan = Gan(recipe, data, networks, Softplus(NoOptions(), data), {regularizer.name: part}, {}, [], device)
    with torch.no_grad():
        for parameter in gan.ema.network.parameters():
            parameter.mul_(AVERAGE)
    return gan


def make_small_recipe(
    regularizers: tuple[Choice, ...] = (), pairs: bool = False, precision: Literal["fp32", "bf16"] = "fp32"
) -> ResolvedRecipe:
    """Return a recipe of components that are never built.

    Args:
        regularizers: The regularizers of the recipe.
        pairs: Whether its loss pairs.
        precision: The precision that the networks compute in.
    """
    kit = Plugin(name="ganzoo.testing", module="ganzoo.testing")

    def choice(spec: type, **more: object) -> Choice:
        fields = {
            "name": "small",
            "summary": "A component of the conformance kit.",
            "factory": "ganzoo.testing.small_gan:none",
        }
        return Choice(RegisteredComponent(kit, spec(**fields, **more)), NoOptions())

    optimizer = OptimizerChoice("rmsprop", RMSprop())
    return ResolvedRecipe(
        arch=choice(Architecture),
        loss=choice(Loss, pairs=pairs),
        dataset=choice(Dataset),
        reg=regularizers,
        aug=(),
        metric=(),
        tracker=(),
        optim_g=optimizer,
        optim_d=optimizer,
        train=TrainOptions(batch=NUM_SAMPLES, precision=precision, ema_half_life=0, execution="eager"),
    )
