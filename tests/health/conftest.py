from engine.conftest import imitated_graphs, make  # noqa: F401
