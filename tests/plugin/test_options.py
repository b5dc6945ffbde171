"""Options from text, JSON and Python, schedules, and the classes that are refused."""

import contextlib
import json
import math
from dataclasses import dataclass, field, make_dataclass
from typing import Any, Literal

import pytest

from ganzoo.errors import UsageError
from ganzoo.plugin import Built
from ganzoo.plugin.options import (
    NoOptions,
    Option,
    Schedule,
    evaluate_number,
    list_options,
    make_unknown_key_error,
    option,
    read,
    to_json,
)
from ganzoo.recipe.settings import OPTIMIZERS, TrainOptions
from ganzoo.registry import registry

BUILT = [entry for entry in registry().components() if isinstance(entry.spec, Built)]
CLASSES = {entry.qualified: entry.spec.options for entry in BUILT if isinstance(entry.spec, Built)}
CLASSES |= {"train": TrainOptions} | {f"optim {name}": cls for name, cls in OPTIMIZERS.items()}


@dataclass(frozen=True, kw_only=True)
class Everything:
    flag: bool = option(False, help="A flag.")
    count: int = option(3, help="A count.", low=1, high=9)
    rate: float = option(0.5, help="A rate.", low=0)
    top: float = option(0.5, help="A rate.", high=1)
    name: str = option("x", help="A name.")
    mode: Literal["fast", "slow"] = option("fast", help="A mode.")
    size: Literal[32, 64] = option(32, help="A size.")
    limit: int | None = option(None, help="A limit.", low=1)
    pair: tuple[float, float] = option((0.5, 0.9), help="A pair.", low=0, high=1)
    sizes: tuple[int, ...] = option((), help="Sizes.", low=1)
    mixed: tuple[int, str] = option((1, "a"), help="A number and a word.")
    gamma: float = option(1.0, help="A weight.", low=0, schedulable=True)
    betas: tuple[float, float] = option((0.0, 0.99), help="Decay rates.", low=0, high=1, schedulable=True)
    ramp: float | None = option(None, help="A ramp.", schedulable=True)


def one(key: str, value: object) -> Any:
    return getattr(read(Everything, {key: value}), key)


def complaint(key: str, value: object) -> str:
    with pytest.raises(UsageError) as caught:
        read(Everything, {key: value}, "arch.", "arch 'x'")
    return str(caught.value)


COSINE = Schedule("cosine", 0.05, 0.005, 20e6)


# ----------------------------------------------------------------------------
# Reading.


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        *[("flag", value, True) for value in ("true", "True", "yes", "on", "1", 1, True)],
        *[("flag", value, False) for value in ("false", "NO", "off", "0", 0, False)],
        *[("count", value, 4) for value in ("4", "4.0", 4, 4.0, "4e0")],
        *[("rate", value, 2.0) for value in ("2", "2e0", " 2.0 ", 2, 2.0)],
        ("name", "none", "none"),
        ("name", "", ""),
        ("mode", "slow", "slow"),
        ("size", "64", 64),
        ("size", 64, 64),
        *[("limit", value, None) for value in ("none", "None", None)],
        *[("limit", value, 1_000_000) for value in ("1e6", "1_000_000", 10**6)],
        *[("pair", value, (0.0, 1.0)) for value in ("0,1", " 0 , 1 ", [0, 1], (0, 1.0), ["0", "1"])],
        ("sizes", "", ()),
        ("sizes", "8", (8,)),
        ("sizes", "8,16,32", (8, 16, 32)),
        ("sizes", [8, 16], (8, 16)),
        ("mixed", "2,b", (2, "b")),
        ("gamma", "3", 3.0),
        *[("gamma", value, COSINE) for value in ("cosine(0.05, 0.005, images=20e6)", COSINE)],
        ("betas", "cosine(0.9,0,images=1e6), 0.99", (Schedule("cosine", 0.9, 0.0, 1e6), 0.99)),
        ("ramp", "constant(2)", Schedule("constant", 2.0, 2.0, 1.0)),
        ("ramp", "none", None),
    ],
)
def test_every_type_reads_text_json_and_python(key: str, value: object, expected: object) -> None:
    assert repr(one(key, value)) == repr(expected)  # tells 1 from 1.0 and True


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        *[("flag", value, "true or false") for value in ("maybe", 2, None, "none")],
        *[
            ("count", value, "a whole number from 1 to 9")
            for value in ("0", "10", 0, "2.5", 2.5, "x", "", None, True, "inf", "nan", [1])
        ],
        *[("rate", value, "a number of at least 0") for value in (-1, "-0.1", "nan", "inf", "-inf", True, None, "x")],
        ("rate", 10**400, "a number of at least 0"),
        *[("top", value, "a number of at most 1") for value in ("1.1", 2)],
        *[("name", value, "text") for value in (3, None, True, ["a"])],
        *[("mode", value, "one of fast, slow") for value in ("medium", "", None, 3, ["fast"])],
        *[("size", value, "one of 32, 64") for value in ("48", 48, "x", None)],
        *[("limit", value, "a whole number or none of at least 1") for value in ("0", "x", -3, 1.5)],
        *[
            ("pair", value, "2 comma-separated values, each a number from 0 to 1")
            for value in ("0.5", "0,1,1", "0,2", "-1,0", [0.5], 0.5, None, "a,b", "cosine(0,1,images=5),1")
        ],
        *[
            ("sizes", value, "a comma-separated list, each a whole number of at least 1")
            for value in ("8,0", "8;16", [1.5], 8)
        ],
        *[("mixed", value, "2 comma-separated values, each a whole number or text") for value in ("a,b", "1")],
        *[
            ("gamma", value, "a number of at least 0 or a schedule such as cosine(1, 0.1, images=1e6)")
            for value in ("cosine(1, -1, images=1e6)", Schedule("linear", -1, 0, 5), Schedule("linear", 1, 0, 0))
        ],
        ("gamma", Schedule("constant", math.nan, math.nan, 1), "a number of at least 0 or a schedule"),
        ("rate", "cosine(1, 0, images=1e6)", "a number of at least 0"),
        ("rate", COSINE, "a number of at least 0"),
    ],
)
def test_a_wrong_value_is_reported_with_key_type_and_range(key: str, value: object, wanted: str) -> None:
    text = complaint(key, value)
    assert text.startswith(f"arch.{key}: expected {wanted}")
    assert text.endswith(f", got {value!r}")


def test_a_usage_error_is_not_a_value_error() -> None:
    with pytest.raises(UsageError), contextlib.suppress(ValueError, TypeError, KeyError):
        read(Everything, {"count": 0})


def test_unknown_keys_name_similar_keys_or_all_keys_if_they_are_few() -> None:
    assert complaint("cuont", 3).startswith("unknown key 'arch.cuont': did you mean 'arch.count'")
    with pytest.raises(UsageError, match=r"unknown key 'zzzzzz'; train takes \d+ keys, which .*--dry-run"):
        read(TrainOptions, {"zzzzzz": 1}, owner="train")
    with pytest.raises(UsageError, match=r"^unknown key 'loss.a'; loss 'bce' takes no options$"):
        read(NoOptions, {"a": 1}, "loss.", "loss 'bce'")
    assert "it takes abc" in str(make_unknown_key_error("zzz", ["abc"]))


# ----------------------------------------------------------------------------
# JSON.


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_options_of_every_component_survive_json_and_text(name: str) -> None:
    cls = CLASSES[name]
    default = read(cls, {})
    stored = json.loads(json.dumps(to_json(default), allow_nan=False))
    assert read(cls, stored) == default
    assert to_json(read(cls, stored)) == stored
    for key, entry in list_options(cls).items():
        value = getattr(default, key)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert entry.read(text) == value, key
        assert entry.help, f"{key} has no help"


def test_values_that_differ_from_defaults_survive_json() -> None:
    said = {"gamma": COSINE, "betas": (Schedule("linear", 0.0, 0.5, 7.5), 0.9), "sizes": (8, 16), "limit": 3}
    options = read(Everything, said)
    stored = json.loads(json.dumps(to_json(options)))
    assert stored["gamma"] == "cosine(0.05, 0.005, images=20000000)"
    assert stored["sizes"] == [8, 16]
    assert list(stored) == list(list_options(Everything))
    assert read(Everything, stored) == options
    assert options != read(Everything, {})


# ----------------------------------------------------------------------------
# Schedules.


@pytest.mark.parametrize(
    ("text", "images", "value"),
    [
        ("cosine(0.05, 0.005, images=20e6)", 0, 0.05),
        ("cosine(0.05, 0.005, images=20e6)", 5e6, 0.0434099),
        ("cosine(0.05, 0.005, images=20e6)", 10e6, 0.0275),
        ("cosine(0.05, 0.005, images=20e6)", 20e6, 0.005),
        ("cosine(0.05, 0.005, images=20e6)", 30e6, 0.005),
        ("linear(1, 3, images=100)", 25, 1.5),
        ("linear(1, 3, images=100)", 101, 3.0),
        ("geometric(1, 1e-4, images=100)", 25, 0.1),
        ("geometric(1e-4, 1, images=100)", 150, 1.0),
        ("linear(2, 0, images=100, after=300)", 300, 2.0),
        ("linear(2, 0, images=100, after=300)", 350, 1.0),
        ("linear(2, 0, images=100,after=3e2)", 500, 0.0),
        ("inverse_sqrt(0.01, images=100)", 99, 0.01),
        ("inverse_sqrt(0.01, images=100)", 400, 0.005),
        ("constant(0.3)", 1e9, 0.3),
    ],
)
def test_values_of_schedules(text: str, images: float, value: float) -> None:
    assert Schedule.parse(text).at(images) == pytest.approx(value, abs=5e-8)
    assert evaluate_number(Schedule.parse(text), images) == Schedule.parse(text).at(images)
    assert evaluate_number(value, images) == value


@pytest.mark.parametrize(
    "schedule",
    [
        COSINE,
        Schedule("linear", 1e-7, -2.5, 0.1),
        Schedule("geometric", 0.3, 1e-5, 2e5, 1e6),
        Schedule("inverse_sqrt", 0.1, 0.1, 123_456_789),
        Schedule("constant", 1 / 3, 1 / 3, 1.0),
    ],
)
def test_text_of_a_schedule_reads_back_as_the_same(schedule: Schedule) -> None:
    assert Schedule.parse(str(schedule)) == schedule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "()",
        "cosine",
        "cosine()",
        "cosine(1, 2)",
        "cosine(1, images=5)",
        "cosine(1, 2, 3, images=5)",
        "cosine(1, 2, images=0)",
        "cosine(1, 2, images=-5)",
        "cosine(1, 2, images=inf)",
        "cosine(1, 2, steps=5)",
        "cosine(1, 2, after=5)",
        "cosine(1, 2, images=5, after=-1)",
        "cosine(1, 2, images=5, after=)",
        "inverse_sqrt(1, images=5, after=1)",
        "constant(1, images=5)",
        "cosine(1, x, images=5)",
        "cosine(1, nan, images=5)",
        "cosine(1, 2, images=5",
        "cosine(1, 2, images=5) + 1",
        "constant(1, 2)",
        "constant()",
        "inverse_sqrt(1, 2, images=5)",
        "exponential(1, 2, images=5)",
        "__import__(1, 2, images=5)",
    ],
)
def test_wrong_text_is_not_a_schedule(text: str) -> None:
    assert "a schedule such as cosine(1, 0.1, images=1e6)" in complaint("gamma", text)


@pytest.mark.parametrize(
    "text", ["geometric(0, 1, images=5)", "geometric(1, 0, images=5)", "geometric(1, -1, images=5)"]
)
def test_geometric_schedules_refuse_zero(text: str) -> None:
    words = "geometric multiplies by equal factors, so both values must be above 0"
    assert complaint("gamma", text) == f"arch.gamma: {words}, got '{text}'"


# ----------------------------------------------------------------------------
# Options classes.


def frozen(hint: Any, default: Any) -> type:
    return make_dataclass("Made", [("x", hint, default)], frozen=True, kw_only=True)


@dataclass
class NotFrozen:
    x: int = option(1, help="A number.")


@dataclass(frozen=True)
class NoDefault:
    x: int


class NoDataclass:
    x: int = 1


@pytest.mark.parametrize(
    ("cls", "why"),
    [
        (NotFrozen, "not a frozen dataclass"),
        (NoDataclass, "not a frozen dataclass"),
        (Everything(), "not a frozen dataclass"),
        (NoDefault, "'x' of NoDefault needs a default"),
        (frozen(tuple[int, ...], field(default_factory=tuple)), "needs a default that is not a factory"),
        (frozen(dict, None), "cannot be of type <class 'dict'>"),
        (frozen(list[int], None), "cannot be of type list"),
        (frozen(tuple, ()), "cannot be of type <class 'tuple'>"),
        (frozen(int | str, 1), "cannot be of type int | str"),
        (frozen(tuple[int, dict[str, int]], (1, {})), "cannot be of type dict"),
        (frozen(int, option(0, help="A number.", low=1)), "expected a whole number of at least 1, got 0"),
        (frozen(tuple[float, ...], option((0.5, 2.0), help="Numbers.", high=1)), "at most 1"),
        (frozen(int, None), "expected a whole number, got None"),
        (frozen(bool, "true"), "its default 'true' is not of its type"),
        (frozen(float, "0.5"), "its default '0.5' is not of its type"),
        (frozen(Literal["a", "b"], "c"), "expected one of a, b"),
    ],
)
def test_invalid_options_classes_are_refused(cls: Any, why: str) -> None:
    with pytest.raises(ValueError, match="option") as caught:
        list_options(cls)
    assert why in str(caught.value)


def test_list_options_returns_all_about_an_option() -> None:
    assert list_options(Everything)["count"] == Option("count", int, 3, "A count.", 1, 9)
    assert list_options(Everything)["gamma"].schedulable
    assert list(list_options(OPTIMIZERS["adam"])) == ["lr", "clip", "weight_decay", "betas", "eps", "eps_hat"]
    assert list_options(NoOptions) == {}
    assert list_options(frozen(int, 3))["x"].help == ""


@pytest.mark.parametrize("default", [[1, 2], {"a": 1}, {1}])
def test_a_mutable_default_is_refused_when_it_is_declared(default: object) -> None:
    with pytest.raises(ValueError, match=r"is mutable: use a tuple"):
        option(default, help="Numbers.")


def test_a_strength_must_be_schedulable():
    with pytest.raises(ValueError, match="a strength must be schedulable"):
        option(1.0, help="How much.", strength=True)
