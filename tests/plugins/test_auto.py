"""The recipe `auto`: what it chooses for which data and machine, and that everything can be typed otherwise."""

from dataclasses import replace

import pytest

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.plugin import DataFacts, DataInfo
from ganzoo.recipe.named import Facts
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo_recipes.auto import choose_settings

PHOTOS = DataFacts(looked=512, shorter=800, ratio=1.5, resizable=True, cores=8)


def choose(device="cpu", facts=PHOTOS, **info):
    data = DataInfo(**{"shape": (3, 32, 32), "num_items": 5000, **info})
    found = choose_settings(data, device, facts)
    size = found.settings.get("dataset.size")
    dataset = {"image": "folder", "points": "points", "text": "text"}.get(data.modality, "npz")
    flags = {"dataset": dataset} | ({"dataset.size": size} if size and dataset == "folder" else {})
    looked = replace(facts, resizable=facts.resizable and dataset == "folder")
    # all that it chose is a valid recipe
    resolve(registry(), recipe="auto", flags=flags, facts=lambda _: Facts(data, device, lambda: looked))
    assert len(found.reasons) <= 7
    assert all(line.startswith("auto: ") for line in found.reasons)
    return found.settings, "\n".join(found.reasons)


@pytest.mark.parametrize(
    ("num", "device", "arch", "p", "size"),
    [
        (100, "cpu", "dcgan", 0.8, 64),
        (700, "cpu", "dcgan", 0.3, 64),
        (5000, "cpu", "dcgan", 0.0, 64),
        (100, "cuda", "fastgan", 0.8, 256),
        (1000, "cuda", "r3gan", 0.8, 256),
        (5000, "cuda", "r3gan", 0.6, 256),
        (100_000, "cuda", "r3gan", 0.3, 256),
    ],
)
def test_the_number_of_pictures_and_the_device_choose(num, device, arch, p, size):
    settings, said = choose(device, num_items=num)
    assert (settings["arch"], settings["dataset.size"], settings["train.flip"]) == (arch, size, True)
    if p:
        assert settings["aug.diffaugment.p"] == (p if device == "cpu" else f"linear(0, {p:g}, images=1000000)")
        assert settings["aug.diffaugment.policy"] == ("colour", "translation", "cutout")
    else:
        assert "aug" not in settings
    assert ("expect copies" in said) == (num < 500)
    assert "whose middle square is cut out" in said


@pytest.mark.parametrize(("shorter", "size"), [(5, 16), (40, 32), (64, 64), (5000, 64)])
def test_the_size_is_one_that_the_files_have(shorter, size):
    assert choose(facts=replace(PHOTOS, shorter=shorter))[0]["dataset.size"] == size


@pytest.mark.parametrize(("typed", "images"), [({}, 1_000_000), ({"train.images": 5000}, 5000)])
def test_schedules_follow_a_length_that_is_typed(typed, images):
    data = DataInfo(shape=(3, 64, 64), num_items=5000)
    flags = {"dataset": "folder", "optim.d.lr": "cosine(1, 0.1, images=77)", **typed}
    facts = Facts(data, "cuda", lambda: replace(PHOTOS, resizable=False))
    recipe = resolve(registry(), recipe="auto", flags=flags, facts=lambda _: facts)
    assert recipe.train.images == images
    assert recipe.optim_g.options.lr.images == recipe.aug[0].options.p.images == images
    assert {term.options.gamma.images for term in recipe.reg} == {images}
    assert recipe.optim_d.options.lr.images == 77


def test_a_size_that_was_chosen_stays():
    assert "dataset.size" not in choose(facts=replace(PHOTOS, resizable=False), shape=(3, 128, 128))[0]


def test_text_and_grey_pictures_are_not_mirrored_and_keep_their_colours():
    settings, said = choose(num_items=700, facts=replace(PHOTOS, mirrored=0.8))
    assert "train.flip" not in settings
    assert settings["aug.diffaugment.policy"] == ("translation", "cutout")
    assert "a test tells 80% of the images from theirs" in said
    assert choose(facts=replace(PHOTOS, mirrored=0.8, looked=40))[0].get("train.flip") is None
    assert choose(facts=replace(PHOTOS, mirrored=0.65, looked=40))[0]["train.flip"]  # it may be chance
    settings, _ = choose(num_items=700, facts=replace(PHOTOS, grey=1.0))
    assert settings["train.flip"]
    assert settings["aug.diffaugment.policy"] == ("translation",)


def test_small_pictures_in_colour_are_changed_and_learned_in_small_batches_without_a_gpu():
    fixed = replace(PHOTOS, resizable=False)
    small, _ = choose(facts=fixed)
    assert (small["aug.diffaugment.p"], small["train.batch"]) == (0.8, 16)
    many, grey, large = (
        choose(facts=facts, **info)[0]
        for facts, info in (
            (fixed, {"num_items": 20_000}),
            (replace(fixed, grey=1.0), {"shape": (1, 32, 32)}),
            (fixed, {"shape": (3, 64, 64)}),
        )
    )
    assert not any("aug" in settings for settings in (many, grey, large))
    assert [settings["train.batch"] for settings in (many, grey, large)] == [16, 32, 16]


def test_classes_with_enough_samples_are_learned():
    assert choose(num_classes=3, facts=replace(PHOTOS, smallest=20, largest=90))[0]["train.conditional"]
    settings, said = choose(num_classes=3, facts=replace(PHOTOS, smallest=19, largest=90))
    assert settings["train.conditional"] is False
    assert "one has only 19 samples" in said
    assert "train.conditional" not in choose(num_classes=1, facts=replace(PHOTOS, smallest=90, largest=90))[0]


@pytest.mark.parametrize(
    ("info", "arch"),
    [
        ({"shape": (2,), "modality": "points", "dtype": "float32", "num_items": None}, "mlp"),
        ({"shape": (3, 32, 48)}, "mlp"),
        ({"shape": (3, 1, 1)}, "mlp"),
        ({"shape": (3, 48, 48)}, "mlp"),
        ({"shape": (1, 8, 8)}, "r3gan"),
        ({"shape": (4, 32, 32)}, "r3gan"),
    ],
)
def test_other_kinds_and_shapes_get_networks_that_take_them(info, arch):
    facts = DataFacts(looked=100)
    assert choose(facts=facts, **info)[0]["arch"] == arch


@pytest.mark.parametrize(("device", "width", "d_steps"), [("cpu", None, 1), ("cuda", 512, 10)])
def test_text_gets_the_language_model_small_without_a_gpu(device, width, d_steps):
    settings, said = choose(device, DataFacts(looked=100), shape=(30, 32), modality="text", num_items=None)
    assert (settings["arch"], settings.get("arch.width"), settings["train.d_steps"]) == ("char-gan", width, d_steps)
    assert "no sense" in said


def test_on_a_processor_text_gets_the_settings_of_the_short_recipe():
    short = registry().resolve("recipe", "char-gan-short").spec.settings
    settings, _ = choose("cpu", DataFacts(looked=100), shape=(30, 32), modality="text", num_items=None)
    same = {key for key in short if not key.startswith(("dataset.", "train.")) and key != "arch.width"}
    same |= {"train.d_steps", "train.batch", "train.ema_half_life"}
    chosen = {key: str(settings[key]).replace("images=1000000", "images=400000") for key in same if key != "reg"}
    assert chosen == {key: str(short[key]) for key in same if key != "reg"}


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"shape": (1, 4000), "modality": "audio"}, "has no networks for audio: add --arch NAME"),
        ({"shape": (3, 200, 300)}, "has no networks for images of 300x200: add --size N"),
        ({"shape": (3, 32, 32), "label_shape": (3, 32, 32)}, "does not translate images: add --arch NAME"),
    ],
)
def test_data_without_networks_are_refused_in_a_sentence(info, words):
    with pytest.raises(UsageError, match=words):
        choose(facts=DataFacts(), **info)


def test_python_takes_auto_too(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = ganzoo.train(dataset="points", images=64, device="cpu", progress=False)
    assert run.recipe()["arch"]["name"].endswith(":mlp")
