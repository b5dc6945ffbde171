"""Checks of losses, in several modules: what they are about, and in which order they are run."""

from ganzoo.testing.loss.calling import measured

__all__ = ["PARTS", "measured"]

PARTS = ("values", "directions", "dependence", "execution", "settings")
