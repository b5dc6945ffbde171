"""What the engine reads: the packed store and the sources over it."""
