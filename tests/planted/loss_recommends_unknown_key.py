"""It recommends a setting that does not exist."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["loss/planted/recommended-settings-exist"]


@hookimpl
def ganzoo_losses():
    yield Loss(
        name="planted",
        summary="A loss.",
        factory="planted_losses:BCE",
        recommended={"arch.norm_d": "spectral", "optim.g.momentun": 0.9},
    )
