"""Checks of losses, in several modules: what they are about, and in which order they are run."""

from ganzoo.testing.loss.calling import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("values", "directions", "dependence", "execution", "settings")
