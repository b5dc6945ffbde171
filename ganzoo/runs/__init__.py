"""Run directories, finding runs and models, and the launch of processes."""
