"""Names that are not installed: the nearest in kind is suggested, not the nearest in spelling."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ganzoo.errors import UsageError
from ganzoo.plugin import KINDS, Loss, hookimpl
from ganzoo.registry import register, registry
from ganzoo.registry.similar import fold, suggest_component


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


def suggest(text: str, kind: str = "") -> str:
    return suggest_component(registry().components(), text, kind)


def test_a_similar_name_needs_more_than_common_letters() -> None:
    assert suggest("dcgn", "architecture") == ": did you mean 'dcgan'?"
    assert suggest("dcgna", "architecture") == ": did you mean 'dcgan'?"
    assert suggest("r3-GAN", "architecture") == ": did you mean 'r3gan'?"
    assert suggest("vqdiffusion", "architecture") == ""
    assert suggest("ebgan", "architecture") == ""


def test_models_and_commands_are_not_compared_with_other_kinds() -> None:
    assert suggest("fid", "model") == ""
    assert suggest("vqdiffusion", "recipe") == ""


def test_a_plugin_says_what_its_component_is_similar_to() -> None:
    @hookimpl
    def ganzoo_losses() -> list[Loss]:
        similar = {"gan-2": "--loss acme-loss"}
        return [Loss(name="acme-loss", summary="A loss.", factory="acme:build", similar_to=similar)]

    register(SimpleNamespace(__name__="acme", ganzoo_losses=ganzoo_losses))
    with pytest.raises(UsageError, match=r"^no loss 'GAN_2' is installed; the nearest is --loss acme-loss$"):
        registry().resolve("loss", "GAN_2")


@pytest.mark.parametrize("similar", [{"Two Words": "--loss x"}, {"x": ""}, {"x": "two\nlines"}])
def test_similar_names_are_words_and_texts_are_lines(similar: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="similar_to"):
        Loss(name="acme", summary="A loss.", factory="acme:build", similar_to=similar)


@pytest.mark.parametrize("kind", KINDS)
def test_no_component_is_similar_to_an_installed_one(kind: str) -> None:
    entries = registry().components(kind)
    installed = {fold(name) for entry in entries for name in (entry.spec.name, *entry.spec.aliases)}
    assert not installed & {fold(name) for entry in entries for name in entry.spec.similar_to}
