"""Checks of datasets, in two modules: what they are about, and in which order they are run."""

from ganzoo.testing.dataset.contents import measured

__all__ = ["PARTS", "measured"]

PARTS = ("contents", "conduct")
