"""Its hook says on stdout what it offers, in the midst of what `ganzoo list --json` prints."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["plugin/hook_prints/silent-import"]


@hookimpl
def ganzoo_losses():
    print("offering a loss")
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE")
