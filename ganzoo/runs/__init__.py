"""The run directory, where runs and models are found, and how a process was launched."""
