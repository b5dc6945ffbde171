"""Checks of architectures. `PARTS` names the modules that hold them, in the order in which they run."""

from ganzoo.testing.architecture.values import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("answers", "inputs", "training", "gradients", "storage", "execution", "words")
