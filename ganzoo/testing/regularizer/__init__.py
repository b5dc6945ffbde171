"""Checks of regularizers, in two modules: what they are about, and in which order they are term."""

from ganzoo.testing.regularizer.values import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("values", "effects")
