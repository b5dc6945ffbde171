"""A round of a training: D's updates, each on new reals and latents, then G's."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan
from ganzoo.engine.gradients import Stats
from ganzoo.engine.update import update_discriminator, update_generator, update_together


def train_round(gan: Gan, batches: Batches, images: int) -> Iterator[Stats]:
    """Train both networks for one round, which is `Gan.images_per_round` images; yield the statistics of each update.

    Args:
        gan: The GAN that is trained.
        batches: The batches of its updates.
        images: Images seen before the round.
    """
    train = gan.recipe.train
    if train.update != "alternating":
        yield update_together(gan, batches, images) | _adapt_strength(gan, images)
        return
    for _ in range(train.d_steps):
        yield update_discriminator(gan, batches, images) | _adapt_strength(gan, images)
        images += train.batch
    for step in range(train.g_steps):
        yield update_generator(gan, batches, images, step)


def _adapt_strength(gan: Gan, images: int) -> Stats:
    """Adapt the strengths of penalties after D's update at `images` images seen; return the factor, if it adapts."""
    train = gan.recipe.train
    if gan.strength is None or images < train.d_start:
        return {}
    gan.strength.observe(images // train.batch, gan.last_logits, gan.world)
    return {"auto_gamma": gan.strength.factor / gan.world.size}  # the sum over all processes is the factor
