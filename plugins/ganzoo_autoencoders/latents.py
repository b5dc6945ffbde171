"""`encoded`: another dataset as a trained autoencoder encodes it, for a GAN whose samples are latents."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import ganzoo
from ganzoo.data.nested import open_samples
from ganzoo.plugin import DataInfo, GanzooError, NotFound, UsageError
from ganzoo_autoencoders.options import EncodedOptions

BATCH = 64  # images in one call of the encoder
WAY_OUT = "name a run or a model of --arch vqgan, or of --arch dac for sounds"


class Encoded:
    """Latents ``[N, C, h, w]`` of images, with the classes of the images (Rombach et al. 2022, arXiv:2112.10752).

    Those of sounds are ``[N, C, frames]``.

    They are divided by the largest absolute value, so that they are in [-1, 1] like other float images and a generator
    that ends with tanh can make them. (Latent diffusion divides by the standard deviation, because noise is
    added.) ``meta["latents"]`` has the model and that number, by which `show` decodes samples.

    Args:
        options: The images, and the model that encodes them.

    Raises:
        UsageError: No model is named, it is not an autoencoder, or its images have another shape.
        GanzooError: The model or the images cannot be opened.
    """

    def __init__(self, options: EncodedOptions) -> None:
        if not options.model:
            raise UsageError(f"dataset 'encoded' needs the autoencoder that encodes: add dataset.model=RUN ({WAY_OUT})")
        images, self.labels, info = open_samples(options.of, options.settings)
        model = load_autoencoder(options.model)
        if model.data.shape != info.shape:
            wanted, found = ("x".join(map(str, shape)) for shape in (model.data.shape, info.shape))
            raise UsageError(
                f"dataset.model={options.model} was trained on samples of {wanted}, and those of "
                f"dataset.of={options.of} are {found}: change dataset.settings"
            )
        encoded = torch.cat([encode(model, images[start : start + BATCH]) for start in range(0, len(images), BATCH)])
        scale = float(encoded.abs().amax())
        if not 0 < scale < float("inf") or encoded.std() == 0:
            raise UsageError(f"dataset.model={options.model} encodes all images alike: train it for longer")
        self.data = encoded / scale
        latents = {"model": options.model, "scale": scale}
        self.info = replace(
            info,
            shape=tuple(self.data.shape[1:]),
            dtype="float32",
            num_items=len(self.data),
            meta={**info.meta, "latents": latents},
        )


def load_autoencoder(name: str) -> Any:
    """Return a trained autoencoder, as `ganzoo.load` does; raise UsageError where the model is something else."""
    model = ganzoo.load(name)
    if "autoencoder" not in model.provides:
        raise UsageError(f"dataset.model={name} is not an autoencoder: {WAY_OUT}")
    return model


@torch.inference_mode()
def encode(model: Any, images: Tensor) -> Tensor:
    """Return the latents of images or sounds as they are stored, float32 on the CPU."""
    floats = images.to(model.device).float()
    if images.dtype == torch.uint8:
        floats = floats / 127.5 - 1
    elif images.dtype == torch.int16:
        floats = floats / 32768
    latents: Tensor = model.network.encode(floats)
    return latents.float().cpu()


def settle(options: EncodedOptions) -> EncodedOptions:
    """Return options in which a run or a folder has its absolute path, so that a run can be resumed from any folder."""
    if options.model and Path(options.model).is_dir():
        return replace(options, model=str(Path(options.model).resolve()))
    try:
        return replace(options, model=str(ganzoo.find_run(options.model).path.resolve()))
    except GanzooError:  # a model of a plugin or on the Hub
        return options


def show(samples: NDArray[np.floating], info: DataInfo) -> dict[str, bytes]:
    """Return the pictures of latents, which the model of the dataset decodes.

    Raises:
        NotFound: The model is not there any more.
    """
    told = info.meta["latents"]
    try:
        model = load_autoencoder(told["model"])
    except NotFound as error:
        raise NotFound(f"the autoencoder that decodes these samples is not there: {error}") from error
    latents = torch.from_numpy(np.asarray(samples, np.float32)) * told["scale"]
    with torch.inference_mode():
        parts = [model.network.decode(part.to(model.device)).float().cpu() for part in latents.split(BATCH)]
    return dict(model.show(torch.cat(parts)))


def examples(folder: Path) -> dict[str, Any]:
    """Train an autoencoder of the included digits for an update, and return the options with which it encodes them."""
    small = {"arch.width": 4, "arch.codes": 4, "arch.latent_channels": 4, "dataset.settings": ("size=16",)}
    settings = {**small, "train.execution": "eager", "arch.layers_d": 1, "train.images": 4, "train.batch": 4}
    with chdir(folder):
        run = ganzoo.train(arch="vqgan", dataset="autoencoding", options=settings, device="cpu", progress=False)
    return {"of": "digits", "settings": ("size=16",), "model": str((folder / run.path).resolve())}
