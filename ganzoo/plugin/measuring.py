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
        extractor: The name of the extractor that it reads by default; empty for the installed one with the highest
            `Extractor.rank` that fits. ``metric.NAME.extractor`` chooses another one.
        better: For each key of ``compute``, whether a ``lower`` or a ``higher`` value is better, or ``neither``. A
            pattern (``tv/*``) covers keys that depend on the data.
        distances: Keys, or patterns of keys, whose values are distances: above 0 even between samples of one
            distribution. They are shown in multiples of the distance of other real samples (the floor).
        standardised: Keys, or patterns of keys, whose values are in standard deviations already. They are shown without
            an interval.
        default: Whether it is measured where the user names no metric. Default metrics that read samples are measured
            only where no default metric finds an extractor for the data.
        pairs: Whether it has ``pair(real, fake, labels)`` instead of ``real`` and ``fake``. Each generated sample is
            made from the label of the real sample in its row. It can measure only models that take labels.
        paths: Whether it has ``path(start, end, step)`` instead of ``real`` and ``fake``: generated samples, and those
            of latents that lie a share `step` of the way further, towards other latents. The way is straight between
            styles if the generator has them. It measures generators, not samples of other programs.
        standard_num: The number of generated samples with which its values are published; 0 if there is none. With any
            other number, each key of ``compute`` ends with that number, ``fid-10k``: so `better` needs patterns
            (``fid*``).
        whole: Whether ``real`` gets the statistics of all samples that are trained on, not only of as many as are
            generated. There may then be more generated samples than real ones, and values have no floor.
        held_out: Whether it also has ``held_out(batch)``, which adds real samples that are not trained on
            (``dataset.holdout``), as ``real`` adds those that are. It is called if there are any; they also give the
            floor then.
        instead: What to type to measure something similar if its extractor cannot be built, because a package or a file
            of weights is missing: ``"--metric frechet"``. Empty if there is nothing.
        labels: Whether it is called as ``real(batch, labels)`` and ``fake(batch, labels)``, with the labels that the
            generated samples were made from. It can measure only models that take labels.
        modalities: The kinds of data that it measures; empty for all.
        examples: The data that the conformance kit tries it on, if shapes and modalities do not say enough.
    """

    kind: ClassVar[str] = "metric"

    reads: Literal["samples", "features", "statistics"] = "samples"
    extractor: str = ""
    better: Mapping[str, str] = field(default_factory=dict)
    distances: tuple[str, ...] = ()
    standardised: tuple[str, ...] = ()
    default: bool = False
    pairs: bool = False
    paths: bool = False
    labels: bool = False
    standard_num: int = 0
    whole: bool = False
    held_out: bool = False
    instead: str = ""
    modalities: tuple[Modality, ...] = ()
    examples: tuple[DataInfo, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reads == "samples" and self.extractor:
            raise ValueError(f"metric {self.name!r} reads samples, so it has no extractor")
        if self.reads != "samples" and "extractor" in list_options(self.options):
            raise ValueError(f"metric {self.name!r}: ganzoo adds an option 'extractor': give yours another name")
        if self.pairs + self.paths + self.labels + (self.reads == "statistics") > 1:
            raise ValueError(f"metric {self.name!r}: use one of pairs, paths, labels and reads='statistics'")
        if self.whole and self.reads != "statistics":
            raise ValueError(f"metric {self.name!r}: a whole dataset has statistics: add reads='statistics'")
        if self.held_out and (self.reads == "statistics" or not self.compares_sets):
            raise ValueError(f"metric {self.name!r}: held_out is for metrics of sets that read samples or features")
        for key, way in self.better.items():
            if way not in ("lower", "higher", "neither"):
                raise ValueError(f"metric {self.name!r}: better[{key!r}]={way!r} is not lower, higher or neither")
        for key in self.distances:
            if get_direction(key, self.better) != "lower":
                raise ValueError(f"metric {self.name!r}: {key!r} is a distance: add better={{{key!r}: 'lower'}}")
        if self.default and not self.compares_sets:
            raise ValueError(f"metric {self.name!r}: a metric of pairs, paths or labels cannot be measured by default")

    @property
    def compares_sets(self) -> bool:
        """Whether it compares any two sets of samples, and needs no pairs, paths or labels."""
        return not (self.pairs or self.paths or self.labels)

    def name_key(self, key: str, num: int) -> str:
        """Return the name of a value: its key, and the number of generated samples if it is not the standard one."""
        if not self.standard_num or num == self.standard_num:
            return key
        return f"{key}-{num}" if num % 1000 else f"{key}-{num // 1000}k"


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

    A network may also have ``maps(samples)``, which returns a list of its maps ``[n, C, h, w]`` at several depths.
    Terms that compare images place by place read them (`ganzoo.layers.perceptual_distance`).

    Args:
        rank: Its place among the extractors that metrics read where the user names none. The one with the highest rank
            is taken of those that are installed and take the data. 0 if it must be named.
        resize: How it changes the size of samples before it computes, in words, as a part of a value's fingerprint:
            ``"bicubic with antialiasing to 128x128"``. Empty if it does not.
        modalities: The kinds of data that it takes; empty for all.
        examples: The data that the conformance kit tries it on, if shapes and modalities do not say enough.
    """

    kind: ClassVar[str] = "extractor"

    rank: int = 0
    resize: str = ""
    modalities: tuple[Modality, ...] = ()
    examples: tuple[DataInfo, ...] = ()
