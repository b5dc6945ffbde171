"""An option's default is a list, which all users would share."""

from dataclasses import dataclass

from ganzoo.plugin import Loss, hookimpl, option

CAUGHT_BY = ["plugin/options_mutable_default/loads"]


@dataclass(frozen=True, kw_only=True)
class Options:
    weights: list = option([1.0, 1.0], help="Of reals and of fakes.")  # noqa: RUF009


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", options=Options)
