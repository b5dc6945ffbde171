"""Checks of regularizers, in two modules: what they are about, and in which order they are run."""

from ganzoo.testing.regularizer.values import measured

__all__ = ["PARTS", "measured"]

PARTS = ("values", "effects")
