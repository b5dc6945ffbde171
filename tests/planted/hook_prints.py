"""Its hook prints to stdout, in the middle of the output of `ganzoo list --json`."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["plugin/hook_prints/silent-import"]


@hookimpl
def ganzoo_losses():
    print("offering a loss")
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE")
