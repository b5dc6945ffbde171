"""What crosses the contracts at run time: data, exact values, a run as others see it. See `ganzoo.plugin`."""

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
Dtype = Literal["uint8", "int16", "float32"]  # that samples are stored in


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a dataset's samples are, and so what an architecture has to generate.

    Args:
        shape: Of one sample: ``(C, H, W)`` images, ``(D,)`` points and tables, ``(C, T)`` audio, ``(V, L)`` text.
            Images may be of any width and height.
        dtype: How samples are stored: ``uint8`` and ``int16`` reach the networks as floats in [-1, 1] (divided by
            127.5, less 1; divided by 32768), ``float32`` as it is. Where `Dataset.items` are packed, they must be of
            this dtype; an array and a draw may be float32 all the same.
        num_classes: Integer labels run from 0 to this; 0 where there are none.
        num_items: How many samples there are; None for an endless source.
        modality: What kind of data it is.
        label_shape: Of one label that is an array: attributes ``(D,)``, an image to translate ``(C, H, W)``, a
            spectrogram ``(M, T)``. Empty for integer labels or none.
        label_dtype: How such labels are stored; they reach the networks as samples do.
        meta: JSON that travels with the model (vocabulary, columns, sample rate), kept as JSON gives it back: tuples
            become lists.
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
                raise ValueError(f"DataInfo: {name}={getattr(self, name)!r} is none of {', '.join(get_args(Dtype))}")
        if len(self.shape) != (sides := {"image": 3, "audio": 2, "text": 2}.get(self.modality, 1)):
            raise ValueError(f"DataInfo: {self.modality} has {sides} sides, shape={self.shape} has {len(self.shape)}")
        try:  # now, not when the first package is written; and alike before and after that
            object.__setattr__(self, "meta", json.loads(json.dumps(dict(self.meta), allow_nan=False)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"DataInfo: meta is no JSON ({error}): give text, numbers, lists and mappings") from None

    @property
    def labelled(self) -> bool:
        """Whether samples have labels."""
        return self.num_classes > 0 or bool(self.label_shape)

    @property
    def labels_are_images(self) -> bool:
        """Whether a label is an image ``(C, H, W)``: what mirrors or moves a sample moves its label alike."""
        return self.modality == "image" and len(self.label_shape) == 3

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
        load: Decodes it: ``() -> array`` of the dataset's shape and dtype; may raise anything where the file is broken.
            Floats must be finite, images of floats within [-1, 1].
        label: Its class, where the dataset has classes.
        stamp: Changes when the content does (size and modification time), that of the target included.
        target: Decodes its label where that is an array: ``() -> array`` of the `label_shape` and `label_dtype`; as
            `load` in all else. It is packed beside the sample and read back at the same speed.
    """

    name: str
    load: Callable[[], np.ndarray[Any, Any]]
    label: int | None = None
    stamp: str = ""
    target: Callable[[], np.ndarray[Any, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """An exact value, to which the conformance kit holds a component (`Built.cases`).

    Args:
        name: What it shows, in a few words.
        options: Of the component, over its defaults.
        seed: Of all that is drawn: weights, latents, samples.
        given: What it is asked about, by name; below for each kind.
        expected: The values by name, below.
        tolerance: The largest difference that is taken, relative to the value where it is above 1.

    - Loss: given logits ``real`` and ``fake``, tensors ``[N, P]``; expected ``discriminator`` and ``generator``.
    - Regularizer: given samples ``real`` and ``fake`` ``[N, ...]`` and ``network``, a module that stands for D;
      expected as of a loss.
    - Metric: given ``real`` and ``fake``, samples ``[N, ...]`` or features ``[N, F]`` as it reads, ``labels`` where it
      takes them, and ``data``, a `DataInfo`, where it matters; expected its own names.
    - Architecture: given ``data``, a `DataInfo`; expected ``generator`` and ``discriminator``, numbers of parameters,
      and ``samples`` and ``logits``, the sums of two samples in eval mode and of D's logits of them.
    - Augmentation: given ``samples`` ``[N, ...]``; expected ``sum``, of all numbers of the result, and ``value``, the
      number of the result at ``indices``, a tuple.
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
    """A generator that another project trained, as one of our architectures builds it (`Architecture.imports`).

    Args:
        options: Of the architecture, as far as the weights tell them; the others are its defaults, unless a person
            says otherwise.
        data: What it generates.
        weights: Its tensors, by the names that our generator's ``state_dict`` gives them.
    """

    options: Mapping[str, Any]
    data: DataInfo
    weights: Mapping[str, Tensor]


class RunView(Protocol):
    """A run as a tracker sees it (`Tracker`): what it may read of its directory. More may be there."""

    @property
    def path(self) -> Path:
        """Its directory, where the tracker may write files under names of its own."""

    @property
    def images(self) -> int:
        """Images seen at its last checkpoint; 0 for a new run."""

    @property
    def length(self) -> int:
        """Images that it is to see in all."""

    def recipe(self) -> dict[str, Any]:
        """Return the frozen recipe as JSON, as ``recipe.json`` holds it."""

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return what was measured by name, ``images`` among it, for each tick; oldest first."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a diagnosis finds wrong with a run (`Diagnosis`).

    Args:
        code: What is wrong, in two to four lower-case words joined by hyphens: ``d-wins``.
        severity: ``warn`` where it may still come right, ``stop`` where going on is a waste of time.
        words: One sentence that says what is wrong, with the numbers that show it.
        since: Images seen when it began.
        evidence: Those numbers by name.
        advice: What to type for the next run, what helps most first: ``reg.r1.gamma=4``, ``--aug ada``.
    """

    code: str
    severity: Literal["warn", "stop"] = "warn"
    words: str
    since: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)
    advice: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){0,3}", self.code):
            raise ValueError(f"Verdict: code={self.code!r} is not up to four lower-case words joined by hyphens")
        if self.severity not in ("warn", "stop"):
            raise ValueError(f"Verdict: severity={self.severity!r} is neither 'warn' nor 'stop'")
        if not self.words or "\n" in self.words:
            raise ValueError(f"Verdict {self.code!r} needs words of one line")
