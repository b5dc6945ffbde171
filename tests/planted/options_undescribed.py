"""One of its options has no help."""

from dataclasses import dataclass

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["loss/planted/options-described"]


@dataclass(frozen=True, kw_only=True)
class Options:
    margin: float = 1.0


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", options=Options)
