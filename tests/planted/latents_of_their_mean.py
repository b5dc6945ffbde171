"""It moves latents, and returns one for the whole batch."""

from ganzoo.plugin import NoOptions, Regularizer, hookimpl

CAUGHT_BY = ["regularizer/planted/moved-latents"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="Moves latents.",
        factory="latents_of_their_mean:Planted",
        options=NoOptions,
    )


class Planted:
    def __init__(self, options, data):
        pass

    def move_latents(self, z, judge):
        return (z + 0.1 * judge(z).detach()[:, None]).mean(0, keepdim=True)
