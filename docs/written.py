"""The parts of pages that are written from docstrings: kept in the pages, so that they are read in a clone as well.

``python docs/written.py`` writes them; the site's build does, and a test holds the pages to it.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from ganzoo.testing.collect import collect_contracts

DOCS = Path(__file__).parent
CHECKS = "<!-- From here on written by docs/written.py from the docstrings of ganzoo.testing. -->"
PART = re.compile(r"(<!-- ([\w.]+): ([\w, ]+) -->\n).*?(<!-- end -->)", re.DOTALL)  # what is written of a module
SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields):")
QUOTED = re.compile(r"(: |-> )'([^']*)'")  # how Python shows annotations that it has not read
ITEM = re.compile(r"    (?! )([\w, .*`]+?): (.*)")


def with_checks(text: str) -> str:
    """Return the page on checks with the list of them behind its last comment."""
    lines = [text[: text.index(CHECKS) + len(CHECKS)], ""]
    for kind, sentences in collect_contracts().items():
        lines += [f"## {kind.capitalize()}", "", "| check | contract |", "|---|---|"]
        lines += [f"| `{name}` | {sentence} |" for name, sentence in sentences.items()] + [""]
    return "\n".join(lines)


def with_docstrings(text: str) -> str:
    """Return a page with the docstrings of all that its comments ``<!-- MODULE: NAMES -->`` name."""

    def part(found: re.Match[str]) -> str:
        module = import_module(found[2])
        parts = ["\n".join(described(name, getattr(module, name))) for name in found[3].split(", ")]
        return found[1] + "\n" + "\n\n".join(parts) + "\n\n" + found[4]

    return PART.sub(part, text)


def described(name: str, what: object) -> Iterator[str]:
    """Yield the lines on a class or function: heading, how it is called, and its docstring as Markdown."""
    yield f"### {name}"
    yield ""
    if inspect.isfunction(what):
        called = QUOTED.sub(r"\1\2", str(inspect.signature(what)))
        yield f"`{name}{called}`"
        yield ""
    yield from as_markdown(inspect.getdoc(what) or "", defaults_of(what))


def defaults_of(what: object) -> dict[str, str]:
    """Return the defaults of a dataclass's fields, as they are written."""
    if not (isinstance(what, type) and dataclasses.is_dataclass(what)):
        return {}
    found = {}
    for field in dataclasses.fields(what):
        if field.default is not dataclasses.MISSING:
            default = field.default
            found[field.name] = default.__name__ if isinstance(default, type) else repr(default)
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = f"{field.default_factory()!r}"
    return found


def as_markdown(text: str, defaults: dict[str, str]) -> Iterator[str]:
    """Yield the lines of a docstring: each section a list, each of its entries with the default that it has."""
    inside = False
    for line in text.splitlines():
        if section := SECTION.fullmatch(line):
            inside = True
            yield f"{section[1]}:"
            yield ""
        elif inside and (item := ITEM.fullmatch(line)):
            names = ", ".join(f"`{name}`" for name in item[1].split(", "))
            default = f" (default `{defaults[item[1]]}`)" if item[1] in defaults else ""
            yield f"- {names}{default}: {item[2]}"
        elif inside and line.startswith("    "):
            yield "  " + line.strip()
        else:
            inside = inside and not line
            yield line


def pages() -> dict[Path, str]:
    """Return each page with the text that it should have."""
    checks, reference = DOCS / "checks.md", DOCS / "reference.md"
    return {
        checks: with_checks(checks.read_text(encoding="utf-8")),
        reference: with_docstrings(reference.read_text(encoding="utf-8")),
    }


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
