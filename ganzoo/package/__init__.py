"""Model packages: the directory that a run writes, that `ganzoo.load` reads, and that is published."""
