"""All that a plugin author imports: specs, `option`, `hookimpl` and the data that crosses the contracts.

A plugin is a module named by an entry point in the group ``ganzoo``. It imports nothing heavy (no torch, numpy or
Pillow) and offers specs through hooks (`ganzoo.hookspecs`). Each spec names its factory as
``"package.module:callable"``, imported when the component is first used:

    @hookimpl
    def ganzoo_losses():
        yield Loss(name="bce", summary="...", factory="acme_gans.losses:BCE")

Runtime objects are structural: nothing to inherit. What each kind must do stands in its spec class below.
"""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import pluggy

from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.options import NoOptions, Schedule, option, options_of

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

__all__ = [
    "KINDS",
    "Architecture",
    "Augmentation",
    "Built",
    "Command",
    "Component",
    "DataInfo",
    "Dataset",
    "DiscriminatorOutput",
    "Extractor",
    "GanzooError",
    "Item",
    "Loss",
    "LossFunction",
    "Metric",
    "Model",
    "Networks",
    "NoOptions",
    "NotFound",
    "Recipe",
    "Regularizer",
    "Schedule",
    "Step",
    "Tracker",
    "UsageError",
    "hookimpl",
    "option",
]

hookimpl = pluggy.HookimplMarker("ganzoo")

Modality = Literal["image", "points", "audio", "text", "tabular"]

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SCHEDULABLE = ("architecture", "loss", "regularizer", "augmentation")  # kinds whose options may be scheduled
FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

# ----------------------------------------------------------------------------
# Specs: what a plugin offers. All are frozen and keyword-only; constructing an invalid one raises ValueError.


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing that a plugin offers; the base of every spec.

    Args:
        name: Lower-case words joined by hyphens.
        summary: One line for `ganzoo list`.
        aliases: Further names; an alias collides like a name.
        paper: Citation for the model card.
    """

    kind: ClassVar[str] = ""

    name: str
    summary: str
    aliases: tuple[str, ...] = ()
    paper: str = ""

    def __post_init__(self) -> None:
        _check_types(self)
        for name in (self.name, *self.aliases):
            if not NAME.fullmatch(name):
                raise ValueError(f"{self.kind} name {name!r} is not lower-case words joined by hyphens")
        if not self.summary or "\n" in self.summary:
            raise ValueError(f"{self.kind} {self.name!r} needs a summary of one line")


@dataclass(frozen=True, kw_only=True)
class Built(Component):
    """A component with a runtime object, built by its factory when it is first used.

    Args:
        factory: ``"package.module:callable"``.
        options: A frozen dataclass whose every field is typed and defaulted (see `option`).
        requires: Requirement strings as pip takes them; a missing one is an error that gives the command to run.
        version: Of the options' schema: raise it when stored options need `migrate`.
        migrate: ``"package.module:callable"``, called as ``(options: dict, from_version: int) -> dict``.
        provides, needs, refuses: Words that recipes are checked by: ``class-logits``, ``features``, ``style``,
            ``truncation``, ``double-backward``, ``batchnorm-in-d``, ``batch-coupled-d``, or a plugin's own. What
            one component needs another must provide; what it refuses none may provide.
    """

    factory: str
    options: type = NoOptions
    requires: tuple[str, ...] = ()
    version: int = 1
    migrate: str = ""
    provides: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for path in filter(None, (self.factory or "missing", self.migrate)):
            if not FACTORY.fullmatch(path):
                raise ValueError(f"{self.kind} {self.name!r}: {path!r} is not of the form 'package.module:callable'")
        for text in self.requires:
            _check_requirement(text)
        for entry in options_of(self.options).values():
            if entry.schedulable and self.kind not in SCHEDULABLE:
                raise ValueError(f"{self.kind} {self.name!r}: option {entry.name!r} cannot be schedulable")


@dataclass(frozen=True, kw_only=True)
class Architecture(Built):
    """A generator and a discriminator: ``factory(options, data: DataInfo) -> Networks``.

    Args:
        sizes: Image sizes (pixels, square) that it can be built for; empty for any.
        channels: Channel counts likewise.
        modalities: Kinds of data that it generates.
        conditional: Whether it takes labels. Unless the run is conditional the factory gets ``num_classes=0`` and
            the networks ``labels=None``.
        recommended: Settings by key that suit it (``{"loss": "bce", "optim.g.lr": 2e-4, "train.batch": 64}``; keys:
            loss, reg, optim.*, train.*), over the core's defaults and under everything that a user says.
    """

    kind: ClassVar[str] = "architecture"

    sizes: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    modalities: tuple[Modality, ...] = ("image",)
    conditional: Literal["never", "optional", "always"] = "never"
    recommended: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in self.recommended:
            if not re.match(r"(loss|reg|optim|train)(\.|$)", key):
                raise ValueError(f"architecture {self.name!r} recommends {key!r}: only loss, reg, optim.* and train.*")


@dataclass(frozen=True, kw_only=True)
class Loss(Built):
    """An adversarial loss: ``factory(options) -> LossFunction``. It sees logits and nothing else.

    Args:
        pairs: The generator's term reads real logits as well (relativistic losses); else its `real` is None.
        batch_coupled: A sample's term depends on the rest of the batch (relativistic average): logits are gathered
            over ranks, gradient accumulation is refused.
    """

    kind: ClassVar[str] = "loss"

    pairs: bool = False
    batch_coupled: bool = False


@dataclass(frozen=True, kw_only=True)
class Dataset(Built):
    """Where real samples come from: ``factory(options)`` -> an object with ``info: DataInfo`` and one of:

    - ``data``: array-like ``[N, ...]`` (uint8 images ``[N, C, H, W]``, or float) with ``labels`` ``[N, ...]`` or None;
    - ``sample(generator, n) -> (data, labels)``: an endless source that draws from the given CPU `torch.Generator`;
    - ``items() -> list[Item]``: samples that must be decoded: the core decodes them once, in parallel, into a packed
      store that later starts read at memory speed. Broken ones are named and skipped, or an error where the object
      says ``strict = True``.

    Args:
        info: What the data is, where that is known unopened: a `DataInfo`, or a callable from options to one.
        render: ``"package.module:callable"``, ``(samples: float array [N, ...], info) -> uint8 [H, W, 3]``: draws
            samples that are no images.
        default: Whether this dataset is taken where none is given.
        path_option: The option that takes a path, where ``--dataset PATH`` means this dataset.
    """

    kind: ClassVar[str] = "dataset"

    info: DataInfo | Callable[[Any], DataInfo] | None = None
    render: str = ""
    default: bool = False
    path_option: str = ""


@dataclass(frozen=True, kw_only=True)
class Regularizer(Built):
    """A term that sees more than logits: ``factory(options)`` -> an object with any of:

    - ``prepare(discriminator)``: called once, before training;
    - ``discriminator(step: Step) -> scalar`` and ``generator(step: Step) -> scalar``: added to that network's loss;
    - ``after_step(discriminator)``: after each of D's optimizer steps.

    It never changes the generator's structure.

    Args:
        input_gradients: Whether `Step.real` and `Step.fake` must be leaves that require grad, in D's update.
    """

    kind: ClassVar[str] = "regularizer"

    input_gradients: bool = False


@dataclass(frozen=True, kw_only=True)
class Augmentation(Built):
    """``factory(options)`` -> a differentiable callable on batches, applied to real and fake alike in both updates.

    It is the identity at ``p=0``. Where it adapts it has ``update(real_logits)``, called after D's update with the
    total batch's logits. Random numbers come from torch's default generator of the device.
    """

    kind: ClassVar[str] = "augmentation"


@dataclass(frozen=True, kw_only=True)
class Metric(Built):
    """``factory(options)`` -> ``reset()``, ``real(batch)``, ``fake(batch)``, ``compute() -> dict[str, float]``.

    Batches are float ``[N, ...]`` in the data's range, on the device.
    """

    kind: ClassVar[str] = "metric"


@dataclass(frozen=True, kw_only=True)
class Extractor(Built):
    """Features for metrics: ``factory(options)`` -> a callable from a batch ``[N, ...]`` to float ``[N, F]``."""

    kind: ClassVar[str] = "extractor"


@dataclass(frozen=True, kw_only=True)
class Tracker(Built):
    """``factory(options)`` -> ``start(run)``, ``log(images, scalars)``, ``grid(images, path)``, ``finish(status)``.

    A failing tracker costs a line in the log, never the run.
    """

    kind: ClassVar[str] = "tracker"


@dataclass(frozen=True, kw_only=True)
class Recipe(Component):
    """A named choice of components and settings: ``{"arch": "dcgan", "loss": "bce", "arch.width": 64, ...}``."""

    kind: ClassVar[str] = "recipe"

    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Model(Component):
    """Weights that come with the plugin: ``path="package:folder"`` names a model package in the package's data."""

    kind: ClassVar[str] = "model"

    path: str


@dataclass(frozen=True, kw_only=True)
class Command(Component):
    """A further command of `ganzoo`: ``factory`` names a `click.Command` as ``"package.module:command"``."""

    kind: ClassVar[str] = "command"

    factory: str


def _check_requirement(text: str) -> None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement:
        raise ValueError(f"pip takes no requirement {text!r}") from None


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls, {**globals(), **vars(typing)})


def _check_types(spec: Component) -> None:
    """Raise ValueError where a field is not of its type: ``sizes=64`` or ``aliases="mse"``, say."""
    cls: Any = type(spec)
    for name, hint in _hints(cls).items():
        value, origin, args = getattr(spec, name), typing.get_origin(hint), typing.get_args(hint)
        if origin is tuple:
            inner = typing.get_origin(args[0]) or args[0]
            fits = isinstance(value, tuple) and (
                all(item in typing.get_args(args[0]) for item in value)
                if inner is Literal
                else all(type(item) is inner for item in value)
            )
        elif origin is Literal:
            fits = value in args
        else:
            fits = not isinstance(hint, type) or isinstance(value, hint)
        if not fits:
            raise ValueError(f"{spec.kind} {spec.name!r}: {name}={value!r} is no {str(hint).replace('typing.', '')}")


SPECS: tuple[type[Component], ...] = (
    Architecture, Loss, Dataset, Regularizer, Augmentation, Metric, Extractor, Tracker, Recipe, Model, Command,
)  # fmt: skip
KINDS: tuple[str, ...] = tuple(spec.kind for spec in SPECS)


# ----------------------------------------------------------------------------
# What crosses the contracts at run time.


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a dataset's samples are, and so what an architecture has to generate.

    Args:
        shape: Of one sample: ``(C, H, W)`` images, ``(D,)`` points and tables, ``(C, T)`` audio, ``(V, L)`` text.
        num_classes: Integer labels run from 0 to this; 0 where there are none.
        num_items: How many samples there are; None for an endless source.
        modality: What kind of data it is.
        label_shape: Of one float label (attributes, an image to translate); empty for integer labels or none.
        meta: JSON that travels with the model (vocabulary, columns, sample rate).
    """

    shape: tuple[int, ...]
    num_classes: int = 0
    num_items: int | None = None
    modality: Modality = "image"
    label_shape: tuple[int, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("shape", "label_shape"):
            if not all(isinstance(side, int) and side > 0 for side in getattr(self, name)):
                raise ValueError(f"DataInfo: {name}={getattr(self, name)!r} is not a tuple of sizes")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.shape) != (sides := {"image": 3, "audio": 2, "text": 2}.get(self.modality, 1)):
            raise ValueError(f"DataInfo: {self.modality} has {sides} sides, shape={self.shape} has {len(self.shape)}")

    @property
    def labelled(self) -> bool:
        """Whether samples have labels."""
        return self.num_classes > 0 or bool(self.label_shape)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return asdict(self) | {"shape": list(self.shape), "label_shape": list(self.label_shape)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DataInfo:
        """Read what `to_json` wrote."""
        tuples = {"shape": tuple(values["shape"]), "label_shape": tuple(values.get("label_shape", ()))}
        return cls(**{**values, **tuples})


@dataclass(frozen=True, kw_only=True)
class Item:
    """One sample that must be decoded.

    Args:
        name: Names it in messages (a path inside the folder).
        load: Decodes it: ``() -> uint8 array`` of the dataset's shape; may raise anything where the file is broken.
        label: Its class, where the dataset is labelled.
        stamp: Changes when the content does (size and modification time).
    """

    name: str
    load: Callable[[], np.ndarray[Any, Any]]
    label: int | None = None
    stamp: str = ""


@dataclass(frozen=True)
class Networks:
    """What an architecture builds.

    Args:
        generator: ``generator(z [N, latent_dim], labels=None) -> samples [N, *shape]``, images in [-1, 1].
        discriminator: ``discriminator(x [N, *shape], labels=None)`` -> logits with leading N and no output activation
            (``[N]``, ``[N, 1]``, a patch map), a list of them (several scales), or a `DiscriminatorOutput`.
        latent_dim: Length of z.
        latent: Its distribution: ``normal`` N(0, 1), ``uniform`` U(-1, 1), ``normal+onehotK``: the last K of
            `latent_dim` entries are a random one-hot code.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_dim: int
    latent: str = "normal"


@dataclass(frozen=True)
class DiscriminatorOutput:
    """A discriminator's answer that is more than logits.

    Args:
        logits: As a bare answer would be: a tensor with leading N, or a list of them.
        class_logits: ``[N, num_classes]`` of an auxiliary classifier.
        features: Inner activations for feature matching.
    """

    logits: Tensor | list[Tensor]
    class_logits: Tensor | None = None
    features: list[Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a regularizer sees of the update that it is part of. Fields may be added; none changes.

    Args:
        generator, discriminator: The networks.
        z: Latents of `fake`, ``[N, latent_dim]``.
        labels: ``int64 [N]``, float ``[N, *label_shape]`` or None.
        real: Real samples before augmentation, ``[N, *shape]``; in D's update a leaf that requires grad where the spec
            asks for it (`Regularizer.input_gradients`). None in G's update unless the loss pairs.
        fake: Generated samples before augmentation, likewise; in G's update they carry G's graph.
        real_seen, fake_seen: What D saw of them, after augmentation.
        real_output, fake_output: D's answers in this very update, so that a penalty needs no forward of its own.
    """

    generator: nn.Module
    discriminator: nn.Module
    z: Tensor
    labels: Tensor | None
    real: Tensor | None
    fake: Tensor
    real_seen: Tensor | None
    fake_seen: Tensor
    real_output: DiscriminatorOutput | None
    fake_output: DiscriminatorOutput


class LossFunction(Protocol):
    """What a loss's factory returns: two scalars from logits ``[N, P]``, elementwise on equal shapes."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what D minimises."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Return what G minimises; `real` is None unless the spec says ``pairs=True``."""
