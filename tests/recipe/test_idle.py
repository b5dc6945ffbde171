"""Typed options that have no effect beside the rest of a recipe, and intervals without a term: all are reported."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import make_dataclass, replace
from typing import Any, Literal, get_args, get_origin

import pytest
import torch

from ganzoo.compute.streams import seeded
from ganzoo.engine.assemble import assemble
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import Architecture, DataInfo, extract_samples
from ganzoo.plugin.options import Option, list_options, option
from ganzoo.recipe.idle import find_idle_options
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import create, registry
from ganzoo.testing.architecture.networks import discriminate, flatten_logits

CPU = torch.device("cpu")


def find(**settings: Any) -> list[str]:
    """Return what is said of a recipe, each with the way out."""
    pairs = {key.replace("__", "."): value for key, value in settings.items()}
    recipe = resolve(registry(), pairs={"arch": "mlp", "dataset": "digits", "reg": "none", **pairs})
    return [f"{verdict.words}; {', '.join(verdict.advice)}" for verdict in find_idle_options(recipe)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"arch__projection": "false"}, "arch.projection=false has no effect without labels; --conditional"),
        ({"arch__codes": 9}, "arch.codes=9 has no effect with arch.latent=normal; arch.latent=mixed"),
        ({"reg": "r1", "reg__r1__sigma": 0.1}, "reg.r1.sigma=0.1 has no effect with reg.r1.mode=exact; reg.r1.mode=fd"),
        (
            {"aug": "ada", "aug__ada__p": 0.5, "aug__ada__target": 0.5},
            "aug.ada.target=0.5 has no effect with aug.ada.p=0.5",
        ),
        ({"train__metric_every": 100}, "train.metric_every=100 has no effect without metrics; --metric NAME"),
        ({"train__ema_half_life": 0, "train__ema_ramp": 0.1}, "train.ema_ramp=0.1 has no effect without average"),
    ],
)
def test_an_option_without_effect_is_reported(settings: dict[str, Any], words: str) -> None:
    (line,) = find(**settings)
    assert line.startswith(words)


@pytest.mark.parametrize(
    "settings",
    [
        {"arch__projection": "false", "train__conditional": True},
        {"arch__codes": 9, "arch__latent": "mixed"},
        {"reg": "r1", "reg__r1__sigma": 0.1, "reg__r1__mode": "fd"},
        {"aug": "ada", "aug__ada__target": 0.5},
        {"train__metric_every": 100, "metric": "copying"},
        {"train__ema_ramp": 0.1},
    ],
)
def test_an_option_with_an_effect_is_not(settings: dict[str, Any]) -> None:
    assert find(**settings) == []


def test_all_that_an_option_is_used_with_is_needed() -> None:
    settings: dict[str, Any] = {"arch": "stylegan2", "arch__mapping_d": 8, "arch__projection": "false"}
    assert [line.partition(";")[0] for line in find(**settings)] == [
        "arch.projection=false has no effect without labels",
        "arch.mapping_d=8 has no effect without labels",
        "arch.mapping_d=8 has no effect with arch.projection=false",
    ]


@pytest.mark.parametrize("words", ["label", "labels,width=2", "width"])
def test_an_author_who_names_nothing_is_told(words: str) -> None:
    cls = make_dataclass("Options", [("depth", int, option(1, help="A depth.", used_with=words))], frozen=True)
    with pytest.raises(ValueError, match=r"option 'depth' of Options: used_with='(label|width=2|width)' names nothing"):
        list_options(cls)


def test_what_a_recipe_says_for_other_data_is_not_reported() -> None:
    recipe = resolve(registry(), recipe="stylegan2-ffhq-256", pairs={"dataset": "digits", "dataset.size": 32})
    assert recipe.arch.options.mapping_d == 8
    assert find_idle_options(recipe) == []


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ({"reg": "weight-clip", "reg.weight-clip.interval": 4}, "reg.weight-clip.interval has no effect: regularizer"),
        ({"reg": "none", "train.d_reg_interval": 4}, "no regularizer has a term in the discriminator's loss"),
        ({"reg": "r1", "train.g_reg_interval": 4}, "no regularizer has a term in the generator's loss"),
    ],
)
def test_an_interval_without_a_term_is_refused(pairs: dict[str, Any], words: str) -> None:
    recipe = resolve(registry(), pairs={"arch": "mlp", "dataset": "digits", "loss": "bce", **pairs})
    with pytest.raises(UsageError, match=words):
        assemble(recipe, DataInfo(shape=(1, 8, 8)), CPU)


# ----------------------------------------------------------------------------
# The zoo's options say what they are used with.

SMALL = {
    "biggan": {"init": "normal"}, "biggan-deep": {"init": "normal"}, "fastgan": {"width": 2},
    "stylegan3": {"channel_base": 128, "layers": 4},
}  # fmt: skip
SAME = {("gat", "attention"), ("sngan", "wide_d")}  # fused attention is the same function; the smallest D has one width
ARCHITECTURES = [
    entry.spec.name
    for entry in registry().components("architecture")
    if entry.plugin.distribution == "ganzoo" and not getattr(entry.spec, "requires", ())
    if getattr(entry.spec, "conditional", "") != "always"  # translators have tests of their own
    if "image" in entry.spec.modalities  # type: ignore[union-attr]
]


def compute(spec: Architecture, options: dict[str, Any], data: DataInfo) -> list[Any]:
    """Return what depends on an architecture's options: its weights, and what they make of the same numbers."""
    with seeded(0):
        networks = create("architecture", spec.name, data=data, **options)
        z, x = torch.randn(4, networks.latent_dim), torch.rand(4, *data.shape) * 2 - 1
        logits = flatten_logits(discriminate(networks.discriminator, x, None))
        answers = [extract_samples(networks.generator(z, None)).detach(), logits.detach()]
    states = [*networks.generator.state_dict().values(), *networks.discriminator.state_dict().values()]
    return [networks.latent, *answers, *states]


def list_values(entry: Option) -> list[Any]:
    """Return other values of an option; none if they cannot be guessed."""
    if entry.type is bool:
        return [not entry.default]
    if get_origin(entry.type) is Literal:
        return [value for value in get_args(entry.type) if value != entry.default]
    if isinstance(entry.default, (int, float)):
        small = entry.default / 2 if entry.type is float else entry.default // 2
        values = [2 * entry.default, small, 0.0, 0.5] if entry.type is float else [2 * entry.default, small, 8]
        return [value for value in values if accepts(entry, value)]
    return [(8,)] if entry.default is None and "tuple" in str(entry.type) else []


def accepts(entry: Option, value: Any) -> bool:
    try:
        return bool(entry.read(value) != entry.default)
    except ValueError:
        return False


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_options_without_effect_in_a_run_without_labels_say_so(arch: str) -> None:
    """The networks of other values are compared with those of the default."""
    spec: Any = registry().resolve("architecture", arch).spec
    size = min(spec.sizes, default=8)
    data, small = DataInfo(shape=(1, size, size)), SMALL.get(arch, {})
    data = data if "image" in spec.modalities else replace(spec.examples[0], num_classes=0)
    plain, idle = compute(spec, small, data), set()
    for name, entry in list_options(spec.options).items():
        others = []
        for value in list_values(entry):
            with suppress(GanzooError):  # values that do not fit each other
                others.append(compute(spec, small | {name: value}, data))
        if others and all(is_same(plain, other) for other in others):
            idle.add(name)
    said = {name for name, entry in list_options(spec.options).items() if entry.used_with}
    assert idle - {name for of, name in SAME if of == arch} == said


def is_same(one: list[Any], two: list[Any]) -> bool:
    """Return whether two lists of tensors and texts are equal."""
    same = [torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(one, two, strict=False)]
    return len(one) == len(two) and all(same)
