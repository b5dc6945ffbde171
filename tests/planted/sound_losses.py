"""Correct losses of the literature that are difficult for the contracts."""

from dataclasses import dataclass

from ganzoo.plugin import Loss, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class Options:
    weights: tuple[float, float] = option((1.0, 0.001), low=0, schedulable=True, help="Weights of distance, drift.")
    square: bool = option(True, help="Whether the drift is squared.")


@hookimpl
def ganzoo_losses():
    paired = {"pairs": True, "batch_coupled": True}
    yield Loss(name="planted-ra-hinge", summary="Of averages.", factory="sound_losses:ra_hinge", **paired)
    yield Loss(name="planted-contrast", summary="Dual contrastive.", factory="sound_losses:contrast", **paired)
    yield Loss(name="planted-smooth", summary="One-sided label smoothing.", factory="sound_losses:smooth",
               provides=("signed-logits",))  # fmt: skip
    yield Loss(name="planted-wavering", summary="Random label smoothing.", factory="sound_losses:wavering")
    yield Loss(name="planted-bounded", summary="Least squares of sigmoids.", factory="sound_losses:bounded")
    yield Loss(name="planted-exacting", summary="As the engine calls it.", factory="sound_losses:exacting")
    yield Loss(name="planted-drift", summary="With a drift term.", factory="sound_losses:drift", options=Options)


class Pair:
    """Two functions as a loss."""

    def __init__(self, of_d, of_g):
        self.of_d, self.of_g = of_d, of_g

    def discriminator(self, real, fake):
        return self.of_d(real, fake)

    def generator(self, fake, real):
        return self.of_g(fake, real)


def ra_hinge(options, data):
    """Jolicoeur-Martineau 2018."""

    def loss(up, down):
        return (1 - up + down.mean()).relu().mean() + (1 + down - up.mean()).relu().mean()

    return Pair(loss, loss)


def contrast(options, data):
    """Yu et al. 2021: each sample has a sum over the others of the batch."""
    from torch.nn.functional import softplus

    def loss(real, fake):
        real, fake = real.flatten(), fake.flatten()
        return softplus(fake.logsumexp(0) - real).mean() + softplus((-real).logsumexp(0) + fake).mean()

    return Pair(loss, lambda fake, real: -loss(real, fake))


def smooth(options, data):
    """Salimans et al. 2016, always in float32."""
    from torch.nn.functional import softplus

    def of_d(real, fake):
        real, fake = real.float(), fake.float()
        return 0.9 * softplus(-real).mean() + 0.1 * softplus(real).mean() + softplus(fake).mean()

    return Pair(of_d, lambda fake, real: softplus(-fake.float()).mean())


def exacting(options, data):
    """A loss that accepts only logits ``[N, P]`` in float32."""
    import torch
    from torch.nn.functional import softplus

    def mean(terms):
        n, p = terms.shape
        return (terms @ torch.full((p,), 1 / p, device=terms.device)).sum() / n

    return Pair(
        lambda real, fake: mean(softplus(-real)) + mean(softplus(fake)), lambda fake, real: mean(softplus(-fake))
    )


def wavering(options, data):
    """Smoothing that is drawn for each batch, on the device of the logits."""
    import torch
    from torch.nn.functional import softplus

    def of_d(real, fake):
        smoothing = 0.3 * torch.rand((), device=real.device)
        return softplus(-real).mean() + smoothing * real.mean() + softplus(fake).mean()

    return Pair(of_d, lambda fake, real: softplus(-fake).mean())


def bounded(options, data):
    return Pair(
        lambda real, fake: (real.sigmoid() - 1).square().mean() + fake.sigmoid().square().mean(),
        lambda fake, real: (fake.sigmoid() - 1).square().mean(),
    )


def drift(options, data):
    """Karras et al. 2018."""

    def of_d(real, fake):
        size = real.square() if options.square else real.abs()
        return options.weights[0] * (fake.mean() - real.mean()) + options.weights[1] * size.mean()

    return Pair(of_d, lambda fake, real: -fake.mean())
