"""Every hook, every field of a spec and every type of option is documented where the reference page takes it from."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest

import ganzoo
from ganzoo import plugin
from ganzoo.plugin import contracts, hookspecs, networks, specs
from ganzoo.plugin.component import COMMANDS
from ganzoo.plugin.options import list_options, option
from ganzoo.plugin.values import describe_type
from ganzoo.recipe.keys import list_keys
from ganzoo.registry import PLURALS, registry

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")
ENGINE = (DOCS / "engine.md").read_text(encoding="utf-8")
TYPES = {
    "bool": bool, "int": int, "float": float, "str": str, 'Literal["a", "b"]': Literal["a", "b"],
    "tuple[float, float]": tuple[float, float], "tuple[int, ...]": tuple[int, ...], r"float \| str": float | str,
}  # fmt: skip


def test_the_algorithm_opens_with_the_lines_by_which_its_page_tells_it() -> None:
    def steps(text: str) -> list[str]:
        """Return the indented lines, without the remarks behind them."""
        return [re.split(" {3,}", line.strip())[0] for line in text.splitlines() if line.startswith("    ")]

    told = ENGINE.partition("## An update of the discriminator")[2].partition("## What is measured")[0]
    assert len(steps(told)) == 18
    code = (DOCS.parent / "ganzoo" / "engine" / "update.py").read_text(encoding="utf-8")
    assert steps(code.split('"""')[1]) == steps(told)


def described(cls: type) -> str:
    """Return the docstrings of a class and its bases: a field stands in that of the class that declares it."""
    return "\n".join(inspect.getdoc(base) or "" for base in cls.__mro__[:-1])


@pytest.mark.parametrize("kind", plugin.KINDS)
def test_every_hook_is_documented(kind: str) -> None:
    hook = getattr(hookspecs, f"ganzoo_{PLURALS[kind]}")
    assert (inspect.getdoc(hook) or "").startswith("Offer ")
    assert f"### ganzoo_{PLURALS[kind]}\n" in REFERENCE


@pytest.mark.parametrize("spec", [plugin.Component, plugin.Built, *specs.SPECS], ids=lambda cls: cls.__name__)
def test_every_field_of_a_spec_is_documented(spec: type) -> None:
    words = described(spec)
    missing = [
        each.name for each in fields(spec) if not re.search(rf"^\s+([\w, ]*\b)?{each.name}\b[\w, ]*:", words, re.M)
    ]
    assert not missing
    assert f"### {spec.__name__}\n" in REFERENCE


CROSSING = {
    contracts: ["DataInfo", "Item", "Case", "ImportedGenerator"],
    networks: ["Networks", "GeneratorOutput", "DiscriminatorOutput", "Step"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in CROSSING.items() for name in names])
def test_every_field_that_crosses_a_contract_is_documented(module: ModuleType, name: str) -> None:
    cls = getattr(module, name)
    words = described(cls)
    assert not [each.name for each in fields(cls) if not re.search(rf"^\s+[\w, ]*\b{each.name}\b[\w, ]*:", words, re.M)]
    assert f"### {name}\n" in REFERENCE


def test_everything_that_a_plugin_imports_is_on_the_page() -> None:
    apart = {"hookimpl", "KINDS"}
    assert not [name for name in plugin.__all__ if name not in apart and not re.search(rf"\b{name}\b", REFERENCE)]


def test_every_type_of_option_is_documented() -> None:
    rows = re.findall(r"^\| `([^`]+)`", REFERENCE, re.M)
    assert rows[: len(TYPES) + 1] == ["bool", "int", "float", "float", "str", *list(TYPES)[4:]]
    for written, hint in TYPES.items():
        assert written in rows
        describe_type(hint)
    for hint in (bytes, list[int], dict[str, int], int | str):
        with pytest.raises(ValueError, match="use bool, int, float, str, Literal, tuple"):
            describe_type(hint)


def test_what_the_table_of_types_says_is_so() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Options:
        flag: bool = option(False, help="A flag.")
        number: int = option(1, help="A number.")
        rate: float = option(0.5, help="A rate.", schedulable=True)
        pair: tuple[float, float] = option((0.0, 0.0), help="Two.")
        widths: tuple[int, ...] = option((), help="Some.")
        limit: int | None = option(None, help="One or none.")

    known = list_options(Options)
    assert [known["flag"].read(word) for word in ("true", "yes", "on", "1")] == [True] * 4
    assert [known["number"].read(word) for word in ("64", "1e6", "200_000")] == [64, 1_000_000, 200_000]
    assert str(known["rate"].read("cosine(0.05, 0.005, images=20e6)")) == "cosine(0.05, 0.005, images=20000000)"
    assert known["pair"].read("0.5,0.999") == (0.5, 0.999)
    assert known["widths"].read("64,128,256") == (64, 128, 256)
    assert known["limit"].read("none") is None


def test_every_setting_command_and_public_name_stands_on_its_page() -> None:
    pages = ("settings", "commands", "python")
    settings, commands, python = ((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in pages)
    for key in list_keys(registry()):
        shown = re.sub(r"^optim\.[gd]\.", "", key)
        assert f"`{shown}`" in settings or f"`{key}`" in settings, key
    assert not [name for name in COMMANDS if f"\n## ganzoo {name}\n" not in commands]
    assert not [name for name in ganzoo.__all__ if f"\n### {name}\n" not in python]


@pytest.mark.parametrize(
    "call",
    [
        "prepare(networks)", "regularizer.discriminator(step)", "regularizer.generator(step)",
        "regularizer.after_step(networks)", "augmentation.update(real_logits)", "sample(generator, n)",
        "loss.discriminator(real_logits, fake_logits)", "loss.generator(fake_logits, real_logits or None)",
        "`reset()`", "`real(batch)`", "`fake(batch)`", "`compute()`", "`start(run)`", "`log(images, scalars)`",
        "`grid(images, path)`", "`finish(status)`", "items()", "`show`",
        "condition(real, generator)", "augmentation(samples, labels)",
    ],
)  # fmt: skip
def test_the_page_on_the_engine_names_each_call(call: str) -> None:
    assert call in ENGINE


def test_pages_link_to_pages_that_are_there() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).is_file(), f"{page.name} links to {target}"
