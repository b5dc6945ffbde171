"""Failures that are expected: named in a call, in the package's ``pyproject.toml``, or in the component's spec."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ganzoo.errors import UsageError, suggest_names
from ganzoo.testing.checks import Check

FILE = "pyproject.toml"
TABLE = "tool.ganzoo.expected-failures"


def read_expected_failures(folder: Path | None = None) -> dict[str, str]:
    """Read the expected failures of the nearest ``pyproject.toml``, in `folder` (None: the current one) or above.

    Its table maps the name of a check to a reason::

        [tool.ganzoo.expected-failures]
        "architecture/blobgan/trains-in-bf16" = "its FFT knows no bfloat16"

    Raises:
        UsageError: The file is not TOML, or a reason is missing.
    """
    folder = Path.cwd() if folder is None else folder
    file = next((parent / FILE for parent in (folder, *folder.parents) if (parent / FILE).is_file()), None)
    if file is None:
        return {}
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("ganzoo", {})
        table = found.get("expected-failures", {})
        words = all(isinstance(name, str) and isinstance(reason, str) and reason for name, reason in table.items())
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{file} could not be read: {error}") from error
    if not words:
        raise UsageError(f"{file}: [{TABLE}] gives a reason, in words, for each check that may fail")
    return dict(table)


def select_expected_failures(expected: Mapping[str, str], checks: Iterable[Check]) -> dict[str, str]:
    """Return the expected failures of the plugins and components that these checks belong to."""
    subjects = {_strip_check_name(check.name) for check in checks}
    return {name: reason for name, reason in expected.items() if _strip_check_name(name) in subjects}


def require_known_names(checks: Sequence[Check], expected: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the expected failures; each name must be the name of a check.

    Raises:
        UsageError: A name is not the name of a check; the text gives close names.
    """
    names = [check.name for check in checks]
    for name in expected or {}:
        if name not in names:
            raise UsageError(f"expected failures: there is no check {name!r}{suggest_names(name, names)}")
    return expected or {}


def apply_excuses(checks: Sequence[Check], reasons: Mapping[str, str], title: str) -> list[Check]:
    """Return the checks of a component with the reasons that its spec gives (`Built.excused`).

    Raises:
        UsageError: The spec excuses a name that is not the name of a check; the text gives close names.
    """
    names = [check.name.removeprefix(f"{title}/") for check in checks]
    for name in reasons:
        if name not in names:
            raise UsageError(f"{title} excuses {name!r}, which is not one of its checks{suggest_names(name, names)}")
    return [replace(check, excuse=reasons.get(name, "")) for check, name in zip(checks, names, strict=True)]


def _strip_check_name(name: str) -> str:
    return "/".join(name.split("/")[:2])
