"""Its hook for losses offers a metric."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["plugin/hook_of_another_kind/loads"]


@hookimpl
def ganzoo_losses():
    yield Metric(name="planted", summary="A metric.", factory="planted_losses:BCE")
