"""Its options can be changed after the recipe was made."""

from dataclasses import dataclass

from ganzoo.plugin import Loss, hookimpl, option

CAUGHT_BY = ["plugin/options_not_frozen/loads"]


@dataclass(kw_only=True)
class Options:
    margin: float = option(1.0, help="The margin.")


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", options=Options)
