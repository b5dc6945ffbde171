"""What is installed: a plugin and where it comes from, and each component with the plugin that offers it."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, MissingPlugin, suggest_names
from ganzoo.plugin import Architecture, Built, Component, DataInfo, ImportedGenerator, Metric, Recipe

if TYPE_CHECKING:
    from torch import Tensor

WITHOUT_DATA = ("dataset", "tracker")  # kinds whose factory takes options alone


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
class RegisteredComponent:
    """A component together with the plugin that offers it."""

    plugin: Plugin
    spec: Component

    @property
    def qualified(self) -> str:
        """The name that is never ambiguous, ``plugin:name``."""
        return f"{self.plugin.name}:{self.spec.name}"

    def build(self, options: object, data: DataInfo | None = None) -> Any:
        """Return the runtime object: what the factory returns.

        Args:
            options: Of the component.
            data: What the networks see. The factories of a dataset and a tracker are called without it.

        Raises:
            MissingPlugin: A requirement of the component is not installed.
            GanzooError: The factory could not be imported, it failed, or what it returned has not the methods of its
                kind; the text names the plugin.
        """
        assert isinstance(self.spec, Built)
        self.check_requirements()
        if self.spec.kind in WITHOUT_DATA:
            made = self._call(self.spec.factory, ("options",), options)
        else:
            assert data is not None, f"the factory of a {self.spec.kind} takes the data"
            made = self._call(self.spec.factory, ("options", "data"), options, data)
        with self._errors_blamed(self.spec.factory):
            require_methods(self.spec, made)
        return made

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
        migrated: Mapping[str, Any] = self._call(
            self.spec.migrate, ("options", "from_version"), dict(options), from_version
        )
        return migrated

    def import_weights(self, format: str, weights: Mapping[str, Tensor]) -> ImportedGenerator:
        """Return what the architecture makes of the tensors of a file of another project (`Architecture.imports`)."""
        assert isinstance(self.spec, Architecture)
        path = self.spec.imports[format]
        imported = self._call(path, ("weights",), dict(weights))
        if not isinstance(imported, ImportedGenerator):
            raise GanzooError(f"{path} returned {type(imported).__name__}, not ganzoo.plugin.ImportedGenerator")
        return imported

    def compute_settings(self, data: DataInfo, device: str) -> Mapping[str, Any]:
        """Return the settings of a recipe for this data on a device of this type (`ganzoo.plugin.Recipe.settings`)."""
        assert isinstance(self.spec, Recipe)
        path = self.spec.settings
        if not isinstance(path, str):
            return path
        settings: Mapping[str, Any] = self._call(path, ("data", "device"), data, device)
        if not isinstance(settings, Mapping):
            raise GanzooError(f"{path} returned {type(settings).__name__}, not a mapping from keys to values")
        for key in settings:
            if str(key).partition(".")[0] == "dataset":
                raise GanzooError(f"{path} sets {key!r}: the dataset is chosen before it is called")
        return settings

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
# What a plugin names, and what it raises.

# ours, and what we call: never the place where a plugin is to be mended
OURS = {"ganzoo", "click", "pluggy", "torch", "numpy", "PIL", "safetensors", "huggingface_hub", "rich"}


def import_object(path: str) -> Any:
    """Return what ``"package.module:name"`` names; AttributeError, with close names, where the module has no such."""
    module_name, _, name = path.partition(":")
    module = importlib.import_module(module_name)
    if not hasattr(module, name):
        raise AttributeError(f"{module_name} has no {name!r}{suggest_names(name, vars(module))}")
    return getattr(module, name)


def require_callable(found: Any, name: str, *arguments: str) -> None:
    """Raise TypeError, with the line where it is defined, if what has this name does not take these arguments."""
    if not callable(found):
        raise TypeError(f"{name} is not a function or class, but {type(found).__name__}")
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # of what is written in C none is known
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        words = f"{name} is defined with {signature} and called with ({', '.join(arguments)})"
        raise TypeError(words + _in_parentheses(locate_definition(found))) from error


# By kind, what is called with what; the methods with a question mark need not be there.
METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "loss": {"discriminator": ("real", "fake"), "generator": ("fake", "real")},
    "dataset": {"sample?": ("generator", "n"), "items?": ()},
    "regularizer": {
        "prepare?": ("networks",), "discriminator?": ("step",), "generator?": ("step",),
        "after_step?": ("networks",),
    },
    "augmentation": {"__call__": ("batch",), "update?": ("real_logits",)},
    "extractor": {"__call__": ("samples",), "prepare?": ("real",)},
    "diagnosis": {"__call__": ("rows", "recipe")},
    "exporter": {"__call__": ("generator", "directory")},
    "tracker": {"start": ("run",), "log": ("images", "scalars"), "grid": ("images", "path"), "finish": ("status",)},
}  # fmt: skip


def list_methods(spec: Component) -> Mapping[str, tuple[str, ...]]:
    """Return what is called with what of a component's runtime object, as `METHODS`; nothing where that is free."""
    if not isinstance(spec, Metric):
        return METHODS.get(spec.kind, {})
    more = ("labels",) if spec.labels else ()
    sides = {"real": ("batch", *more), "fake": ("batch", *more)}
    return {"reset": (), **({"pair": ("real", "fake", "labels")} if spec.pairs else sides), "compute": ()}


def require_methods(spec: Component, made: object) -> None:
    """Raise TypeError if what a factory returned has not the methods of its kind, or they take something else."""
    if isinstance(made, type):
        raise TypeError(f"it returned the class {made.__name__}, not an object of it")
    for name, arguments in list_methods(spec).items():
        method = getattr(made, name.rstrip("?"), None)
        if method is None and not name.endswith("?"):
            near = suggest_names(name, [each for each in dir(made) if not each.startswith("__")])
            raise TypeError(f"{type(made).__name__} has no {name}({', '.join(arguments)}){near}")
        if method is not None:
            require_callable(method, name.rstrip("?"), *arguments)


def locate_definition(found: object) -> str:
    """Return where a class or function stands, ``file:line``; empty where that is not known."""
    try:
        return f"{inspect.getsourcefile(inspect.unwrap(found))}:{inspect.getsourcelines(found)[1]}"  # type: ignore[arg-type]
    except (TypeError, OSError):
        return ""


def describe_error(error: BaseException, otherwise: str = "") -> str:
    """Say what a plugin raised, on one line, and where in it (or else `otherwise`): ``KeyError: 'a' (file:line)``."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    words = f"{type(error).__name__}: {' '.join(text.split())[:300]}".rstrip(": ")
    line = locate_error(error.__cause__ or error) or otherwise
    return words if line in words else words + _in_parentheses(line)


def locate_error(error: BaseException) -> str:
    """Return the last line of the plugin that an error went through, ``file:line``; empty where there is none.

    Libraries that the plugin calls are not blamed: the line is outside site-packages, where an author works, or else,
    of a plugin that was installed, in the package that was called first.
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
