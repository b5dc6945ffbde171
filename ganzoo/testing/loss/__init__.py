"""Checks of losses. `PARTS` names the modules that hold them, in the order in which they run."""

from ganzoo.testing.loss.calling import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("values", "directions", "dependence", "execution", "settings")
