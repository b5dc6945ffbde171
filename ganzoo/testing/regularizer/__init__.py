"""Checks of regularizers. `PARTS` names the modules that hold them, in the order in which they run."""

from ganzoo.testing.regularizer.values import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("values", "effects")
