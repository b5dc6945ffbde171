"""Its options double a number each time they are built, also when a recipe is read back."""

from dataclasses import dataclass

from ganzoo.plugin import Loss, hookimpl, option

CAUGHT_BY = ["loss/planted/options-round-trip"]


@dataclass(frozen=True, kw_only=True)
class Options:
    margin: float = option(1.0, help="Half the margin.")

    def __post_init__(self):
        object.__setattr__(self, "margin", 2 * self.margin)


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", options=Options)
