"""Translators: their networks against the papers, the pool, exact resuming, and what users type."""

from __future__ import annotations

import signal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
import ganzoo_translation
from crashing import die, in_child
from ganzoo.engine import checkpoint, execution, rounds
from ganzoo.errors import UsageError
from ganzoo.layers import PatchGAN
from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo.testing import check_regularizer, collect_checks

SPECS = {spec.name: spec for spec in ganzoo_translation.ganzoo_architectures()}
networks, unet, cycle = (import_module(f"ganzoo_translation.{name}") for name in ("networks", "unet", "cycle"))
cases = import_module("ganzoo_translation.cases")


def build(arch, size=32, inputs=3, outputs=3, **values):
    data = DataInfo(shape=(outputs, size, size), label_shape=(inputs, size, size))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ganzoo.create("architecture", arch, data=data, **{"width": 4, **values})


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ----------------------------------------------------------------------------
# Networks.


def test_the_counts_of_parameters_are_the_published_ones():
    published = {
        cases.count_unet(3, 3, 64, 8): 54.414,
        cases.count_patchgan(6, 64, 3, scaled=True): 2.769,
        cases.count_resnet(3, 3, 64, 9, 2): 11.378,
        cases.count_patchgan(3, 64, 3): 2.765,
    }
    assert [round(count / 1e6, 3) for count in published] == list(published.values())
    for arch in SPECS:
        found = [check.run() for check in collect_checks(arch) if "/case" in check.name]
        assert [result.status for result in found] == ["PASS"] * len(found)
        assert found


@pytest.mark.parametrize(("layers", "side"), [(0, 1), (1, 16), (3, 70), (5, 286)])
def test_a_logit_sees_a_square_of_the_papers_size(layers, side):
    discriminator = PatchGAN(1, 0, 2, layers, "none").double()
    images = torch.zeros(1, 1, 320, 320, dtype=torch.float64, requires_grad=True)
    logits = discriminator(images + 0.1).logits
    middle = logits.shape[2] // 2
    (slope,) = torch.autograd.grad(logits[0, 0, middle, middle], images)
    seen = slope[0, 0].nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [side, side]


def test_each_scale_sees_half_the_resolution_and_has_features():
    found = build("pix2pix", 64, scales=3, layers_d=2).discriminator(draw(2, 3, 64, 64), draw(2, 3, 64, 64))
    assert [tuple(logits.shape[1:]) for logits in found.logits] == [(1, side, side) for side in (14, 6, 2)]
    assert len(found.features) == 3 * 3


def test_dropout_is_the_noise_of_samples_too():
    pair, labels = build("pix2pix"), draw(2, 3, 32, 32)
    generator, z = pair.generator.eval(), torch.zeros(2, 0)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        one, two = generator(z, labels), generator(z, labels)
        calm = build("pix2pix", dropout=0.0).generator
        assert not torch.equal(one, two)
        assert torch.equal(calm(z, labels), calm(z, labels))
    assert sum(isinstance(module, unet.Dropout) for module in generator.modules()) == 3


@pytest.mark.parametrize("options", [{"generator": "unet"}, {"generator": "resnet"}])
@pytest.mark.parametrize("size", [(32, 32), (40, 56), (33, 47), (5, 3)])
def test_images_of_any_size_keep_it(options, size):
    generator = build("pix2pix", **options).generator
    with torch.no_grad():
        assert generator(torch.zeros(1, 0), draw(1, 3, *size)).shape == (1, 3, *size)


def test_images_of_the_training_are_not_padded():
    for size, levels in ((32, 5), (64, 6), (96, 5), (256, 8), (512, 8)):
        with torch.device("meta"):
            generator = build("pix2pix", size, width=1).generator
            seen = []
            generator.down[0].register_forward_pre_hook(lambda module, inputs, seen=seen: seen.append(inputs[0].shape))
            generator(torch.zeros(1, 0), torch.zeros(1, 3, size, size))
        assert (len(generator.down), tuple(seen[0])) == (levels, (1, 3, size, size))
    with torch.device("meta"):
        generator = build("cut", 64, width=1).generator
        generator.first.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
        generator(torch.zeros(1, 0), torch.zeros(1, 3, 64, 64))
    assert tuple(seen[-1]) == (1, 3, 64, 64)


def test_instance_normalisation_is_batch_normalisation_of_batches_of_one():
    one, other = (build("pix2pix", dropout=0.0, norm=norm, norm_d=norm) for norm in ("instance", "batch"))
    other.generator.load_state_dict(one.generator.state_dict(), strict=False)
    x = draw(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            one.generator(x[:, :0, 0, 0], x), other.generator(x[:, :0, 0, 0], x), atol=1e-4, rtol=0
        )


def test_the_maps_of_cut_are_those_of_the_paper():
    generator = build("cut", 64, blocks=6).generator
    maps = generator.encode(draw(1, 3, 64, 64))
    assert [tuple(each.shape[1:]) for each in maps] == [
        (3, 64, 64),
        (8, 32, 32),
        (16, 16, 16),
        (16, 16, 16),
        (16, 16, 16),
    ]


@pytest.mark.parametrize(
    ("arch", "data", "words"),
    [
        ("pix2pix", DataInfo(shape=(3, 32, 32), num_classes=3), "translates images: use data whose labels are images"),
        ("cut", DataInfo(shape=(3, 32, 32), label_shape=(3, 16, 16)), "inputs are 16x16, images to generate 32x32"),
        ("pix2pix", DataInfo(shape=(3, 50, 50), label_shape=(3, 50, 50)), "50x50 cannot be halved 3 times: add arch"),
        ("cyclegan", DataInfo(shape=(3, 16, 16), label_shape=(3, 16, 16)), "needs images of at least 24 pixels"),
    ],
)  # fmt: skip
def test_data_that_do_not_fit_are_refused_in_a_sentence(arch, data, words):
    with pytest.raises(UsageError, match=words):
        ganzoo.create("architecture", arch, data=data)
    square = DataInfo(shape=(3, 40, 40), label_shape=(3, 40, 40))
    with pytest.raises(UsageError, match=r"arch.levels=7 pads images of 40x40 to 128x128: use arch.levels=5"):
        ganzoo.create("architecture", "pix2pix", data=square, levels=7)


# ----------------------------------------------------------------------------
# Terms.


@pytest.mark.parametrize("name", ["cycle", "patchnce"])
def test_the_terms_have_the_values_of_the_papers_formulas(name):
    results = {result.check.rpartition("/")[2]: result for result in check_regularizer(name)}
    assert [result for result in results.values() if result.status == "FAIL"] == []
    assert all(result.status == "PASS" for check, result in results.items() if check.startswith("case"))


def test_a_pool_shows_a_new_sample_or_an_earlier_one_that_it_replaces():
    pool, made, shown = cycle.Pool(3, (1,)), 2000, []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for number in range(made):
            (value,) = pool(torch.full((1, 1), float(number), requires_grad=True)).flatten().tolist()
            shown.append(int(value))
    later = shown[3:]
    assert shown[:3] == [0, 1, 2]
    assert all(value <= number for number, value in enumerate(shown))
    assert len(set(later)) == len(later)  # what was shown again has left the pool
    assert sum(value == number for number, value in enumerate(shown)) / made == pytest.approx(0.5, abs=0.05)
    assert set(later) | set(pool.samples.flatten().int().tolist()) == set(range(made))
    sample = torch.ones(2, 1, requires_grad=True)
    nothing = cycle.Pool(0, (1,))(sample)
    assert torch.equal(nothing, sample)
    assert not nothing.requires_grad


def test_terms_that_compare_images_with_inputs_need_as_many_channels():
    data = DataInfo(shape=(3, 32, 32), label_shape=(1, 32, 32))
    for name in ("cycle", "patchnce"):
        with pytest.raises(UsageError, match=f"add reg.{name}.identity=0"):
            ganzoo.create("regularizer", name, data=data)
        ganzoo.create("regularizer", name, data=data, identity=0.0)


# ----------------------------------------------------------------------------
# Trainings.


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Write eight pairs: squares, and the same squares in other colours; work beside them."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for number in range(8):
        image = np.full((32, 32, 3), 255, np.uint8)
        down, right = generator.integers(2, 16, 2)
        image[down : down + 12, right : right + 12] = generator.integers(0, 200, 3)
        for folder, pixels in (("A", image), ("B", image[..., ::-1] // 2)):
            path = tmp_path / "pictures" / folder / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return tmp_path / "pictures"


SMALL = {"arch.width": 4, "train.execution": "eager", "train.threads": 1}


def train(pictures, arch, images, **more):
    options = {**SMALL, "dataset.path": str(pictures), "dataset.size": 32, "train.checkpoint_every": 4, **more}
    return ganzoo.train(arch=arch, dataset="pairs", images=images, options=options, device="cpu", progress=False)


def test_pix2pix_learns_the_colours_of_pairs_and_translates_files(pictures):
    run = train(pictures, "pix2pix", 320, **{"optim.g.lr": 2e-3, "optim.d.lr": 2e-3, "arch.width": 8})
    rows = [row["reg.l1/g"] for row in run.rows() if "reg.l1/g" in row]
    assert rows[-1] < 0.5 * 100 * 0.6, rows  # it begins above
    ganzoo.apply(run, pictures / "A", "out/")
    made = [np.asarray(Image.open(path), float) for path in sorted(Path("out").glob("*.png"))]
    wanted = [np.asarray(Image.open(path), float) for path in sorted((pictures / "B").glob("*.png"))]
    inputs = [np.asarray(Image.open(path), float) for path in sorted((pictures / "A").glob("*.png"))]
    off, before = (np.abs(np.array(each) - np.array(wanted)).mean() for each in (made, inputs))
    assert off < 0.4 * before
    for name in ("log.txt", "report.html"):  # what they tell to type is possible
        words = (run.path / name).read_text(encoding="utf-8")
        assert "ganzoo apply runs/" in words
        assert "ganzoo sample" not in words


def test_a_killed_cyclegan_goes_on_bit_for_bit_with_its_pool(pictures):
    options = {"dataset.aligned": False, "reg.cycle.pool": 3, "arch.blocks": 1}
    whole, update = train(pictures, "cyclegan", 10, **options), rounds.update_together

    def die_in_the_seventh_update():
        left = iter(range(6))
        rounds.update_together = lambda *given: die() if next(left, None) is None else update(*given)
        train(pictures, "cyclegan", 10, **options)

    assert in_child(die_in_the_seventh_update) == -signal.SIGKILL
    torn = ganzoo.train(resume="1", progress=False)
    (one, _), (two, _) = (checkpoint.load(run.checkpoints[-1]) for run in (whole, torn))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name].numpy().tobytes() != two[name].numpy().tobytes()] == []
    assert one["reg.cycle/images.count"] == one["reg.cycle/inputs.count"] == 3
    assert one["reg.cycle/images.samples"].std() > 0
    assert {"discriminator/back.last.weight", "generator/back.last.1.weight"} < one.keys()


def test_both_directions_and_the_heads_of_patches_learn(pictures):
    for arch, reg in (("cyclegan", "cycle"), ("cut", "patchnce")):
        before, after = (train(pictures, arch, images, **{"arch.blocks": 1}) for images in (4, 12))
        (one, _), (two, _) = (checkpoint.load(run.checkpoints[-1]) for run in (before, after))
        moving = [name for name in one if name.partition("/")[0] in ("generator", "discriminator", f"reg.{reg}")]
        still = [name for name in moving if one[name].is_floating_point() and torch.equal(one[name], two[name])]
        assert still == []


@pytest.mark.slow
@pytest.mark.parametrize("arch", SPECS)
def test_recorded_updates_equal_eager_ones(pictures, monkeypatch, arch):
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: graph)
    options = {"train.batch": 2, "arch.blocks": 1, **({"reg.cycle.pool": 2} if arch == "cyclegan" else {})}
    options |= {f"optim.{network}.eps": 1e-2 for network in "gd"}  # Adam amplifies the rounding of gradients near 0
    runs = [train(pictures, arch, 8, **options, **{"train.execution": how}) for how in ("eager", "compile")]
    assert "going on with eager" not in (runs[1].path / "log.txt").read_text()
    (one, _), (two, _) = (checkpoint.load(run.checkpoints[-1]) for run in runs)
    trained = [
        name for name in one if not name.startswith("optim") and not name.endswith(".bias")
    ]  # some have no effect
    off = {name: float((one[name].double() - two[name].double()).abs().max()) for name in trained}
    assert max(off.values()) < 1e-5, max(off, key=off.get)
    start, _ = checkpoint.load(runs[0].checkpoints[0])
    moved = [float((one[name] - start[name]).abs().max()) for name in trained if name.startswith("generator/")]
    assert max(moved) > 1e-4  # so that the updates are compared, and not the weights at the start


def test_d_and_g_cannot_see_different_images_in_one_forward(pictures):
    with pytest.raises(UsageError, match=r"use train.update=shared or alternating"):
        train(pictures, "cyclegan", 4, **{"train.update": "simultaneous"})


def test_terms_go_only_with_generators_that_have_what_they_read():
    with pytest.raises(UsageError, match="regularizer 'cycle' needs 'two-directions'"):
        resolve(ganzoo.registry(), pairs={"arch": "cut", "reg": "cycle", "dataset": "pairs"})
    with pytest.raises(UsageError, match=r"needs 'encoded-maps', which arch 'pix2pix' does not .* add arch.generator"):
        resolve(ganzoo.registry(), pairs={"arch": "pix2pix", "reg": "patchnce", "dataset": "pairs"})


def test_a_loss_that_an_architecture_recommends_does_not_change_its_normalisation():
    for arch, loss, norm in (
        ("cyclegan", "lsgan", "unscaled"),
        ("pix2pix", "bce", "instance"),
        ("cut", "hinge", "unscaled"),
    ):
        recipe = resolve(ganzoo.registry(), pairs={"arch": arch, "loss": loss, "dataset": "pairs"})
        assert recipe.arch.options.norm_d == norm


@pytest.mark.parametrize("name", ["pix2pix-facades", "cyclegan-horse2zebra", "cut-horse2zebra"])
def test_rates_of_the_recipes_are_constant_for_half_of_the_training(name):
    recipe = resolve(ganzoo.registry(), recipe=name)
    half = recipe.train.images / 2
    for optim in (recipe.optim_g, recipe.optim_d):
        assert [optim.options.lr.at(images) for images in (half, 1.5 * half, 2 * half)] == [2e-4, 1e-4, 0]
    assert (recipe.train.batch, recipe.train.ema_half_life, recipe.train.flip) == (1, 0, True)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("onnxscript") is None or find_spec("onnxruntime") is None, reason="onnx is not installed")
@pytest.mark.parametrize(("arch", "options"), [("pix2pix", {"dropout": 0.0}), ("cyclegan", {"blocks": 1})])
def test_onnx_runtime_makes_the_same_images(arch, options, tmp_path):
    import onnxruntime

    data = DataInfo(shape=(3, 32, 32), label_shape=(3, 32, 32))
    generator = Generator(build(arch, **options), data, {"images": 0, "recipe": {"arch": {"name": f"test:{arch}"}}})
    path, *_ = ganzoo.create("exporter", "onnx", data=data)(generator, tmp_path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    labels = generator.make_labels(3)
    (found,) = session.run(None, {"labels": labels.numpy()})
    expected = generator(torch.zeros(3, 0), labels)
    assert np.abs(found - expected.numpy()).max() < 1e-4
