"""Writes `values.json`: what scikit-image computes from pairs of images that `make_pairs` makes.

pip install scikit-image==0.26.0
python tests/plugins/fidelity_peers/write.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np


def make_pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return pairs of images uint8 ``[H, W, C]`` by name: waves, and the same changed in several ways."""
    rows, columns = np.mgrid[0:26, 0:33]
    waves = [127.5 + 100 * np.sin(rows / (3 + c) + columns / (5 - c)) for c in range(3)]
    clean, draw = np.stack(waves, 2), np.random.RandomState(0)  # its stream never changes
    blurred = (clean + np.roll(clean, 1, 0) + np.roll(clean, 1, 1) + np.roll(clean, (1, 1), (0, 1))) / 4
    others = {
        "noise": clean + draw.normal(0, 12, clean.shape),
        "blur": blurred,
        "contrast": 90 + 0.4 * clean,
        "other": draw.uniform(0, 255, clean.shape),
        "grey": 20 + 0.8 * clean[:, :, :1],
    }
    as_bytes = {name: other.round().clip(0, 255).astype(np.uint8) for name, other in others.items()}
    return {name: (clean.round().astype(np.uint8)[:, :, : other.shape[2]], other) for name, other in as_bytes.items()}


def main() -> None:
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    found = {}
    for name, pair in make_pairs().items():
        inner = [image[4:-4, 4:-4] for image in pair]
        found[name] = {
            "psnr": peak_signal_noise_ratio(*pair, data_range=255),
            "psnr border=4": peak_signal_noise_ratio(*inner, data_range=255),
            "ssim": structural_similarity(*pair, channel_axis=2, **wang),
            "ssim border=4": structural_similarity(*inner, channel_axis=2, **wang),
        }
        if pair[0].shape[2] == 3:
            luma = [rgb2ycbcr(image)[:, :, 0] for image in pair]
            found[name]["psnr channels=luma"] = peak_signal_noise_ratio(*luma, data_range=255)
            found[name]["ssim channels=luma"] = structural_similarity(*luma, **wang)
    path = Path(__file__).with_name("values.json")
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(*(f"{package} {version(package)}" for package in ("scikit-image", "numpy")))


if __name__ == "__main__":
    main()
