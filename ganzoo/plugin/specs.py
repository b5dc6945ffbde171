"""Specs: what a plugin offers, one class for each kind, with the contract of its runtime object. See `ganzoo.plugin`.

All are frozen and keyword-only; constructing an invalid one raises ValueError. Here are the kinds that a training is
made of and that measure it; those around it stand in `ganzoo.plugin.around`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal

from ganzoo.plugin.around import Command, Diagnosis, Exporter, Model, Recipe, Tracker
from ganzoo.plugin.component import NAME, Built, Component, check_callables, check_recommended
from ganzoo.plugin.contracts import DataInfo, Modality
from ganzoo.plugin.options import add_interval, list_options


@dataclass(frozen=True, kw_only=True)
class Architecture(Built):
    """A generator and a discriminator: ``factory(options, data: DataInfo) -> Networks``.

    Networks may draw numbers of their own (noise, dropout) from torch's default generator, by `torch.randn_like` too:
    the engine seeds it and lays a network out alike in training, in its average and when it is loaded from a package,
    so that one seed gives the same samples on the same device.

    Args:
        sizes: Image sizes (pixels; of both sides) that it can be built for; empty for any.
        square: Whether images must be as wide as high. Where it is False each side is held to `sizes` by itself.
        channels: Channel counts likewise.
        modalities: Kinds of data that it generates.
        conditional: Whether it takes labels. Unless the run is conditional the factory gets ``num_classes=0`` and
            the networks ``labels=None``.
        recommended: Settings by key that suit it (``{"loss": "bce", "optim.g.lr": 2e-4, "train.batch": 64}``; keys:
            loss, reg, aug, optim.*, train.*), over the core's defaults and under everything that a user says.
        examples: Data that the conformance kit builds it for, where sizes, channels and modalities do not say enough.
        input_multiple: Where the generator takes labels that are images or sounds of other sizes than the one it was
            built for: what each side must be a multiple of (1: any size); or a callable from options to that. 0 where
            it takes no others.
        untrained: Patterns (``"generator.noise_*"``) of parameters that a loss's gradient may not reach.
        imports: Formats of other projects' weights that `ganzoo import` can read for this architecture. Each name of a
            format maps to ``"package.module:callable"``, called as ``(weights: dict[str, Tensor]) ->
            ImportedGenerator``. It gets all tensors of the file, with nested names joined by dots, and raises
            UsageError where they are not of its format. A format with the name of a Python package may hold objects of
            that package's classes; they are skipped.
    """

    kind: ClassVar[str] = "architecture"

    sizes: tuple[int, ...] = ()
    square: bool = True
    channels: tuple[int, ...] = ()
    modalities: tuple[Modality, ...] = ("image",)
    conditional: Literal["never", "optional", "always"] = "never"
    recommended: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[DataInfo, ...] = ()
    input_multiple: int | Callable[[Any], int] = 0
    untrained: tuple[str, ...] = ()
    imports: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callables(self, *self.imports.values())
        for name in self.imports:
            if not NAME.fullmatch(name):
                raise ValueError(f"architecture {self.name!r}: format {name!r} is not lower-case words and hyphens")
        check_recommended(self, self.recommended, "loss", "reg", "aug", "optim", "train")


@dataclass(frozen=True, kw_only=True)
class Loss(Built):
    """An adversarial loss: ``factory(options, data) -> LossFunction``. It sees logits and nothing else.

    Args:
        pairs: The generator's term reads real logits as well (relativistic losses); else its `real` is None.
        batch_coupled: A sample's term depends on the rest of the batch (relativistic average): logits are gathered
            over ranks, gradient accumulation is refused.
        recommended: Settings by key with which it trains, for any architecture (``{"reg": "wgan-gp"}``; keys: reg, aug,
            optim.*, train.*), over what the architecture recommends, unless that recommends this very loss: then the
            architecture knows better. ``arch.*`` as well: such a key counts where the architecture in use has that
            option and takes that value (``{"arch.norm_d": "spectral"}``), and says nothing elsewhere.
    """

    kind: ClassVar[str] = "loss"

    pairs: bool = False
    batch_coupled: bool = False
    recommended: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_recommended(self, self.recommended, "arch", "reg", "aug", "optim", "train")


@dataclass(frozen=True, kw_only=True)
class Dataset(Built):
    """Where real samples come from: ``factory(options)`` -> an object with ``info: DataInfo`` and one of:

    - ``data``: array-like ``[N, ...]`` (uint8 images ``[N, C, H, W]``, or float) with ``labels`` ``[N, ...]`` or None;
    - ``sample(generator, n) -> (data, labels)``: an endless source that draws from the given CPU `torch.Generator`;
    - ``items() -> list[Item]``: samples that must be decoded: the core decodes them once, in parallel, into a packed
      store that later starts read at memory speed. Broken ones are named and skipped, or an error where the object
      says ``strict = True``. A label that is an array is the item's `target`.

    Where it has ``condition(real, generator) -> labels``, labels are not stored but made of each batch, on the device:
    a spectrogram of a crop, a random degradation, the real itself. It gets samples ``[n, *shape]`` as networks take
    them and returns float32 ``[n, *label_shape]`` (or int64 ``[n]``), draws from the generator alone, which lies on
    the samples' device, and may be an `nn.Module`, which is moved there.

    Args:
        info: What the data is, where that is known unopened: a `DataInfo`, or a callable from options to one.
        show: ``"package.module:callable"``, ``(samples: float array [N, *shape], info) -> {file name: bytes}``: samples
            as files that a person opens: a picture (``.png``), text (``.txt``, ``.csv``), a sound (``.wav``). The first
            of each suffix is what a run's grids, the model card and ``ganzoo sample --out X.suffix`` show; runs and
            packages keep a picture of another format as ``.png``. Images need none: they are laid out in a grid.
        num_shown: How many samples `show` is given: 64 of what is taken in one by one, more of what makes a cloud.
        read: ``"package.module:callable"``, ``(path: str, info) -> array``: a file as an input of a model whose labels
            are arrays, for ``ganzoo apply``: in the form of one label, of any length or size. Images and arrays
            (``.npy``, ``.npz``) need none.
        examples: ``"package.module:callable"``, ``(folder: pathlib.Path) -> mapping``: writes a small dataset into an
            empty folder and returns the options, by name, that open it; for a dataset that needs files of its user.
        default: Whether this dataset is taken where none is given.
        path_option: The option that takes a path, where ``--dataset PATH`` means this dataset; made absolute.
        path_suffixes: Of the paths that are meant (``(".csv",)``); empty for all that no other dataset's are.
        license: Of the data, for the model card: ``"cc-by-4.0"``, as the Hub names it, or in words.
        hub: Its identifier on the Hugging Face Hub, where it has one.
    """

    kind: ClassVar[str] = "dataset"

    info: DataInfo | Callable[[Any], DataInfo] | None = None
    show: str = ""
    num_shown: int = 64
    read: str = ""
    examples: str = ""
    default: bool = False
    path_option: str = ""
    path_suffixes: tuple[str, ...] = ()
    license: str = ""
    hub: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callables(self, self.show, self.read, self.examples)
        if self.num_shown < 1:
            raise ValueError(f"dataset {self.name!r}: num_shown={self.num_shown} is not positive")


@dataclass(frozen=True, kw_only=True)
class Regularizer(Built):
    """A term that sees more than logits: ``factory(options, data)`` -> an object with any of:

    - ``prepare(networks)``: called once, before training, and wherever D is built again: it may change D's structure
      (spectral normalisation), never G's;
    - ``discriminator(step: Step) -> scalar`` and ``generator(step: Step) -> scalar``: added to that network's loss;
    - ``after_step(networks)``: after each of D's optimizer steps.

    The core adds the option ``interval`` to those of every regularizer: its term is taken every so many updates and
    weighted by that number. A term is measured under its name and its network's: ``reg.r1/d``.

    A term of G that needs what D answers besides logits (``needs=("features",)``, ``class-logits`` or ``embedding``)
    begins with G's adversarial term, at ``train.adversarial_start``.

    A network that it uses and does not train is kept in `ganzoo.layers.Frozen`; an installed extractor is asked for by
    name, `ganzoo.layers.extractor`.

    Args:
        input_gradients: Whether it differentiates D's answers with respect to its input, so that `Step.real` and
            `Step.fake` must require grad in D's update; or a callable from options to that.
        reals: Whether its term for G reads real samples, or D's answers to them. Where labels are images, the real
            sample in a row is the one that the row's label belongs to.
        learns: The network, ``generator`` or ``discriminator``, whose optimizer trains its parameters as well; it is an
            `nn.Module` then. Empty where it has none.
        modalities: Kinds of data that it can be used on; empty for all.
    """

    kind: ClassVar[str] = "regularizer"

    input_gradients: bool | Callable[[Any], bool] = False
    reals: bool = False
    learns: Literal["", "generator", "discriminator"] = ""
    modalities: tuple[Modality, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "options", add_interval(self.options))


@dataclass(frozen=True, kw_only=True)
class Augmentation(Built):
    """``factory(options, data)`` -> a differentiable callable on batches of real and of fake samples, in both updates.

    It is the identity at ``p=0``. Where it adapts it has ``update(real_logits)``, called after D's update with the
    total batch's logits. Random numbers come from torch's default generator of the device.

    Args:
        moves_pixels: Whether it moves what an image shows (mirrors, shifts, cuts out), or a callable from options to
            that. Where the labels are images, it is then called as ``augmentation(samples, labels)`` and returns both,
            moved alike; colours of labels stay. Labels may be of another size and number of channels.
        modalities: Kinds of data that it can be used on; empty for all.
    """

    kind: ClassVar[str] = "augmentation"

    moves_pixels: bool | Callable[[Any], bool] = False
    modalities: tuple[Modality, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Metric(Built):
    """A number that says how good samples are: ``factory(options, data)`` -> an object with these methods:

    - ``reset()``: forget all samples;
    - ``real(batch)`` and ``fake(batch)``: take real and generated samples, in any order;
    - ``compute() -> dict[str, float]``: the values by key.

    `data` is the `DataInfo` of the real samples, with their labels also where the networks do not see these. What a
    batch is, `reads` says; all is on the device. `docs/metrics.md` shows one of each.

    Args:
        reads: ``samples``: float ``[n, ...]`` in the data's range. ``features``: what the extractor says of them, a
            dict of float tensors, ``features`` ``[n, F]`` and what else it gives. ``statistics``: one
            `ganzoo.evaluate.statistics.Statistics` of all features; ``real`` and ``fake`` are called once.
        extractor: Name of the extractor that it reads where nobody sets ``metric.NAME.extractor``; empty where somebody
            must.
        better: By each key of ``compute``, whether a ``lower`` or a ``higher`` value is better, or ``neither``. A
            pattern (``tv/*``) stands for keys that follow from the data.
        pairs: It has ``pair(real, fake, labels)`` in place of ``real`` and ``fake``: each generated sample is made from
            the label of the real one in its row. Only models that take labels can be measured.
        labels: It is called as ``real(batch, labels)`` and ``fake(batch, labels)``, labels being those that the
            generated samples were made from. Only models that take labels can be measured.
        modalities: Kinds of data that it measures; empty for all.
        examples: Data that the conformance kit tries it on, where shapes and modalities do not say enough.
    """

    kind: ClassVar[str] = "metric"

    reads: Literal["samples", "features", "statistics"] = "samples"
    extractor: str = ""
    better: Mapping[str, str] = field(default_factory=dict)
    pairs: bool = False
    labels: bool = False
    modalities: tuple[Modality, ...] = ()
    examples: tuple[DataInfo, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reads == "samples" and self.extractor:
            raise ValueError(f"metric {self.name!r} reads samples, so it has no extractor")
        if self.reads != "samples" and "extractor" in list_options(self.options):
            raise ValueError(f"metric {self.name!r}: ganzoo has an option 'extractor' of its own: name yours otherwise")
        if (self.pairs and self.labels) or (self.reads == "statistics" and (self.pairs or self.labels)):
            raise ValueError(f"metric {self.name!r}: one of pairs and labels, neither with reads='statistics'")
        for key, way in self.better.items():
            if way not in ("lower", "higher", "neither"):
                raise ValueError(f"metric {self.name!r}: better[{key!r}]={way!r} is not lower, higher or neither")


def get_direction(key: str, better: Mapping[str, str]) -> str:
    """Return what `Metric.better` says of a key: ``lower``, ``higher`` or ``neither``; '' where it says nothing."""
    fitting = (way for pattern, way in better.items() if fnmatchcase(key, pattern))
    return better[key] if key in better else next(fitting, "")


@dataclass(frozen=True, kw_only=True)
class Extractor(Built):
    """Features for metrics: ``factory(options, data)`` -> a callable from samples to a dict of float tensors.

    Samples are float ``[n, ...]`` in the data's range, on the device. The dict holds ``features`` ``[n, F]`` and, where
    the extractor classifies, ``probabilities`` ``[n, K]`` (its spec says ``provides=("probabilities",)``). A sample's
    features depend on that sample alone. An extractor with weights is a `torch.nn.Module`: it is moved to the device,
    put into eval mode and called without gradients; its weights are part of a value's fingerprint.

    One that is trained on the data has ``prepare(real)``, called once before its first use, in train mode, with
    gradients and with torch's default generators at a fixed seed. ``len(real)`` is the number of real samples;
    ``real[index]``, with an int64 tensor ``[n]``, returns ``(samples [n, ...], labels [n, ...] or None)``. What a
    module learns there is kept by its ``state_dict``, which later runs on the same data load in place of a call.

    Args:
        modalities: Kinds of data that it takes; empty for all.
        examples: Data that the conformance kit tries it on, where shapes and modalities do not say enough.
    """

    kind: ClassVar[str] = "extractor"

    modalities: tuple[Modality, ...] = ()
    examples: tuple[DataInfo, ...] = ()


SPECS: tuple[type[Component], ...] = (
    Architecture, Loss, Dataset, Regularizer, Augmentation, Metric, Extractor, Tracker, Diagnosis, Exporter,
    Recipe, Model, Command,
)  # fmt: skip
KINDS: tuple[str, ...] = tuple(spec.kind for spec in SPECS)
