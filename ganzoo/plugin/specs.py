"""Specs of components that take part in training: one class for each kind. See `ganzoo.plugin`.

The docstring of a spec is the contract of its runtime object. All specs are frozen and keyword-only; an invalid spec
raises ValueError. `ganzoo.plugin.measuring` and `ganzoo.plugin.around` have the other kinds of specs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ganzoo.plugin.around import Command, Diagnosis, Exporter, Model, Recipe, Tracker
from ganzoo.plugin.component import NAME, Built, Component, check_callables, check_recommended
from ganzoo.plugin.contracts import DataInfo, Modality
from ganzoo.plugin.measuring import Extractor, Metric
from ganzoo.plugin.options import add_dataset_options, add_interval


@dataclass(frozen=True, kw_only=True)
class Architecture(Built):
    """A generator and a discriminator: ``factory(options, data: DataInfo) -> Networks``.

    The networks may draw random numbers (noise, dropout) from torch's default generator, also by `torch.randn_like`.
    The engine seeds it, and a network has the same memory layout in training, as average and when it is loaded from a
    package. Therefore one seed gives the same samples on the same device.

    Args:
        sizes: The image sizes that it can be built for, in pixels; empty for any size. Both sides must be in `sizes`.
        square: Whether it takes square images only.
        channels: The numbers of channels that it can be built for; empty for any number.
        modalities: The kinds of data that it generates.
        conditional: Whether it takes labels. If the run is not conditional, the factory gets ``num_classes=0`` and the
            networks get ``labels=None``.
        recommended: The settings that suit it, by key: ``{"loss": "bce", "optim.g.lr": 2e-4, "train.batch": 64}``.
            Allowed keys are loss, reg, aug, optim.* and train.*. They override the core's defaults; every setting of
            the user overrides them.
        examples: The data that the conformance kit builds it for, if sizes, channels and modalities do not say enough.
        input_multiple: For a generator whose labels are images or sounds: the number of which each side of a label of
            another size must be a multiple (1 for any size), or a callable from the options to that number. 0 if it
            takes only labels of the size that it was built for.
        untrained: Patterns of parameters that a loss's gradient may not reach, such as ``"generator.noise_*"``.
        settle: The path of a callable ``(options) -> options`` that replaces what may change later: the name of a run
            by its path, and the networks that the folder behind it has by options that describe them. It is called when
            a run begins or goes on, and the recipe and the model package store the options that it returns.
        imports: Formats of other projects' weights that `ganzoo import` can read for this architecture. Each name of a
            format maps to ``"package.module:callable"``, called as ``(weights: dict[str, Tensor]) ->
            ImportedGenerator``. It gets all tensors of the file, with nested names joined by dots, and raises
            UsageError where they are not of its format.
        ignored_classes: Classes of which files of a format contain objects besides tensors, by the name of the format:
            the full names of classes, or what they begin with, such as ``("torchgan.",)``. These objects are ignored.
            Files with objects of other classes are refused.
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
    settle: str = ""
    imports: Mapping[str, str] = field(default_factory=dict)
    ignored_classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callables(self, self.settle, *self.imports.values())
        for name in self.imports:
            if not NAME.fullmatch(name):
                raise ValueError(f"architecture {self.name!r}: format {name!r} is not lower-case words and hyphens")
        check_recommended(self, self.recommended, "loss", "reg", "aug", "optim", "train")


@dataclass(frozen=True, kw_only=True)
class Loss(Built):
    """An adversarial loss: ``factory(options, data) -> LossFunction``. It sees logits and nothing else.

    Args:
        pairs: Whether the generator's term reads real logits too (relativistic losses). If not, its `real` is None.
        batch_coupled: Whether the term of a sample depends on the rest of the batch (relativistic average). If so,
            logits are gathered over ranks, and gradient accumulation is refused.
        recommended: The settings with which it trains any architecture, by key: ``{"reg": "wgan-gp"}``. Allowed keys
            are reg, aug, optim.*, train.* and arch.*. They override the settings that the architecture recommends,
            unless the architecture recommends this loss. A key of ``arch.*`` is used only if the architecture has that
            option and accepts the value (``{"arch.norm_d": "spectral"}``).
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
    """A source of real samples: ``factory(options)`` returns an object with ``info: DataInfo`` and one of:

    - ``data``: array-like ``[N, ...]`` (uint8 images ``[N, C, H, W]``, or floats), ``labels`` ``[N, ...]`` or None;
    - ``sample(generator, n) -> (data, labels)``: an endless source that draws from the given CPU `torch.Generator`;
    - ``items() -> list[Item]``: samples that must be decoded. The core decodes them once, in parallel, and packs them
      into a store that later runs read at memory speed. Broken items are reported and skipped, or are an error if the
      object has ``strict = True``. A label that is an array is the `target` of the item. If the object has ``notes()``,
      that returns lines for the user about what was decoded (``-> list[str]``), which are shown once.

    The core adds the options ``holdout`` and ``shard`` to every dataset; it divides the samples and packs them itself.

    If it has ``condition(real, generator) -> labels``, labels are not stored: they are computed from each batch on the
    device, such as a spectrogram of a crop, a random degradation, or the real sample itself. It gets samples
    ``[n, *shape]`` in the range of the networks and returns float32 ``[n, *label_shape]`` or int64 ``[n]``. It draws
    random numbers from `generator` alone, which is on the samples' device. If it is an `nn.Module`, it is moved there.

    If it has ``margin``, a whole number above 0, its stored samples are so much longer than those of `info` in their
    last dimension: each update reads a crop at a random place of each, and everything else reads their beginnings. The
    crops are made on the device, before labels are made of them.

    If it has ``data``, `condition` and ``resampling``, the updates of a conditional run draw samples with replacement,
    with the ``resampling.weights`` ``[N]``, and their labels by ``resampling.condition``, so that rare labels are
    trained on often enough. Metrics keep the natural frequencies, and labels by the dataset's own `condition`.

    Args:
        info: A description of the data that is known before the dataset is opened: a `DataInfo`, or a callable from
            the options to one; None if it is not known.
        image_shape: For images whose `info` is not known before the dataset is opened: a callable from the options to
            the shape ``(C, H, W)``. Then a size that the architecture does not take is refused at once.
        label_rule: What the user's data must be like to have labels, for the error if a run needs labels and there are
            none: ``"its sub-folders are classes if ..."``.
        show: The path of a callable ``(samples: float array [N, *shape], info) -> {file name: bytes}`` that shows
            samples as files: a picture (``.png``), text (``.txt``, ``.csv``), a sound (``.wav``). Runs, model cards
            and ``ganzoo sample --out X.suffix`` use the first file of each suffix; runs and packages store a picture
            of another format as ``.png``. Images need no `show`: they form a grid.
        num_shown: The number of samples that `show` gets: 64 is for samples seen one by one; a cloud needs more.
        read: The path of a callable ``(path: str, info) -> array`` that reads a file as a label of any length or size,
            for ``ganzoo apply`` with models whose labels are arrays. Images and arrays (``.npy``, ``.npz``) need none.
        examples: The path of a callable ``(folder: pathlib.Path) -> mapping`` that writes a small dataset into an empty
            folder and returns the options that open it; the conformance kit uses it if files of the user are needed.
        default: Whether it is used if the user names no dataset.
        path_option: The option that is the path of the data, if it has one. The path is made absolute, and
            ``--dataset PATH`` sets it.
        split_option: The option that chooses a split of the data (``train``, ``test``), if it has one. Then
            ``dataset.holdout=test`` holds that split out.
        opens_paths: Whether ``--dataset PATH`` may mean this dataset. Say false for a known dataset that has a name of
            its own (``--dataset mnist dataset.path=PATH``).
        path_suffixes: The suffixes of the paths that mean this dataset (``(".csv",)``); empty for all paths whose
            suffix no other dataset has.
        settle: The path of a callable ``(options) -> options`` that replaces what may change later, such as a branch
            by its commit. It is called when a run begins, and the recipe stores the options that it returns.
        license: The licence of the data, for the model card: an identifier of the Hub (``"cc-by-4.0"``) or words.
        hub: The identifier of the dataset on the Hugging Face Hub; empty if it has none.
        hub_option: The option that is the identifier of a dataset on the Hub, if it opens any of them.
    """

    kind: ClassVar[str] = "dataset"

    info: DataInfo | Callable[[Any], DataInfo] | None = None
    image_shape: Callable[[Any], tuple[int, int, int]] | None = None
    label_rule: str = ""
    show: str = ""
    num_shown: int = 64
    read: str = ""
    examples: str = ""
    default: bool = False
    path_option: str = ""
    split_option: str = ""
    opens_paths: bool = True
    path_suffixes: tuple[str, ...] = ()
    settle: str = ""
    license: str = ""
    hub: str = ""
    hub_option: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callables(self, self.show, self.read, self.examples, self.settle)
        if self.num_shown < 1:
            raise ValueError(f"dataset {self.name!r}: num_shown={self.num_shown} is not positive")
        object.__setattr__(self, "options", add_dataset_options(self.options))

    def claims(self, path: str) -> bool:
        """Return whether a path ends in one of `path_suffixes`."""
        return path.lower().endswith(self.path_suffixes)


@dataclass(frozen=True, kw_only=True)
class Regularizer(Built):
    """A term that sees more than logits: ``factory(options, data)`` returns an object with any of these methods:

    - ``prepare(networks)`` is called once before training, and whenever D is built again. It may change the structure
      of D (spectral normalisation), but not of G. A term with layers of its own makes them here if their size depends
      on D's features or on its embedding (`ganzoo.layers.measure_embedding`).
    - ``discriminator(step: Step) -> scalar`` and ``generator(step: Step) -> scalar`` return terms that are added to the
      loss of that network.
    - ``move_latents(z, judge) -> z`` moves the latents ``[N, latent_dim]`` of an update of D or of G before samples are
      made of them. ``judge(z)`` returns the sum of D's logits for the samples of latents, ``[N]``. Moved latents may
      depend on it with a graph, through which both networks then learn. One-hot codes stay as they were drawn, and
      uniform latents are clipped to [-1, 1]. In G's update it is first called at ``train.adversarial_start``. Its spec
      says ``input_gradients=True`` if it differentiates `judge`.
    - ``replace_fakes(fake) -> fake`` is called in D's update with the generated samples ``[N, *shape]``, before
      augmentation. It returns those that D sees, of the same shape and without a graph, such as earlier ones. The
      labels stay those of the update, so a D that reads labels needs samples of these.
    - ``weigh_adversarial(adversarial, others, step) -> factor`` is called in G's update with its adversarial loss,
      before ``train.adversarial_weight``, and with the sum of its other terms, both scalars with a graph that it keeps
      (``retain_graph=True``). It returns a scalar by which the adversarial loss is multiplied, and which is measured as
      ``reg.NAME/weight``. Only one regularizer of a run may have it.
    - ``after_step(networks)`` is called after each optimizer step of D.
    - ``report() -> {key: scalar}`` is called after each of its terms. The values, finite 0-dim tensors such as a
      running mean, are measured as ``reg.NAME/KEY``.

    The core adds the option ``interval`` to every regularizer: the term is computed every so many updates and weighted
    by that number. Each term is measured under its name and its network: ``reg.r1/d``.

    A term of G may need more of D's output than logits (``needs=("features",)``, ``class-logits`` or ``embedding``). It
    then starts together with G's adversarial term, at ``train.adversarial_start``.

    A network that the term uses but does not train must be wrapped in `ganzoo.layers.Frozen`. The function
    `ganzoo.layers.extractor` returns an installed extractor by name.

    Args:
        input_gradients: Whether it differentiates D's output with respect to its input, so that `Step.real` and
            `Step.fake` must require grad in D's update; or a callable from the options to that.
        reals: Whether its term for G reads real samples or D's outputs for them. If labels are images, row i of the
            real samples belongs to row i of the labels.
        learns: The network whose optimizer trains the regularizer's own parameters: ``generator`` or
            ``discriminator``. The object must be an `nn.Module` then. Empty if it has no parameters.
        classes: Whether its terms read classes as labels. It can then only be used in a conditional run on data with
            classes.
        modalities: The kinds of data that it can be used for; empty for all.
    """

    kind: ClassVar[str] = "regularizer"

    input_gradients: bool | Callable[[Any], bool] = False
    reals: bool = False
    learns: Literal["", "generator", "discriminator"] = ""
    classes: bool = False
    modalities: tuple[Modality, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "options", add_interval(self.options))


@dataclass(frozen=True, kw_only=True)
class Augmentation(Built):
    """A differentiable augmentation of D's inputs: ``factory(options, data)`` returns a callable on batches.

    It is applied to real and to fake samples, in both updates. It is the identity at ``p=0``. Random numbers come from
    torch's default generator of the device. It may also have:

    - ``update(real_logits)``, if it adapts: called after D's update with the logits of the total batch.
    - ``report() -> {key: scalar}``: values that it reports after each update of D, finite 0-dim tensors, such as a
      probability that adapts. They are measured as ``aug.NAME/KEY``.

    An augmentation that shows generated samples to D as real ones (``mixes_fakes``) is not called on batches. It has
    ``mix(real, fake) -> samples``, called in D's update before all augmentations. Both arguments are ``[N, ...]``
    without a graph. Row i of the result is made of row i of either, because it keeps the labels of that row. The fakes
    were generated for the labels of these rows, but not from the latents that D's fakes of these rows were; a generator
    without latents (``latent_dim=0``) makes the same samples again.

    Args:
        moves_pixels: Whether it moves pixels (mirrors, shifts, cuts out), or a callable from the options to that. If
            it does and labels are images, it is called as ``augmentation(samples, labels)`` and returns both, moved in
            the same way. It keeps the colours of labels, which may have another size and number of channels.
        mixes_fakes: Whether it shows generated samples to D as real ones, so that it has `mix`.
        modalities: The kinds of data that it can be used for; empty for all.
    """

    kind: ClassVar[str] = "augmentation"

    moves_pixels: bool | Callable[[Any], bool] = False
    mixes_fakes: bool = False
    modalities: tuple[Modality, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mixes_fakes and self.moves_pixels:
            raise ValueError(
                f"augmentation {self.name!r} mixes fakes, so it is not called on images whose pixels it moves"
            )


SPECS: tuple[type[Component], ...] = (
    Architecture, Loss, Dataset, Regularizer, Augmentation, Metric, Extractor, Tracker, Diagnosis, Exporter,
    Recipe, Model, Command,
)  # fmt: skip
KINDS: tuple[str, ...] = tuple(spec.kind for spec in SPECS)
