"""The parts of pages that are generated from the code. They stand in the pages, so that a clone can be read as well.

``python docs/written.py`` writes them. The site's build does that too, and a test compares the pages with the code.

A page marks the start of such a part by a comment, and its end by ``<!-- end -->``:

- ``<!-- MODULE: NAME, CLASS.METHOD -->``: the docstrings of these names;
- ``<!-- list of commands -->``: what the function ``list_commands`` returns;
- ``<!-- costs of NAME, NAME -->``, ``<!-- grids of NAME -->``: a table and pictures of architectures.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Container, Iterable, Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path
from statistics import median

import click

from ganzoo.cli import cli
from ganzoo.cli.common import common_options
from ganzoo.cli.groups import GroupedCommand
from ganzoo.plugin import Built, Recipe
from ganzoo.plugin.component import COMMANDS
from ganzoo.plugin.options import Option, list_options, to_text
from ganzoo.recipe.keys import COMPONENTS, EXTRACTOR, KEYS, SHORT, make_options_prefix, reads_extractor
from ganzoo.recipe.settings import OPTIMIZERS, TrainOptions
from ganzoo.registry import PLURALS, registry
from ganzoo.registry.installed import RegisteredComponent
from ganzoo.testing.collect import collect_contracts

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
import families  # noqa: E402
from families import write_table  # noqa: E402
from loss_results import list_combinations, list_modes  # noqa: E402, F401
from zoo import find_use, list_leaderboard, list_models  # noqa: E402, F401

sys.path.pop(0)
DOCSTRINGS = re.compile(r"(<!-- ([\w.]+): ([\w, .]+) -->\n).*?(<!-- end -->)", re.DOTALL)  # of a module's names
LIST = re.compile(r"(<!-- list of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
FAMILY = re.compile(r"(<!-- (costs|grids) of ([\w, -]+?) -->\n).*?(<!-- end -->)", re.DOTALL)
SECTION = re.compile(r"(Args|Attributes|Files|Raises|Returns|Yields):")
FUNCTION = re.compile(r"<function (\w+) at 0x[0-9a-f]+>")  # how Python shows a function that is a default
QUOTED = re.compile(r"(: |-> )'([^']*)'")  # how Python shows annotations that it has not read
ITEM = re.compile(r"    (?! )([\w, .*`/-]+?): (.*)")


def collect_pages() -> dict[Path, str]:
    """Return each page with the text that it should have."""
    found = {}
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        found[page] = insert_families(insert_lists(insert_docstrings(text)))
    return found


def insert_families(text: str) -> str:
    """Return a page with the costs and the grids of the architectures that its comments name."""

    def part(found: re.Match[str]) -> str:
        write = {"costs": families.write_costs, "grids": families.write_grids}[found[2]]
        lines = "\n".join(write(found[3].split(", "))).strip("\n")
        return f"{found[1]}\n{lines}\n\n{found[4]}" if lines else f"{found[1]}{found[4]}"

    return FAMILY.sub(part, text)


def insert_lists(text: str) -> str:
    """Return a page with the lists that its comments ``<!-- list of WHAT -->`` name."""

    def part(found: re.Match[str]) -> str:
        lines = "\n".join(globals()[f"list_{found[2]}"]()).strip("\n")
        return f"{found[1]}\n{lines}\n\n{found[3]}"

    return LIST.sub(part, text)


# ----------------------------------------------------------------------------
# Docstrings.


def insert_docstrings(text: str) -> str:
    """Return a page with the docstrings of all that its comments ``<!-- MODULE: NAMES -->`` name."""

    def part(found: re.Match[str]) -> str:
        module = import_module(found[2])
        named = {name: reduce(getattr, name.split("."), module) for name in found[3].split(", ")}
        parts = ["\n".join(describe(name, what)) for name, what in named.items()]
        return found[1] + "\n" + "\n\n".join(parts) + "\n\n" + found[4]

    return DOCSTRINGS.sub(part, text)


def describe(name: str, what: object) -> Iterator[str]:
    """Yield the lines on a class or function: heading, how it is called, and its docstring as Markdown."""
    yield f"### {name}"
    yield ""
    if inspect.isfunction(what):
        called = (
            QUOTED.sub(r"\1\2", FUNCTION.sub(r"\1", str(inspect.signature(what))))
            .replace("(self, ", "(")
            .replace("(self)", "()")
        )
        yield f"`{name}{called}`"
        yield ""
    yield from convert_docstring(inspect.getdoc(what) or "", find_defaults(what))


def find_defaults(what: object) -> dict[str, str]:
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


def convert_docstring(text: str, defaults: dict[str, str]) -> Iterator[str]:
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


# ----------------------------------------------------------------------------
# Lists.


def list_checks() -> Iterator[str]:
    """Yield the checks of the conformance kit, with the sentence of the contract that each holds."""
    for kind, sentences in collect_contracts().items():
        yield from (f"## {kind.capitalize()}", "")
        yield from write_table(("check", "contract"), *((f"`{name}`", words) for name, words in sentences.items()))


def list_files() -> Iterator[str]:
    """Yield what a run's directory holds, from the docstring of the module that knows it."""
    text = inspect.getdoc(import_module("ganzoo.runs.run")) or ""
    yield from convert_docstring(text[text.index("Files:") :], {})


def list_commands() -> Iterator[str]:
    """Yield how each command is called: its usage, its help and its options."""
    top = click.Context(cli, info_name="ganzoo", **cli.context_settings)
    shared = {"--help", *(param.opts[-1] for param in common_options(lambda: None).__click_params__)}  # type: ignore[attr-defined]
    yield from ("## Every command", "", "Each command takes these options:", "")
    yield from _write_options(top, [param for param in cli.get_params(top) if param.opts[-1] in shared])
    for name in COMMANDS:
        command = cli.get_command(top, name)
        assert command is not None
        yield from _write_command(click.Context(command, info_name=name, parent=top), shared)


def _write_command(context: click.Context, shared: Container[str]) -> Iterator[str]:
    """Yield the usage, the help and the options of a command, then those of its own commands."""
    command = context.command
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"## {context.command_path}", "", f"`{context.command_path} {usage}`", "")
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        lines = paragraph.splitlines()
        yield from ["```text", *lines[1:], "```"] if lines[0] == "\b" else lines
        yield ""
    groups = command.group_options(context) if isinstance(command, GroupedCommand) else {}
    for title, params in (groups or {"": command.get_params(context)}).items():
        yield from [f"{title}:", ""] if title else []
        yield from _write_options(context, [param for param in params if param.opts[-1] not in shared])
    for name, part in command.commands.items() if isinstance(command, click.Group) else ():
        yield from _write_command(click.Context(part, info_name=name, parent=context), shared)


def _write_options(context: click.Context, params: Iterable[click.Parameter]) -> Iterator[str]:
    options = [param for param in params if isinstance(param, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    yield from write_table(("option", "what"), *((f"`{option}`", " ".join(words.split())) for option, words in records))


def list_settings() -> Iterator[str]:
    """Yield every setting: what chooses components, the engine's keys, the options of each component."""
    yield from ("## What chooses components", "")
    chosen = ((f"`{key.name}`", f"`--{key.name}`", key.help) for key in COMPONENTS)
    yield from write_table(("key", "flag", "what"), *chosen)
    yield from ("## train", "")
    rows = (
        (_name_setting(f"train.{name}"), *_describe_option(each)) for name, each in list_options(TrainOptions).items()
    )
    yield from write_table(HEAD, *rows)
    yield from ("## optim.g and optim.d", "", "Each network has an optimizer. `optim.g.name` and `optim.d.name` choose")
    yield f"it: {', '.join(f'`{name}`' for name in OPTIMIZERS)}. These keys stand behind `optim.g.` and `optim.d.`."
    yield ""
    users: dict[tuple[str, ...], list[str]] = {}
    for optimizer, cls in OPTIMIZERS.items():
        for name, option in list_options(cls).items():
            users.setdefault((f"`{name}`", *_describe_option(option)), []).append(optimizer)
    rows = ((*row, "all" if len(names) == len(OPTIMIZERS) else ", ".join(names)) for row, names in users.items())
    yield from write_table((*HEAD, "of"), *rows)
    for kind, key in KEYS.items():
        for entry in list_first_party(kind):
            assert isinstance(entry.spec, Built)
            prefix = make_options_prefix(kind, entry.spec.name)
            options = list_options(entry.spec.options).items()
            found = [(_name_setting(prefix + name), *_describe_option(each)) for name, each in options]
            if reads_extractor(entry.spec):
                found.append((f"`{prefix}{EXTRACTOR.name}`", "", "The name of the extractor that it reads."))
            if found:
                yield from (f"## {key.name} {entry.spec.name}", "", *write_table(HEAD, *found))


HEAD = ("key", "default", "what (and what it takes)")


def _name_setting(key: str) -> str:
    return f"`{key}`, `--{SHORT[key]}`" if key in SHORT else f"`{key}`"


def _describe_option(option: Option) -> tuple[str, str]:
    default = to_text(option.default)
    return f"`{default}`" if default else "", f"{option.help} ({option.expects})"


def list_zoo() -> Iterator[str]:
    """Yield the components that ganzoo brings: each architecture with a picture and its cost, then the others."""
    yield from ("## Architectures", "")
    yield from families.write_speeds()
    for entry in list_first_party("architecture"):
        yield from families.write_architecture(entry, find_use(entry.spec.name))
    for kind in ("loss", "regularizer", "augmentation", "dataset", "metric", "tracker", "diagnosis", "recipe"):
        yield from (f"## {PLURALS[kind].capitalize()}", "")
        rows = ((_format_name(entry), entry.spec.summary, *_list_origin(entry)) for entry in list_first_party(kind))
        last = ("published", "cost") if kind == "recipe" else ("paper",)
        yield from write_table(("name", "what", *last), *rows)


def list_failures() -> Iterator[str]:
    """Yield what ``benchmarks/doctor.py`` trained last: the planted failures, and the runs that go well."""
    name, found = families.read_newest("doctor")
    rows = found["rows"]
    plants = [row for row in rows if row["expected"]]
    right = [row for row in plants if row["first"] in row["expected"].split("/")]
    alarms = [
        f"`{said['code']}` ({said['severity']}, {row['name']})"
        for row in rows if not row["expected"] for said in row["verdicts"]
    ]  # fmt: skip
    yield f"The first verdict is right for {len(right)} of {len(plants)} failures, with a median delay of"
    yield f"{median(row['delay'] for row in right):g} ticks. Verdicts on the {len(rows) - len(plants)} good runs:"
    yield f"{', '.join(alarms) or 'none'} (`{name}`)."
    yield ""
    cells = (
        (row["name"], f"`{row['first'] or 'nothing'}`", "yes" if row in right else f"no: `{row['expected']}`",
         "" if row["delay"] is None else str(row["delay"]), row["verdicts"][0]["words"] if row["verdicts"] else "")
        for row in plants
    )  # fmt: skip
    yield from write_table(("planted", "first verdict", "right", "delay", "its words"), *cells)


def list_first_party(kind: str) -> list[RegisteredComponent]:
    """Return the components of a kind that come with ganzoo, whatever else is installed here."""
    return [entry for entry in registry().components(kind) if entry.plugin.distribution == "ganzoo"]


def _format_name(entry: RegisteredComponent) -> str:
    spec = entry.spec
    also = f" (`{'`, `'.join(spec.aliases)}`)" if spec.aliases else ""
    return f"`{spec.name}`{also}"


def _list_origin(entry: RegisteredComponent) -> tuple[str, ...]:
    spec = entry.spec
    return (spec.published, spec.cost) if isinstance(spec, Recipe) else (spec.paper,)


def main() -> None:
    """Write the pages."""
    for path, text in collect_pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
