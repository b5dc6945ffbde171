"""Typed options: frozen dataclasses <-> KEY=VALUE <-> JSON, and numbers that change as training goes on.

An options class is a frozen dataclass whose every field has a type and a default. `read` turns what a person
typed, what JSON held or what Python code passed into a checked instance of it; `to_json` goes the other way.
"""

from __future__ import annotations

import functools
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass, replace
from typing import Any, Literal, Union

from ganzoo.errors import UsageError, suggest_names
from ganzoo.plugin.schedule import ImpossibleValue, Schedule, evaluate_number, format_number

# ----------------------------------------------------------------------------
# Declaring an option.


def option(
    default: Any,
    *,
    help: str,
    low: float | None = None,
    high: float | None = None,
    schedulable: bool = False,
) -> Any:
    """Declare one field of an options class.

    Args:
        default: The value where none is given.
        help: One sentence for `ganzoo info`.
        low: The smallest number (of a tuple: each number) that is taken.
        high: The largest.
        schedulable: Whether a float may be given as a `Schedule`. The component's factory then gets a 0-dim float32
            tensor on the device in place of the float, refilled before each update.
    """
    if isinstance(default, (list, dict, set)):  # of which dataclass would ask for what `list_options` refuses
        raise ValueError(f"default {default!r} can be changed: give a tuple")
    return field(default=default, metadata={"help": help, "low": low, "high": high, "schedulable": schedulable})


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """The options of a component that has none."""


@dataclass(frozen=True)
class Option:
    """One field of an options class as the command line, JSON and the reference see it."""

    name: str
    type: Any
    default: Any
    help: str = ""
    low: float | None = None
    high: float | None = None
    schedulable: bool = False

    def read(self, value: object) -> Any:
        """Return `value` (text, JSON or Python) as this option's type; raise ValueError that says what is wanted."""
        try:
            result = _convert(self.type, value, self.schedulable)
        except ImpossibleValue as error:
            raise ValueError(f"{error}, got {value!r}") from None
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"expected {self.expects}, got {value!r}") from None
        for number in _list_numbers(result):
            if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
                raise ValueError(f"expected {self.expects}, got {value!r}")
        return result

    @property
    def expects(self) -> str:
        """What the option takes, in words: type, range and whether it may be scheduled."""
        words = _describe(self.type)
        if self.low is not None and self.high is not None:
            words += f" from {self.low:g} to {self.high:g}"
        elif self.low is not None:
            words += f" of at least {self.low:g}"
        elif self.high is not None:
            words += f" of at most {self.high:g}"
        return words + (" or a schedule such as cosine(1, 0.1, images=1e6)" if self.schedulable else "")


def list_options(cls: type[Any]) -> dict[str, Option]:
    """Return the options that a class declares, by name, in order.

    Raises:
        ValueError: The class is not an options class: not a frozen dataclass, a field without default, a type that
            cannot be read from text, or a default that breaks its own range.
    """
    if not (isinstance(cls, type) and is_dataclass(cls) and cls.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise ValueError(f"options class {cls!r} is not a frozen dataclass")
    hints = typing.get_type_hints(cls)
    declared = {}
    for spec in fields(cls):
        if spec.default is MISSING:
            raise ValueError(f"option {spec.name!r} of {cls.__name__} needs a plain default, not a factory or none")
        known = {key: spec.metadata[key] for key in ("help", "low", "high", "schedulable") if key in spec.metadata}
        entry = Option(name=spec.name, type=hints[spec.name], default=spec.default, **known)
        try:
            _describe(entry.type)
            if entry.read(spec.default) != spec.default:
                raise ValueError(f"its default {spec.default!r} is not of its type")
        except ValueError as error:
            raise ValueError(f"option {spec.name!r} of {cls.__name__}: {error}") from None
        declared[spec.name] = entry
    return declared


# ----------------------------------------------------------------------------
# Reading and writing whole options objects.


@functools.cache
def add_interval(options: type) -> type:
    """Return a regularizer's options class with the core's option ``interval``.

    Raises:
        ValueError: It has an option of that name.
    """
    if getattr(options, "interval_of_the_core", False):
        return options
    if "interval" in list_options(options):
        raise ValueError(f"{options.__name__} has an option 'interval', which the core gives every regularizer")
    namespace = {"interval_of_the_core": True, "__doc__": options.__doc__, "__module__": options.__module__}
    help = "Updates from one to the next, whose gradient counts so many times; none for train.*_reg_interval."
    added = ("interval", int | None, option(None, help=help, low=1))
    made = make_dataclass(options.__name__, [added], bases=(options,), namespace=namespace, frozen=True, kw_only=True)
    made.__qualname__ = options.__qualname__  # where a reader finds the other options
    return made


def read(cls: type, values: Mapping[str, object], prefix: str = "", owner: str = "") -> Any:
    """Return an instance of the options class `cls` with `values` (text, JSON or Python) over its defaults.

    Args:
        cls: An options class.
        values: Some of its fields by name.
        prefix: What stands before the name in the key that a person typed, for errors (``"arch."``).
        owner: Who owns the options, for errors (``"arch 'dcgan'"``).

    Raises:
        UsageError: An unknown name, a wrong type or a value out of range; the text names the key and the way out.
    """
    known = list_options(cls)
    result = {}
    for name, value in values.items():
        if name not in known:
            raise make_unknown_key_error(prefix + name, [prefix + key for key in known], owner)
        try:
            result[name] = known[name].read(value)
        except ValueError as error:
            raise UsageError(f"{prefix}{name}: {error}") from None
    return cls(**result)


def to_json(options: object) -> dict[str, Any]:
    """Return an options object as JSON: tuples become lists, schedules their text."""
    return {name: _to_json_value(getattr(options, name)) for name in list_options(type(options))}


def to_text(value: object) -> str:
    """Return a value as a person types it behind ``KEY=``."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(to_text, value)) or "none"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return format_number(value) if isinstance(value, float) else str(value)


def make_unknown_key_error(key: str, known: Iterable[str], owner: str = "") -> UsageError:
    """Return the error for a key that nobody knows: with near ones, or with all that its owner takes."""
    keys = list(known)
    hint = suggest_names(key, keys)
    if not hint:
        hint = f"; {owner or 'it'} takes {', '.join(keys)}" if keys else f"; {owner or 'it'} takes no options"
    return UsageError(f"unknown key {key!r}{hint}")


def evaluate_schedules(options: Any, images: float) -> Any:
    """Return an options object with every schedule replaced by its number after `images` images."""

    def number(value: Any) -> Any:
        return tuple(map(number, value)) if isinstance(value, tuple) else evaluate_number(value, images)

    return replace(options, **{name: number(getattr(options, name)) for name in list_options(type(options))})


# ----------------------------------------------------------------------------
# The types an option may have.

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _convert(hint: Any, value: object, schedulable: bool = False) -> Any:
    """Return `value` as the type `hint`, or raise ValueError."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = [arg for arg in args if arg is not type(None)]
        none = value is None or (isinstance(value, str) and value.lower() == "none")
        return None if none else _convert(inner, value, schedulable)
    if origin is Literal:
        named = {str(arg): arg for arg in args}
        return named[value] if value in named else args[args.index(value)]
    if origin is tuple:
        parts = split_list(value) if isinstance(value, str) else list(typing.cast(Iterable[object], value))
        inners = [args[0]] * len(parts) if args[-1] is Ellipsis else list(args)
        return tuple(_convert(inner, part, schedulable) for inner, part in zip(inners, parts, strict=True))
    if hint is float and schedulable and (isinstance(value, Schedule) or (isinstance(value, str) and "(" in value)):
        return Schedule.parse(str(value))
    if hint is bool:
        word = str(value).lower()
        if word not in _BOOLEANS:
            raise ValueError
        return _BOOLEANS[word]
    if isinstance(value, bool):
        raise ValueError
    if hint is float:
        number = float(typing.cast(str, value))
        return number if math.isfinite(number) else _raise()
    if hint is int:
        try:
            return int(value) if isinstance(value, str) else value.__index__()  # type: ignore[attr-defined]
        except (ValueError, AttributeError):
            number = float(typing.cast(str, value))  # "1e6", "200_000.0"
            return int(number) if number.is_integer() else _raise()
    return value if isinstance(value, str) else _raise()


def _describe(hint: Any) -> str:
    """Return the type in words, or raise ValueError where options cannot have it."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    plain = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if hint in plain:
        return plain[hint]
    if origin in (Union, types.UnionType) and len(args) == 2 and type(None) in args:
        return _describe(next(arg for arg in args if arg is not type(None))) + " or none"
    if origin is Literal:
        return "one of " + ", ".join(map(str, args))
    if origin is tuple and args:
        if args[-1] is Ellipsis:
            return f"a comma-separated list, each {_describe(args[0])}"
        return f"{len(args)} values with commas between, each {' or '.join(dict.fromkeys(map(_describe, args)))}"
    raise ValueError(f"an option cannot be of type {hint!r}: use bool, int, float, str, Literal, tuple or X | None")


def split_list(text: str) -> list[str]:
    """Split a comma-separated list, commas inside parentheses left alone."""
    parts = re.split(r",(?![^(]*\))", text)
    return [part.strip() for part in parts if part.strip()]


def _list_numbers(value: object) -> list[float]:
    """Return the numbers whose range is to be checked."""
    if isinstance(value, Schedule):
        return [value.start, value.end]
    if isinstance(value, tuple):
        return [number for part in value for number in _list_numbers(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def _to_json_value(value: object) -> Any:
    if isinstance(value, tuple):
        return [_to_json_value(part) for part in value]
    return str(value) if isinstance(value, Schedule) else value


def _raise() -> typing.NoReturn:
    raise ValueError
