"""Checks that hold for every component with a runtime object: its options, its factory, what it requires."""

from __future__ import annotations

import json
from contextlib import suppress

from ganzoo.errors import did_you_mean
from ganzoo.installed import named, place_of, require_callable
from ganzoo.options import options_of, read, to_json
from ganzoo.testing.building import built
from ganzoo.testing.checks import Broken, Skip, Trial, require, usable

# By kind, what is called with what; the methods with a question mark need not be there.
METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "loss": {"discriminator": ("real", "fake"), "generator": ("fake", "real")},
    "dataset": {"sample?": ("generator", "n"), "items?": ()},
    "regularizer": {
        "prepare?": ("discriminator",), "discriminator?": ("step",), "generator?": ("step",),
        "after_step?": ("discriminator",),
    },
    "augmentation": {"__call__": ("batch",), "update?": ("real_logits",)},
    "metric": {"reset": (), "real": ("batch",), "fake": ("batch",), "compute": (), "prepare?": ("data",)},
    "extractor": {"__call__": ("batch",)},
    "tracker": {"start": ("run",), "log": ("images", "scalars"), "grid": ("images", "path"), "finish": ("status",)},
}  # fmt: skip


def options_round_trip(trial: Trial) -> None:
    """Options survive JSON: a recipe stores them, and a published model is built from them."""
    options = trial.options()
    stored = json.loads(json.dumps(to_json(options), allow_nan=False))
    back = read(type(options), stored)
    require(back == options, f"{options} came back as {back} ({place_of(type(options))}).")


def options_described(trial: Trial) -> None:
    """Every option says what it is, in one line of help."""
    silent = [name for name, option in options_of(trial.spec.options).items() if not option.help.strip()]
    words = f"{', '.join(silent)} has none: declare it with option(default, help=...)"
    require(not silent, f"{words} ({place_of(trial.spec.options)}).")


def requirements_met(trial: Trial) -> None:
    """What the component requires is installed where it is checked."""
    with usable():
        trial.entry.check_requirements()


def factory_resolves(trial: Trial) -> None:
    """The factory can be imported, and called with options (an architecture's with the data as well)."""
    architecture = trial.spec.kind == "architecture"
    with usable():
        arguments = ("options", "data") if architecture else ("options",)
        require_callable(named(trial.spec.factory), trial.spec.factory, *arguments)
        if not architecture:
            with suppress(Skip):  # it needs something of its user, as its kind's checks will say
                built(trial)


def returns_what_is_called(trial: Trial) -> None:
    """What the factory returns has the methods of its kind, and they take what they are called with."""
    if trial.spec.kind not in METHODS:
        raise Skip("its kind has a check of its own")
    made, kind = built(trial), METHODS[trial.spec.kind]
    with usable():
        require(not isinstance(made, type), f"{trial.spec.factory} returned the class {made!r}, not an object of it.")
        for name, arguments in kind.items():
            written = f"{name.rstrip('?')}({', '.join(arguments)})"
            method = getattr(made, name.rstrip("?"), None)
            if method is None and not name.endswith("?"):
                near = did_you_mean(name, [each for each in dir(made) if not each.startswith("__")])
                raise Broken(f"{type(made).__name__} has no {written}{near or '.'}")
            if method is not None:
                require_callable(method, name.rstrip("?"), *arguments)


def migrates(trial: Trial) -> None:
    """A schema above 1 comes with the callable that brings older options up."""
    if trial.spec.version == 1:
        raise Skip("its schema is the first")
    require(trial.spec.migrate, f"It is at version {trial.spec.version} and its spec names no migrate.")
    require_callable(named(trial.spec.migrate), trial.spec.migrate, "options", "from_version")
