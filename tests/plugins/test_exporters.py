"""Exporters: every architecture of ganzoo, and what another program reads."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.compute.streams import seeded
from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo, GanzooError, Networks
from ganzoo.registry import registry

needs_onnx = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")), reason="onnx is not installed"
)
IMAGES = DataInfo(shape=(3, 32, 32))
CLASSES = replace(IMAGES, num_classes=3, meta={"classes": ["cat", "dog", "emu"]})
TINY, TINY_CLASSES = replace(IMAGES, shape=(3, 16, 16)), replace(CLASSES, shape=(3, 16, 16))
SOUNDS = DataInfo(shape=(1, 1040), modality="audio", label_shape=(8, 65))
SMALL = {  # the data and the options of a small generator of each architecture
    "biggan": (CLASSES, {"width_g": 8, "spectral_g": False}),
    "biggan-deep": (CLASSES, {"width_g": 8, "spectral_g": False}),
    "char-gan": (DataInfo(shape=(9, 12), modality="text"), {"width": 8, "blocks": 1}),
    "dcgan": (TINY_CLASSES, {"width": 8, "codes": 4}),
    "dcgan-tutorial": (DataInfo(shape=(1, 28, 28)), {"width": 8}),
    "fastgan": (IMAGES, {}),
    "gat": (TINY_CLASSES, {"depth": 1}),
    "hifigan": (SOUNDS, {"width": 16, "activation": "snakebeta"}),
    "lightweight-gan": (IMAGES, {"attention": (8,), "antialias": True}),
    "mlp": (DataInfo(shape=(7,), dtype="float32", modality="tabular", num_classes=2), {"latent": "mixed"}),
    "one-step": (DataInfo(shape=(1, 8, 8), num_classes=3), {"width": 8, "width_d": 4}),
    "progan": (TINY, {}),
    "r3gan": (TINY_CLASSES, {"blocks": 1}),
    "r3gan-mp": (TINY_CLASSES, {"blocks": 1}),
    "sngan": (CLASSES, {"spectral_g": True, "attention": (16,), "latent": "uniform"}),
    "stylegan2": (TINY_CLASSES, {}),
    "stylegan2-lucidrains": (TINY, {"attention": (8,)}),
    "stylegan3": (TINY, {"layers": 4}),
    "vocos": (SOUNDS, {"width": 8, "depth": 1}),
    "wavegan": (DataInfo(shape=(1, 1024), modality="audio"), {"width": 2}),
}
ELSEWHERE = (
    "one-step-diffusers",  # its networks are those of a folder
    "projected",  # its generator is another architecture's
    *("pix2pix", "cyclegan", "cut"),  # test_translation.py: they take images
    "vqgan",  # test_autoencoders.py: it takes images
    "dac",  # its codes are the nearest ones, and rounding chooses between two that are as near
    "ctgan",  # its generator draws random numbers
    *("compact", "rrdb"),  # test_upscaling.py: they take images
)


def make_generator(name: str) -> Generator:
    """Return a small generator with random weights and statistics."""
    data, options = SMALL[name]
    entry = registry().resolve("architecture", name)
    with seeded(0), torch.no_grad():
        networks = ganzoo.create("architecture", name, data=data, **options)
        for key, tensor in networks.generator.named_parameters():
            tensor += 0.02 * torch.randn_like(tensor)  # those that begin as 0 would hide what is after them
            tensor *= 4 if key.endswith("original0") else 1  # the norms of weights, which begin small
        for key, tensor in networks.generator.named_buffers():
            if key.endswith(("running_mean", "mapping.mean")):
                tensor += 0.1 * torch.randn_like(tensor)
    provides = entry.spec.get_provided(entry.spec.options(**options))
    config = {"images": 0, "recipe": {"arch": {"name": f"test:{name}"}}}
    return Generator(networks, data, config, provides)


def export(name: str, generator: Generator, directory: Path) -> list[Path]:
    directory.mkdir()
    return ganzoo.create("exporter", name, data=generator.data)(generator, directory)


def test_every_architecture_is_exported_here() -> None:
    entries = registry().components("architecture")
    ours = {entry.spec.name for entry in entries if entry.plugin.distribution == "ganzoo"}
    assert ours == {*SMALL, *ELSEWHERE}


@needs_onnx
@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_onnx_runtime_makes_the_same_samples(name: str, tmp_path: Path) -> None:
    import onnxruntime

    generator = make_generator(name)
    data, dim = generator.data, generator.networks.latent_dim
    path, _ = export("onnx", generator, tmp_path / "out")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    latent = {"kind": generator.networks.latent, "dimension": dim} if dim else None
    assert json.loads(about["latent"]) == latent
    assert json.loads(about["class_names"]) == list(data.class_names)
    assert about["modality"] == data.modality
    assert about["random"] == "false"
    assert int(about["opset"]) == 20
    z, labels = generator.draw_latents(7, seed=3), generator.make_labels(7)
    feed = ({"z": z.numpy()} if dim else {}) | ({} if labels is None else {"labels": labels.numpy()})
    takes = name.startswith("stylegan")  # the others that take one have batch normalisation
    assert [each.name for each in session.get_inputs()] == [*feed, *(["truncation"] if takes else [])]
    for truncation in (1.0, 0.5) if takes else (None,):
        options = {} if truncation is None else {"truncation": truncation}
        (found,) = session.run(None, feed | {key: np.array(value, np.float32) for key, value in options.items()})
        expected = generator(z, labels, **options).numpy()
        assert np.abs(found - expected).max() <= 1e-4 * max(1, np.abs(expected).max())
        assert expected.std() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "stylegan2"])
def test_a_program_of_torch_is_loaded_back_equal(name: str, tmp_path: Path) -> None:
    generator = make_generator(name)
    path, _ = export("torch-export", generator, tmp_path / "out")
    loaded = torch.export.load(path).module()
    z, labels = generator.draw_latents(6, seed=3), generator.make_labels(6)
    options = {"truncation": torch.tensor(0.4)} if name == "stylegan2" else {}
    expected = generator(z, labels, **{key: float(value) for key, value in options.items()})
    assert torch.allclose(loaded(z=z, labels=labels, **options), expected, atol=1e-6)


def test_the_weights_are_read_without_code(tmp_path: Path) -> None:
    generator = make_generator("dcgan")
    state = generator.network.state_dict()
    path, about = export("state-dict", generator, tmp_path / "torch")
    tensors = torch.load(path, weights_only=True)
    assert {name: tensor.dtype for name, tensor in tensors.items()} == {n: t.dtype for n, t in state.items()}
    assert all(torch.equal(tensors[name], tensor) for name, tensor in state.items())
    arrays = np.load(export("numpy", generator, tmp_path / "numpy")[0], allow_pickle=False)
    assert all(np.array_equal(arrays[name], tensor.numpy()) for name, tensor in state.items())
    described = json.loads(about.read_text())
    assert described["class_names"] == ["cat", "dog", "emu"]
    assert described["latent"] == {"kind": "normal+onehot4", "dimension": 104}


# ----------------------------------------------------------------------------
# Networks of other authors.


class Translator(nn.Module):
    """Labels that are images to images, with ``len`` in its code, and what `habit` says.

    It may add ``noise``, compute something that ONNX has not (``odd``), or compute other samples where it is traced
    (``sly``).
    """

    def __init__(self, habit: str = "") -> None:
        super().__init__()
        self.conv, self.habit = nn.Conv2d(1, 3, 3, padding=1), habit

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        y = torch.tanh(self.conv(labels)).view(len(labels), 3, 8, 8)
        if self.habit == "noise":
            y = y + 0.1 * torch.randn_like(y)
        if self.habit == "sly" and torch.compiler.is_exporting():
            y = y + 0.001
        return torch.linalg.matrix_exp(y) if self.habit == "odd" else y


def make_translator(habit: str = "") -> Generator:
    data = DataInfo(shape=(3, 8, 8), label_shape=(1, 8, 8), label_dtype="uint8")
    with seeded(0):
        return Generator(Networks(Translator(habit), nn.Identity(), 0), data, {"images": 0})


@needs_onnx
@pytest.mark.slow
def test_a_translator_takes_its_images_as_labels(tmp_path: Path) -> None:
    import onnxruntime

    generator = make_translator()
    path, about = export("onnx", generator, tmp_path / "out")
    assert json.loads(about.read_text())["labels"] == {"kind": "image", "shape": [1, 8, 8], "range": [-1, 1]}
    labels = generator.make_labels(4)
    (found,) = onnxruntime.InferenceSession(path).run(None, {"labels": labels.numpy()})
    assert np.allclose(found, generator.sample_from_labels(labels).numpy(), atol=1e-5)


@needs_onnx
@pytest.mark.slow
def test_a_network_that_draws_numbers_draws_them_in_the_file_too(tmp_path: Path) -> None:
    import onnxruntime

    path, about = export("onnx", make_translator("noise"), tmp_path / "out")
    assert json.loads(about.read_text())["random"]
    session, labels = onnxruntime.InferenceSession(path), np.zeros((2, 1, 8, 8), np.float32)
    first, second = (session.run(None, {"labels": labels})[0] for _ in range(2))
    assert 0.05 < (first - second).std() < 0.3
    assert not np.array_equal(first[0], first[1])


@needs_onnx
def test_an_operation_that_onnx_lacks_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match=r"^ONNX cannot store this generator: .*matrix_exp"):
        export("onnx", make_translator("odd"), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", [pytest.param("onnx", marks=needs_onnx), "torch-export"])
def test_other_samples_than_the_model_s_are_not_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match=r"other samples than the model, by 0\.001"):
        export(name, make_translator("sly"), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
