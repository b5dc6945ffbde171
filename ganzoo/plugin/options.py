"""Typed options: frozen dataclasses that are read from KEY=VALUE, JSON or Python, and written as JSON.

An options class is a frozen dataclass whose fields all have a type and a default. `read` returns a checked instance of
it from typed text, JSON or Python values; `to_json` converts the instance to JSON.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass, replace
from typing import Any

from ganzoo.errors import UsageError, suggest_names
from ganzoo.plugin.nested import Nested
from ganzoo.plugin.numbers import format_number
from ganzoo.plugin.schedule import ImpossibleValue, Schedule, evaluate_number
from ganzoo.plugin.values import convert, describe_type, list_numbers

SHOWN = 8  # the largest number of keys that an error lists
USED_WITH = ("labels", "metrics", "average")  # what a run may have that options of components are used with

# ----------------------------------------------------------------------------
# Declaring an option.


def option(
    default: Any,
    *,
    help: str,
    low: float | None = None,
    high: float | None = None,
    schedulable: bool = False,
    strength: bool = False,
    nested: Nested | None = None,
    used_with: str = "",
) -> Any:
    """Declare one field of an options class.

    Args:
        default: The value if the user sets none.
        help: One sentence that `ganzoo info` shows.
        low: The smallest allowed number; None for no limit. For a tuple it is the limit of each number.
        high: The largest allowed number; None for no limit.
        schedulable: Whether a float may be a `Schedule`. The component's factory then gets a 0-dim float32 tensor on
            the device instead of the float. The tensor's value is updated before each update.
        strength: Whether a schedulable float is the strength of a penalty that weakens D, so that
            ``train.auto_gamma=true`` may adapt it.
        nested: For a text that is the name of an installed component, what the component is used for.
        used_with: What the option has an effect with; if a user sets it without that, a line says so. It is ``labels``
            (a conditional run), ``metrics`` (a run that measures), ``average`` (a run with an averaged generator), or
            another option of the same class and its value as it is typed, such as ``mode=fd``. Several are separated by
            commas, and all are needed. Empty if the option always has an effect.

    Returns:
        A dataclass field.

    Raises:
        ValueError: The default is mutable, or a strength is not schedulable.
    """
    if strength and not schedulable:
        raise ValueError("an option that is a strength must be schedulable")
    if isinstance(default, (list, dict, set)):  # dataclass would ask for a factory, which `list_options` refuses
        raise ValueError(f"default {default!r} is mutable: use a tuple")
    limits = {"low": low, "high": high, "schedulable": schedulable, "strength": strength}
    metadata = {"help": help, **limits, "nested": nested, "used_with": used_with}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """The options class of a component without options."""


@dataclass(frozen=True)
class Option:
    """One field of an options class.

    Args:
        name: The name of the field.
        type: The type of its values.
        default: The value if the user sets none.
        help: One sentence that says what it does.
        low, high: The smallest and the largest allowed number; None for no limit.
        schedulable: Whether a float may be a `Schedule`.
        strength: Whether it is the strength of a penalty that weakens D.
        nested: The component that the value names; None if it names none.
        used_with: What the option has an effect with (see `option`).
    """

    name: str
    type: Any
    default: Any
    help: str = ""
    low: float | None = None
    high: float | None = None
    schedulable: bool = False
    strength: bool = False
    nested: Nested | None = None
    used_with: str = ""

    def read(self, value: object) -> Any:
        """Convert `value` (text, JSON or Python) to this option's type; raise ValueError that says what is expected."""
        try:
            result = convert(self.type, value, self.schedulable)
        except ImpossibleValue as error:
            raise ValueError(f"{error}, got {value!r}") from None
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"expected {self.expects}, got {value!r}") from None
        for number in list_numbers(result):
            if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
                raise ValueError(f"expected {self.expects}, got {value!r}")
        return result

    @property
    def expects(self) -> str:
        """The values that the option accepts, in words: type, range, and whether it may be a schedule."""
        words = (
            f"the name of {'a' if self.nested.kind == 'dataset' else 'an'} {self.nested.kind}"
            if self.nested
            else describe_type(self.type)
        )
        if self.low is not None and self.high is not None:
            words += f" from {self.low:g} to {self.high:g}"
        elif self.low is not None:
            words += f" of at least {self.low:g}"
        elif self.high is not None:
            words += f" of at most {self.high:g}"
        return words + (" or a schedule such as cosine(1, 0.1, images=1e6)" if self.schedulable else "")


def list_options(cls: type[Any]) -> dict[str, Option]:
    """Return the options of an options class by name, in the order of the fields.

    Raises:
        ValueError: The class is not an options class: it is not a frozen dataclass, a field has no default, a type
            cannot be read from text, or a default is out of range.
    """
    if not (isinstance(cls, type) and is_dataclass(cls) and cls.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise ValueError(f"options class {cls!r} is not a frozen dataclass")
    return dict(_read_class(cls))


@functools.cache
def _read_class(cls: type[Any]) -> dict[str, Option]:
    hints = typing.get_type_hints(cls)
    declared = {}
    for spec in fields(cls):
        if spec.default is MISSING:
            raise ValueError(f"option {spec.name!r} of {cls.__name__} needs a default that is not a factory")
        known = {each.name: spec.metadata[each.name] for each in fields(Option) if each.name in spec.metadata}
        entry = Option(name=spec.name, type=hints[spec.name], default=spec.default, **known)
        try:
            describe_type(entry.type)
            if entry.read(spec.default) != spec.default:
                raise ValueError(f"its default {spec.default!r} is not of its type")
        except ValueError as error:
            raise ValueError(f"option {spec.name!r} of {cls.__name__}: {error}") from None
        declared[spec.name] = entry
    for entry in declared.values():
        for wanted in filter(None, entry.used_with.split(",")):
            name, given, _ = wanted.partition("=")
            if name not in (declared if given else USED_WITH):
                raise ValueError(f"option {entry.name!r} of {cls.__name__}: used_with={wanted!r} names nothing")
    return declared


# ----------------------------------------------------------------------------
# Reading and writing whole options objects.


@functools.cache
def add_interval(options: type) -> type:
    """Return a regularizer's options class with the option ``interval`` of the core.

    Raises:
        ValueError: The class has an option of that name already.
    """
    help = "Apply the term every so many updates, weighted by that number; none for train.*_reg_interval."
    return _add_options(options, add_interval, "regularizer", ("interval", int | None, option(None, help=help, low=1)))


@functools.cache
def add_dataset_options(options: type) -> type:
    """Return a dataset's options class with the options of the core, ``holdout`` and ``shard``.

    Raises:
        ValueError: The class has an option of one of the names already.
    """
    held_out = "Samples that are not trained on: a share such as 0.05, the path of a folder, or the name of a split."
    shard = (
        "Samples in one file of the packed dataset, for data that are larger than memory or than one machine; 0 for "
        "one file, and for several from 32 GiB on."
    )
    return _add_options(
        options,
        add_dataset_options,
        "dataset",
        ("holdout", float | str, option(0.0, help=held_out)),
        ("shard", int, option(0, help=shard, low=0)),
    )


def _add_options(options: type, add: Callable[[type], type], kind: str, *added: tuple[str, Any, Any]) -> type:
    """Return an options class with more options, which belong to the core.

    Args:
        options: The class of a component's own options.
        add: The function that adds the options.
        kind: The kind of the component.
        added: Name, type and declaration of each option.
    """
    names = tuple(name for name, *_ in added)
    if getattr(options, "options_of_the_core", ()) == names:
        return options
    if taken := [name for name in names if name in list_options(options)]:
        raise ValueError(f"{options.__name__} has an option {taken[0]!r}, which the core adds to every {kind}")
    namespace = {
        "options_of_the_core": names,
        "__doc__": options.__doc__,
        "__module__": options.__module__,
        "__reduce__": lambda self: (_make_again, (add, options, vars(self))),  # the class has no name of its own
    }
    made = make_dataclass(options.__name__, added, bases=(options,), namespace=namespace, frozen=True, kw_only=True)
    made.__qualname__ = options.__qualname__  # where a reader finds the other options
    return made


def _make_again(add: Callable[[type], type], options: type, values: Mapping[str, Any]) -> Any:
    """Return an options object that was pickled."""
    return add(options)(**values)


def read(cls: type, values: Mapping[str, object], prefix: str = "", owner: str = "") -> Any:
    """Return an instance of the options class `cls` with `values` (text, JSON or Python) over its defaults.

    Args:
        cls: The class of the options, a frozen data class.
        values: Values of some of its fields, by name.
        prefix: The part of a typed key before the name, for errors (``"arch."``).
        owner: The owner of the options in words, for errors (``"arch 'dcgan'"``).

    Raises:
        UsageError: A name is unknown, or a value has a wrong type or is out of range. The text names the key and says
            what to type.
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
    """Convert an options object to JSON: tuples become lists, schedules become text."""
    return {name: _to_json_value(getattr(options, name)) for name in list_options(type(options))}


def to_text(value: object) -> str:
    """Return a value as a person types it after ``KEY=``."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(to_text, value)) or "none"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return format_number(value) if isinstance(value, float) else str(value)


def make_unknown_key_error(key: str, known: Iterable[str], owner: str = "") -> UsageError:
    """Return the error for an unknown key. Its text names similar keys, or else how to see all keys.

    Args:
        key: The key that a person typed.
        known: The valid keys, of which similar ones are named.
        owner: The owner of the valid keys, in words.
    """
    keys = list(known)
    shown = ", ".join(keys) if len(keys) <= SHOWN else f"{len(keys)} keys, which `ganzoo train --dry-run ...` shows"
    hint = suggest_names(key, keys, 0.8) or f"; {owner or 'it'} takes {shown or 'no options'}"
    return UsageError(f"unknown key {key!r}{hint}")


def evaluate_schedules(options: Any, images: float) -> Any:
    """Replace every schedule of an options object by its value after so many images were seen."""

    def evaluate(value: Any) -> Any:
        return tuple(map(evaluate, value)) if isinstance(value, tuple) else evaluate_number(value, images)

    return replace(options, **{name: evaluate(getattr(options, name)) for name in list_options(type(options))})


def _to_json_value(value: object) -> Any:
    if isinstance(value, tuple):
        return [_to_json_value(part) for part in value]
    return str(value) if isinstance(value, Schedule) else value
