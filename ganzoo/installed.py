"""What is installed: a plugin and where it comes from, and each component with the plugin that offers it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, MissingPlugin
from ganzoo.plugin import Architecture, Built, Component, Imported

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Plugin:
    """A plugin and where it comes from.

    Args:
        name: Of its entry point (``NAME@DISTRIBUTION`` where several distributions use one), or of its file.
        module: The module that it names.
        distribution, version: What installed it; empty for a file or a registered module.
        file: Where `--plugin` read it from.
        error: What of it failed; empty for a healthy one.
        warning: What its author should mend.
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
        """Where it comes from, in words: distribution and version, or the file."""
        return f"{self.distribution} {self.version}".strip() or self.file or "registered"


@dataclass(frozen=True)
class Registered:
    """A component together with the plugin that offers it."""

    plugin: Plugin
    spec: Component

    @property
    def qualified(self) -> str:
        """The name that is never ambiguous, ``plugin:name``."""
        return f"{self.plugin.name}:{self.spec.name}"

    def build(self, options: object, *args: object) -> Any:
        """Return the runtime object: the factory called with options (and, for an architecture, the `DataInfo`).

        Raises:
            MissingPlugin: A requirement of the component is not installed.
            GanzooError: The factory could not be imported, or it failed; the text names the plugin.
        """
        assert isinstance(self.spec, Built)
        self.check_requirements()
        return self._call(self.spec.factory, options, *args)

    def migrate(self, options: Mapping[str, Any], from_version: int) -> Mapping[str, Any]:
        """Return options that an older schema stored, as this version of the component reads them."""
        assert isinstance(self.spec, Built)
        if from_version > self.spec.version:
            raise MissingPlugin(
                f"{self.spec.kind} {self.spec.name!r} was stored by a newer plugin (schema {from_version}, "
                f"here {self.spec.version}): upgrade {self.plugin.distribution or self.plugin.name}"
            )
        if from_version == self.spec.version or not self.spec.migrate:
            return options
        migrated: Mapping[str, Any] = self._call(self.spec.migrate, dict(options), from_version)
        return migrated

    def import_weights(self, format: str, weights: Mapping[str, Tensor]) -> Imported:
        """Return what the architecture makes of the tensors of a file of another project (`Architecture.imports`)."""
        assert isinstance(self.spec, Architecture)
        path = self.spec.imports[format]
        imported = self._call(path, dict(weights))
        if not isinstance(imported, Imported):
            raise GanzooError(f"{path} returned {type(imported).__name__}, not ganzoo.plugin.Imported")
        return imported

    def check_requirements(self) -> None:
        """Raise MissingPlugin, with the command to run, where a requirement of the component is not met."""
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

    def _call(self, path: str, *args: object) -> Any:
        module, _, name = path.partition(":")
        try:
            return getattr(importlib.import_module(module), name)(*args)
        except GanzooError:
            raise
        except (Exception, SystemExit) as error:
            raise GanzooError(
                f"{self.spec.kind} {self.spec.name!r} of plugin {self.plugin.name!r} failed in {path}: "
                f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"
            ) from error
