"""An option has no default, so that the component cannot be built without it."""

from dataclasses import dataclass

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["plugin/options_no_default/loads"]


@dataclass(frozen=True, kw_only=True)
class Options:
    margin: float


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", options=Options)
