"""Installed plugins and their components, and the errors that plugins raise."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, MissingPlugin, suggest_names
from ganzoo.plugin import (
    Architecture,
    Augmentation,
    Built,
    Component,
    DataFacts,
    DataInfo,
    ImportedGenerator,
    Metric,
    Proposal,
    Recipe,
)

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

    def hash_code(self) -> str:
        """Return the SHA-256 of the file that defines the factory; empty if it is not known."""
        assert isinstance(self.spec, Built)
        with self._errors_blamed(self.spec.factory):
            found = import_object(self.spec.factory)
        try:
            path = inspect.getsourcefile(inspect.unwrap(found))
            return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
        except (TypeError, OSError):  # an object without a file, or a file in an archive
            return ""

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


# ----------------------------------------------------------------------------
# Calling a plugin's code, and finding the line of an error.

# Modules of ganzoo and of libraries that it calls. An error of a plugin is never in one of them.
OURS = {"ganzoo", "click", "pluggy", "torch", "numpy", "PIL", "safetensors", "huggingface_hub", "rich"}


def import_object(path: str) -> Any:
    """Import the object of a path ``"package.module:name"``; raise AttributeError if the module lacks it."""
    module_name, _, name = path.partition(":")
    module = importlib.import_module(module_name)
    if not hasattr(module, name):
        raise AttributeError(f"{module_name} has no {name!r}{suggest_names(name, vars(module))}")
    return getattr(module, name)


def require_callable(found: Any, name: str, *arguments: str) -> None:
    """Raise TypeError, with the line of the definition, if an object cannot be called with these arguments."""
    if not callable(found):
        raise TypeError(f"{name} is not a function or class, but {type(found).__name__}")
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # functions that are written in C may have no signature
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        words = f"{name} is defined with {signature} and called with ({', '.join(arguments)})"
        raise TypeError(words + _in_parentheses(locate_definition(found))) from error


# For each kind, the methods that are called and their arguments. A question mark means that the method is optional.
METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "loss": {"discriminator": ("real", "fake"), "generator": ("fake", "real")},
    "dataset": {"sample?": ("generator", "n"), "items?": ()},
    "regularizer": {
        "prepare?": ("networks",), "discriminator?": ("step",), "generator?": ("step",),
        "move_latents?": ("z", "judge"), "after_step?": ("networks",), "report?": (),
    },
    "augmentation": {"__call__": ("batch",), "update?": ("real_logits",), "report?": ()},
    "extractor": {"__call__": ("samples",), "prepare?": ("real",)},
    "diagnosis": {"__call__": ("rows", "recipe")},
    "exporter": {"__call__": ("generator", "directory")},
    "tracker": {"start": ("run",), "log": ("images", "scalars"), "grid": ("images", "path"), "finish": ("status",)},
}  # fmt: skip


def list_methods(spec: Component) -> Mapping[str, tuple[str, ...]]:
    """Return the methods of a component's runtime object and their arguments, as `METHODS`; empty if any will do."""
    if isinstance(spec, Augmentation) and spec.mixes_fakes:
        others = {name: arguments for name, arguments in METHODS[spec.kind].items() if name != "__call__"}
        return {"mix": ("real", "fake"), **others}
    if not isinstance(spec, Metric):
        return METHODS.get(spec.kind, {})
    more = ("labels",) if spec.labels else ()
    given: dict[str, tuple[str, ...]] = {"real": ("batch", *more), "fake": ("batch", *more)}
    if spec.pairs or spec.paths:
        given = {"pair": ("real", "fake", "labels")} if spec.pairs else {"path": ("start", "end", "step")}
    if spec.held_out:
        given["held_out"] = ("batch",)
    return {"reset": (), **given, "compute": ()}


def require_methods(spec: Component, built: object) -> None:
    """Raise TypeError if a runtime object lacks a method of its kind or a method takes other arguments."""
    if isinstance(built, type):
        raise TypeError(f"it returned the class {built.__name__}, not an instance of it")
    for name, arguments in list_methods(spec).items():
        method = getattr(built, name.rstrip("?"), None)
        if method is None and not name.endswith("?"):
            near = suggest_names(name, [each for each in dir(built) if not each.startswith("__")])
            raise TypeError(f"{type(built).__name__} has no {name}({', '.join(arguments)}){near}")
        if method is not None:
            require_callable(method, name.rstrip("?"), *arguments)


def locate_definition(found: object) -> str:
    """Return the line that defines a class or function, ``file:line``; empty if it is not known."""
    try:
        return f"{inspect.getsourcefile(inspect.unwrap(found))}:{inspect.getsourcelines(found)[1]}"  # type: ignore[arg-type]
    except (TypeError, OSError):
        return ""


def describe_error(error: BaseException, otherwise: str = "") -> str:
    """Describe an error of a plugin on one line: ``KeyError: 'a' (file:line)``.

    Args:
        error: The error that the plugin raised.
        otherwise: The line to name if the error did not go through a line of a plugin, ``file:line``.
    """
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    words = f"{type(error).__name__}: {' '.join(text.split())[:300]}".rstrip(": ")
    line = locate_error(error.__cause__ or error) or otherwise
    return words if line in words else words + _in_parentheses(line)


def locate_error(error: BaseException) -> str:
    """Return the last line of a plugin that an error went through, ``file:line``; empty if there is none.

    Lines of libraries that the plugin calls do not count. The line is outside of site-packages, where authors work on a
    plugin; for an installed plugin it is in the package that was called first.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    lines: list[tuple[str, str]] = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        owner = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if owner and owner not in OURS and owner not in sys.stdlib_module_names:
            lines.append((owner, f"{frame.f_code.co_filename}:{line}"))
    own = [line for _, line in lines if "site-packages" not in line and "dist-packages" not in line]
    of_first_package = [line for owner, line in lines if owner == lines[0][0]]
    return (own or of_first_package or [""])[-1]


def _in_parentheses(line: str) -> str:
    return f" ({line})" if line else ""
