"""Packing: a discriminator that judges several samples together."""

from __future__ import annotations

from torch import Tensor

from ganzoo.plugin import UsageError


def pack_samples(x: Tensor, num: int) -> Tensor:
    """Return ``[N / num, num C, ...]`` for samples ``[N, C, ...]``: each `num` in a row are one, channel by channel.

    A discriminator of packs sees a lack of diversity that no single sample shows. Its spec provides
    ``batch-coupled-d``.

    Source: Lin, Khetan, Fanti & Oh 2018, PacGAN: The Power of Two Samples in Generative Adversarial Networks,
    arXiv:1712.04086, section 2.1.

    Args:
        x: The samples. Labels of a conditional discriminator are appended to them before.
        num: The number of samples in a pack; 1 returns `x` itself.

    Raises:
        UsageError: `num` does not divide N.
    """
    if num == 1:
        return x
    if len(x) % num:
        raise UsageError(f"{len(x)} samples cannot be packed {num} at a time: use a train.batch that {num} divides")
    return x.reshape(len(x) // num, num * x.shape[1], *x.shape[2:])
