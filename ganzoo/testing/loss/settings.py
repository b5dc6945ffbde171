"""Checks of losses: the settings that they recommend."""

from __future__ import annotations

from ganzoo.errors import GanzooError
from ganzoo.plugin import Architecture, DataInfo, Dataset
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import Registry, registry
from ganzoo.registry.installed import Plugin, RegisteredComponent
from ganzoo.testing.checks import Failure, Skip, Trial, as_sentence

KIT = Plugin("kit", __name__)
PROVIDED = (
    "class-logits",
    "features",
    "style",
    "truncation",
    "double-backward",
)  # words that a recommended regularizer may need


def recommended_settings_exist(trial: Trial) -> None:
    """The spec recommends settings that exist, with values that they accept, for any architecture."""
    if not trial.spec.recommended:
        raise Skip("it recommends nothing")
    settings = {key: value for key, value in trial.spec.recommended.items() if not key.startswith("arch.")}
    try:  # as pairs of the command line, because these may not be unused
        resolve(_RegistryWithKit(), flags={"arch": "kit:kit", "loss": trial.entry.qualified}, pairs=settings)
    except GanzooError as error:
        raise Failure(as_sentence(error)) from error


class _RegistryWithKit(Registry):
    """The installed components, with an architecture and a dataset that fit everything."""

    def components(self, kind: str | None = None) -> tuple[RegisteredComponent, ...]:
        """Return the installed components, and the kit's architecture and dataset."""
        info = DataInfo(shape=(1, 8, 8), num_classes=2)
        arch = Architecture(name="kit", summary="All.", factory="kit:none", conditional="optional", provides=PROVIDED)
        data = Dataset(name="kit", summary="Data.", factory="kit:none", info=info, default=True)
        kit = [RegisteredComponent(KIT, arch), RegisteredComponent(KIT, data)]
        return (*registry().components(kind), *(entry for entry in kit if kind in (None, entry.spec.kind)))

    def resolve_default_dataset(self) -> RegisteredComponent:
        """Return the kit's dataset."""
        return self.resolve("dataset", "kit:kit")
