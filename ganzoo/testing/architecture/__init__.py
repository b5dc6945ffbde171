"""Checks of architectures, in several modules: what they are about, and in which order they are run."""

from ganzoo.testing.architecture.networks import measured

__all__ = ["PARTS", "measured"]

PARTS = ("answers", "inputs", "training", "gradients", "storage", "execution", "words")
