"""Extractors at work: each sample goes through a network once, whatever number of metrics reads its features."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Set
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.digest import hash_network
from ganzoo.compute.streams import seeded
from ganzoo.evaluate.cache import Tensors, load_or_compute
from ganzoo.evaluate.reals import BATCH, RealSamples, TrainingSet
from ganzoo.evaluate.statistics import Statistics
from ganzoo.recipe.recipe import Choice
from ganzoo.registry.installed import import_object


class Extraction:
    """An extractor, and what it makes of the real samples: computed at most once, and kept in the cache.

    The extractor is built, and trained where it is to be, with torch's default generators at one seed, so that its
    features mean the same everywhere. A module is put into eval mode; none of its weights requires grad.

    Args:
        choice: The extractor and its options.
        reals: The real samples.
        notify: Gets a line where the cache cannot be written.

    Raises:
        GanzooError: It could not be built.
    """

    def __init__(self, choice: Choice, reals: RealSamples, notify: Callable[[str], None]) -> None:
        self.choice, self.reals, self.notify = choice, reals, notify
        with seeded(0, reals.device):
            built = choice.build(reals.info)
        self.wanted: Set[str] = frozenset()
        self.fake_statistics = Statistics()
        self._built = built.to(reals.device) if isinstance(built, nn.Module) else built

    def begin(self, wanted: Set[str]) -> None:
        """Make ready what metrics want of the real samples: ``features``, ``statistics`` or both; forget the others."""
        if "features" in wanted:
            self.real_features  # noqa: B018  before the statistics, which are summed from them then
        if "statistics" in wanted:
            self.real_statistics  # noqa: B018
        self.wanted, self.fake_statistics = wanted, Statistics()

    def extract_both(self, start: int, fake: Tensor) -> tuple[Tensors, Tensors]:
        """Return what the extractor says of the real samples from `start` on, and of generated ones ``[n, *shape]``."""
        found = self(fake)
        if "statistics" in self.wanted:
            self.fake_statistics.add(found["features"])
        return (self.real_batch(start, len(fake)) if "features" in self.wanted else {}), found

    def __call__(self, samples: Tensor) -> dict[str, Tensor]:
        """Return what the extractor says of samples ``[n, *shape]``: ``features`` ``[n, F]`` and what else there is."""
        with seeded(0, self.reals.device):
            found = self.extractor(samples)
        if not isinstance(found, Mapping) or "features" not in found:
            raise TypeError(f"extractor {self.choice.name!r} returned {type(found).__name__}, not {{'features': ...}}")
        for name, tensor in found.items():
            if not isinstance(tensor, Tensor) or len(tensor) != len(samples) or tensor.dim() != 2:
                shape = list(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
                raise TypeError(
                    f"extractor {self.choice.name!r} made {name} {shape} of {len(samples)} samples, "
                    f"not [{len(samples)}, F]"
                )
        return dict(found)

    @cached_property
    def extractor(self) -> Any:
        """The extractor, trained where it is to be, in eval mode."""
        extractor = self._built
        if isinstance(extractor, nn.Module):
            if hasattr(extractor, "prepare"):
                real = TrainingSet(self.reals.source, self.reals.device)
                depends_on = {**self._identity, "data": real.digest(), "what": "weights"}
                extractor.load_state_dict(
                    load_or_compute(depends_on, partial(_train_extractor, extractor, real), self.notify)
                )
            extractor.eval().requires_grad_(False)
        return extractor

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights, in hexadecimal; empty where the extractor is not a module."""
        return hash_network(self.extractor) if isinstance(self.extractor, nn.Module) else ""

    # ------------------------------------------------------------------------
    # Of the real samples.

    @cached_property
    def real_features(self) -> Tensors:
        """All that the extractor says of the real samples, by name, ``[num, F]`` on the CPU."""

        def compute() -> Tensors:
            batches = [self(samples) for samples, _ in self.reals.batches()]
            return {name: torch.cat([batch[name].cpu() for batch in batches]) for name in batches[0]}

        return load_or_compute({**self._side, "what": "features"}, compute, self.notify)

    @cached_property
    def real_statistics(self) -> Statistics:
        """Statistics of the real samples' features; from `real_features` where these are there."""

        def compute() -> Tensors:
            statistics = Statistics()
            for features in self._real_batches():
                statistics.add(features.to(self.reals.device))
            return statistics.to_tensors()

        found = load_or_compute({**self._side, "what": "statistics"}, compute, self.notify)
        return Statistics.from_tensors({name: tensor.to(self.reals.device) for name, tensor in found.items()})

    def real_batch(self, start: int, num: int) -> Tensors:
        """Return what the extractor says of some of the real samples, on the device."""
        return {name: rows[start : start + num].to(self.reals.device) for name, rows in self.real_features.items()}

    def _real_batches(self) -> Iterator[Tensor]:
        if "real_features" in vars(self):
            yield from torch.split(self.real_features["features"], BATCH)
        else:
            yield from (self(samples)["features"] for samples, _ in self.reals.batches())

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """All that says which extractor it is, where and by which code it computes."""
        path = inspect.getsourcefile(inspect.unwrap(import_object(self.choice.spec.factory)))
        code = hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
        return {
            "extractor": self.choice.to_json(), "data_info": self.reals.info.to_json(), "code": code,
            "device": self.reals.device.type, "torch": torch.__version__,
        }  # fmt: skip

    @cached_property
    def _side(self) -> dict[str, Any]:
        return {**self._identity, "weights": self.weights, "reals": self.reals.digest()}


def _train_extractor(extractor: Any, real: TrainingSet) -> Tensors:
    """Have an extractor trained on the data, and return its weights."""
    with torch.enable_grad(), seeded(0, real.device):
        extractor.train()
        extractor.prepare(real)
    return {name: tensor.clone() for name, tensor in extractor.state_dict().items()}
