"""Checks of datasets. `PARTS` names the modules that hold them, in the order in which they run."""

from ganzoo.testing.dataset.contents import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("contents", "conduct")
