"""The training engine: one algorithm (`update`), one loop (`trainer`), and what makes them fast and safe."""
