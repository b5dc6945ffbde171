"""Datasets: included ones, synthetic ones, your own files, and local copies of those that everyone knows."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Dataset, hookimpl
from ganzoo_datasets.specs.arrays import list_arrays
from ganzoo_datasets.specs.audio import list_audio
from ganzoo_datasets.specs.batches import list_batches
from ganzoo_datasets.specs.emoji import list_emoji
from ganzoo_datasets.specs.folder import list_folders
from ganzoo_datasets.specs.included import list_included
from ganzoo_datasets.specs.known import list_known
from ganzoo_datasets.specs.made import list_made
from ganzoo_datasets.specs.mnist import list_mnist
from ganzoo_datasets.specs.pairs import list_pairs
from ganzoo_datasets.specs.upscaling import list_upscaling


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the datasets."""
    yield from list_included()
    yield from list_folders()
    yield from list_arrays()
    yield from list_pairs()
    yield from list_upscaling()
    yield from list_audio()
    yield from list_made()
    yield from list_mnist()
    yield from list_emoji()
    yield from list_batches()
    yield from list_known()
