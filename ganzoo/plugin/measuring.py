"""Specs of what measures samples: metrics, and the extractors that they read. See `ganzoo.plugin`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from ganzoo.plugin.component import Built
from ganzoo.plugin.contracts import DataInfo, Modality
from ganzoo.plugin.options import list_options


@dataclass(frozen=True, kw_only=True)
class Metric(Built):
    """A measure of sample quality: ``factory(options, data)`` returns an object with these methods:

    - ``reset()`` forgets all samples;
    - ``real(batch)`` and ``fake(batch)`` add real and generated samples, in any order;
    - ``compute() -> dict[str, float]`` returns the values by key.

    `data` is the `DataInfo` of the real samples, with their labels even if the networks do not see them. `reads` says
    what a batch is; all tensors are on the device. `docs/metrics.md` shows an example of each.

    Args:
        reads: What a batch is. ``samples``: a float tensor ``[n, ...]`` in the range of the networks. ``features``: the
            output of the extractor, a dict of float tensors with ``features`` ``[n, F]``. ``statistics``: one
            `ganzoo.evaluate.statistics.Statistics` of all features; then ``real`` and ``fake`` are called once.
        extractor: The name of the extractor that it reads by default; empty if the user must set
            ``metric.NAME.extractor``.
        better: For each key of ``compute``, whether a ``lower`` or a ``higher`` value is better, or ``neither``. A
            pattern (``tv/*``) covers keys that depend on the data.
        pairs: Whether it has ``pair(real, fake, labels)`` instead of ``real`` and ``fake``. Each generated sample is
            made from the label of the real sample in its row. It can measure only models that take labels.
        labels: Whether it is called as ``real(batch, labels)`` and ``fake(batch, labels)``, with the labels that the
            generated samples were made from. It can measure only models that take labels.
        modalities: The kinds of data that it measures; empty for all.
        examples: The data that the conformance kit tries it on, if shapes and modalities do not say enough.
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
            raise ValueError(f"metric {self.name!r}: ganzoo adds an option 'extractor': give yours another name")
        if (self.pairs and self.labels) or (self.reads == "statistics" and (self.pairs or self.labels)):
            raise ValueError(f"metric {self.name!r}: use pairs or labels, and neither with reads='statistics'")
        for key, way in self.better.items():
            if way not in ("lower", "higher", "neither"):
                raise ValueError(f"metric {self.name!r}: better[{key!r}]={way!r} is not lower, higher or neither")


def get_direction(key: str, better: Mapping[str, str]) -> str:
    """Return the entry of `Metric.better` for a key: ``lower``, ``higher`` or ``neither``; empty if there is none."""
    fitting = (way for pattern, way in better.items() if fnmatchcase(key, pattern))
    return better[key] if key in better else next(fitting, "")


@dataclass(frozen=True, kw_only=True)
class Extractor(Built):
    """A feature extractor: ``factory(options, data)`` returns a callable from samples to a dict of float tensors.

    Samples are float ``[n, ...]`` in the range of the networks, on the device. The dict has ``features`` ``[n, F]``. An
    extractor that classifies also returns ``probabilities`` ``[n, K]``; its spec has ``provides=("probabilities",)``.
    The features of a sample depend on that sample alone. An extractor with weights is a `torch.nn.Module`: it is moved
    to the device, set to eval mode and called without gradients. Its weights are part of a value's fingerprint.

    An extractor that is trained on the data has ``prepare(real)``. It is called once before the first use, in train
    mode, with gradients, and with torch's default generators at a fixed seed. ``len(real)`` is the number of real
    samples; ``real[index]``, with an int64 tensor ``[n]``, returns ``(samples [n, ...], labels [n, ...] or None)``. The
    trained ``state_dict`` is stored, and later runs on the same data load it instead of calling ``prepare``.

    Args:
        modalities: The kinds of data that it takes; empty for all.
        examples: The data that the conformance kit tries it on, if shapes and modalities do not say enough.
    """

    kind: ClassVar[str] = "extractor"

    modalities: tuple[Modality, ...] = ()
    examples: tuple[DataInfo, ...] = ()
