"""Calls of a trained generator from Python: latents and labels of other forms, truncation, and the dtype of samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganzoo.errors import UsageError
from ganzoo.package.generator import Generator
from ganzoo.package.outputs import write_samples
from ganzoo.plugin import DataInfo
from toys import ToyOptions, build_toy

ZEROS = torch.zeros(2, 4)


def make(**fields: Any) -> Generator:
    """Return an untrained generator of latents ``[n, 4]``."""
    data = DataInfo(**{"shape": (1, 4, 4), "num_classes": 3, **fields})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Generator(build_toy(ToyOptions(z_dim=4), data), data, {"recipe": {}, "images": 0})


@pytest.mark.parametrize(
    ("z", "labels", "text"),
    [
        (torch.zeros(2, 5), [0, 1], r"latents are \[2, 5\]: this model takes \[n, 4\], such as generator.draw_latents"),
        (torch.zeros(4), [0], r"latents are \[4\]: this model takes \[n, 4\]"),
        ("noise", [0], "latents are str: give a tensor or an array of numbers"),
        (ZEROS, None, "this model takes a label for each latent: give 2 classes, 0 to 2"),
        (ZEROS, [0], r"labels are int64 \[1\]: give 2 classes, 0 to 2"),
        (ZEROS, [[0], [1]], r"labels are int64 \[2, 1\]: give 2 classes"),
        (ZEROS, [0.0, 1.0], r"labels are float32 \[2\]: give 2 classes"),
        (ZEROS, [0, 3], "labels range from 0 to 3: give 2 classes, 0 to 2"),
        (ZEROS, [0, -1], "labels range from -1 to 0: give 2 classes"),
    ],
)
def test_wrong_latents_and_labels_are_refused_in_one_sentence(z: Any, labels: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        make()(z, labels)


def test_labels_and_options_that_a_model_does_not_take_are_refused() -> None:
    with pytest.raises(UsageError, match="trained without labels: remove them"):
        make(num_classes=0)(ZEROS, [0, 1])
    with pytest.raises(UsageError, match="does not support truncation: remove it"):
        make()(ZEROS, [0, 1], truncation=0.5)
    with pytest.raises(UsageError, match="takes latents, labels and truncation, not psi"):
        make()(ZEROS, [0, 1], psi=0.5)


def test_arrays_and_lists_of_any_number_type_are_taken() -> None:
    generator = make()
    z = generator.draw_latents(2, seed=0)
    wanted = generator(z, torch.tensor([2, 0]))
    for given, labels in ((z.double(), [2, 0]), (z.numpy(), np.array([2, 0], np.int16)), (z.tolist(), (2, 0))):
        assert torch.equal(generator(given, labels), wanted)


def test_only_images_of_bytes_become_bytes(tmp_path: Path) -> None:
    for dtype, shape in (("uint8", (4, 4, 1)), ("float32", (1, 4, 4))):
        generator = make(dtype=dtype)
        path = write_samples(generator, str(tmp_path / "a.npz"), "a", ".npz", 3, None, 0, None, print)
        written, raw = np.load(path)["samples"], generator.sample_raw(3)
        assert (written.dtype, written.shape) == (dtype, (3, *shape))
        assert np.array_equal(written, generator.sample(3))
        assert dtype == "uint8" or np.array_equal(written, raw.numpy())
        assert [picture.size for picture in generator.images(3)] == [(4, 4)] * 3
