"""Models whose labels are images or sounds: trained, packaged with real labels, published, and applied to files."""

from __future__ import annotations

import json
import shutil
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

import ganzoo
from cli_calls import Ganzoo
from ganzoo.errors import Corrupt, NotFound, UsageError
from ganzoo.package import tiling
from ganzoo.package.config import MODEL, PICTURE, REFERENCE, SOUND
from ganzoo.package.plan import make_metadata
from ganzoo.package.tensors import read_metadata
from ganzoo.runs import where

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


def sound(path: Path, rate: int = 8000) -> None:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.sin(np.arange(808) / 5) * 9000).astype("<i2").tobytes())


def picture(path: Path, width: int, height: int, mode: str = "RGB") -> Path:
    path.parent.mkdir(exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(path)
    return path


def test_a_package_contains_real_labels_and_their_samples(pairs: Any, run: Any) -> None:
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
def test_it_is_measured_on_real_labels_in_training_and_after_it(pairs: Any, dataset: str) -> None:
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
    lines = done.err.splitlines()
    assert lines[0].startswith("skipped: in/c.png: inputs are 41x30 (width x height): resize them to 40x30")
    assert lines[1] == "skipped: in/d.png: it cannot be read: not an image that Pillow can read"
    assert "2 of 4 files of in could not be read; the results of the others are in out" in done.err
    assert call("apply", run.path, folder / "c.png", "c.png", "--resize").code == 0
    assert pixels(Path("c.png")).shape == (30, 40, 3)


def test_a_model_is_applied_to_arrays(call: Ganzoo, run: Any) -> None:
    inputs = np.random.default_rng(1).random((3, 1, 4, 6), np.float32)
    np.savez("in.npz", inputs=inputs)
    assert call("apply", run.path, "in.npz", "out.npz").code == 0
    made = np.load("out.npz")["samples"]
    assert np.array_equal(made, ganzoo.load(run).apply(inputs))
    assert made.shape == (3, 4, 6, 3)


def test_a_sound_of_any_length_is_read_by_the_dataset_and_written_as_a_sound(call: Ganzoo, vocoder: Any) -> None:
    assert (vocoder.package / SOUND).is_file()
    assert (vocoder.path / "reals.wav").is_file()
    sound(Path("in.wav"))
    assert call("apply", vocoder.path, "in.wav", "out.wav").code == 0
    with wave.open("out.wav") as made:
        assert (made.getnframes(), made.getframerate()) == (808, 8000)
    assert ganzoo.verify(vocoder).samples == 8


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("gone.png", "out.png"), 4, "there is no file or folder gone.png"),
        (("in.png", "no/out.png"), 4, "the folder no does not exist: create it first"),
        (("in.png", "out.wav"), 2, "this model's samples cannot be written as '.wav': end the name in .png"),
        (("in.png", "out"), 2, "out: end it in .png, or in / for a folder"),
        (("in.png", "in.png"), 2, "in.png is the input, which its result would overwrite: name another file"),
        (("in.png", "."), 2, "in.png is the input, which its result would overwrite: name another file"),
        ((".", "./"), 2, "contains the inputs, which the results would overwrite: name another folder"),
        (("in.txt", "out.png"), 2, "in.txt: this model takes images and arrays (.npy, .npz)"),
        (("odd.png", "out.png"), 2, "inputs are 13x8 (width x height): resize them to 12x8"),
        ((".", "out.png"), 2, "is a folder, so out.png must be a folder too"),
        (("many.npy", "out.png"), 2, "many.npy: it contains 2 inputs: write the results to an .npz file"),
        (
            ("wrong.npy", "out.npz"),
            2,
            "inputs are [1, 3, 8, 12]: this model takes [N, 1, 8, 12], or uint8 [N, 8, 12, 1]",
        ),
        (("turned.npy", "out.npz"), 2, "inputs are [2, 1, 8, 12]: this model takes [N, 1, 8, 12], or uint8"),
    ],
)
def test_unsupported_inputs_are_an_error_of_one_sentence(
    call: Ganzoo, run: Any, args: tuple[str, str], code: int, words: str
) -> None:
    picture(Path("in.png"), 12, 8)
    picture(Path("odd.png"), 13, 8)
    Path("in.txt").touch()
    np.save("many.npy", np.zeros((2, 1, 8, 12), np.float32))
    np.save("wrong.npy", np.zeros((1, 3, 8, 12), np.float32))
    np.save("turned.npy", np.zeros((2, 1, 8, 12), np.uint8))
    done = call("apply", run.path, *args)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert done.err.count("\n") == 1


def test_wrong_paths_are_reported_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch, call: Ganzoo, pairs: Any, run: Any, vocoder: Any
) -> None:
    def never(*args: Any) -> None:
        raise AssertionError("the network was run")

    monkeypatch.setattr(pairs.Translator, "forward", never)
    picture(Path("in.png"), 12, 8)
    sound(Path("in.wav"))
    assert "cannot be written as '.gif'" in call("apply", run.path, "in.png", "out.gif").err
    assert "cannot be written as '.mp3'" in call("apply", vocoder.path, "in.wav", "out.mp3").err
    (run.package / MODEL).unlink()
    assert call("apply", run.path, "gone.png", "out.png").code == 4


def test_files_that_differ_only_in_their_suffix_all_have_results(call: Ganzoo, run: Any) -> None:
    for number, name in enumerate(("a.png", "a.jpg", "a.png.tif", "b.png")):
        picture(Path("in", name), 12 + 2 * number, 8)
    done = call("apply", run.path, "in", "out")
    names = ["a.jpg.png", "a.png.png", "a.png.tif.png", "b.png.png"]
    assert (done.code, done.out.split()) == (0, [f"out/{name}" for name in names])
    assert [pixels(Path("out", name)).shape[1] for name in names] == [14, 12, 16, 18]


def test_a_target_that_ends_in_a_slash_is_a_folder(call: Ganzoo, run: Any) -> None:
    picture(Path("in/a.png"), 12, 8)
    assert call("apply", run.path, "in", "out.v1/").out == "out.v1/a.png\n"
    assert call("apply", run.path, "in/a.png", "single/").out == "single/a.png\n"
    assert call("apply", run.path, "in/a.png", "single").out == "single/a.png\n"  # the folder exists by now
    assert "in is a folder, so out.v2 must be a folder too: end it in /" in call("apply", run.path, "in", "out.v2").err


def test_pictures_are_read_as_the_folder_dataset_reads_them(call: Ganzoo, run: Any) -> None:
    ramp = np.linspace(0, 65535, 12 * 8).reshape(8, 12).astype(np.uint16)
    Image.fromarray(ramp).save("in.png")
    assert call("apply", run.path, "in.png", "out.png").code == 0
    grey = np.rint(ramp / 257).astype(np.uint8)
    assert np.array_equal(pixels(Path("out.png")), ganzoo.load(run).apply(grey[None, :, :, None])[0])


def test_other_files_beside_the_sounds_are_skipped_with_a_line(call: Ganzoo, vocoder: Any) -> None:
    sound(Path("in/a.wav"))
    Path("in/notes.md").write_text("Of the third of May.")
    done = call("apply", vocoder.path, "in", "out/")
    assert (done.code, done.out) == (0, "out/a.wav\n")
    assert done.err == "skipped: in/notes.md: it cannot be read: file does not start with RIFF id\n"
    Path("in/b.wav").write_bytes(b"damaged")
    sound(Path("in/c.wav"), rate=16000)
    done = call("apply", vocoder.path, "in", "out/")
    assert (done.code, done.out) == (1, "")
    assert "skipped: in/c.wav has 16000 samples a second: resample it to 8000\n" in done.err
    assert "2 of 3 files of in could not be read; the results of the others are in out" in done.err


def test_tiles_equal_the_whole_image_if_the_network_sees_less_than_their_margin(call: Ganzoo, run: Any) -> None:
    generator, labels = ganzoo.load(run), np.random.default_rng(0).integers(0, 255, (2, 90, 134, 1), np.uint8)
    whole = generator.translate(labels)  # each pixel sees two more in each direction
    off = {tile: float((generator.translate(labels, tile=tile) - whole).abs().max()) for tile in (32, 64, 16)}
    assert max(off[32], off[64]) < 1e-6
    assert off[16] > 1e-3  # whose margin is one pixel
    assert np.array_equal(generator.apply(labels, tile=32), generator.apply(labels))
    assert torch.equal(generator.translate(labels, tile=256), whole)
    source = picture(Path("in") / "a.png", 134, 90, "L")
    for target, more in (("whole.png", []), ("tiled.png", ["--tile", "32"])):
        assert call("apply", run.path, source, target, *more).code == 0
    assert np.array_equal(pixels(Path("whole.png")), pixels(Path("tiled.png")))


def test_larger_samples_are_tiled_too_and_seams_are_blended() -> None:
    images = torch.rand(1, 1, 40, 100, generator=torch.Generator().manual_seed(0))
    double = nn.Upsample(scale_factor=2)
    made = tiling.translate_in_tiles(lambda part, number: double(part), images, 16, 4)
    assert torch.allclose(made, double(images), atol=1e-6)
    steps = tiling.translate_in_tiles(lambda part, number: torch.full_like(part, number), images[:, :, :16], 16, 1)
    row = steps[0, 0, 0]
    assert (row.diff() >= 0).all()
    assert float(row.diff().max()) < 0.5  # and no step from one tile to the next


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        ("33", "a tile of this model has at least 16 pixels and a multiple of 2, not 33: use --tile 32"),
        ("0", "a tile of this model has at least 16 pixels and a multiple of 2, not 0: use --tile 16"),
        ("x", "'x' is not a whole number"),
    ],
)
def test_tiles_that_a_model_does_not_take(call: Ganzoo, run: Any, tile: str, message: str) -> None:
    source = picture(Path("in") / "a.png", 40, 30, "L")
    done = call("apply", run.path, source, "out.png", "--tile", tile)
    assert (done.code, Path("out.png").exists()) == (2, False)
    assert message in done.err


def test_sounds_have_no_tiles_and_images_of_one_size_have_tiles_of_it(run: Any, vocoder: Any) -> None:
    with pytest.raises(UsageError, match=r"the inputs of this model are not images: remove --tile"):
        ganzoo.load(vocoder).apply(np.zeros((1, 1, 16), np.float32), tile=16)
    generator = ganzoo.load(run)
    generator.input_multiple, generator.data = 0, replace(generator.data, shape=(3, 16, 16), label_shape=(1, 16, 16))
    large = np.random.default_rng(0).integers(0, 255, (1, 20, 37, 1), np.uint8)
    assert generator.apply(large, tile=16).shape == (1, 20, 37, 3)
    with pytest.raises(UsageError, match=r"takes images of 16x16 pixels alone: use --tile 16"):
        generator.apply(large, tile=32)
    with pytest.raises(UsageError, match=r"inputs are 16x8 \(width x height\), less than a tile of 16"):
        generator.apply(large[:, :8, :16], tile=16)


def test_an_error_for_a_sound_does_not_say_resize(monkeypatch: pytest.MonkeyPatch, vocoder: Any) -> None:
    generator = ganzoo.load(vocoder)
    with pytest.raises(UsageError, match=r"^inputs are \[1, 15\]: cut or pad them to \[1, 16\], the nearest"):
        generator.apply(np.zeros((1, 1, 15), np.float32))


def test_numbers_of_unknown_scale_are_refused(run: Any, vocoder: Any) -> None:
    generator = ganzoo.load(run)
    bytes_in = np.random.default_rng(0).integers(0, 255, (2, 8, 12, 1), np.uint8)
    floats = (bytes_in / 127.5 - 1).transpose(0, 3, 1, 2)
    made = generator.apply(bytes_in)
    for kind in (np.float64, np.float32, ">f4"):
        assert np.array_equal(generator.apply(floats.astype(kind)), made)
    assert np.array_equal(generator.apply(np.flip(np.flip(floats, 3).copy(), 3)), made)
    assert np.array_equal(generator.sample(2, labels=bytes_in), made)
    assert np.array_equal(generator.sample(2, labels=torch.from_numpy(floats)), made)
    wrong: list[tuple[Any, str]] = [
        (floats.astype(np.int64), r"are int64: this model takes uint8 or floats in \[-1, 1\]"),
        (torch.from_numpy(floats).int(), "are int32"),
        (floats.astype(np.uint16), "are uint16"),
        (floats.astype(np.complex64), "are complex64"),
        (floats.astype(str), r"are str\d+"),
        (floats > 0, "are bool"),
        (floats * 200, r"range from -\d+.* to \d+.*: scale or clip them to \[-1, 1\]"),
        (np.where(floats > 0, np.nan, floats), "not finite"),
    ]
    for values, words in wrong:
        with pytest.raises(UsageError, match=f"^inputs.*{words}"):
            generator.apply(values)
        with pytest.raises(UsageError, match=f"^labels.*{words}"):
            generator.sample(2, labels=values)
    loud = 3 * np.ones((1, 1, 16), np.float32)  # labels of floats may have any range
    assert ganzoo.load(vocoder).apply(loud).shape == (1, 1, 64)
    with pytest.raises(UsageError, match=r"^inputs are int16: this model takes floats$"):
        ganzoo.load(vocoder).apply(loud.astype(np.int16))


def test_a_translator_to_pictures_with_a_fourth_channel_is_shown_and_verified(pairs: Any, call: Ganzoo) -> None:
    options = {**OPTIONS, "dataset.alpha": True}
    run = ganzoo.train(arch="toy-translator", dataset="toy-scenes", images=8, options=options, device="cpu")
    for name in ("reals.png", "fakes-000000008.png"):  # 64 samples, without labels beside them
        with Image.open(run.path / name) as shown:
            assert shown.mode == "RGBA"
            assert np.array_equal(shown.size, np.multiply((8 * (12 + 2) + 2, 8 * (8 + 2) + 2), shown.size[0] // 114))
    with Image.open(run.package / PICTURE) as shown:
        assert shown.mode == "RGBA"
    assert ganzoo.verify(run).samples == 8
    picture(Path("in.png"), 12, 8)
    assert call("apply", run.path, "in.png", "out.jpg").code == 0


def test_a_published_translator_is_packaged_with_its_real_labels(
    hub: Any, call: Ganzoo, run: Any, repo: str, new_cache: Any
) -> None:
    ganzoo.publish(run, repo)
    for words in ((), ("--without-discriminator",)):
        new_cache()
        done = call("package", repo, "p", *words, "--device", "cpu")
        assert (done.code, done.out) == (0, "p\n"), done.err
        assert Path("p", REFERENCE).read_bytes() == (run.package / REFERENCE).read_bytes()


def test_a_model_without_inputs_is_sampled(package: Path) -> None:
    picture(Path("in.png"), 12, 8)
    with pytest.raises(UsageError, match="takes no inputs: sample it with"):
        ganzoo.apply(package, "in.png", "out.png")


# ----------------------------------------------------------------------------
# The header of a weights file.


def test_the_hash_in_a_header_can_be_computed_by_others() -> None:
    arch = {"options": {"words": "/home/me/words.txt", "width": 8}, "name": "acme:blobs"}
    data = {"shape": [1, 4], "meta": {"sounds": ["/th/", "ü"]}}
    config = {"format": 1, "recipe": {"arch": arch, "reg": []}, "data": data, "images": 3}
    config["latent"] = {"distribution": "normal", "dim": 2}
    # printf '{"arch":{"name":"acme:blobs","options":{"width":8,"words":"words.txt"}},"data":...}' | sha256sum
    assert make_metadata(config) == {
        "format": "pt", "ganzoo": "1", "architecture": "acme:blobs",
        "config": "e3424220e7c95c46707242089795f795741e439a6daa91ace057910450b43a7a",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["digits", "ring"])
def test_bundled_models_describe_themselves_in_their_headers(name: str) -> None:
    directory = where.find_package(f"ganzoo:{name}")
    content, config = (directory / MODEL).read_bytes(), json.loads((directory / "config.json").read_text())
    assert read_metadata(content) == make_metadata(config)


def test_text_that_only_looks_like_a_path_is_published(
    pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = {"rate": 8000, "sounds": ["/", "/th/", "C:\\x"]}
    made = pairs.Tones.__init__

    def init(self: Any, options: Any) -> None:
        made(self, options)
        self.info = replace(self.info, meta=meta)

    monkeypatch.setattr(pairs.Tones, "__init__", init)
    run = ganzoo.train(arch="toy-translator", dataset="toy-tones", images=8, device="cpu")
    assert ganzoo.load(ganzoo.package(run, tmp_path / "p")).data.meta == meta


def test_weights_beside_the_config_of_another_model_are_refused(package: Path) -> None:
    content = (package / MODEL).read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"].keys() == {"format", "ganzoo", "architecture", "config"}
    assert header["__metadata__"]["architecture"].endswith("toy")
    other = Path(shutil.copytree(package, package.with_name("other")))
    config = json.loads((other / "config.json").read_text())
    config["data"]["num_items"] = 41
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(Corrupt, match="its header has another config"):
        ganzoo.load(other)


def test_a_header_without_our_keys_is_accepted(package: Path) -> None:
    from hashlib import sha256

    plain = safetensors.torch.save(safetensors.torch.load_file(package / MODEL))
    (package / MODEL).write_bytes(plain)
    config = json.loads((package / "config.json").read_text())
    config["files"][MODEL] = {"sha256": sha256(plain).hexdigest(), "size": len(plain)}
    (package / "config.json").write_text(json.dumps(config))
    assert ganzoo.load(package).sample(1).shape == (1, 4, 4, 1)
