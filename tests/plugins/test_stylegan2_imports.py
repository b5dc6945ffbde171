"""Pickles of stylegan2-ada-pytorch become packages that give the samples of a plain reading of the paper."""

from __future__ import annotations

import os
import pickle
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import Corrupt, GanzooError, UsageError
from ganzoo.package.config import CARD, read_config

FORMAT = "stylegan2-ada-pytorch"
WIDTHS = [16, 16, 9]  # at 4, 8 and 16 pixels
Z, W = 5, 6
LATENTS = torch.randn(3, Z, generator=torch.Generator().manual_seed(3))
LABELS = torch.tensor([2, 0, 1])
KERNEL = torch.tensor([1.0, 3.0, 3.0, 1.0])[:, None] * torch.tensor([1.0, 3.0, 3.0, 1.0]) / 64


def make_weights(classes: int = 0, mapping: int = 3) -> dict[str, Tensor]:
    """Return weights of a generator for 16 pixels under NVIDIA's names."""
    shapes: dict[str, tuple[int, ...]] = {"mapping.w_avg": (W,), "synthesis.b4.const": (WIDTHS[0], 4, 4)}
    for index in range(mapping):
        shapes[f"mapping.fc{index}.weight"] = (W, W if index else Z + (W if classes else 0))
        shapes[f"mapping.fc{index}.bias"] = (W,)
    if classes:
        shapes |= {"mapping.embed.weight": (W, classes), "mapping.embed.bias": (W,)}
    for level, (inputs, outputs) in enumerate(pairwise([WIDTHS[0], *WIDTHS])):
        block, size = f"synthesis.b{4 << level}", 4 << level
        layers = {"conv0": (outputs, inputs, 3, 3), "conv1": (outputs, outputs, 3, 3), "torgb": (3, outputs, 1, 1)}
        for layer, shape in layers.items():
            if level == 0 and layer == "conv0":
                continue
            shapes |= {f"{block}.{layer}.weight": shape, f"{block}.{layer}.bias": shape[:1]}
            shapes |= {f"{block}.{layer}.affine.weight": (shape[1], W), f"{block}.{layer}.affine.bias": shape[1:2]}
            if layer != "torgb":
                shapes |= {f"{block}.{layer}.noise_const": (size, size), f"{block}.{layer}.noise_strength": ()}
    torch.manual_seed(0)
    weights = {name: torch.randn(shape) for name, shape in shapes.items()}
    for name in weights:
        if name.startswith("mapping.fc"):
            weights[name] *= 100  # they are multiplied by their learning rate, 0.01
        if name.endswith("affine.bias"):
            weights[name] += 1
    filters = [name.removesuffix("conv1.weight") for name in shapes if name.endswith("conv1.weight")]
    return weights | {f"{block}{layer}resample_filter": KERNEL for block in filters for layer in ("", "conv1.")}


# ----------------------------------------------------------------------------
# The paper's generator, sample by sample with zeros between pixels and kernels of each sample.


def leak(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x) * 2**0.5


def normalise(x: Tensor) -> Tensor:
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def put_zeros_between(x: Tensor) -> Tensor:
    zeros = torch.zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    zeros[:, :, ::2, ::2] = x
    return zeros


def blur(x: Tensor, before: int, after: int) -> Tensor:
    """Filter with the gain 4 that makes up for the zeros."""
    return F.conv2d(F.pad(x, (before, after) * 2).transpose(0, 1), 4 * KERNEL[None, None]).transpose(0, 1)


def read_paper(weights: dict[str, Tensor], z: Tensor, labels: Tensor | None = None, psi: float = 1.0) -> Tensor:
    x = normalise(z)
    if labels is not None:
        matrix = weights["mapping.embed.weight"]
        embedded = matrix.t()[labels] / matrix.shape[1] ** 0.5 + weights["mapping.embed.bias"]
        x = torch.cat([x, normalise(embedded)], 1)
    for index in range(sum(name.startswith("mapping.fc") for name in weights) // 2):
        matrix, bias = (weights[f"mapping.fc{index}.{leaf}"] for leaf in ("weight", "bias"))
        x = leak(0.01 * (x @ matrix.t() / matrix.shape[1] ** 0.5 + bias))
    mean = weights["mapping.w_avg"]
    return torch.cat([make_image(weights, style) for style in mean + psi * (x - mean)])


def make_image(weights: dict[str, Tensor], w: Tensor) -> Tensor:
    x, image = weights["synthesis.b4.const"][None], torch.zeros(1, 3, 2, 2)
    for size in (4, 8, 16):
        name = f"synthesis.b{size}"
        if size > 4:
            x = activate(weights, f"{name}.conv0", modulate(weights, f"{name}.conv0", x, w, up=True))
        x = activate(weights, f"{name}.conv1", modulate(weights, f"{name}.conv1", x, w))
        colours = modulate(weights, f"{name}.torgb", x, w, demodulate=False)
        image = blur(put_zeros_between(image), 2, 1) + colours + weights[f"{name}.torgb.bias"][:, None, None]
    return image


def modulate(
    weights: dict[str, Tensor], name: str, x: Tensor, w: Tensor, up: bool = False, demodulate: bool = True
) -> Tensor:
    styles = weights[f"{name}.affine.weight"] @ w / W**0.5 + weights[f"{name}.affine.bias"]
    kernel = weights[f"{name}.weight"]
    kernel = kernel / kernel[0].numel() ** 0.5 * styles[:, None, None]
    if demodulate:
        kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    if not up:
        return F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)
    # a transposed convolution adds the kernel as it is for each pixel, so the sliding one has it turned
    x = F.conv2d(F.pad(put_zeros_between(x), (2, 1, 2, 1)), kernel.flip(2, 3))
    return blur(x, 1, 1)


def activate(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    noise = weights[f"{name}.noise_const"] * weights[f"{name}.noise_strength"]
    return leak(x + noise + weights[f"{name}.bias"][:, None, None])


# ----------------------------------------------------------------------------
# Their pickles: objects with the source text of their class.


class Persisted(nn.Module):
    """A module that is pickled as those of stylegan2-ada-pytorch are."""

    def __reduce__(self) -> tuple[Any, ...]:
        meta = {
            "type": "class",
            "version": 6,
            "module_src": "import os; os.mkdir('attacked')",
            "class_name": "Generator",
        }
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, ({**meta, "state": self.__dict__},)


def make_module(weights: dict[str, Tensor]) -> Persisted:
    """Return nested modules with parameters and buffers of these names."""
    root = Persisted()
    for name, tensor in weights.items():
        *path, leaf = name.split(".")
        module = root
        for part in path:
            if part not in module._modules:
                module.add_module(part, Persisted())
            module = module._modules[part]
        module.weight_gain = np.sqrt(0.5)
        if leaf in ("resample_filter", "noise_const", "w_avg"):
            module.register_buffer(leaf, tensor)
        else:
            module.register_parameter(leaf, nn.Parameter(tensor, requires_grad=False))
    root.some = nn.ModuleList([nn.Identity()])
    return root


def _reconstruct_persistent_obj(meta: object) -> None:
    os.mkdir("attacked")


class EasyDict(dict[str, Any]):
    pass


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Write a pickle while the modules of the project can be imported."""
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    theirs = {"torch_utils.persistence": _reconstruct_persistent_obj, "dnnlib.util": EasyDict}

    def write(content: object, protocol: int = 4) -> Path:
        with monkeypatch.context() as context:
            for name, what in theirs.items():
                context.setitem(sys.modules, name.partition(".")[0], ModuleType(name.partition(".")[0]))
                context.setitem(sys.modules, name, ModuleType(name))
                setattr(sys.modules[name], what.__name__, what)
                context.setattr(what, "__module__", name)
            Path("network.pkl").write_bytes(pickle.dumps(content, protocol))
        return Path("network.pkl")

    return write


def make_snapshot(weights: dict[str, Tensor]) -> dict[str, Any]:
    arguments = EasyDict(class_name="training.dataset.ImageFolderDataset", path="faces.zip", use_labels=False)
    other = make_module({"b4.fc.weight": torch.ones(2, 2)})
    networks = {"G": make_module({"mapping.w_avg": torch.zeros(1)}), "D": other, "G_ema": make_module(weights)}
    return {"training_set_kwargs": arguments, **networks, "augment_pipe": None}


@pytest.mark.parametrize(("classes", "protocol"), [(0, 4), (3, 3)])
def test_a_pickle_gives_the_samples_of_the_paper(write: Any, classes: int, protocol: int) -> None:
    weights = make_weights(classes)
    file = write(make_snapshot(weights), protocol)
    package = ganzoo.import_weights(file, "made", format=FORMAT, device="cpu")
    labels = LABELS if classes else None
    network = ganzoo.load(package, "cpu").network
    for psi in (1.0, 0.6):
        with torch.no_grad():
            made = network(LATENTS, labels, truncation=psi)
        expected = read_paper(weights, LATENTS, labels, psi)
        assert expected.abs().mean() > 0.3
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-4)
    options = read_config(package).recipe["arch"]["options"]
    sizes = {"channel_base": 144, "channel_max": 16, "z_dim": Z, "w_dim": W, "mapping": 3}
    assert options == options | sizes
    card = (package / CARD).read_text()
    assert "The licence of that file applies to these weights. Networks that NVIDIA published are under the" in card
    assert not Path("attacked").exists()


def test_a_state_dict_of_the_generator_is_read_too(write: Any) -> None:
    weights = make_weights()
    torch.save(weights, "generator.pt")
    package = ganzoo.import_weights("generator.pt", "made", format=FORMAT, device="cpu")
    expected = read_paper(weights, LATENTS)
    torch.testing.assert_close(ganzoo.load(package, "cpu")(LATENTS), expected, rtol=0, atol=1e-4)


class Attack:
    def __init__(self, function: Any = os.mkdir) -> None:
        self.function = function

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, ("attacked",)


class Blob:
    """A storage whose inner file has an attack."""

    def __reduce__(self) -> tuple[Any, ...]:
        content = pickle.dumps(Attack(), 2)
        return torch.storage._load_from_bytes, (content,)


class Rebuilt:
    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, (Blob(), 0, (1,), (1,), False, {})


@pytest.mark.parametrize(
    "attack",
    [Attack(), Attack(os.system), Attack(eval), Rebuilt()],
    ids=["mkdir", "system", "eval", "inner"],
)
def test_an_attack_neither_runs_nor_passes(write: Any, attack: object) -> None:
    file = write(make_snapshot(make_weights()) | {"augment_pipe": attack})
    with pytest.raises(GanzooError, match=r"network.pkl contains objects.* besides tensors. They could run") as caught:
        ganzoo.import_weights(file, "made", format=FORMAT, device="cpu")
    assert "\n" not in str(caught.value)
    assert not Path("attacked").exists()
    assert not Path("made").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04ctorch.storage\n_load_from_bytes\nN}X\x08\x00\x00\x00__init__Ns\x86b.",  # the state of a class
        b"\x80\x04Nr\xff\xff\xff\xff.",  # a place for each of 4 billion objects
        b"\x80\x04" + b"\x8e" + b"\xff" * 7 + b"\x7f.",
        b"\x80\x04}\x94(X\x01\x00\x00\x00ah\x00u.",  # a mapping within itself
    ],
)
def test_a_damaged_pickle_is_named(write: Any, content: bytes) -> None:
    Path("network.pkl").write_bytes(content)
    with pytest.raises(Corrupt, match=r"network.pkl is damaged"):
        ganzoo.import_weights("network.pkl", "made", format=FORMAT, device="cpu")
    write(make_snapshot(make_weights()))
    whole = Path("network.pkl").read_bytes()
    Path("network.pkl").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Corrupt, match=r"network.pkl is damaged"):
        ganzoo.import_weights("network.pkl", "made", format=FORMAT, device="cpu")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"synthesis.input.freqs": LATENTS}, "it is a generator of StyleGAN3"),
        ({"b4.fc.weight": LATENTS}, "it is a discriminator: give a file with G_ema"),
        (
            {"synthesis.b4.resample_filter": KERNEL.flip(0) * KERNEL},
            r"filter 'synthesis.b4.resample_filter' is not that",
        ),
        ({"synthesis.b8.skip.weight": LATENTS}, "tensor 'synthesis.b8.skip.weight' does not belong to it"),
        ({"synthesis.b8.conv0.bias": None}, "tensor 'synthesis.b8.conv0.bias' is missing"),
        ({"synthesis.b4.torgb.weight": None}, "tensor 'synthesis.b4.torgb.weight' is missing"),
        ({"synthesis.b8.conv1.bias": torch.ones(5)}, r"its layers are \[16, 5, 9\] wide, which no channel_base of"),
        ({"synthesis.b2048.conv1.bias": torch.ones(5)}, "it makes images of 2048 pixels; stylegan2 takes 16, 32"),
        ({"synthesis.b4.torgb.weight": torch.ones(4, 16, 1, 1)}, "it makes images of 4 channels; stylegan2 takes 1 or"),
    ],
)
def test_other_networks_are_refused(write: Any, changes: dict[str, Any], words: str) -> None:
    weights = {name: each for name, each in (make_weights() | changes).items() if each is not None}
    torch.save(weights, "generator.pt")
    with pytest.raises(UsageError, match=f"--format {FORMAT} does not read generator.pt: {words}"):
        ganzoo.import_weights("generator.pt", "made", format=FORMAT, device="cpu")
