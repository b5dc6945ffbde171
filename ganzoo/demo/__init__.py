"""Pages that run a generator in a browser."""
