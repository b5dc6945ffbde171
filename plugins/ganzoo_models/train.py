"""Train the included models again and write their packages here: ``python plugins/ganzoo_models/train.py``.

Names (``digits``, ``ring``) as arguments choose some of them. It takes some minutes on two CPU cores. On the same
machine, with the same versions and number of threads, the weights are the same, bit for bit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETTINGS = {
    "digits": (
        *("--arch", "dcgan", "--dataset", "digits", "--conditional", "--loss", "rpgan", "--reg", "r1"),
        *("--images", "300000", "arch.width=32", "arch.z_dim=32", "reg.r1.gamma=1", "train.ema_half_life=2000"),
        *("optim.g.lr=cosine(4e-4, 2e-5, images=3e5)", "optim.d.lr=cosine(4e-4, 2e-5, images=3e5)"),
        *("arch.norm_d=batch", "optim.g.betas=0.5,0.999", "optim.d.betas=0.5,0.999"),
    ),
    "ring": (
        *("--arch", "mlp", "--dataset", "points", "--images", "1000000", "arch.latent=mixed"),
        *("optim.g.lr=cosine(1e-3, 1e-5, images=1e6)", "optim.d.lr=geometric(1e-3, 5e-4, images=1e6)"),
        *(f"reg.{name}.gamma=geometric(0.02, 1e-5, images=5e5)" for name in ("r1", "r2")),
    ),
}
COMMON = ("--metric", "pixel-moments", "--seed", "0", "--device", "cpu")
LICENSE = "mit"  # the licence of the weights


def train(name: str) -> None:
    """Train one model in a temporary folder, and write its package, with card and measured values, beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        _run_ganzoo("train", *SETTINGS[name], *COMMON, "--name", name, folder=folder)
        _run_ganzoo("package", "0", str(HERE / name), "--without-discriminator", "--license", LICENSE, folder=folder)
    _run_ganzoo("verify", str(HERE / name), folder=HERE)


def _run_ganzoo(*arguments: str, folder: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "ganzoo", *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    for each in sys.argv[1:] or SETTINGS:
        train(each)
