"""The report of a run: one HTML page from the run's files, and the same page live while the run trains."""
