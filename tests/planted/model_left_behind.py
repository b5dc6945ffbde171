"""Its weights are not in the plugin's data."""

from ganzoo.plugin import Model, hookimpl

CAUGHT_BY = ["model/planted/package-is-included", "model/planted/samples-as-loaded"]


@hookimpl
def ganzoo_models():
    yield Model(name="planted", summary="Planted.", path="ganzoo_datasets:weights")
