"""What a check is, and how it is run.

A check is a public function of one argument, the `Trial`, in the module of its kind: ``loss.py`` and so on. The first
line of its docstring is the rule of the contract that it checks. The check returns where the component keeps the rule.
It raises `Failure` where the component breaks the rule, and `Skip` where the rule does not apply. Any other exception
of a plugin is a failure too, reported with the plugin's own line. A mistake that makes all further checks of the
component pointless raises `FatalFailure`: the other checks are skipped, so that one mistake is reported once.
"""

from __future__ import annotations

import functools
import inspect
import re
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from ganzoo.compute.streams import seeded
from ganzoo.compute.threads import threads
from ganzoo.plugin import Built, DataInfo
from ganzoo.plugin.options import NoOptions, evaluate_schedules, read
from ganzoo.recipe.nested import make_choice
from ganzoo.registry import registry
from ganzoo.registry.calling import import_object
from ganzoo.registry.failures import describe_error, locate_definition
from ganzoo.registry.installed import WITHOUT_DATA, RegisteredComponent

Status = Literal["PASS", "FAIL", "SKIP", "XFAIL"]
DATA_OF_EVERY_MODALITY = (
    DataInfo(shape=(3, 32, 32)),
    DataInfo(shape=(1, 32, 32)),
    DataInfo(shape=(2,), modality="points"),
    DataInfo(shape=(7,), modality="tabular"),
    DataInfo(shape=(1, 64), modality="audio"),
    DataInfo(shape=(11, 16), modality="text"),
)
LINE = re.compile(r"\.py:\d+")


class Failure(Exception):
    """A plugin breaks its contract; the text says where, with the numbers."""


class FatalFailure(Failure):
    """A mistake that must be corrected before any other check of the component makes sense."""


class Skip(Exception):
    """The check does not apply; the text says why."""


class NotChecked(Skip):
    """The check applies but cannot run here; the text says what it needs."""


@dataclass(frozen=True)
class Result:
    """The result of a check.

    Args:
        check: The check's name, ``KIND/COMPONENT/CHECK``.
        status: ``PASS``, ``FAIL``, ``SKIP`` or ``XFAIL``, a failure that was expected.
        message: For a failure, the rule and where the component breaks it. For a skip, the reason. Empty for a pass.
        seconds: How long the check ran, in seconds.
        not_checked: Whether the check was skipped although it applies, because it cannot run here.
    """

    check: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    not_checked: bool = False


@dataclass(frozen=True)
class Check:
    """A check that is ready to run.

    Args:
        name: The check's name, ``KIND/COMPONENT/CHECK``.
        contract: The rule of the contract that the check tests, one sentence.
        function: The check itself, which is called without arguments.
        locate: Returns the line that defines the component, ``file:line``. It is added to failures that name no line.
        fatal: Names of the checks that raised `FatalFailure`. All checks of a component share this list.
        excuse: Why the component's spec expects a failure (`Built.excused`). Empty for a check that must pass.
    """

    name: str
    contract: str
    function: Callable[[], None]
    locate: Callable[[], str] = str
    fatal: list[str] = field(default_factory=list)
    excuse: str = ""

    def run(self, expected: str = "", clock: Callable[[], float] = time.perf_counter) -> Result:
        """Run the check.

        Args:
            expected: Why the check is expected to fail. A check that passes all the same is then a failure. Empty for
                the reason that the component's spec gives, if there is one.
            clock: Returns the time in seconds.
        """
        start, expected = clock(), expected or self.excuse
        status, message, not_checked = self._run()
        if expected and status == "FAIL":
            status, message = "XFAIL", f"{expected} ({message})"
        elif expected and status == "PASS":
            status = "FAIL"
            message = f"it was expected to fail ({expected}) and passed: remove it from the expected failures"
        return Result(self.name, status, message, clock() - start, not_checked)

    def _run(self) -> tuple[Status, str, bool]:
        if self.fatal and self.name not in self.fatal:
            return "SKIP", f"it needs {self.fatal[0]} to pass first", False
        try:
            with threads(1), seeded(0):  # networks this small are slower on several threads
                self.function()
        except Skip as skip:
            return "SKIP", str(skip), isinstance(skip, NotChecked)
        except Failure as failure:
            if isinstance(failure, FatalFailure):
                self.fatal.append(self.name)
            return "FAIL", f"{self.contract} {failure}{self._name_location(str(failure))}", False
        except (Exception, SystemExit) as error:
            return "FAIL", f"{self.contract} {describe_error(error)}", False
        return "PASS", "", False

    def _name_location(self, message: str) -> str:
        line = self.locate()
        return f" See {line}." if line and not LINE.search(message) else ""


@dataclass(frozen=True)
class Trial:
    """A component with the options and the data that its checks try.

    Args:
        entry: The component and its plugin.
        values: Options by name, which replace the component's defaults.
        data: The data that the component is built for. Empty for the data that its spec names.
        full: Whether checks that take minutes run too.
    """

    entry: RegisteredComponent
    values: Mapping[str, Any] = field(default_factory=dict)
    data: Sequence[DataInfo] = ()
    full: bool = False

    def keep(self, key: object, make: Callable[[], Any]) -> Any:
        """Return the object of this key, made by `make` at the first call and shared by the checks of this component.

        Objects are kept for one trial at a time, so that the networks of many architectures are never in memory at
        once.
        """
        shared = _shared_objects()
        if shared.get("trial") is not self:
            shared.clear()
            shared["trial"] = self
        if key not in shared:
            shared[key] = make()
        return shared[key]

    @property
    def spec(self) -> Any:
        """The component's spec."""
        return self.entry.spec

    @property
    def title(self) -> str:
        """The start of the names of its checks, ``KIND/COMPONENT``."""
        return f"{self.spec.kind}/{self.spec.name}"

    def locate(self) -> str:
        """Return the line that defines its factory, ``file:line``; empty if it cannot be found."""
        try:
            return locate_definition(import_object(self.spec.factory))
        except (Exception, SystemExit):
            return ""

    def read_options(self, **values: object) -> Any:
        """Return the component's options with these values; the other options have their defaults."""
        cls = self.spec.options if isinstance(self.spec, Built) else NoOptions
        return read(cls, values, owner=f"{self.spec.kind} {self.spec.name!r}")

    def make_options(self, **more: object) -> Any:
        """Return the trial's options; the values of `more` replace them."""
        return self.read_options(**{**self.examples, **self.values, **more})

    @functools.cached_property
    def examples(self) -> Mapping[str, Any]:
        """The options that open the small dataset of the spec's `examples`; empty where the trial has a path."""
        path, path_option = getattr(self.spec, "examples", ""), getattr(self.spec, "path_option", "") or "path"
        if not isinstance(path, str) or not path or path_option in self.values:
            return {}
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        options: Mapping[str, Any] = import_object(path)(Path(folder))
        return options

    @property
    def provides(self) -> tuple[str, ...]:
        """The words that the component provides with the trial's options."""
        return make_choice(registry(), self.entry, self.make_options()).provides

    def build(self, data: DataInfo | None = None, **more: object) -> Any:
        """Build a runtime object for `data` with the trial's options and those of `more`, schedules at their start."""
        return self.build_with(evaluate_schedules(self.make_options(**more), 0), data)

    def build_with(self, options: object, data: DataInfo | None = None) -> Any:
        """Build a runtime object with these options, for `data` or, where that is None, the first of `infos`."""
        return self.entry.build(*self.make_arguments(options, data))

    def make_arguments(self, options: object, data: DataInfo | None = None) -> tuple[Any, ...]:
        """Return the arguments of the factory; the parameters are those of `build_with`."""
        return (options,) if self.spec.kind in WITHOUT_DATA else (options, data or self.infos[0])

    @property
    def infos(self) -> tuple[DataInfo, ...]:
        """The data that the component is tried on: the trial's, or the spec's examples and all that it accepts."""
        accepted = getattr(self.spec, "modalities", ())
        known = (*getattr(self.spec, "examples", ()), *DATA_OF_EVERY_MODALITY)
        return tuple(self.data) or tuple(info for info in known if not accepted or info.modality in accepted)


@functools.cache
def _shared_objects() -> dict[object, Any]:
    return {}


def make_checks(module: ModuleType, prefix: str, subject: object, **more: Any) -> list[Check]:
    """Return the checks of a module, ready to run on a subject, in the order of their definitions.

    Args:
        module: The module whose public functions of one argument are the checks.
        prefix: The start of the checks' names, ``KIND/COMPONENT``.
        subject: The argument that each check is called with.
        more: Further fields of `Check`.
    """
    found = [
        (name, function)
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and function.__module__ == module.__name__
        and len(inspect.signature(function).parameters) == 1
    ]
    return [
        Check(
            f"{prefix}/{name.replace('_', '-')}",
            (inspect.getdoc(function) or "").partition("\n")[0],
            partial(function, subject),
            **more,
        )
        for name, function in sorted(found, key=lambda each: each[1].__code__.co_firstlineno)
    ]


def require(condition: object, message: str) -> None:
    """Raise `Failure` with this message unless the condition is true."""
    if not condition:
        raise Failure(message)


def as_sentence(text: object) -> str:
    """Return a text with a full stop, unless it ends in a question mark."""
    return f"{text}" if str(text).endswith("?") else f"{text}."


@contextmanager
def fatal_failures() -> Iterator[None]:
    """Turn every exception of the block, except `Skip`, into a `FatalFailure`."""
    try:
        yield
    except (Skip, FatalFailure):
        raise
    except Failure as failure:
        raise FatalFailure(str(failure)) from failure
    except (Exception, SystemExit) as error:
        raise FatalFailure(as_sentence(describe_error(error))) from error
