"""It prints a greeting when it is imported."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["plugin/import_prints/silent-import"]

print("Thank you for installing planted!")


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE")
