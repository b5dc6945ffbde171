"""Latents that regularizers move before the generator makes samples of them (Wu et al. 2019, arXiv:1912.00953)."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from ganzoo.compute.streams import restrict_latents
from ganzoo.engine import forward
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan
from ganzoo.layers import sum_of_logits


def move_latents(gan: Gan, part: Part) -> Part:
    """Return a part with the latents that the regularizers moved, in turn; without such a regularizer, the same part.

    The moved latents stay where latents can be drawn: `restrict_latents`.

    Args:
        gan: The GAN, whose parameters that require grad are in the graph of the moved latents.
        part: The part of the batch.
    """
    z = part.z
    for regularizer in gan.latent_movers:
        z = restrict_latents(gan.networks.latent, regularizer.move_latents(z, partial(judge, gan, part.labels)), part.z)
    return part._replace(z=z, drawn_z=part.z) if gan.latent_movers else part


def judge(gan: Gan, labels: Tensor | None, z: Tensor) -> Tensor:
    """Return the sum of D's logits ``[n]`` for the samples of latents, augmented as D sees samples.

    Under fp16 both networks compute in float32, because the logits are differentiated twice. The running statistics of
    BatchNorm do not change.
    """
    precision = gan.recipe.train.precision
    with forward.still(gan.generator), forward.still(gan.discriminator):
        samples = gan.generate(z, labels, "fp32" if precision == "fp16" else precision).samples
        return sum_of_logits(gan.discriminate(*gan.augment(samples, labels), penalised=True))
