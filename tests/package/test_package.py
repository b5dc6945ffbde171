"""Model packages: the loaded model is the trained one; damaged, foreign and incomplete packages are errors."""

from __future__ import annotations

import base64
import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

import ganzoo
from crashing import Dying, run_until_killed
from ganzoo.engine import checkpoint
from ganzoo.errors import Corrupt, GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.health.signals import Diverged
from ganzoo.package import package
from ganzoo.package.config import DISCRIMINATOR, FORMAT, MODEL, PICTURE, REFERENCE, read_config
from ganzoo.package.outputs import write_samples
from ganzoo.plugin import files
from ganzoo.runs.run import Run
from ganzoo.samples import grid
from outside_dist import run_json


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)


def train(**settings: Any) -> Run:
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 64, **settings})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a trained run's package."""
    return Path(shutil.copytree(train(options={"arch.norm": True}).package, tmp_path / "copy"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a package's config."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    """Change a package's weights, and put their new hash and size into its config."""
    path = folder / MODEL
    weights = safetensors.torch.load_file(path)
    change(weights)
    model = safetensors.torch.save(weights)
    path.write_bytes(model)
    edit(folder, lambda c: c["files"].update({MODEL: {"sha256": sha256(model).hexdigest(), "size": len(model)}}))


# ----------------------------------------------------------------------------
# Round trip.


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"arch": "toy-conv"},
        {"conditional": True, "options": {"arch.norm": True}},
        {"dataset": "toy-points", "options": {"arch.width": 5, "arch.z_dim": 3}},
    ],
)
def test_the_loaded_generator_is_the_averaged_one(settings):
    run = train(**settings)
    generator = ganzoo.load(run)
    saved, _ = checkpoint.load(run.checkpoints[-1])
    weights = generator.network.state_dict()
    assert weights.keys() == {name.removeprefix("ema/") for name in saved if name.startswith("ema/")}
    assert [name for name in weights if not torch.equal(weights[name], saved[f"ema/{name}"])] == []
    trained = {name: saved[f"generator/{name}"] for name in weights}
    assert any(not torch.equal(weights[name], trained[name]) for name in weights)

    assert not generator.network.training
    z = torch.randn(6, generator.networks.latent_dim)
    labels = torch.arange(6) % 2 if settings.get("conditional") else None
    with torch.no_grad():
        assert torch.equal(generator(z, labels), generator.network(z, labels))
        one = generator(z[:1], None if labels is None else labels[:1])
    assert torch.allclose(one, generator(z, labels)[:1], atol=1e-6)  # in eval mode, not with the batch's statistics


def test_a_run_is_found_by_object_path_name_and_number_and_a_package_by_its_path(tmp_path):
    run = train(name="mine")
    wanted = ganzoo.load(run).sample(3)
    moved = shutil.copytree(run.package, tmp_path / "elsewhere")
    for what in (run.path, str(run.path), "0000-mine", "0", run.package, moved, str(moved)):
        assert np.array_equal(ganzoo.load(what).sample(3), wanted)


def test_the_config_says_what_the_package_is():
    run = train(conditional=True, metric="toy-mean")
    config = json.loads((run.package / "config.json").read_text())
    assert config["format"] == FORMAT
    assert config["images"] == 64
    stored = json.loads((run.path / "recipe.json").read_text())
    assert config["recipe"] == {key: value for key, value in stored.items() if key != "origins"}
    assert config["recipe"]["arch"]["name"].endswith("toy")
    assert config["data"] == {
        "shape": [1, 4, 4], "dtype": "uint8", "num_classes": 2, "num_items": 40, "modality": "image",
        "label_shape": [], "label_dtype": "float32", "meta": {},
    }  # fmt: skip
    assert config["latent"] == {"dim": 4, "distribution": "normal"}
    assert config["range"] == [-1, 1]
    measured = json.loads((run.path / "stats.jsonl").read_text().splitlines()[-1])["toy-mean/difference"]
    asked = ganzoo.evaluate(run, "toy-mean", num=40, seed=0)
    fingerprint = asked.to_json()["fingerprints"]["toy-mean"]
    assert asked.values == {"toy-mean/difference": measured}
    (entry,) = config["metrics"]
    assert entry == asked.scores["toy-mean/difference"].to_json()
    assert (entry["name"], entry["value"]) == ("toy-mean/difference", measured)
    assert (entry["num"], entry["seed"], entry["fingerprint"]) == (40, 0, fingerprint)
    for other in (ganzoo.evaluate(run, "toy-mean", num=39, seed=0), ganzoo.evaluate(run, "toy-mean", num=40, seed=1)):
        assert other.to_json()["fingerprints"]["toy-mean"] != fingerprint
    files = {name: (run.package / name).read_bytes() for name in (MODEL, DISCRIMINATOR, REFERENCE, PICTURE)}
    assert config["files"] == {name: {"sha256": sha256(c).hexdigest(), "size": len(c)} for name, c in files.items()}
    assert sorted(path.name for path in run.package.iterdir()) == sorted([*files, "config.json", "README.md"])


def test_during_a_run_a_package_is_config_and_weights():
    with pytest.raises(Diverged):
        train(loss="toy-nan", images=1000, options={"loss.after": 3, "train.checkpoint_every": 16})
    package = Run(Path("runs/0000-toy-toy-nan-toy-array")).package
    assert sorted(path.name for path in package.iterdir()) == ["config.json", DISCRIMINATOR, MODEL]
    assert ganzoo.load(package).sample(2).shape == (2, 4, 4, 1)


def test_only_images_have_a_range_of_their_own():
    assert read_config(train(dataset="toy-points").package).json["range"] is None


def test_a_model_whose_dataset_shows_text_writes_its_samples():
    generator = ganzoo.load(train(dataset="toy-lines"))
    samples = generator.sample_raw(3, seed=5)
    text = "".join(f"{x:.4f} {y:.4f}\n" for x, y in samples.tolist())
    assert generator.show(samples) == {"lines.txt": text.encode()}
    assert ganzoo.load(train(dataset="toy-points")).show(samples) == {}


def test_where_the_dataset_is_not_installed_samples_are_numbers(tmp_path):
    folder = Path(shutil.copytree(train(dataset="toy-lines").package, tmp_path / "copy"))
    edit(folder, lambda config: config["recipe"]["dataset"].update(name="gone:toy-lines"))
    generator = ganzoo.load(folder)
    assert generator.sample(3).shape == (3, 2)
    assert generator.show(generator.sample_raw(3)) == {}


def test_the_config_requires_the_plugins_that_are_distributed():
    run, by_hand = train(arch="dcgan", dataset="digits", options={"arch.width": 8}), train()
    assert read_config(run.package).json["requires"] == [{"distribution": "ganzoo", "version": version("ganzoo")}]
    assert read_config(by_hand.package).json["requires"] == []  # a registered module cannot be installed


def test_plugins_that_change_the_discriminator_are_required(make_gan):
    gan = make_gan(0)
    named = tuple(map(regularizer, ("plain", "changing")))
    recipe = replace(gan.recipe, reg=named, changes_d=("changing",))
    made = package.make_contents(recipe, gan.data, gan.averaged_networks, 1, [])
    assert made.config["requires"] == [{"distribution": "acme-changing", "version": "2"}]


def regularizer(name: str) -> Any:
    plugin = SimpleNamespace(distribution=f"acme-{name}", version="2")
    return SimpleNamespace(name=name, plugins=(plugin,), to_json=dict)


def test_a_run_without_a_package_says_when_it_is_written():
    run = train()
    shutil.rmtree(run.package)
    with pytest.raises(NotFound, match="has no model package yet: the first checkpoint writes it"):
        ganzoo.load(run)


@pytest.mark.parametrize("name", ["package", "best"])
def test_a_package_between_two_renames_is_found_by_its_name(name):
    run = train()
    crashed = (run.path / "package").rename(run.path / f".{name}.old")
    with run.training():  # the process that trains it cleans up itself
        assert not crashed.exists()
        crashed = (run.path / name).rename(crashed)
        with pytest.raises(NotFound):
            ganzoo.load(run.path / name)
    ganzoo.load(run.path / name)
    assert not crashed.exists()


# ----------------------------------------------------------------------------
# Damage.


def test_one_byte_changed_anywhere_in_the_weights_is_corrupt(folder):
    path = folder / MODEL
    content = path.read_bytes()
    for index in range(0, len(content), 13):
        damaged = bytearray(content)
        damaged[index] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(Corrupt, match=r"model.safetensors is damaged: its bytes differ from what was saved"):
            ganzoo.load(folder)
    path.write_bytes(content[:-1])
    with pytest.raises(Corrupt, match="is damaged"):
        ganzoo.load(folder)


def test_a_missing_file_is_named(folder):
    (folder / MODEL).unlink()
    with pytest.raises(Corrupt, match=r"has no model.safetensors: the package is incomplete"):
        ganzoo.load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(NotFound):
        ganzoo.load(folder)
    with pytest.raises(NotFound, match=r"is not a model package: it has no config.json"):
        read_config(folder)


def test_a_file_that_cannot_be_read_says_so(folder):
    (folder / MODEL).unlink()
    (folder / MODEL).mkdir()
    with pytest.raises(GanzooError, match=r"cannot read .*model.safetensors: is a directory"):
        ganzoo.load(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.pop("net.0.bias"), "tensor 'net.0.bias' is missing"),
        (lambda w: w.update(more=torch.zeros(1)), "tensor 'more' is extra"),
        (
            lambda w: w.update({"net.0.bias": torch.zeros(9)}),
            r"tensor 'net.0.bias' is float32 \[9\], not float32 \[8\]",
        ),
        (lambda w: w.update({"net.0.bias": torch.zeros(8).bfloat16()}), r"is bfloat16 \[8\], not float32 \[8\]"),
        (lambda w: w["net.0.bias"].fill_(float("nan")), "numbers that are not finite, in tensor 'net.0.bias'"),
        (lambda w: w["net.0.weight"][0, 0].fill_(float("inf")), "numbers that are not finite"),
        (lambda w: w["net.1.running_var"].fill_(float("nan")), "numbers that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused_though_their_hash_is_right(folder, change, says):
    rewrite(folder, change)
    with pytest.raises(Corrupt, match=says):
        ganzoo.load(folder)


def test_a_file_that_is_not_safetensors_is_refused(folder):
    (folder / MODEL).write_bytes(b"PK")
    what = {MODEL: {"sha256": sha256(b"PK").hexdigest(), "size": 2}}
    edit(folder, lambda config: config.update(files=what))
    with pytest.raises(Corrupt, match="is not a safetensors file"):
        ganzoo.load(folder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"text"', '{"format": "new"}', '{"format": []}', '{"format": 1e999}', "[" * 9999],
)
def test_a_config_that_is_not_json_is_corrupt(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(Corrupt, match=r"config.json is damaged"):
        ganzoo.load(folder)


def test_a_config_that_is_not_text_is_corrupt(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(Corrupt, match=r"config.json is damaged"):
        ganzoo.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("recipe"),
        lambda c: c.update(recipe=[]),
        lambda c: c.update(recipe={"arch": "toy"}),
        lambda c: c["recipe"].pop("arch"),
        lambda c: c["recipe"]["arch"].pop("name"),
        lambda c: c["recipe"]["arch"].pop("schema"),
        lambda c: c["recipe"]["arch"].update(schema="x"),
        lambda c: c["recipe"]["arch"].update(options=[1]),
        lambda c: c.update(data=None),
        lambda c: c["data"].pop("shape"),
        lambda c: c["data"].update(shape=4),
        lambda c: c["data"].update(shape=["a"]),
        lambda c: c["data"].update(shape=[1, 4, -4]),
        lambda c: c["data"].update(shape=[1, 5, 4]),
        lambda c: c["data"].update(shape=[1.5, 4, 4]),
        lambda c: c["data"].update(more=1),
        lambda c: c["data"].update(num_classes="x"),
        lambda c: c.pop("files"),
        lambda c: c.update(files={}),
        lambda c: c["files"][MODEL].update(sha256="0"),
        lambda c: c["files"][MODEL].update(size=1),
    ],
)
def test_a_config_with_parts_missing_or_changed_is_an_error_of_one_sentence(folder, change):
    edit(folder, change)
    with pytest.raises(Corrupt) as error:
        ganzoo.load(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)


def test_a_newer_format_says_upgrade(folder):
    edit(folder, lambda config: config.update(format=FORMAT + 1))
    with pytest.raises(GanzooError, match="was written by a newer ganzoo: python -m pip install -U ganzoo"):
        ganzoo.load(folder)


@pytest.mark.parametrize(("train", "known"), [({"precision": "fp32"}, "fp32"), ({}, ""), ("damaged", "")])
def test_a_generator_is_laid_out_for_the_precision_of_its_training(folder, monkeypatch, train, known):
    asked = []
    monkeypatch.setattr(package, "move_to_device", lambda network, device, precision: asked.append(precision))
    edit(folder, lambda config: config["recipe"].update(train=train))
    ganzoo.load(folder)
    assert asked == [known]


def test_a_missing_plugin_is_reported_before_the_weights_are_read(folder):
    edit(folder, lambda config: config["recipe"]["arch"].update(name="acme:blobs", distribution="acme-gans"))
    (folder / MODEL).unlink()
    with pytest.raises(MissingPlugin, match="python -m pip install -U acme-gans"):
        ganzoo.load(folder)


# ----------------------------------------------------------------------------
# Samples.


def test_samples_are_bytes_and_depend_on_the_seed():
    run = train()
    generator = ganzoo.load(run)
    samples = generator.sample(70, seed=3)
    assert samples.shape == (70, 4, 4, 1)
    assert samples.dtype == np.uint8
    assert np.array_equal(samples, ganzoo.load(run).sample(70, seed=3))
    assert not np.array_equal(samples, generator.sample(70, seed=4))
    assert len({image.tobytes() for image in samples}) == 70
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert np.array_equal(samples, generator.sample(70, seed=3))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("num", [1, 3, 63, 64, 65, 128, 130])
def test_the_first_samples_do_not_depend_on_how_many_there_are(num):
    generator = ganzoo.load(train())
    assert torch.allclose(generator.sample_raw(num), generator.sample_raw(130)[:num], atol=1e-6)


def test_samples_are_those_of_the_latents_and_labels():
    generator = ganzoo.load(train(conditional=True))
    z = generator.draw_latents(5, 2)
    assert z.shape == (5, 4)
    assert torch.equal(generator.choose_labels(5), torch.tensor([0, 1, 0, 1, 0]))
    wanted = generator(z, torch.tensor([0, 1, 0, 1, 0]))
    assert np.array_equal(generator.sample(5, seed=2), grid.to_uint8(wanted))
    ones = generator.sample(5, labels=1, seed=2)
    assert np.array_equal(ones, generator.sample(5, labels=[1] * 5, seed=2))
    assert np.array_equal(ones, generator.sample(5, labels=torch.ones(5, dtype=torch.uint8), seed=2))
    assert not np.array_equal(ones, generator.sample(5, labels=0, seed=2))


def test_arguments_that_the_model_does_not_take_are_an_error():
    generator = ganzoo.load(train())
    with pytest.raises(UsageError, match="was trained without labels"):
        generator.sample(3, labels=0)
    with pytest.raises(UsageError, match="does not support truncation"):
        generator.sample(3, truncation=0.5)
    with pytest.raises(UsageError, match="0 samples were asked for"):
        generator.sample(0)


def test_points_stay_numbers():
    generator = ganzoo.load(train(dataset="toy-points"))
    samples = generator.sample(3)
    assert samples.shape == (3, 2)
    assert samples.dtype == np.float32
    with pytest.raises(UsageError, match=r"samples are points, which are not pictures: use sample\(n\)$"):
        generator.images(3)
    lines = ganzoo.load(train(dataset="toy-lines"))
    with pytest.raises(UsageError, match=r"or show\(sample_raw\(n\)\), which a notebook shows$"):
        lines.images(3)
    assert "<pre>" in lines._repr_html_()


def test_images_are_the_samples_as_pil_images():
    generator = ganzoo.load(train(conditional=True))
    images = generator.images(4, labels=1, seed=3)
    assert [image.mode for image in images] == ["L"] * 4
    assert np.array_equal(np.stack(images)[..., None], generator.sample(4, labels=1, seed=3))
    assert generator.images(64).columns == 8


def test_a_generator_says_what_it_is_and_shows_samples():
    generator = ganzoo.load(train(conditional=True, images=1008), device="cpu")
    line = "toy with toy-bce on toy-array, 1,008 images seen; samples: image 1x4x4, 2 classes; 200 parameters on cpu"
    assert repr(generator) == f"<Generator: {line}>"
    shown = generator._repr_html_()
    assert shown.startswith(f"<div><b>{line}</b></div><img ")
    assert base64.b64encode(generator.images(64)._repr_png_()).decode() in shown


def test_pictures_in_a_folder_are_named_by_their_class(tmp_path):
    generator = ganzoo.load(train(conditional=True))
    generator.data = replace(generator.data, meta={"classes": ["a cat", "dog"]})
    said: list[str] = []
    write_samples(generator, str(tmp_path / "new"), "", "", 3, ["dog", "0"], 0, None, said.append)
    assert sorted(os.listdir(tmp_path / "new")) == ["00000-dog.png", "00001-a_cat.png", "00002-dog.png"]
    assert said == []


def test_a_run_is_loaded_by_its_number():
    wanted = ganzoo.load(train()).sample(2)
    train(seed=1)
    assert np.array_equal(ganzoo.load(0).sample(2), wanted)
    with pytest.raises(NotFound, match="no run '7' in runs/"):
        ganzoo.load(7)


# ----------------------------------------------------------------------------
# Crashes while a package is replaced.


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_crash_at_any_step_leaves_a_complete_package_or_one_that_the_next_write_restores(make_gan):
    old, new, target = make_gan(0), make_gan(1), Path("package")
    states = []
    for step in range(100):
        shutil.rmtree(target, ignore_errors=True)
        package.write(target, make_contents(old, 10))
        if not run_until_killed(Dying(before_operation=step), lambda: package.write(target, make_contents(new, 20))):
            break
        states.append(package.load(target, ganzoo.registry(), old.device).config["images"] if target.exists() else None)
        files.recover_directory(target)
        assert package.load(target, ganzoo.registry(), old.device).config["images"] in (10, 20)
        package.write(target, make_contents(new, 30))
        assert package.load(target, ganzoo.registry(), old.device).config["images"] == 30
        assert [path.name for path in Path().iterdir()] == ["package"]
    # weights twice and config: sync, rename, sync of the folder each; then the old away, the new there, their names
    assert states == [10] * 10 + [None, 20]


@pytest.mark.parametrize("crashed", [False, True])
def test_a_write_that_fails_leaves_the_old_package_and_no_litter(monkeypatch, make_gan, crashed):
    target = Path("package")
    package.write(target, make_contents(make_gan(0), 10))
    if crashed:  # between the two renames of the write before
        target.rename(".package.old")

    def full(file: Any, data: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.DISK, "write", full)
    with pytest.raises(GanzooError, match="the disk is full"):
        package.write(target, make_contents(make_gan(1), 20))
    assert read_config(target).images == 10
    assert [path.name for path in Path().iterdir()] == ["package"]


def make_contents(gan, images):
    return package.make_contents(gan.recipe, gan.data, gan.averaged_networks, images, [])


@pytest.fixture
def make_gan() -> Callable[[int], Any]:
    """Return ``make_gan(seed)``: an untrained toy GAN."""
    from ganzoo.engine.assemble import assemble
    from ganzoo.plugin import DataInfo
    from ganzoo.recipe.resolve import resolve

    def made(seed: int) -> Any:
        recipe = resolve(ganzoo.registry(), pairs={"arch": "toy", "dataset": "toy-array", "train.seed": seed})
        return assemble(recipe, DataInfo(shape=(1, 4, 4), num_classes=2, num_items=40), torch.device("cpu"))

    return made


def test_loading_leaves_the_callers_random_numbers_alone(folder):
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    ganzoo.load(folder, "cpu").sample(2)
    assert torch.equal(torch.rand(3), wanted)


def test_loading_imports_no_compiler(tmp_path):
    """Importing it takes a second, and initialising weights without memory would import it."""
    run = train(arch="dcgan", dataset="digits", size=16, options={"arch.width": 2}, conditional=True)
    code = """
import json, sys
import ganzoo
ganzoo.load(sys.argv[1], device="cpu").sample(1)
print(json.dumps("torch._dynamo" in sys.modules))
"""
    assert run_json(code, str(run.package)) == (False, "")
