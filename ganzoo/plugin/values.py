"""The types that an option may have: how a value is read, and how the type is described."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Literal, Union

from ganzoo.plugin.numbers import parse_count, parse_number
from ganzoo.plugin.schedule import Schedule

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def convert(hint: Any, value: object, schedulable: bool = False) -> Any:
    """Convert `value` to the type `hint`, or raise ValueError. Of ``float | str`` it is a float if that fits."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        if type(None) in args and (value is None or (isinstance(value, str) and value.lower() == "none")):
            return None
        *others, last = [arg for arg in args if arg is not type(None)]
        for inner in others:
            with suppress(ValueError, TypeError, OverflowError):
                return convert(inner, value, schedulable)
        return convert(last, value, schedulable)
    if origin is Literal:
        named = {str(arg): arg for arg in args}
        return named[value] if value in named else args[args.index(value)]
    if origin is tuple:
        if args[-1] is Ellipsis and value == "none":
            return ()
        parts = split_list(value) if isinstance(value, str) else list(typing.cast(Iterable[object], value))
        inners = [args[0]] * len(parts) if args[-1] is Ellipsis else list(args)
        return tuple(convert(inner, part, schedulable) for inner, part in zip(inners, parts, strict=True))
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
        return parse_number(value if isinstance(value, str) else repr(float(typing.cast(float, value))))
    if hint is int:
        count: Any = value
        whole = count.__index__() if hasattr(count, "__index__") else count if isinstance(count, str) else float(count)
        return parse_count(str(whole))
    return value if isinstance(value, str) else _raise()


def describe_type(hint: Any) -> str:
    """Return the type in words, or raise ValueError if an option cannot have it."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    plain = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if hint in plain:
        return plain[hint]
    if origin in (Union, types.UnionType) and len(args) == 2 and type(None) in args:
        return describe_type(next(arg for arg in args if arg is not type(None))) + " or none"
    if args == (float, str):
        return "a number or text"
    if origin is Literal:
        return "one of " + ", ".join(map(str, args))
    if origin is tuple and args:
        if args[-1] is Ellipsis:
            return f"a comma-separated list, each {describe_type(args[0])}"
        return f"{len(args)} comma-separated values, each {' or '.join(dict.fromkeys(map(describe_type, args)))}"
    raise ValueError(
        f"an option cannot be of type {hint!r}: use bool, int, float, str, Literal, tuple, float | str or X | None"
    )


def split_list(text: str) -> list[str]:
    """Split a comma-separated list. Commas inside parentheses do not separate."""
    parts = re.split(r",(?![^(]*\))", text)
    return [part.strip() for part in parts if part.strip()]


def list_numbers(value: object) -> list[float]:
    """Return all numbers in a value, to check their range."""
    if isinstance(value, Schedule):
        return [value.start, value.end]
    if isinstance(value, tuple):
        return [number for part in value for number in list_numbers(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def _raise() -> typing.NoReturn:
    raise ValueError
