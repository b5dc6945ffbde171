"""What a check is and how it is run.

A check is a public function of one argument, the `Trial`, in the module of its kind: ``loss.py`` and so on. The first
line of its docstring is the line of the contract that it stands for. It returns where that is kept, raises `Broken`
where it is not, and `Skip` where it does not apply. Anything else that a plugin raises is a break as well, told with
the plugin's own line.
"""

from __future__ import annotations

import inspect
import sysconfig
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch

from ganzoo.engine.streams import seeded
from ganzoo.errors import UsageError, did_you_mean
from ganzoo.installed import Registered
from ganzoo.options import NoOptions, read
from ganzoo.plugin import Built, DataInfo

Status = Literal["PASS", "FAIL", "SKIP", "XFAIL"]


class Broken(Exception):
    """A plugin broke its contract; the text says where, with the numbers."""


class Skip(Exception):
    """A check that does not apply; the text says why."""


@dataclass(frozen=True)
class Result:
    """How a check went.

    Args:
        check: Its name, ``KIND/COMPONENT/CHECK``.
        status: XFAIL is a failure that was expected.
        words: Of a failure, the contract and where it was broken; of a skip, why.
        seconds: That it took.
    """

    check: str
    status: Status
    words: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Check:
    """A check that is ready to run.

    Args:
        name: ``KIND/COMPONENT/CHECK``.
        contract: The line of the contract that it stands for.
        function: Called with nothing.
    """

    name: str
    contract: str
    function: Callable[[], None]

    def run(self, expected: str = "", clock: Callable[[], float] = time.perf_counter) -> Result:
        """Run it.

        Args:
            expected: Why it is expected to fail; one that passes all the same is a failure.
            clock: Seconds.
        """
        start = clock()
        status, words = self._run()
        if expected and status == "FAIL":
            status, words = "XFAIL", f"{expected} ({words})"
        elif expected and status == "PASS":
            status, words = (
                "FAIL",
                f"it was expected to fail ({expected}) and passed: take it off the expected failures",
            )
        return Result(self.name, status, words, clock() - start)

    def _run(self) -> tuple[Status, str]:
        try:
            with seeded(0):
                self.function()
        except Skip as skip:
            return "SKIP", str(skip)
        except Broken as broken:
            return "FAIL", f"{self.contract} {broken}"
        except (Exception, SystemExit) as error:
            return "FAIL", f"{self.contract} {raised(error)}"
        return "PASS", ""


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

    @property
    def spec(self) -> Any:
        """The component's spec."""
        return self.entry.spec

    @property
    def title(self) -> str:
        """What its checks' names begin with, ``KIND/COMPONENT``."""
        return f"{self.spec.kind}/{self.spec.name}"

    def options(self, **more: object) -> Any:
        """Return the options under trial, `more` over them."""
        cls = self.spec.options if isinstance(self.spec, Built) else NoOptions
        return read(cls, {**self.values, **more}, owner=f"{self.spec.kind} {self.spec.name!r}")

    def build(self, *args: object, **more: object) -> Any:
        """Return a runtime object; `args` follow the options, `more` are options over those under trial."""
        return self.entry.build(self.options(**more), *args)


def checks_in(module: ModuleType, prefix: str, subject: object) -> list[Check]:
    """Return the checks of a module, ready to run on a subject, in the order in which they stand there."""
    return [
        Check(
            f"{prefix}/{name.replace('_', '-')}",
            (inspect.getdoc(function) or "").partition("\n")[0],
            partial(function, subject),
        )
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and function.__module__ == module.__name__
        and len(inspect.signature(function).parameters) == 1
    ]


def expectations(checks: Sequence[Check], expected: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the expected failures, every one of which must name a check.

    Raises:
        UsageError: One does not; the text gives close names.
    """
    names = [check.name for check in checks]
    for name in expected or {}:
        if name not in names:
            raise UsageError(f"expected_failures: there is no check {name!r}{did_you_mean(name, names)}")
    return expected or {}


def raised(error: BaseException) -> str:
    """Say what was raised, and in which line of the plugin (the last one that is not the kit's or a library's)."""
    words = f"{type(error).__name__}: {' '.join(str(error).split())}"
    cause = error.__cause__ or error
    frames = [frame for frame in traceback.extract_tb(cause.__traceback__) if _is_authors(frame.filename)]
    return f"{words} ({frames[-1].filename}:{frames[-1].lineno})" if frames else words


def require(kept: object, words: str) -> None:
    """Raise `Broken` unless the contract was kept."""
    if not kept:
        raise Broken(words)


def _is_authors(file: str) -> bool:
    path = Path(file)
    libraries = [Path(__file__).parents[1], Path(torch.__file__).parent]
    standard = path.is_relative_to(sysconfig.get_path("stdlib")) and "site-packages" not in path.parts
    return path.is_file() and not standard and not any(map(path.is_relative_to, libraries))
