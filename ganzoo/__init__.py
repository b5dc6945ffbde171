"""ganzoo: train, sample and share generative adversarial networks, assembled from plugins.

    run = ganzoo.train(arch="dcgan", loss="bce", dataset="digits", options={"train.images": 50_000})
    images = ganzoo.load(run).images(64, seed=0)  # PIL images
    ganzoo.publish(run, "user/model")             # for ganzoo.load("user/model") anywhere

Importing this package does not import torch; `train`, `load` and the other functions do so when they are called.
"""

from ganzoo.errors import GanzooError
from ganzoo.models import apply, evaluate, import_weights, load, package, verify
from ganzoo.plugin import DataInfo
from ganzoo.registry import create, register, registry
from ganzoo.runs.run import Run
from ganzoo.sharing import publish, pull, search
from ganzoo.training import train

__all__ = [
    "DataInfo",
    "GanzooError",
    "Run",
    "apply",
    "create",
    "evaluate",
    "import_weights",
    "load",
    "package",
    "publish",
    "pull",
    "register",
    "registry",
    "search",
    "train",
    "verify",
]
