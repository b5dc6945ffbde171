"""Upscaling: the networks against the papers' formulas, published files, and a run from a folder to a larger image."""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

import ganzoo
import ganzoo_upscaling
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve

SPECS = {spec.name: spec for spec in ganzoo_upscaling.ganzoo_architectures()}
imports = import_module("ganzoo_upscaling.imports")
CHELSEA = Path(__file__).parent / "chelsea.jpg"


def make_data(scale, size=16, channels=3):
    return DataInfo(shape=(channels, scale * size, scale * size), label_shape=(channels, size, size))


def build(name, data, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ganzoo.create("architecture", name, data=data, **options)


# ----------------------------------------------------------------------------
# Files with the published names, and the formulas of the papers.


def draw_weights(shapes):
    """Return random weights and biases of layers, whose outputs are about as large as their inputs."""
    generator, weights = torch.Generator().manual_seed(0), {}
    for name, shape in shapes.items():
        fan = np.prod(shape[1:]) if len(shape) > 1 else 1
        weights[f"{name}.weight"] = torch.randn(shape, generator=generator) * (1.5 / fan) ** 0.5
        if len(shape) > 1:
            weights[f"{name}.bias"] = torch.randn(shape[0], generator=generator) / 10
    return weights


def make_rrdb(scale, width=6, growth=4, blocks=2, channels=3):
    """Return weights under the names of BasicSR."""
    shapes = {"conv_first": (width, channels * (4 // scale) ** 2, 3, 3), "conv_last": (channels, width, 3, 3)}
    shapes |= {name: (width, width, 3, 3) for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr")}
    for block in range(blocks):
        for dense in (1, 2, 3):
            for conv in range(1, 6):
                outputs = growth if conv < 5 else width
                shapes[f"body.{block}.rdb{dense}.conv{conv}"] = (outputs, width + (conv - 1) * growth, 3, 3)
    return draw_weights(shapes)


def make_compact(scale, width=6, convs=3, channels=3):
    shapes = {"body.0": (width, channels, 3, 3), "body.1": (width,)}
    for number in range(convs):
        shapes |= {f"body.{2 * number + 2}": (width, width, 3, 3), f"body.{2 * number + 3}": (width,)}
    return draw_weights(shapes | {f"body.{2 * convs + 2}": (channels * scale**2, width, 3, 3)})


def compute_rrdb(weights, x, scale):
    """Return the large images of small ones in [0, 1], as figures 3 and 4 of both papers say."""

    def conv(name, y):
        return F.conv2d(y, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)

    def leak(y):
        return torch.where(y > 0, y, 0.2 * y)

    def double(y):
        return y.repeat_interleave(2, 2).repeat_interleave(2, 3)

    fold = 4 // scale
    n, c, h, w = x.shape
    x = x.view(n, c, h // fold, fold, w // fold, fold).permute(0, 1, 3, 5, 2, 4).reshape(n, -1, h // fold, w // fold)
    first = y = conv("conv_first", x)
    for block in range(len({name.split(".")[1] for name in weights if name.startswith("body.")})):
        inner = y
        for dense in (1, 2, 3):
            seen = inner
            for number in (1, 2, 3, 4):
                seen = torch.cat([seen, leak(conv(f"body.{block}.rdb{dense}.conv{number}", seen))], 1)
            inner = inner + 0.2 * conv(f"body.{block}.rdb{dense}.conv5", seen)
        y = y + 0.2 * inner
    y = first + conv("conv_body", y)
    y = leak(conv("conv_up2", double(leak(conv("conv_up1", double(y))))))
    return conv("conv_last", leak(conv("conv_hr", y)))


def compute_compact(weights, x, scale):
    """Return the large images of small ones in [0, 1]."""
    y, last = x, max(int(name.split(".")[1]) for name in weights)
    for number in range(last + 1):
        weight = weights[f"body.{number}.weight"]
        if weight.dim() == 4:
            y = F.conv2d(y, weight, weights[f"body.{number}.bias"], padding=1)
        else:
            y = torch.where(y > 0, y, y * weight[:, None, None])
    n, _, h, w = y.shape
    large = y.view(n, -1, scale, scale, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, scale * h, scale * w)
    return large + x.repeat_interleave(scale, 2).repeat_interleave(scale, 3)


def rename(weights, layout):
    """Return weights of BasicSR under the names of an older layout."""
    other = {}
    last = max(int(name.split(".")[1]) for name in weights if name.startswith("body.")) + 1
    for name, each in weights.items():
        part, _, kind = name.rpartition(".")
        part = re.sub(r"rdb(\d)", r"RDB\1", part)
        if layout == "old":
            part = re.sub(r"body\.(\d+)\.(.+)", r"model.1.sub.\1.\2.0", part)
            names = {"conv_first": "model.0", "conv_body": f"model.1.sub.{last}", "conv_up1": "model.3"}
            names |= {"conv_up2": "model.6", "conv_hr": "model.8", "conv_last": "model.10"}
        else:
            part = re.sub(r"body\.(\d+)\.", r"RRDB_trunk.\1.", part)
            names = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}
        other[f"{names.get(part, part)}.{kind}"] = each
    return other


FILES = [
    ("esrgan", 4, lambda w: rename(w, "old")),
    ("esrgan", 4, lambda w: rename(w, "middle")),
    ("real-esrgan", 4, lambda w: {"params": {"conv_first.weight": torch.zeros(1)}, "params_ema": w}),
    ("real-esrgan", 2, lambda w: {"params": w}),
    ("real-esrgan", 1, dict),
    ("compact", 4, lambda w: {"params": w}),
    ("compact", 2, dict),
]


@pytest.mark.parametrize(("format", "scale", "store"), FILES)
def test_a_published_file_gives_the_images_of_the_paper(format, scale, store, tmp_path):
    weights = make_compact(scale) if format == "compact" else make_rrdb(scale)
    torch.save(store(weights), tmp_path / "file.pth")
    package = ganzoo.import_weights(tmp_path / "file.pth", tmp_path / "made", format=format, device="cpu")
    small = torch.rand(2, 3, 12, 8, generator=torch.Generator().manual_seed(1))
    compute = compute_compact if format == "compact" else compute_rrdb
    expected = compute(weights, small, scale)
    found = (ganzoo.load(package, "cpu").translate(2 * small - 1) + 1) / 2
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("format", "changes", "text"),
    [
        ("esrgan", {"conv_first.weight": None}, "tensor 'conv_first.weight' is missing"),
        ("esrgan", {"conv_first.weight": torch.zeros(6, 7, 3, 3)}, "it makes 3 channels of 7"),
        ("compact", {}, "it is a network of dense blocks: add --format real-esrgan"),
        ("esrgan", {"body.0.weight": torch.zeros(4, 3, 3, 3)}, "it is a compact network: add --format compact"),
    ],
)
def test_other_files_are_refused(format, changes, text, tmp_path):
    weights = {**make_rrdb(4), **changes}
    torch.save({name: each for name, each in weights.items() if each is not None}, tmp_path / "file.pth")
    with pytest.raises(UsageError, match=text):
        ganzoo.import_weights(tmp_path / "file.pth", tmp_path / "made", format=format, device="cpu")


def test_compact_networks_without_learned_rectifiers_are_refused():
    weights = {name: each for name, each in make_compact(4).items() if each.dim() != 1 or name.endswith("bias")}
    with pytest.raises(UsageError, match="its rectifiers are not learned"):
        imports.compact(weights)


@pytest.mark.parametrize("format", ["esrgan", "compact"])
def test_a_state_dict_has_the_published_names(format, tmp_path):
    weights = make_compact(4) if format == "compact" else make_rrdb(4)
    torch.save(weights, tmp_path / "file.pth")
    package = ganzoo.import_weights(tmp_path / "file.pth", tmp_path / "made", format=format, device="cpu")
    path, *_ = ganzoo.export(package, "state-dict", tmp_path / "out")
    stored = torch.load(path, weights_only=True)
    assert stored.keys() == weights.keys()
    assert all(torch.equal(stored[name], each) for name, each in weights.items())


@pytest.mark.slow
@pytest.mark.skipif(any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")), reason="no onnx")
@pytest.mark.parametrize(("format", "scale"), [("real-esrgan", 2), ("compact", 4)])
def test_an_onnx_file_gives_the_same_images(format, scale, tmp_path):
    torch.save(make_compact(scale) if format == "compact" else make_rrdb(scale), tmp_path / "file.pth")
    package = ganzoo.import_weights(tmp_path / "file.pth", tmp_path / "made", format=format, device="cpu")
    files = ganzoo.export(package, "onnx", tmp_path / "out")  # which compares the images
    assert [file.name for file in files] == ["model.onnx", "model.json"]


@pytest.mark.parametrize(("format", "scale"), [("esrgan", 4), ("real-esrgan", 2), ("compact", 4)])
def test_spandrel_reads_a_state_dict(format, scale, tmp_path):
    spandrel = pytest.importorskip("spandrel", exc_type=ImportError)  # it takes a growth of 32 alone
    weights = make_compact(scale) if format == "compact" else make_rrdb(scale, width=16, growth=32)
    torch.save(weights, tmp_path / "file.pth")
    package = ganzoo.import_weights(tmp_path / "file.pth", tmp_path / "made", format=format, device="cpu")
    path, *_ = ganzoo.export(package, "state-dict", tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tries a function of torch first that is deprecated
        model = spandrel.ModelLoader().load_from_file(path)
    assert (model.scale, model.input_channels, model.output_channels) == (scale, 3, 3)
    small = torch.rand(1, 3, 12, 8, generator=torch.Generator().manual_seed(1))
    expected = (ganzoo.load(package, "cpu").translate(2 * small - 1) + 1) / 2
    with torch.no_grad():
        found = model(small)
    torch.testing.assert_close(found, expected.clamp(0, 1), rtol=1e-3, atol=1e-4)


# ----------------------------------------------------------------------------
# The networks.


@pytest.mark.parametrize(("name", "scale"), [("rrdb", 1), ("rrdb", 2), ("rrdb", 4), ("compact", 1), ("compact", 3)])
def test_a_generator_enlarges_images_of_any_size(name, scale):
    network = build(name, make_data(scale)).generator
    for height, width in ((16, 16), (5, 7), (1, 2)):
        assert network(torch.zeros(2, 0), torch.zeros(2, 3, height, width)).shape[2:] == (scale * height, scale * width)
    image = torch.rand(1, 3, 7, 9) * 2 - 1  # what is added at the edge is not seen far away
    wide = F.pad(image, (0, 3, 0, 1), mode="replicate")
    one, other = (network(torch.zeros(1, 0), each) for each in (image, wide))
    torch.testing.assert_close(one, other[:, :, : 7 * scale, : 9 * scale], rtol=0, atol=0.2)


def test_a_new_compact_generator_repeats_pixels_and_learns_the_rest():
    network = build("compact", make_data(4)).generator
    nn.init.zeros_(network.body[-1].weight)
    nn.init.zeros_(network.body[-1].bias)
    small = torch.rand(1, 3, 5, 6) * 2 - 1
    assert torch.equal(network(torch.zeros(1, 0), small), small.repeat_interleave(4, 2).repeat_interleave(4, 3))


@pytest.mark.parametrize("size", [8, 20, 33])
def test_the_unet_gives_each_pixel_a_logit(size):
    data = DataInfo(shape=(3, size, 2 * size), label_shape=(3, size, 2 * size))
    network = build("rrdb", data, width_d=4).discriminator
    assert network(torch.zeros(2, *data.shape)).shape == (2, 1, size, 2 * size)
    norms = [name for name, layer in network.named_modules() if hasattr(layer, "parametrizations")]
    assert norms == [f"{part}.{i}" for part, num in (("down", 3), ("up", 3), ("hidden", 2)) for i in range(num)]


def test_the_vgg_gives_each_image_a_logit():
    network = build("compact", make_data(4), d="vgg", width_d=4).discriminator
    assert network(torch.rand(3, 3, 64, 64)).shape == (3, 1)
    assert network.hidden.in_features == 4 * 8 * 4 * 4
    assert [SPECS["rrdb"].get_provided(SPECS["rrdb"].options(d=d))[1:] for d in ("vgg", "unet")] == [
        ("batchnorm-in-d",),
        (),
    ]


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("rrdb", make_data(3), "rrdb enlarges images 1, 2 or 4 times, not 3: set dataset.scale=4"),
        ("rrdb", DataInfo(shape=(3, 16, 16), label_shape=(3, 5, 4)), "labels of 5x4 do not become samples of 16x16"),
        ("compact", DataInfo(shape=(3, 16, 16), num_classes=3), "labels are not images .*: use --dataset upscaling"),
        ("compact", DataInfo(shape=(3, 16, 16), label_shape=(1, 4, 4)), "labels are not images with the channels"),
        ("compact", DataInfo(shape=(3, 4, 4), label_shape=(3, 4, 4)), "images of 4x4 are too small for D"),
    ],
)
def test_data_that_do_not_suit_are_refused(name, data, text):
    with pytest.raises(UsageError, match=text):
        ganzoo.create("architecture", name, data=data)


# ----------------------------------------------------------------------------
# A run.

RUN = {
    "dataset.size": 32, "dataset.crops": 8, "arch.width": 4, "arch.convs": 1, "arch.width_d": 4, "train.batch": 4,
    "dataset.degradation": "real", "train.checkpoint_every": 8,
}  # fmt: skip


def cut_photo(width, height):
    with Image.open(CHELSEA) as image:
        return image.crop((0, 0, width, height))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    cut_photo(90, 70).save(tmp_path / "photos" / "cat.png")
    return {"dataset": "upscaling", "options": RUN | {"dataset.path": str(tmp_path / "photos")}, "device": "cpu"}


def test_a_resumed_run_ends_as_an_unbroken_one_and_enlarges_a_file(photos, tmp_path):
    whole, parts = (ganzoo.train(arch="compact", images=images, name=f"of-{images}", **photos) for images in (16, 8))
    ganzoo.train(resume=parts, images=16, device="cpu")
    one, other = ((run.path / "package" / "model.safetensors").read_bytes() for run in (whole, parts))
    assert one == other
    cut_photo(31, 22).save(tmp_path / "small.png")
    ganzoo.apply(whole, tmp_path / "small.png", tmp_path / "large.png", device="cpu")
    with Image.open(tmp_path / "large.png") as image:
        assert image.size == (124, 88)
    values = ganzoo.evaluate(whole, metric=("psnr", "ssim"), num=8, device="cpu").values
    assert 0 < values["psnr/psnr"] < 40
    assert -1 < values["ssim/ssim"] < 1


def test_before_d_starts_the_generator_learns_from_pixels_alone(photos):
    photos["options"] = photos["options"] | {"train.d_start": 64, "optim.g.lr": 1e-2, "arch.width": 8}
    run = ganzoo.train(arch="compact", images=64, reg=("l1",), **photos)
    rows = run.rows()
    assert not any("loss_d" in row for row in rows)
    assert "reg.l1/g" in rows[-1]


@pytest.mark.parametrize("name", ["esrgan-l1", "esrgan", "real-esrgan-l1", "real-esrgan", "compact-upscaling"])
def test_recipes(name, tmp_path):
    recipe = resolve(ganzoo.registry(), recipe=name, pairs={"dataset.path": str(tmp_path)})
    train, terms = recipe.train, {term.name: term.options for term in recipe.reg}
    assert recipe.dataset.name == "upscaling"
    assert train.conditional
    if name.endswith("l1"):
        assert list(terms) == ["l1"]
        assert train.d_start == train.images == train.batch * 1_000_000
    else:
        assert terms["perceptual"].extractor == "extractors:squeezenet"
    if "real" in name:
        assert (train.batch, recipe.dataset.options.degradation, recipe.dataset.options.size) == (48, "real", 256)
    if name == "esrgan":
        assert (recipe.loss.name, recipe.arch.options.d, train.adversarial_weight) == ("ragan", "vgg", 0.005)
        assert (terms["l1"].weight, terms["perceptual"].weight) == (0.005, 1)
    if name == "real-esrgan":
        assert 0.5 ** (train.batch / train.ema_half_life) == pytest.approx(0.999, abs=1e-6)
        assert (recipe.loss.name, recipe.arch.options.d, terms["l1"].weight) == ("bce", "unet", 0.5)
