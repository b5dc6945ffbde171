"""Train the included models again and write their packages here: ``python plugins/ganzoo_models/train.py``.

Names of models as arguments choose some of them; without arguments all are trained, which takes a while. Each is
trained, measured, packaged and verified as its entry in `MODELS` says. Datasets that packages install are looked for in
the current folder, as ``ganzoo train`` does; ``avatars`` is a folder there, which avatars.mjs fills. On the same
machine, with the same versions and number of threads, the weights are the same, bit for bit.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from ganzoo_models import MODELS, SAME

HERE = Path(__file__).resolve().parent
END = "<!-- ganzoo: end -->"  # of what ganzoo writes in a card


def train(name: str) -> None:
    """Train one model in a temporary folder, and write its package, with card and measured values, beside this file."""
    model, package = MODELS[name], str(HERE / name)
    with tempfile.TemporaryDirectory() as runs:
        run_ganzoo = partial(_run_ganzoo, runs)
        run_ganzoo("train", *model.train, *SAME, "--name", name)
        if model.half:  # measured as it is stored
            run_ganzoo("package", "0", str(Path(runs) / f"0000-{name}" / "package"), "--half")
        run_ganzoo("evaluate", "0", *model.evaluate, "--device", "cpu")
        run_ganzoo("package", "0", package, "--without-discriminator", "--license", model.license)
        describe_data(name)
        run_ganzoo("verify", package)


def describe_data(name: str) -> None:
    """Write at the end of a model's card, below what ganzoo writes, what it draws and where its data are from."""
    card, model = HERE / name / "README.md", MODELS[name]
    written, mark, _ = card.read_text(encoding="utf-8").partition(END)
    words = f"## ganzoo:{name}\n\n{model.summary}\n\nTraining data: {model.data}."
    card.write_text(f"{written}{mark}\n\n{words}\n", encoding="utf-8")


def _run_ganzoo(runs: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "ganzoo", *arguments]
    subprocess.run(command, env={**os.environ, "GANZOO_RUNS": runs}, check=True)


if __name__ == "__main__":
    for each in sys.argv[1:] or MODELS:
        train(each)
