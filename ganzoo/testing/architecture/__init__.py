"""Checks of architectures, in several modules: what they are about, and in which order they are run."""

from ganzoo.testing.architecture.networks import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("answers", "inputs", "training", "gradients", "storage", "execution", "words")
