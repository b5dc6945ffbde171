"""G draws its noise from NumPy."""

import numpy as np
import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/same-seed-same-answers", "architecture/planted/no-side-effects"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_numpy_noise:build", sizes=(8, 16))


class Planted(Generator):
    def hidden(self, z):
        noise = np.random.standard_normal((len(z), 16)).astype("float32")
        return super().hidden(z) + 0.01 * torch.from_numpy(noise).to(z.device)


def build(options, data):
    return make_networks(data, generator=Planted)
