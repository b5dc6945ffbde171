"""The Inception-v3 network of FID, by torch-fidelity's port of TensorFlow's."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3

from ganzoo.plugin import DataInfo, GanzooError, NotFound, is_offline
from ganzoo_extractors.files import find_weights, refuse_gradients
from ganzoo_extractors.images import make_rgb, require_rgb
from ganzoo_extractors.options import InceptionOptions

NAME = "inception"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
URL: str = URL_INCEPTION_V3
FILE = URL.rpartition("/")[2]


class Inception(nn.Module):
    """2,048 features of Inception-v3 as in FID (Heusel et al. 2017, arXiv:1706.08500), and 1,008 probabilities.

    Images are rounded to bytes, as they are when they are saved, and resized to 299x299 as TensorFlow 1 did. The
    probabilities are those of the inception score (Salimans et al. 2016, arXiv:1606.03498): the last layer has no bias.

    Args:
        options: The file of the weights.
        data: The images, of one or three channels.

    Raises:
        UsageError: No weights are named and none were downloaded before, or the images have other channels.
        NotFound: The file does not exist, or cannot be downloaded.
        GanzooError: The file is not that of the known weights.
    """

    def __init__(self, options: InceptionOptions, data: DataInfo) -> None:
        super().__init__()
        require_rgb(data, NAME)
        self.data = data
        path = _check_file(_find_file(options))
        self.network = FeatureExtractorInceptionV3(
            NAME, ["2048", "logits_unbiased"], feature_extractor_weights_path=str(path)
        )

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, 2048]`` and probabilities ``[N, 1008]`` of images ``[N, C, H, W]`` in [-1, 1]."""
        refuse_gradients(samples, NAME)
        pixels = (127.5 * (make_rgb(samples, self.data).clamp(-1, 1) + 1)).round().to(torch.uint8)
        features, logits = self.network(pixels)
        return {"features": features, "probabilities": logits.softmax(1)}


def _find_file(options: InceptionOptions) -> Path:
    """Return the path of the named file, or of the one that torch-fidelity downloads, if it may or has done so."""
    downloaded = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if options.weights or not (options.download or downloaded.exists()):
        return find_weights(options.weights, NAME, f"{FILE} (from {URL}), or extractor.{NAME}.download=true")
    if not downloaded.exists():
        if is_offline():
            raise NotFound(
                f"{URL} is not downloaded offline: remove --offline or HF_HUB_OFFLINE, or add "
                f"extractor.{NAME}.weights=FILE"
            )
        try:
            downloaded.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(URL, str(downloaded), hash_prefix=SHA256, progress=False)
        except (OSError, RuntimeError) as error:
            raise NotFound(f"{URL} cannot be downloaded ({error}): add extractor.{NAME}.weights=FILE") from error
    return downloaded


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_file(path: Path) -> Path:
    """Return the path; raise GanzooError if the file has other bytes than the weights, or objects beside tensors."""
    if compute_sha256(path) != SHA256:
        raise GanzooError(f"{path} is not {FILE}, whose SHA-256 is {SHA256}: download it from {URL}")
    try:
        torch.load(path, map_location="cpu", weights_only=True)  # torch-fidelity would also run a pickle's code
    except pickle.UnpicklingError as error:
        raise GanzooError(f"{path} contains more than tensors: download it from {URL}") from error
    return path
