"""It says to type a component that does not exist."""

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/similar-names-lead-somewhere"]


@hookimpl
def ganzoo_losses():
    yield Loss(
        name="planted",
        summary="Planted.",
        factory="similar_to_nothing:build",
        similar_to={"vanilla": "--loss plantde"},
    )


def build(options, data):
    return BCE()
