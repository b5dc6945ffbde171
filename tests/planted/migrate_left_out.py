"""Its options were renamed in version 2, but it has no `migrate` for older recipes."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["loss/planted/migrates"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", version=2)
