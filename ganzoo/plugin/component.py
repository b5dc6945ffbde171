"""The bases of all specs: `Component`, `Built` for components with a runtime object, and the checks of specs."""

from __future__ import annotations

import functools
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ganzoo.plugin.options import NoOptions, list_options

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SIMILAR = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
COMMANDS = {  # ganzoo's own commands: a command of a plugin cannot have one of these names
    "train": "Train a GAN.",
    "sample": "Generate samples with a trained generator.",
    "latent": "Move through the latents of a model, and find those of an image.",
    "apply": "Apply a model to files: translate, upscale, vocode.",
    "evaluate": "Measure a trained generator.",
    "list": "List the installed components.",
    "info": "Show a component and its options, or a model.",
    "plugins": "List the plugins, including broken ones.",
    "runs": "List the runs.",
    "report": "Write a page on a run, or on several.",
    "watch": "Show a run live in the browser.",
    "sweep": "Train many runs from a table of settings.",
    "compare": "Compare runs over their seeds.",
    "doctor": "Say what is wrong with a run, or with the installation.",
    "data": "Look at a dataset before it is trained on.",
    "cache": "Show the cache, or clear it.",
    "package": "Write the model of a run to a directory.",
    "publish": "Publish a model on the Hugging Face Hub.",
    "pull": "Download a model from the Hugging Face Hub.",
    "verify": "Check that a model is undamaged.",
    "search": "Find models on the Hugging Face Hub.",
    "import": "Convert weights of another project to a model.",
    "export": "Write a model for other programs: ONNX, torch.export, arrays.",
    "demo": "Write a page that runs a generator in a browser.",
    "new-plugin": "Create a plugin to start from.",
    "check": "Check that a plugin keeps its contracts.",
}
KEY_OF_KIND = {  # the key of a recipe that chooses a component of this kind; a flag has the same name
    "architecture": "arch", "loss": "loss", "dataset": "dataset", "regularizer": "reg", "augmentation": "aug",
    "metric": "metric", "extractor": "extractor", "tracker": "tracker",
}  # fmt: skip
NESTED = ("architecture", "dataset", "extractor")  # kinds that an option of another component may name
SCHEDULABLE = ("architecture", "loss", "regularizer", "augmentation")  # kinds whose options may be scheduled
FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing that a plugin offers; the base of every spec.

    Args:
        name: The component's name: lower-case words joined by hyphens.
        summary: One line that `ganzoo list` shows.
        aliases: Other names of the component. Two components of a kind cannot share a name or an alias.
        similar_to: Names of things that may not be installed and that people look for, with what to type instead:
            ``{"mnist": "--dataset digits"}``. The component is the nearest to them in kind. Capital letters, hyphens
            and underscores of a name do not matter. An installed component of that name comes first.
        paper: The paper or papers that it implements, ``AUTHORS YEAR, TITLE, arXiv:ID`` (or ``doi:ID``), several with
            ``; `` between them. The model card shows it, and ``ganzoo info NAME --bibtex`` writes it as BibTeX.
    """

    kind: ClassVar[str] = ""

    name: str
    summary: str
    aliases: tuple[str, ...] = ()
    similar_to: Mapping[str, str] = field(default_factory=dict)
    paper: str = ""

    def __post_init__(self) -> None:
        _check_types(self)
        for name in (self.name, *self.aliases):
            if not NAME.fullmatch(name):
                raise ValueError(f"{self.kind} name {name!r} is not lower-case words joined by hyphens")
        if not self.summary or "\n" in self.summary:
            raise ValueError(f"{self.kind} {self.name!r} needs a summary of one line")
        for name, text in self.similar_to.items():
            if not SIMILAR.fullmatch(name) or not text or "\n" in text:
                raise ValueError(f"{self.kind} {self.name!r}: similar_to[{name!r}]={text!r} is not a name and one line")


@dataclass(frozen=True, kw_only=True)
class Built(Component):
    """A component with a runtime object, built by its factory when it is first used.

    Args:
        factory: The path of a callable, ``"package.module:callable"``, imported when the component is first used. It is
            called as ``factory(options, data)``, where `data` is the `DataInfo` that the networks see. The factories of
            datasets and trackers are called as ``factory(options)``.
        options: The options class: a frozen dataclass whose fields all have a type and a default (see `option`).
        requires: The packages that the component needs, as requirement strings of pip. If one is missing, the error
            gives the command that installs it.
        version: The version of the options' schema. Raise it when stored options need `migrate`.
        migrate: The path of a callable ``(options: dict, from_version: int) -> dict`` that converts stored options of
            an older schema; empty if there is none.
        provides, needs, refuses: Words that decide whether components fit together: ``class-logits``, ``features``,
            ``embedding``, ``style``, ``truncation``, ``intermediates``, ``double-backward``, ``no-double-backward``
            (penalties that differentiate D by its input refuse it by themselves), ``batchnorm-in-d``,
            ``batch-coupled-d``, ``bounded-slope`` (of D), ``signed-logits`` (0 lies between D's logits of real and of
            fake samples), ``labels-in-embedding`` (D's embedding depends on the labels, so a head on it would only copy
            them), ``probabilities``, or a plugin's own words. Another component must provide each word that this one
            needs, and none may provide a word that this one refuses. A run with ``train.ema_half_life`` above
            0 provides ``average``, the averaged generator. If `provides` depends on the options, it is a callable from
            them to the words (see `get_provided`).
        wants: Words that the component works badly without, each with what goes wrong then: ``{"bounded-slope":
            "nothing limits the slope of D, so its logits grow without end"}``. If no component provides the word, the
            run starts with a warning, which also names components that do. If `wants` depends on the options, it is a
            callable from them to the words (see `get_wanted`).
        cases: The path of a callable without arguments that yields `Case` objects: inputs with the exact values that
            the conformance kit expects.
        excused: The checks of the conformance kit that the component fails by design, each with the reason:
            ``{"finite-differences": "straight-through: it rounds, and its gradient does not"}``. An excused check that
            passes is a failure.
    """

    factory: str
    options: type = NoOptions
    requires: tuple[str, ...] = ()
    version: int = 1
    migrate: str = ""
    provides: tuple[str, ...] | Callable[[Any], tuple[str, ...]] = ()
    needs: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    wants: Mapping[str, str] | Callable[[Any], Mapping[str, str]] = field(default_factory=dict)
    cases: str = ""
    excused: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callables(self, self.factory or "missing", self.migrate, self.cases)
        for text in self.requires:
            _check_requirement(text)
        known = list_options(self.options)
        for entry in known.values():
            if entry.schedulable and self.kind not in SCHEDULABLE:
                raise ValueError(f"{self.kind} {self.name!r}: option {entry.name!r} cannot be schedulable")
            if entry.nested and entry.nested.kind not in NESTED:
                raise ValueError(f"{self.kind} {self.name!r}: option {entry.name!r} names no {' or '.join(NESTED)}")
            if entry.nested and entry.nested.settings and entry.nested.settings not in known:
                raise ValueError(
                    f"{self.kind} {self.name!r}: it has not the option {entry.nested.settings!r} of settings"
                )
        for word, problem in () if callable(self.wants) else self.wants.items():
            if not problem or "\n" in problem:
                raise ValueError(
                    f"{self.kind} {self.name!r}: wants[{word!r}] needs one line on what goes wrong without it"
                )

    def get_provided(self, options: Any) -> tuple[str, ...]:
        """Return the words of `provides` for these options."""
        return self.provides(options) if callable(self.provides) else self.provides

    def get_wanted(self, options: Any) -> Mapping[str, str]:
        """Return the words of `wants` for these options, each with what goes wrong without it."""
        return self.wants(options) if callable(self.wants) else self.wants


# ----------------------------------------------------------------------------
# Checks.


def check_callables(spec: Component, *paths: str) -> None:
    """Raise ValueError if one of a spec's paths is not of the form ``"package.module:callable"``."""
    for path in filter(None, paths):
        if not FACTORY.fullmatch(path):
            raise ValueError(f"{spec.kind} {spec.name!r}: {path!r} is not of the form 'package.module:callable'")


def check_recommended(spec: Component, recommended: Mapping[str, Any], *heads: str) -> None:
    """Raise ValueError if a spec recommends a key that does not begin with one of these words."""
    for key in recommended:
        if key.partition(".")[0] not in heads:
            raise ValueError(f"{spec.kind} {spec.name!r} recommends {key!r}: only keys of {', '.join(heads)}")


def _check_requirement(text: str) -> None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement:
        raise ValueError(f"{text!r} is not a requirement that pip understands") from None


@functools.cache
def _get_hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _check_types(spec: Component) -> None:
    """Raise ValueError if a field has a wrong type, such as ``sizes=64`` or ``aliases="mse"``."""
    cls: Any = type(spec)
    for name, hint in _get_hints(cls).items():
        value = getattr(spec, name)
        if not _matches_type(value, hint):
            raise ValueError(f"{spec.kind} {spec.name!r}: {name}={value!r} is not {str(hint).replace('typing.', '')}")


def _matches_type(value: object, hint: Any) -> bool:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_matches_type(value, each) for each in args)
    if origin is tuple:
        inner = typing.get_origin(args[0]) or args[0]
        return isinstance(value, tuple) and all(
            item in typing.get_args(args[0]) if inner is Literal else type(item) is inner for item in value
        )
    if origin is Literal:
        return value in args
    if isinstance(origin, type):  # a callable, a mapping
        return isinstance(value, origin)
    return not isinstance(hint, type) or isinstance(value, hint)
