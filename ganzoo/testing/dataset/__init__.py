"""Checks of datasets, in two modules: what they are about, and in which order they are run."""

from ganzoo.testing.dataset.contents import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("contents", "conduct")
