"""Data as the engine reads it: the packed store, and the sources that read from it."""
