"""``ganzoo new-plugin``."""

from __future__ import annotations

import shlex
import shutil
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from re import sub
from string import Template
from typing import Any

import click
from click.shell_completion import CompletionItem

from ganzoo.cli.common import common_options
from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin.component import NAME
from ganzoo.plugin.files import replace_directory, write_errors_explained
from ganzoo.registry import parse_kind, registry

LONGEST = 40  # letters of a name, so that lines of the templates have at most 120
RESERVED = ("all", "none", "build", "dist", "tests", "runs")  # words of the command line, and folders of a package


def _get_templates() -> Traversable:
    return files("ganzoo") / "templates"


def _read_kinds() -> dict[str, dict[str, str]]:
    """Return the values of the placeholders in the templates, by kind and name."""
    kinds: dict[str, Any] = tomllib.loads((_get_templates() / "kinds.toml").read_text(encoding="utf-8"))
    return kinds


def _complete_kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    found = {kind: values["summary"] for kind, values in _read_kinds().items()}
    return [CompletionItem(kind, help=text) for kind, text in found.items() if kind.startswith(incomplete)]


@click.command("new-plugin")
@click.argument("name", metavar="NAME")
@click.option(
    "--kind", default="architecture", show_default=True, metavar="KIND", shell_complete=_complete_kinds,
    help=f"Kind of the component: {', '.join(_read_kinds())}.",
)  # fmt: skip
@click.option(
    "--dir",
    "parent",
    default=".",
    type=click.Path(path_type=Path),
    help="Folder to create it in; default: the current folder.",
)
@common_options
def command(name: str, kind: str, parent: Path) -> None:
    """Create a complete plugin with one component, both called NAME, in a directory of that name; print its path.

    \b
    ganzoo new-plugin acme-gans
    ganzoo new-plugin acme-loss --kind loss

    The plugin works: install it, use it, then change it.
    """
    kinds = _read_kinds()
    kind = parse_kind(kind)
    if kind not in kinds:
        raise UsageError(f"--kind {kind}: it has no template; choose one of {', '.join(kinds)}")
    _check_name(name, kind)
    target = parent / name
    _check_target(parent, target)
    names = {"name": name, "module": name.replace("-", "_")}
    values = {key: Template(text.strip()).substitute(names) for key, text in kinds[kind].items()}
    _write(target, dict(_render(kind, names | values)))
    click.echo(target)
    steps = (f"cd {shlex.quote(str(target))}", "pip install -e '.[test]'", f"ganzoo check {name}", values["use"])
    click.echo("next:\n" + "\n".join(f"    {step}" for step in steps), err=True)


# ----------------------------------------------------------------------------
# Mistakes.


def _check_name(name: str, kind: str) -> None:
    """Raise UsageError if a distribution, its module and its component cannot all have this name."""
    module = name.replace("-", "_")
    if not NAME.fullmatch(name):
        plain = sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        hint = f", as in {plain!r}" if NAME.fullmatch(plain) else ", and begin with a letter"
        raise UsageError(f"NAME {name!r}: use lower-case words joined by hyphens{hint}")
    if len(name) > LONGEST:
        raise UsageError(f"NAME {name!r} has {len(name)} letters: use at most {LONGEST}")
    if iskeyword(module) or name in RESERVED:
        raise UsageError(f"NAME {name!r} is reserved: choose another")
    if name.startswith("ganzoo"):
        raise UsageError(f"NAME {name!r}: names that begin with ganzoo are reserved: choose another")
    if _is_installed(module):
        raise UsageError(f"NAME {name!r}: a module {module!r} is installed already: choose another")
    for entry in registry().components():
        if name == entry.plugin.name or (entry.spec.kind == kind and name in (entry.spec.name, *entry.spec.aliases)):
            raise UsageError(f"NAME {name!r} is taken by {entry.qualified} of {entry.plugin.source}: choose another")


def _is_installed(module: str) -> bool:
    """Return whether Python finds a module of that name. A folder without Python files is not a module."""
    spec = find_spec(module)
    return spec is not None and spec.origin is not None


def _check_target(parent: Path, target: Path) -> None:
    """Raise an error if the parent folder does not exist, or if the target exists and is not an empty folder."""
    if not parent.is_dir():
        what = "is not a folder" if parent.exists() else "does not exist"
        raise NotFound(f"--dir {parent} {what}: create it first or give another folder")
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise UsageError(f"{target} exists already: choose another NAME or --dir, or move it")


# ----------------------------------------------------------------------------
# Templates: one folder for each kind, and one for all kinds.


def _render(kind: str, values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file of a plugin."""
    module = values["module"]
    yield f"{module}/py.typed", ""
    folder = _get_templates()
    for path, text in (*_read_templates(folder / "common"), *_read_templates(folder / kind, f"{module}/")):
        yield path, Template(text).substitute(values)


def _read_templates(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the templates in a folder and its subfolders: the path of the file to write, and the template."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read_templates(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".tmpl"):
            name = entry.name.removesuffix(".tmpl")
            yield path + (f".{name}" if name == "gitignore" else name), entry.read_text(encoding="utf-8")


def _write(target: Path, contents: dict[str, str]) -> None:
    """Write a directory completely or not at all."""
    new = target.with_name(f".{target.name}.new")
    with write_errors_explained(target):
        shutil.rmtree(new, ignore_errors=True)  # a killed process may have left it
        try:
            new.mkdir()
            for name, text in contents.items():
                (new / name).parent.mkdir(exist_ok=True)
                (new / name).write_text(text, encoding="utf-8")
            replace_directory(new, target)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
