"""Running extractors: each sample passes a network once, however many metrics read its features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.digest import hash_network
from ganzoo.compute.streams import seeded
from ganzoo.data.source import Source
from ganzoo.evaluate.cache import Tensors, load_or_compute
from ganzoo.evaluate.reals import BATCH, RealSamples, TrainingSet
from ganzoo.evaluate.statistics import Statistics
from ganzoo.recipe.recipe import Choice
from ganzoo.registry.code import hash_package

MOST_KEPT = 1 << 29  # bytes of generated samples' features that are kept


class Extraction:
    """An extractor and its features of the real samples, which are computed at most once and cached.

    The extractor is built, and trained where it has `prepare`, with torch's default generators at a fixed seed, so that
    its features are the same everywhere. A module is put into eval mode, and none of its weights requires grad.

    Args:
        choice: The extractor and its options.
        reals: The real samples whose features are cached.
        notify: A function that shows one line to the user, here that the cache cannot be written.
        trained_on: The samples that it is trained on, where it has `prepare`; by default those of `reals`' source.
        held_out: Real samples that are not trained on, for metrics that read them (`Metric.held_out`); None for none.

    Raises:
        GanzooError: The extractor could not be built.
    """

    def __init__(
        self,
        choice: Choice,
        reals: RealSamples,
        notify: Callable[[str], None],
        trained_on: Source | None = None,
        held_out: RealSamples | None = None,
    ) -> None:
        self.choice, self.reals, self.notify, self.held_out = choice, reals, notify, held_out
        self.trained_on = reals.source if trained_on is None else trained_on
        with seeded(0, reals.device):
            built = choice.build(self.trained_on.info)
        self.wanted: Set[str] = frozenset()
        self.fake_statistics = Statistics()
        self._fakes: list[Tensors] = []
        self._built = built.to(reals.device) if isinstance(built, nn.Module) else built

    def begin(self, wanted: Set[str]) -> None:
        """Compute what metrics read of the real samples (`MetricRunner.wanted`), and reset the fakes'."""
        if "features" in wanted:
            self.real_features  # noqa: B018  first, so that the statistics are summed from them
        if "statistics" in wanted:
            self.real_statistics  # noqa: B018
        if "whole" in wanted:
            self.whole_statistics  # noqa: B018
        self.wanted, self.fake_statistics, self._fakes = wanted, Statistics(), []

    def extract_both(self, start: int, num: int, fake: Tensor) -> tuple[Tensors, Tensors]:
        """Return features of `num` real samples from index `start` on, and of generated samples ``[n, *shape]``."""
        features = self(fake) if len(fake) else {}
        if features and self.wanted & {"statistics", "whole"}:
            self.fake_statistics.add(features["features"])
        if (
            sum(tensor.nbytes for tensor in features.values()) * (start // BATCH + 1) <= MOST_KEPT
            and len(self._fakes) == start // BATCH
        ):
            self._fakes.append({name: tensor.cpu() for name, tensor in features.items()})
        return (self.get_real_batch(start, num) if "features" in self.wanted else {}), features

    @property
    def fake_features(self) -> Tensors:
        """The tensors of the generated samples since `begin`, on the CPU: the first ones if all are too many."""
        names = self._fakes[0] if self._fakes else {}
        return {name: torch.cat([batch[name] for batch in self._fakes]) for name in names}

    def __call__(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the extractor's tensors of samples ``[n, *shape]`` by name: ``features`` ``[n, F]`` and others."""
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
        """The extractor, trained where it has `prepare`, in eval mode."""
        extractor = self._built
        if isinstance(extractor, nn.Module):
            if hasattr(extractor, "prepare"):
                real = TrainingSet(self.trained_on, self.reals.device)
                depends_on = {**self._identity, "data": real.compute_digest(), "what": "weights"}
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
    # Features of the real samples.

    @cached_property
    def real_features(self) -> Tensors:
        """All tensors of the real samples by name, ``[num, F]`` on the CPU."""
        return self._load_features(self.reals)

    @cached_property
    def held_out_features(self) -> Tensors:
        """All tensors of the held-out samples by name, ``[num, F]`` on the CPU; empty if there are none."""
        return self._load_features(self.held_out) if self.held_out else {}

    def _load_features(self, reals: RealSamples) -> Tensors:
        def compute() -> Tensors:
            batches = [self(samples) for samples, _ in reals.iterate_batches()]
            return {name: torch.cat([batch[name].cpu() for batch in batches]) for name in batches[0]}

        return self._load("features", reals, compute)

    @cached_property
    def real_statistics(self) -> Statistics:
        """Statistics of the real samples' features; summed from `real_features` where those are computed already."""
        return self._load_statistics(self.reals, self._iterate_real_features)

    @cached_property
    def whole_statistics(self) -> Statistics:
        """Statistics of all samples that the real ones are chosen from; raises ValueError if they have no end."""
        whole = self.reals.whole
        return self._load_statistics(whole, partial(self._extract_real_features, whole))

    def _load_statistics(self, reals: RealSamples, iterate_features: Callable[[], Iterator[Tensor]]) -> Statistics:
        """Return the statistics of real samples from the cache; compute them from their features if they are not."""

        def compute() -> Tensors:
            statistics = Statistics()
            for features in iterate_features():
                statistics.add(features.to(self.reals.device))
            return statistics.to_tensors()

        found = self._load("statistics", reals, compute)
        return Statistics.from_tensors({name: tensor.to(self.reals.device) for name, tensor in found.items()})

    def _load(self, what: str, reals: RealSamples, compute: Callable[[], Tensors]) -> Tensors:
        """Return what was computed of real samples from the cache; compute it if it is not there."""
        depends_on = {**self._identity, "weights": self.weights, "reals": reals.digest, "what": what}
        return load_or_compute(depends_on, compute, self.notify)

    def get_real_batch(self, start: int, num: int) -> Tensors:
        """Return the tensors of `num` real samples from index `start` on, on the device."""
        return {name: rows[start : start + num].to(self.reals.device) for name, rows in self.real_features.items()}

    def _iterate_real_features(self) -> Iterator[Tensor]:
        if "real_features" in vars(self):
            yield from torch.split(self.real_features["features"], BATCH)
        else:
            yield from self._extract_real_features(self.reals)

    def _extract_real_features(self, reals: RealSamples) -> Iterator[Tensor]:
        return (self(samples)["features"] for samples, _ in reals.iterate_batches())

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """The key of the extractor in the cache: its options, its code, the device and torch's version."""
        return {
            "extractor": self.choice.to_json(), "data_info": self.trained_on.info.to_json(),
            "code": hash_package(self.choice.component), "device": self.reals.device.type, "torch": torch.__version__,
        }  # fmt: skip


def _train_extractor(extractor: Any, real: TrainingSet) -> Tensors:
    """Train an extractor on the data, and return its weights."""
    with torch.enable_grad(), seeded(0, real.device):
        extractor.train()
        extractor.prepare(real)
    return {name: tensor.clone() for name, tensor in extractor.state_dict().items()}
