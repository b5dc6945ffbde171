"""ganzoo: train, sample and share generative adversarial networks, assembled from plugins.

    run = ganzoo.train(arch="dcgan", loss="bce", dataset="digits", options={"train.images": 50_000})
    images = ganzoo.load(run).sample(64, seed=0)  # uint8 [64, H, W, C]

Importing this package imports no torch; `train` and `load` do when they are called.
"""

from ganzoo.api import load, train
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo
from ganzoo.registry import create, register, registry
from ganzoo.run import Run

__all__ = ["DataInfo", "GanzooError", "Run", "create", "load", "register", "registry", "train"]
