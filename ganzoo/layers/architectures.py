"""Networks of another architecture, for an architecture that uses one of them."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import Architecture, DataInfo, Networks
from ganzoo.plugin.options import evaluate_schedules, read
from ganzoo.registry import registry


def build_networks(name: str, data: DataInfo, settings: Iterable[str] = ()) -> Networks:
    """Return the networks of an installed architecture, with weights of their own.

    Args:
        name: The architecture's name, as a user types it: an option of the architecture that uses it.
        data: The data that the networks see.
        settings: The architecture's options that differ from its defaults, each ``NAME=VALUE``.

    Raises:
        UsageError: There is no such architecture or option, a value is wrong, or the architecture does not take the
            data.
    """
    entry = registry().resolve("architecture", name)
    spec, values = entry.spec, {}
    assert isinstance(spec, Architecture)
    for setting in settings:
        key, given, value = setting.partition("=")
        if not given or key in values:
            raise UsageError(f"{setting!r} is not a setting of arch {name!r}: give NAME=VALUE, each name once")
        values[key] = value
    options = read(spec.options, values, owner=f"arch {name!r}")
    _check_data(spec, data)
    made = entry.build(evaluate_schedules(options, 0), data)
    if not isinstance(made, Networks):
        raise GanzooError(f"arch {name!r} built {type(made).__name__}, not ganzoo.plugin.Networks")
    return made


def _check_data(spec: Architecture, data: DataInfo) -> None:
    """Raise UsageError if an architecture does not take this data."""
    image = data.modality == "image"
    for wrong, words in (
        (data.modality not in spec.modalities, f"generates {', '.join(spec.modalities)}"),
        (image and spec.square and data.shape[1] != data.shape[2], "takes square images"),
        (image and spec.sizes and not {*data.shape[1:]} <= {*spec.sizes}, f"takes {_join(spec.sizes)} pixels"),
        (image and spec.channels and data.shape[0] not in spec.channels, f"takes {_join(spec.channels)} channels"),
        (spec.conditional == "never" and data.labelled, "takes no labels"),
        (spec.conditional == "always" and not data.labelled, "always takes labels"),
    ):
        if wrong:
            raise UsageError(f"arch {spec.name!r} {words}: choose another architecture, size or data")


def _join(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
