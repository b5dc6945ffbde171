"""Checks of architectures, in several modules: what they are about, and in which order they are run."""

PARTS = ("answers", "inputs", "training", "storage", "execution", "words")
