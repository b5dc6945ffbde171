"""Data classes of the contracts: datasets, exact values, runs and verdicts. See `ganzoo.plugin`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from torch import Tensor

Modality = Literal["image", "points", "audio", "text", "tabular"]
Dtype = Literal["uint8", "int16", "float32"]  # in which samples are stored


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """A description of a dataset's samples, and therefore of the samples that an architecture generates.

    Args:
        shape: The shape of one sample: ``(C, H, W)`` for images of any width and height, ``(D,)`` for points and
            tables, ``(C, T)`` for audio, ``(V, L)`` for text.
        dtype: The dtype in which samples are stored. The networks see ``uint8`` and ``int16`` as floats in [-1, 1]
            (``x / 127.5 - 1`` and ``x / 32768``), and ``float32`` unchanged. `Dataset.items` must have this dtype;
            arrays and draws may be float32 in any case.
        num_classes: The number of classes; integer labels are 0 to ``num_classes - 1``. 0 if there are no such labels.
        num_items: The number of samples; None for an endless source.
        modality: The kind of data.
        label_shape: The shape of one label, if labels are arrays: ``(D,)`` for attributes, ``(C, H, W)`` for an image
            to translate, ``(M, T)`` for a spectrogram. Empty for integer labels and for data without labels.
        label_dtype: The dtype in which labels that are arrays are stored; they are scaled as samples are.
        meta: JSON that is stored with the model (vocabulary, columns, sample rate). It is converted to JSON and back,
            so tuples become lists. ``classes`` are the names of the classes, in their order, by which a user may ask
            for samples. ``class_shares`` are their shares of the samples, if samples that nobody chose classes for
            shall have these; otherwise all classes take turns. If the samples are rows of a table, ``columns`` is a
            list of mappings with the ``name`` of each column; the class of a category is named ``COLUMN=CATEGORY``.
    """

    shape: tuple[int, ...]
    dtype: Dtype = "uint8"
    num_classes: int = 0
    num_items: int | None = None
    modality: Modality = "image"
    label_shape: tuple[int, ...] = ()
    label_dtype: Dtype = "float32"
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("shape", "label_shape"):
            if not all(isinstance(side, int) and side > 0 for side in getattr(self, name)):
                raise ValueError(f"DataInfo: {name}={getattr(self, name)!r} is not a tuple of sizes")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("dtype", "label_dtype"):
            if getattr(self, name) not in get_args(Dtype):
                raise ValueError(f"DataInfo: {name}={getattr(self, name)!r} is not one of {', '.join(get_args(Dtype))}")
        if len(self.shape) != (sides := {"image": 3, "audio": 2, "text": 2}.get(self.modality, 1)):
            raise ValueError(f"DataInfo: {self.modality} has {sides} sides, shape={self.shape} has {len(self.shape)}")
        try:  # an error now is better than one when the first package is written
            object.__setattr__(self, "meta", json.loads(json.dumps(dict(self.meta), allow_nan=False)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"DataInfo: meta is not JSON ({error}): use text, numbers, lists and mappings") from None

    @property
    def labelled(self) -> bool:
        """Whether samples have labels, either classes or arrays."""
        return self.num_classes > 0 or bool(self.label_shape)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, ``meta["classes"]``; empty if they have no names."""
        names = self.meta.get("classes")
        if not isinstance(names, list) or len(names) != self.num_classes:
            return ()
        return tuple(names) if all(isinstance(name, str) for name in names) else ()

    @property
    def class_shares(self) -> tuple[float, ...]:
        """The shares of the classes, ``meta["class_shares"]``; empty if all classes take turns."""
        shares = self.meta.get("class_shares")
        if not isinstance(shares, list) or len(shares) != self.num_classes:
            return ()
        fine = all(isinstance(share, (int, float)) and 0 <= share < float("inf") for share in shares)
        return tuple(map(float, shares)) if fine and sum(shares) > 0 else ()

    @property
    def labels_are_images(self) -> bool:
        """Whether a label is an image ``(C, H, W)``, so that mirroring or moving a sample also moves its label."""
        return self.modality == "image" and len(self.label_shape) == 3

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return asdict(self) | {"shape": list(self.shape), "label_shape": list(self.label_shape)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DataInfo:
        """Return the `DataInfo` of JSON that `to_json` returned."""
        tuples = {"shape": tuple(values["shape"]), "label_shape": tuple(values.get("label_shape", ()))}
        return cls(**{**values, **tuples})


@dataclass(frozen=True, kw_only=True)
class Item:
    """One sample that must be decoded.

    Args:
        name: The name of the sample in messages, such as its path inside the folder.
        load: A function without arguments that decodes the sample and returns an array of the dataset's shape and
            dtype. Floats must be finite, and within [-1, 1] for images. It may raise any exception if the file is
            broken.
        label: The class of the sample, if the dataset has classes.
        stamp: Text that changes when the content of the sample or of its target changes, such as size and modification
            time.
        target: A function without arguments that decodes the label, if labels are arrays, and returns an array of
            `label_shape` and `label_dtype`; the rules of `load` apply. The label is packed with the sample.
        original: A function without arguments that returns what is known of the sample's file before it is cropped and
            resized, as `ganzoo.plugin.describe_image` does, for ``ganzoo data check``; None if nothing is known.
    """

    name: str
    load: Callable[[], np.ndarray[Any, Any]]
    label: int | None = None
    stamp: str = ""
    target: Callable[[], np.ndarray[Any, Any]] | None = None
    original: Callable[[], Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """Inputs and the exact values that a component must give for them in the conformance kit (`Built.cases`).

    Args:
        name: A few words that say what the case shows.
        options: The options of the component that differ from the defaults.
        seed: The seed of all random numbers: weights, latents, samples.
        given: The inputs by name; see the list of kinds below.
        expected: The expected values by name; see the list of kinds below.
        tolerance: The largest difference that is accepted. It is relative to the expected value if that is above 1.

    - Loss: given logits ``real`` and ``fake``, tensors ``[N, P]``; expected ``discriminator`` and ``generator``.
    - Regularizer: given samples ``real`` and ``fake`` ``[N, ...]`` and ``network``, a module that is used as D; if the
      term calls G, also ``generator``, a module, and its latents ``z`` ``[N, latent_dim]``, instead of the samples
      `fake`; expected ``discriminator`` and ``generator``, the terms, and ``logits``, the sum of D's logits of `real`
      in eval mode, after `prepare` and one `after_step`. The parameters of the averaged generator are 0.9 of G's. Also
      ``labels``, classes ``[N]`` of which there are as many as the largest and one more, or arrays of floats
      ``[N, ...]``; ``latent``, as in `Networks`;
      and ``weights``, all parameters and buffers of the regularizer itself, by name.
    - Metric: given ``real`` and ``fake``, samples ``[N, ...]`` or features ``[N, F]``, whichever the metric reads;
      ``labels`` and ``held_out`` if it takes them, and ``data``, a `DataInfo`, if it depends on it; expected the keys
      of the metric. A metric of paths gets ``real`` as `start` and ``fake`` as `end`, half of the way further.
    - Architecture: given ``data``, a `DataInfo`; expected ``generator`` and ``discriminator``, the numbers of
      parameters, ``samples``, the sum of two samples in eval mode, and ``logits``, the sum of D's logits of them.
    - Augmentation: given ``samples`` ``[N, ...]`` and, if it mixes fakes in, the generated samples ``fake``; expected
      ``sum``, of all numbers of the result, and ``value``, the number of the result at ``indices``, a tuple.
    - Dataset: given ``index`` of a sample and ``indices``, a tuple of indices into the sample; expected ``value``, the
      number there as the networks see it, and ``label``. For an endless source, the sample is the last one of a draw
      of ``index + 1`` samples.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class ImportedGenerator:
    """A generator that another project trained, described for one of ganzoo's architectures (`Architecture.imports`).

    Args:
        options: The options of the architecture that follow from the weights. The user may set the others; without
            that they have their defaults.
        data: A description of the samples that it generates.
        weights: The tensors of the generator, by their names in the ``state_dict`` of ganzoo's generator.
        notice: What is known of the licence of such files, a sentence without its full stop for the model card; empty
            if nothing is known.
    """

    options: Mapping[str, Any]
    data: DataInfo
    weights: Mapping[str, Tensor]
    notice: str = ""


class RunView(Protocol):
    """The part of a run that a tracker may use (`Tracker`). The real object may have more attributes."""

    @property
    def path(self) -> Path:
        """The run's directory. The tracker may write files with names of its own there."""

    @property
    def images(self) -> int:
        """The number of images seen at the last checkpoint; 0 for a new run."""

    @property
    def length(self) -> int:
        """The number of images that the run sees in all (``train.images``)."""

    def recipe(self) -> dict[str, Any]:
        """Return the frozen recipe as JSON, as in ``recipe.json``."""

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return one row for each tick, oldest first: the measured values by name, with ``images``."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A problem of a run that a diagnosis found (`Diagnosis`).

    Args:
        code: A name for the problem: up to four lower-case words joined by hyphens, such as ``d-too-strong``.
        severity: ``info`` if nothing is wrong yet, ``warn`` if the run may still recover, ``stop`` if it is a waste of
            time to continue.
        words: One sentence that names the problem, with the numbers that show it.
        since: The number of images seen when the problem began.
        evidence: The numbers of the sentence by name.
        advice: The settings to type for the next run, the most helpful first: ``reg.r1.gamma=4``, ``--aug ada``.
    """

    code: str
    severity: Literal["info", "warn", "stop"] = "warn"
    words: str
    since: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)
    advice: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){0,3}", self.code):
            raise ValueError(f"Verdict: code={self.code!r} is not up to four lower-case words joined by hyphens")
        if self.severity not in ("info", "warn", "stop"):
            raise ValueError(f"Verdict: severity={self.severity!r} is not 'info', 'warn' or 'stop'")
        if not self.words or "\n" in self.words:
            raise ValueError(f"Verdict {self.code!r} needs words of one line")
