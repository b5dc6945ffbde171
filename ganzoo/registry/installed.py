"""Installed plugins and their components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, MissingPlugin
from ganzoo.plugin import (
    Architecture,
    Built,
    Component,
    DataFacts,
    DataInfo,
    ImportedGenerator,
    Proposal,
    Recipe,
)
from ganzoo.registry.calling import import_object, require_callable, require_methods
from ganzoo.registry.failures import describe_error

if TYPE_CHECKING:
    from torch import Tensor

WITHOUT_DATA = ("dataset", "tracker")  # kinds whose factory takes only options


@dataclass(frozen=True)
class Plugin:
    """A plugin and its origin.

    Args:
        name: The name of its entry point or of its file. If several distributions use one name, it is
            ``NAME@DISTRIBUTION``.
        module: The module of the plugin, as in the entry point.
        distribution, version: The distribution that installed it and its version; empty for a file or a registered
            module.
        file: The file that `--plugin` read; empty for an installed plugin.
        error: The reason why the plugin, or a part of it, failed to load; empty if it loaded.
        warning: A problem that its author should fix; empty if there is none.
    """

    name: str
    module: str
    distribution: str = ""
    version: str = ""
    file: str = ""
    error: str = ""
    warning: str = ""

    @property
    def source(self) -> str:
        """The origin in words: distribution and version, or the file."""
        return f"{self.distribution} {self.version}".strip() or self.file or "registered"


@dataclass(frozen=True)
class RegisteredComponent:
    """A component and the plugin that offers it."""

    plugin: Plugin
    spec: Component

    @property
    def qualified(self) -> str:
        """The unambiguous name, ``plugin:name``."""
        return f"{self.plugin.name}:{self.spec.name}"

    def build(self, options: object, data: DataInfo | None = None) -> Any:
        """Call the factory and return the runtime object.

        Args:
            options: The options of the component, an instance of its options class.
            data: The data as the networks see it. The factories of datasets and trackers do not take it.

        Raises:
            MissingPlugin: A requirement of the component is not installed.
            GanzooError: The factory cannot be imported, it fails, or its result lacks a method of its kind. The text
                names the plugin.
        """
        assert isinstance(self.spec, Built)
        self.check_requirements()
        if self.spec.kind in WITHOUT_DATA:
            built = self._call(self.spec.factory, ("options",), options)
        else:
            assert data is not None, f"the factory of a {self.spec.kind} takes the data"
            built = self._call(self.spec.factory, ("options", "data"), options, data)
        with self._errors_blamed(self.spec.factory):
            require_methods(self.spec, built)
        return built

    def migrate(self, options: Mapping[str, Any], from_version: int) -> Mapping[str, Any]:
        """Convert options that an older schema stored to the schema of this version."""
        assert isinstance(self.spec, Built)
        if from_version > self.spec.version:
            raise MissingPlugin(
                f"{self.spec.kind} {self.spec.name!r} was stored by a newer plugin (schema {from_version}, "
                f"here {self.spec.version}): upgrade {self.plugin.distribution or self.plugin.name}"
            )
        if from_version == self.spec.version or not self.spec.migrate:
            return options
        migrated: Mapping[str, Any] = self._call(
            self.spec.migrate, ("options", "from_version"), dict(options), from_version
        )
        return migrated

    def import_weights(self, format: str, weights: Mapping[str, Tensor]) -> ImportedGenerator:
        """Convert the tensors of another project's file to a generator of the architecture (`Architecture.imports`)."""
        assert isinstance(self.spec, Architecture)
        path = self.spec.imports[format]
        imported = self._call(path, ("weights",), dict(weights))
        if not isinstance(imported, ImportedGenerator):
            raise GanzooError(f"{path} returned {type(imported).__name__}, not ganzoo.plugin.ImportedGenerator")
        return imported

    def compute_settings(self, data: DataInfo, device: str, facts: DataFacts | None = None) -> Proposal:
        """Return the settings of a recipe for this data and type of device (`ganzoo.plugin.Recipe.settings`).

        Args:
            data: The description of the samples.
            device: The type of the device.
            facts: What is known of samples and machine, for a recipe that looks at them.
        """
        assert isinstance(self.spec, Recipe)
        path, looks = self.spec.settings, self.spec.looks
        if not isinstance(path, str):
            return Proposal(settings=path)
        facts = facts or DataFacts()
        names, more = (("data", "device", "facts"), (facts,)) if looks else (("data", "device"), ())
        found = self._call(path, names, data, device, *more)
        found = found if isinstance(found, Proposal) else Proposal(settings=found)
        if not isinstance(found.settings, Mapping):
            raise GanzooError(f"{path} returned {type(found.settings).__name__}, not a mapping from keys to values")
        allowed = {"dataset.size"} if looks and facts.resizable else set()
        for key in found.settings:
            if str(key).partition(".")[0] == "dataset" and key not in allowed:
                raise GanzooError(f"{path} sets {key!r}: the dataset is chosen before it is called")
        return found

    def explain_suitability(self, data: DataInfo, device: str) -> str:
        """Return why a recipe suits a user's data and type of device; empty if it does not (`Recipe.suits`)."""
        assert isinstance(self.spec, Recipe)
        return str(self._call(self.spec.suits, ("data", "device"), data, device)) if self.spec.suits else ""

    def check_requirements(self) -> None:
        """Raise MissingPlugin, with the command to run, if a requirement of the component is not met."""
        from packaging.requirements import Requirement

        assert isinstance(self.spec, Built)
        for text in self.spec.requires:
            requirement = Requirement(text)
            if requirement.marker is not None and not requirement.marker.evaluate():
                continue
            requirement.marker = None
            try:
                met = requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
            except metadata.PackageNotFoundError:
                met = False
            if not met:
                raise MissingPlugin(
                    f"{self.spec.kind} {self.spec.name!r} needs {requirement}: python -m pip install '{requirement}'"
                )

    def import_factory(self) -> Any:
        """Return what the path of the factory names; raise GanzooError, which names the plugin, if it cannot."""
        assert isinstance(self.spec, Built)
        with self._errors_blamed(self.spec.factory):
            return import_object(self.spec.factory)

    def _call(self, path: str, arguments: tuple[str, ...], *args: object) -> Any:
        with self._errors_blamed(path):
            found = import_object(path)
            require_callable(found, path, *arguments)
            return found(*args)

    @contextmanager
    def _errors_blamed(self, path: str) -> Iterator[None]:
        try:
            yield
        except GanzooError:
            raise
        except (Exception, SystemExit) as error:
            owner = f"{self.spec.kind} {self.spec.name!r} of plugin {self.plugin.name!r}"
            raise GanzooError(f"{owner} failed in {path}: {describe_error(error)}") from error
