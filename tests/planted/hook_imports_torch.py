"""Its hook imports torch, and `ganzoo list` calls the hook."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["plugin/hook_imports_torch/light-import"]


@hookimpl
def ganzoo_losses():
    from planted_losses import BCE

    yield Loss(name="planted", summary=f"{BCE.__name__}.", factory="hook_imports_torch:build")


def build(options, data):
    from planted_losses import BCE

    return BCE(options, data)
