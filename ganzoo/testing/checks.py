"""What a check is and how it is run.

A check is a public function of one argument, the `Trial`, in the module of its kind: ``loss.py`` and so on. The first
line of its docstring is the line of the contract that it stands for. It returns where that is kept, raises `Broken`
where it is not, and `Skip` where it does not apply. Anything else that a plugin raises is a break as well, told with
the plugin's own line. One that finds what makes all further checks of the component pointless raises `Unusable`: these
are skipped then, so that one mistake is told once.
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
from ganzoo.plugin.options import NoOptions, read, settled
from ganzoo.registry.installed import WITHOUT_DATA, Registered, describe_error, import_object, locate_definition

Status = Literal["PASS", "FAIL", "SKIP", "XFAIL"]
KINDS_OF_DATA = (
    DataInfo(shape=(3, 32, 32)),
    DataInfo(shape=(1, 32, 32)),
    DataInfo(shape=(2,), modality="points"),
    DataInfo(shape=(7,), modality="tabular"),
    DataInfo(shape=(1, 64), modality="audio"),
    DataInfo(shape=(11, 16), modality="text"),
)
LINE = re.compile(r"\.py:\d+")


class Broken(Exception):
    """A plugin broke its contract; the text says where, with the numbers."""


class Unusable(Broken):
    """So broken that nothing else can be said of the component until it is mended."""


class Skip(Exception):
    """A check that does not apply; the text says why."""


class Unseen(Skip):
    """A check that applies and could not look; the text says what it takes."""


@dataclass(frozen=True)
class Result:
    """How a check went.

    Args:
        check: Its name, ``KIND/COMPONENT/CHECK``.
        status: XFAIL is a failure that was expected.
        words: Of a failure, the contract and where it was broken; of a skip, why.
        seconds: That it took.
        unseen: Whether a skipped check applies, and could not look.
    """

    check: str
    status: Status
    words: str = ""
    seconds: float = 0.0
    unseen: bool = False


@dataclass(frozen=True)
class Check:
    """A check that is ready to run.

    Args:
        name: ``KIND/COMPONENT/CHECK``.
        contract: The line of the contract that it stands for.
        function: Called with nothing.
        locate: Returns the line that defines the component, ``file:line``. It is added to failures that name no line.
        unusable: The checks that found the component unusable, which all checks of it share.
        excused: Why the component's spec expects it to fail (`Built.excused`); empty for a check that must pass.
    """

    name: str
    contract: str
    function: Callable[[], None]
    locate: Callable[[], str] = str
    unusable: list[str] = field(default_factory=list)
    excused: str = ""

    def run(self, expected: str = "", clock: Callable[[], float] = time.perf_counter) -> Result:
        """Run it.

        Args:
            expected: Why it is expected to fail; one that passes all the same is a failure. By default what the
                component's spec says.
            clock: Seconds.
        """
        start, expected = clock(), expected or self.excused
        status, words, unseen = self._run()
        if expected and status == "FAIL":
            status, words = "XFAIL", f"{expected} ({words})"
        elif expected and status == "PASS":
            status, words = (
                "FAIL",
                f"it was expected to fail ({expected}) and passed: take it off the expected failures",
            )
        return Result(self.name, status, words, clock() - start, unseen)

    def _run(self) -> tuple[Status, str, bool]:
        if self.unusable and self.name not in self.unusable:
            return "SKIP", f"nothing can be said before {self.unusable[0]} passes", False
        try:
            with threads(1), seeded(0):  # on networks this small, more of them cost more than they bring
                self.function()
        except Skip as skip:
            return "SKIP", str(skip), isinstance(skip, Unseen)
        except Broken as broken:
            if isinstance(broken, Unusable):
                self.unusable.append(self.name)
            return "FAIL", f"{self.contract} {broken}{self._where(str(broken))}", False
        except (Exception, SystemExit) as error:
            return "FAIL", f"{self.contract} {describe_error(error)}", False
        return "PASS", "", False

    def _where(self, words: str) -> str:
        line = self.locate()
        return f" See {line}." if line and not LINE.search(words) else ""


@dataclass(frozen=True)
class Trial:
    """A component under trial.

    Args:
        entry: The component and its plugin.
        values: Options over its defaults, by name.
        data: What an architecture is built for; empty for what its spec says.
        full: Whether checks that take long are run as well.
    """

    entry: Registered
    values: Mapping[str, Any] = field(default_factory=dict)
    data: Sequence[DataInfo] = ()
    full: bool = False

    def keep(self, key: object, make: Callable[[], Any]) -> Any:
        """Return what `make` made the first time, for the checks of this component to share.

        Only the trial of the last check keeps anything, so that a zoo of networks is never in memory at once.
        """
        kept = _kept()
        if kept.get("trial") is not self:
            kept.clear()
            kept["trial"] = self
        if key not in kept:
            kept[key] = make()
        return kept[key]

    @property
    def spec(self) -> Any:
        """The component's spec."""
        return self.entry.spec

    @property
    def title(self) -> str:
        """What its checks' names begin with, ``KIND/COMPONENT``."""
        return f"{self.spec.kind}/{self.spec.name}"

    def locate(self) -> str:
        """Return the line that defines its factory, ``file:line``; empty if it cannot be found."""
        try:
            return locate_definition(import_object(self.spec.factory))
        except (Exception, SystemExit):
            return ""

    def read(self, **values: object) -> Any:
        """Return the component's options of these values, the others at their defaults."""
        cls = self.spec.options if isinstance(self.spec, Built) else NoOptions
        return read(cls, values, owner=f"{self.spec.kind} {self.spec.name!r}")

    def options(self, **more: object) -> Any:
        """Return the options under trial, `more` over them."""
        return self.read(**{**self.examples, **self.values, **more})

    @functools.cached_property
    def examples(self) -> Mapping[str, Any]:
        """The options that open the small dataset that the spec's `examples` writes, where the trial names no other."""
        path, named_by = getattr(self.spec, "examples", ""), getattr(self.spec, "path_option", "") or "path"
        if not isinstance(path, str) or not path or named_by in self.values:
            return {}
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        found: Mapping[str, Any] = import_object(path)(Path(folder))
        return found

    @property
    def provides(self) -> tuple[str, ...]:
        """The words that the component provides with the options under trial."""
        words: tuple[str, ...] = self.spec.provided(self.options())
        return words

    def build(self, data: DataInfo | None = None, **more: object) -> Any:
        """Return a runtime object for `data`, as `make`, with schedules at their start; `more` are further options."""
        return self.make(settled(self.options(**more), 0), data)

    def make(self, options: object, data: DataInfo | None = None) -> Any:
        """Return a runtime object of these options, for `data` or else the first of the `kinds`."""
        return self.entry.build(*self.arguments(options, data))

    def arguments(self, options: object, data: DataInfo | None = None) -> tuple[Any, ...]:
        """Return what the factory is called with, as `make` has it."""
        return (options,) if self.spec.kind in WITHOUT_DATA else (options, data or self.kinds[0])

    @property
    def kinds(self) -> tuple[DataInfo, ...]:
        """The kinds of data that the component is tried on: the trial's, or its examples and all that it takes."""
        taken = getattr(self.spec, "modalities", ())
        known = (*getattr(self.spec, "examples", ()), *KINDS_OF_DATA)
        return tuple(self.data) or tuple(info for info in known if not taken or info.modality in taken)


@functools.cache
def _kept() -> dict[object, Any]:
    return {}


def checks_in(module: ModuleType, prefix: str, subject: object, **more: Any) -> list[Check]:
    """Return the checks of a module, ready to run on a subject, in the order in which they stand there.

    `more` are further fields of `Check`.
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


def require(kept: object, words: str) -> None:
    """Raise `Broken` unless the contract was kept."""
    if not kept:
        raise Broken(words)


def sentence(words: object) -> str:
    """Return words with a full stop, unless they end in a question."""
    return f"{words}" if str(words).endswith("?") else f"{words}."


@contextmanager
def usable() -> Iterator[None]:
    """Take whatever the block raises, but for `Skip`, as a sign that the component is `Unusable`."""
    try:
        yield
    except (Skip, Unusable):
        raise
    except Broken as broken:
        raise Unusable(str(broken)) from broken
    except (Exception, SystemExit) as error:
        raise Unusable(sentence(describe_error(error))) from error
