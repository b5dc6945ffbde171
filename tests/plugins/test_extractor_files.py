"""Extractors whose weights are in a file that the user names: onnx, timm's networks (inception: `test_inception.py`).

They need packages of the extras; tests of packages that are not installed are skipped.
"""

from __future__ import annotations

import warnings

import pytest
import torch

import ganzoo
from ganzoo.compute.digest import hash_network
from ganzoo.plugin import DataInfo, GanzooError, NotFound, UsageError
from ganzoo.plugin.network import without_network
from ganzoo.testing import collect_checks
from ganzoo_extractors.files import find_weights
from ganzoo_extractors.images import resize

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # these packages use functions of others that are deprecated
    try:
        import onnxruntime
    except ImportError:
        onnxruntime = None
    try:
        import timm
    except ImportError:
        timm = None
needs_onnx = pytest.mark.skipif(onnxruntime is None, reason="onnxruntime is not installed")
needs_timm = pytest.mark.skipif(timm is None, reason="timm or torchvision is not installed")
RGB = DataInfo(shape=(3, 16, 16))


def make(name, data=RGB, **options):
    return ganzoo.create("extractor", name, data=data, **options).eval()


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def check_contract(name, **options):
    results = [each.run() for each in collect_checks(f"extractors:{name}", options=options)]
    assert not [result for result in results if result.status == "FAIL"]
    assert len([result for result in results if result.status == "PASS"]) >= 12


# ----------------------------------------------------------------------------
# Finding files.


def test_a_file_is_found_by_its_path_and_a_missing_one_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "w.pth").write_bytes(b"x")
    assert find_weights("~/w.pth", "x", "") == tmp_path / "w.pth"
    with pytest.raises(
        NotFound, match=r"extractor\.x\.weights: there is no file 'no\.pth': give its path or hf://USER"
    ):
        find_weights("no.pth", "x", "")
    with pytest.raises(UsageError, match=r"extractor 'x' needs a file of weights: add extractor\.x\.weights=THIS"):
        find_weights("", "x", "THIS")
    with pytest.raises(UsageError, match="'hf://user/file' is not a file on the Hub: give hf://USER/REPO/FILE"):
        find_weights("hf://user/file", "x", "")


def test_a_file_on_the_hub_is_downloaded_at_its_revision(monkeypatch, tmp_path):
    asked = []

    def download(repo, file, revision, local_files_only):
        asked.append((repo, file, revision, local_files_only))
        if revision == "gone":
            raise OSError("404: no such revision.\nmore")
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert find_weights("hf://a/b/c/d.pth", "x", "") == tmp_path
    find_weights("hf://a/b@v1/d.pth", "x", "")
    with without_network(True):
        find_weights("hf://a/b/d.pth", "x", "")
    assert asked == [("a/b", "c/d.pth", None, False), ("a/b", "d.pth", "v1", False), ("a/b", "d.pth", None, True)]
    with pytest.raises(NotFound, match=r"d\.pth of a/b cannot be downloaded \(404: no such revision\): give the path"):
        find_weights("hf://a/b@gone/d.pth", "x", "")


# ----------------------------------------------------------------------------
# onnx. The files are written byte by byte, since the package that writes them is large.


def encode(*fields):
    """Return fields of a protocol buffer: (number, bytes, text or int)."""
    out = b""
    for number, value in fields:
        data = value.encode() if isinstance(value, str) else value
        out += varint(number << 3 | (0 if isinstance(data, int) else 2))
        out += varint(data) if isinstance(data, int) else varint(len(data)) + data
    return out


def varint(value):
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def write_onnx(path, shape, kind="GlobalAveragePool", out=4):
    """Write a network of one node; a side of the shape is a number or a name."""

    def value(name, sides):
        dims = [(1, encode((1, side) if isinstance(side, int) else (2, side))) for side in sides]
        return encode((1, name), (2, encode((1, encode((1, 1), (2, encode(*dims)))))))

    node = encode((1, "x"), (2, "y"), (4, kind))
    graph = encode((1, node), (2, "g"), (11, value("x", shape)), (12, value("y", [f"s{i}" for i in range(out)])))
    path.write_bytes(encode((1, 8), (7, graph), (8, encode((1, ""), (2, 13)))))
    return str(path)


NO_NORM = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


@needs_onnx
def test_onnx_averages_maps_of_normalised_images(tmp_path):
    file, x = write_onnx(tmp_path / "a.onnx", ("N", 3, "H", "W")), draw(5, 3, 16, 16)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = ((x.mean((2, 3)) + 1) / 2 - mean) / std
    assert torch.allclose(make("onnx", weights=file)(x)["features"], expected, atol=1e-5)
    turned = make("onnx", weights=file, bgr=True, **NO_NORM)(x)["features"]
    assert torch.allclose(turned, (x.mean((2, 3)).flip(1) + 1) / 2, atol=1e-6)


@needs_onnx
def test_onnx_takes_fixed_batches_sizes_and_channels_at_the_end(tmp_path):
    x = draw(5, 3, 16, 16)
    fixed = make("onnx", weights=write_onnx(tmp_path / "a.onnx", (2, 3, 8, 8)), **NO_NORM)
    assert (fixed.height, fixed.width, fixed.batch) == (8, 8, 2)
    expected = (resize(x, 8, 8).mean((2, 3)) + 1) / 2
    assert torch.allclose(fixed(x)["features"], expected, atol=1e-5)
    last = make("onnx", weights=write_onnx(tmp_path / "b.onnx", ("N", 8, 8, 3), "Relu"), **NO_NORM)
    assert torch.allclose(last(x)["features"], expected, atol=1e-2)  # without the few that overshoot
    assert make("onnx", weights=write_onnx(tmp_path / "c.onnx", ("N", 3, "H", "W")), size=24).height == 24


@needs_onnx
def test_onnx_keeps_the_contract_and_its_weights_are_the_hash_of_the_file(tmp_path):
    file = write_onnx(tmp_path / "a.onnx", ("N", 3, "H", "W"))
    check_contract("onnx", weights=file)
    first, again = make("onnx", weights=file), make("onnx", weights=file)
    other = make("onnx", weights=write_onnx(tmp_path / "b.onnx", ("M", 3, "H", "W")))
    hashes = [hash_network(each) for each in (first, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]


@needs_onnx
def test_onnx_refuses_files_and_uses_that_do_not_fit(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(GanzooError, match="is not a file of ONNX with all its weights inside"):
        make("onnx", weights=str(tmp_path / "a.onnx"))
    flat = write_onnx(tmp_path / "b.onnx", ("N", 3), "Relu", 2)
    with pytest.raises(GanzooError, match=r"takes x \['N', 3\] tensor\(float\), not one batch of float images"):
        make("onnx", weights=flat)
    file = write_onnx(tmp_path / "c.onnx", ("N", 3, "H", "W"))
    with pytest.raises(UsageError, match=r"extractor\.onnx\.output: .* has no output 'z': it has y"):
        make("onnx", weights=file, output="z")
    with pytest.raises(UsageError, match="cannot be differentiated"):
        make("onnx", weights=file)(draw(1, 3, 16, 16).requires_grad_())


# ----------------------------------------------------------------------------
# dinov2, clip: a tiny transformer of timm stands for theirs.

TINY = "test_vit.r160_in1k"


@pytest.fixture
def tiny(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = timm.create_model(TINY).eval()
    save_file(network.state_dict(), tmp_path / "tiny.safetensors")
    return network, tmp_path / "tiny.safetensors"


@needs_timm
@torch.no_grad()
def test_networks_of_timm_are_loaded_from_a_file_and_get_images_of_their_size_and_range(tiny):
    network, path = tiny
    x = draw(2, 3, 160, 160)
    made = make("clip", weights=str(path), network=TINY)
    assert made.size == 160
    assert torch.allclose(made(x)["features"], network(x), atol=1e-5)  # its mean and deviation are 1/2
    assert make("dinov2", weights=str(path), network=TINY)(x)["features"].shape == (2, 1000)  # at 224 pixels
    torch.save(network.state_dict(), path.with_suffix(".pth"))
    again = make("clip", weights=str(path.with_suffix(".pth")), network=TINY)
    assert torch.equal(again(x)["features"], made(x)["features"])


@needs_timm
def test_networks_of_timm_keep_the_contract(tiny):
    check_contract("dinov2", weights=str(tiny[1]), network=TINY, size=0)


@needs_timm
def test_networks_of_timm_name_the_file_on_the_hub_and_refuse_others(tiny, tmp_path):
    words = (
        r"needs a file of weights: add extractor\.{}\.weights=hf://timm/{}/model\.safetensors, which is downloaded once"
    )
    for name, network in (
        ("dinov2", r"vit_large_patch14_dinov2\.lvd142m"),
        ("clip", r"vit_base_patch32_clip_224\.openai"),
    ):
        with pytest.raises(UsageError, match=words.format(name, network)):
            make(name)
    with pytest.raises(UsageError, match=r"extractor\.clip\.network: timm has no network 'no': try vit_base_patch32"):
        make("clip", network="no")
    with pytest.raises(GanzooError, match=r"does not fit timm's vit_base_patch32_clip_224\.openai at 224 pixels"):
        make("clip", weights=str(tiny[1]))
    (tmp_path / "a.pth").write_bytes(b"nothing")
    with pytest.raises(GanzooError, match=r"is not a file of tensors: give one of safetensors or of torch\.save"):
        make("clip", weights=str(tmp_path / "a.pth"))
