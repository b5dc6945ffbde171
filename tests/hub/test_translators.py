"""Models whose labels are images or sounds: trained, kept with real labels, published, and applied to files."""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

import ganzoo
from cli_calls import Ganzoo
from ganzoo.errors import Corrupt, NotFound, UsageError
from ganzoo.package.config import MODEL, PICTURE, REFERENCE, SOUND

OPTIONS = {"dataset.height": 8, "dataset.width": 12, "train.micro_batch": 2}


@pytest.fixture
def run(pairs: object) -> Any:
    return ganzoo.train(arch="toy-translator", dataset="toy-scenes", images=24, options=OPTIONS, device="cpu")


@pytest.fixture
def vocoder(pairs: object) -> Any:
    return ganzoo.train(arch="toy-translator", dataset="toy-tones", images=8, device="cpu")


def pixels(path: Path, mode: str = "RGB") -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode))


def picture(path: Path, width: int, height: int, mode: str = "RGB") -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(path)
    return path


def test_a_package_has_real_labels_and_the_samples_that_they_gave(pairs: Any, run: Any) -> None:
    stored = safetensors.torch.load_file(run.package / REFERENCE)
    assert (stored["z"].shape, stored["samples"].shape) == ((8, 0), (8, 3, 8, 12))
    real = {
        (pairs.outline(pairs.SceneOptions(width=12), i) / 127.5 - 1).astype(np.float32).tobytes() for i in range(12)
    }
    assert {label.numpy().tobytes() for label in stored["labels"]} <= real
    generator = ganzoo.load(run)
    assert torch.equal(generator.translate(stored["labels"]), stored["samples"])
    with Image.open(run.package / PICTURE) as shown:  # four pairs in a row
        assert shown.size[0] % (8 * (12 + 2) + 2) == 0
    assert ganzoo.verify(run).samples == 8
    card = (run.package / "README.md").read_text()
    assert "pipeline_tag: image-to-image" in card
    assert "generator.apply(inputs)  # of inputs [N, H, W, C]" in card
    assert sorted(path.name for path in run.path.glob("*.png")) == [
        "fakes-000000000.png", "fakes-000000024.png", "reals.png",
    ]  # fmt: skip


def test_before_it_is_complete_a_package_has_the_labels_alone(pairs: Any) -> None:
    options = {**OPTIONS, "loss": "toy-nan", "loss.after": 3, "train.checkpoint_every": 4}
    with pytest.raises(ganzoo.GanzooError):
        ganzoo.train(arch="toy-translator", dataset="toy-scenes", images=400, options=options, device="cpu")
    package = Path("runs/0000-toy-translator-toy-nan-toy-scenes/package")
    assert set(safetensors.torch.load_file(package / REFERENCE)) == {"labels"}
    with pytest.raises(NotFound, match="no reference samples"):
        ganzoo.verify(package)
    assert ganzoo.verify(ganzoo.package(package, "whole")).samples == 8


def test_published_and_pulled_it_is_applied_to_images(hub: Any, call: Ganzoo, pairs: Any, run: Any, repo: str) -> None:
    ganzoo.publish(run, repo)
    picture(Path("in.png"), 12, 8)
    done = call("apply", repo, "in.png", "out.webp")
    assert (done.code, done.out) == (0, "out.webp\n")
    label = pixels(Path("in.png"), "L")[None, :, :, None]
    made = ganzoo.load(repo).apply(label)
    assert made.shape == (1, 8, 12, 3)
    assert call("apply", repo, "in.png", "out.png").code == 0
    assert np.array_equal(pixels(Path("out.png")), made[0])
    assert call("verify", repo).code == 0


@pytest.mark.parametrize("dataset", ["toy-scenes", "toy-tones"])
def test_it_is_measured_on_real_labels_alike_in_training_and_after(pairs: Any, dataset: str) -> None:
    run = ganzoo.train(arch="toy-translator", dataset=dataset, images=24, metric="toy-mean", device="cpu")
    (kept,) = json.loads((run.package / "config.json").read_text())["metrics"]
    again = ganzoo.evaluate(run, "toy-mean", num=kept["num"], seed=kept["seed"], device="cpu")
    assert again.values == {kept["name"]: kept["value"]}


def test_a_folder_of_images_of_any_size_that_the_architecture_takes(call: Ganzoo, pairs: Any, run: Any) -> None:
    folder = Path("in")
    folder.mkdir()
    picture(folder / "a.png", 40, 30)
    picture(folder / "b.jpg", 16, 6, "L")
    (folder / "notes.md").touch()
    done = call("apply", run.path, folder, "out/")
    assert (done.code, done.out) == (0, "out/a.png\nout/b.png\n")
    assert pixels(Path("out/a.png")).shape == (30, 40, 3)
    picture(folder / "c.png", 41, 30)
    (folder / "d.png").write_bytes(b"not a picture")
    done = call("apply", run.path, folder, "out/")
    assert done.code == 1
    assert "c.png is left out: c.png: inputs are 41x30 (width x height): resize them to 40x30" in done.err
    assert "2 of 4 files of in could not be taken; the others are in out" in done.err
    assert call("apply", run.path, folder / "c.png", "c.png", "--resize").code == 0
    assert pixels(Path("c.png")).shape == (30, 40, 3)


def test_arrays_go_in_and_come_out(call: Ganzoo, run: Any) -> None:
    inputs = np.random.default_rng(1).random((3, 1, 4, 6), np.float32)
    np.savez("in.npz", inputs=inputs)
    assert call("apply", run.path, "in.npz", "out.npz").code == 0
    made = np.load("out.npz")["samples"]
    assert np.array_equal(made, ganzoo.load(run).apply(inputs))
    assert made.shape == (3, 4, 6, 3)


def test_a_sound_of_any_length_is_read_by_the_dataset_and_written_as_a_sound(call: Ganzoo, vocoder: Any) -> None:
    assert (vocoder.package / SOUND).is_file()
    assert (vocoder.path / "reals.wav").is_file()
    with wave.open("in.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((np.sin(np.arange(808) / 5) * 9000).astype("<i2").tobytes())
    assert call("apply", vocoder.path, "in.wav", "out.wav").code == 0
    with wave.open("out.wav") as made:
        assert (made.getnframes(), made.getframerate()) == (808, 8000)
    assert ganzoo.verify(vocoder).samples == 8


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("gone.png", "out.png"), 4, "there is no file or folder gone.png"),
        (("in.png", "no/out.png"), 4, "there is no folder no: make it first"),
        (("in.png", "out.wav"), 2, "nothing makes a file in '.wav' of this model's samples: end it in .png"),
        (("in.txt", "out.png"), 2, "in.txt: this model takes images and arrays (.npy, .npz)"),
        (("odd.png", "out.png"), 2, "inputs are 13x8 (width x height): resize them to 12x8"),
        ((".", "out.png"), 2, "is a folder, so out.png must be one"),
        (("many.npy", "out.png"), 2, "many.npy: it holds 2 inputs: write them to .npz"),
        (("wrong.npy", "out.npz"), 2, "inputs are [1, 3, 8, 12]: this model takes [N, 1, 8, 12]"),
    ],
)
def test_what_it_cannot_do_it_says_in_a_sentence(
    call: Ganzoo, run: Any, args: tuple[str, str], code: int, words: str
) -> None:
    picture(Path("in.png"), 12, 8)
    picture(Path("odd.png"), 13, 8)
    Path("in.txt").touch()
    np.save("many.npy", np.zeros((2, 1, 8, 12), np.float32))
    np.save("wrong.npy", np.zeros((1, 3, 8, 12), np.float32))
    done = call("apply", run.path, *args)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert done.err.count("\n") == 1


def test_a_model_without_inputs_is_sampled(package: Path) -> None:
    with pytest.raises(UsageError, match="takes no inputs: it is sampled"):
        ganzoo.apply(package, "in.png", "out.png")


# ----------------------------------------------------------------------------
# What a weights file says it is.


def test_weights_beside_the_config_of_another_model_are_refused(package: Path) -> None:
    content = (package / MODEL).read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"].keys() == {"format", "ganzoo", "architecture", "config"}
    assert header["__metadata__"]["architecture"].endswith("toy")
    other = Path(shutil.copytree(package, package.with_name("other")))
    config = json.loads((other / "config.json").read_text())
    config["data"]["num_items"] = 41
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(Corrupt, match="its header says another config"):
        ganzoo.load(other)


def test_a_header_that_says_nothing_is_taken(package: Path) -> None:
    from hashlib import sha256

    plain = safetensors.torch.save(safetensors.torch.load_file(package / MODEL))
    (package / MODEL).write_bytes(plain)
    config = json.loads((package / "config.json").read_text())
    config["files"][MODEL] = {"sha256": sha256(plain).hexdigest(), "size": len(plain)}
    (package / "config.json").write_text(json.dumps(config))
    assert ganzoo.load(package).sample(1).shape == (1, 4, 4, 1)
