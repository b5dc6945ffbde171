"""It requires a version of torch that does not exist."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["loss/planted/requirements-met"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", requires=("torch>=1000",))
