"""The dataset `hub`, by the real library `datasets`: local folders, and a Hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.load import make_key
from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource
from ganzoo.engine.setup import settle_options
from ganzoo.plugin import GanzooError, UsageError
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.testing import check_dataset
from ganzoo_hub import HubOptions

pytest.importorskip("pyarrow", reason="python -m pip install ganzoo[datasets]")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import datasets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        datasets.disable_progress_bars()
        yield


def write_parquet(folder: Path) -> str:
    """Write a dataset as the Hub has it: two shards to train on, one to test."""
    from datasets import ClassLabel, Dataset, Features, Value
    from datasets import Image as Images

    types = {"id": Value("int64"), "img": Images(), "fine": ClassLabel(names=["a", "b"]), "word": Value("string")}
    images = [Image.fromarray(image) for image in IMAGES]
    columns = {"id": range(12), "img": images, "fine": [n % 2 for n in range(12)], "word": ["x", "y", "z"] * 4}
    rows = Dataset.from_dict({name: list(column) for name, column in columns.items()}, Features(types))
    (folder / "data").mkdir(parents=True)
    for name, part in (
        ("train-00000-of-00002", range(5)),
        ("train-00001-of-00002", range(5, 10)),
        ("test-00000-of-00001", range(10, 12)),
    ):
        rows.select(part).to_parquet(folder / "data" / f"{name}.parquet")
    return str(folder)


def open_hub(**options: Any) -> Any:
    from ganzoo_hub.hub import open_hub

    return open_hub(HubOptions(**{"size": 8, **options}))


def load(dataset: Any) -> np.ndarray[Any, Any]:
    return np.stack([item.load().transpose(1, 2, 0) for item in dataset.items()])


def test_parquet_files_are_read_exactly(tmp_path: Path) -> None:
    repo = write_parquet(tmp_path)
    train, test, part = (open_hub(repo=repo, split=split) for split in ("train", "test", "train[2:4]"))
    assert np.array_equal(load(train), IMAGES[:10])
    assert np.array_equal(load(test), IMAGES[10:])
    assert np.array_equal(load(part), IMAGES[2:4])
    assert (train.info.shape, train.info.class_names) == ((3, 8, 8), ("a", "b"))
    assert [item.label for item in train.items()] == [0, 1] * 5
    words = open_hub(repo=repo, label="word", image="img")
    assert (words.info.class_names, words.items()[2].label) == (("x", "y", "z"), 2)
    assert open_hub(repo=repo, label="none").info.num_classes == 0
    assert open_hub(repo=repo, channels=1, size=16, crop="pad").items()[0].load().shape == (1, 16, 16)


def test_a_folder_of_images_is_read_too(tmp_path: Path) -> None:
    for number, image in enumerate(IMAGES):
        path = tmp_path / "train" / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    hub = open_hub(repo=str(tmp_path))
    assert hub.info.class_names == ("a", "b")
    assert np.array_equal(load(hub), np.concatenate([IMAGES[::2], IMAGES[1::2]]))


def test_it_is_packed_once(tmp_path: Path) -> None:
    repo = write_parquet(tmp_path / "repo")
    lines: list[str] = []
    stamps = []
    for _ in range(2):
        hub = open_hub(repo=repo)
        stamps.append([item.stamp for item in hub.items()])
        source = open_source(hub, name="hub", key="k", notify=lines.append, cache=tmp_path / "cache")
        assert isinstance(source, ArraySource)
        assert len(source.data) == 10
    assert stamps[0] == stamps[1]
    assert lines == []


def test_a_stream_gives_every_image_again_and_again(tmp_path: Path) -> None:
    import torch

    hub = open_hub(repo=write_parquet(tmp_path), streaming=True)
    assert hub.info.num_items is None
    images, labels = hub.sample(torch.Generator().manual_seed(0), 600)
    found = {image.tobytes(): 0 for image in IMAGES[:10]}
    for image, label in zip(images.numpy().transpose(0, 2, 3, 1), labels.tolist(), strict=True):
        found[image.tobytes()] += 1
        assert label == [each.tobytes() for each in IMAGES].index(image.tobytes()) % 2
    assert min(found.values()) > 20
    lines: list[str] = []
    open_source(hub, name="hub", key="k", notify=lines.append)
    assert len(lines) == 1
    assert "if the run is resumed, it sees them in another order" in lines[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repo": ""}, "^dataset 'hub' needs the name of a dataset on the Hub: add dataset.repo=USER/NAME$"),
        ({"split": "validation"}, "cannot be opened so: Unknown split .*: check dataset.config and dataset.split"),
        ({"config": "other"}, "cannot be opened so: BuilderConfig 'other' not found"),
        ({"image": "picture"}, "dataset.image=picture: .* has no such column of images: name one of img"),
        ({"image": "word"}, "dataset.image=word: .* has no such column of images"),
        ({"label": "coarse"}, "dataset.label=coarse: .* has no such column: name one of fine"),
        ({"label": "img"}, "dataset.label=img: it has neither whole numbers nor texts"),
        ({"label": "word", "streaming": True}, "its classes are not known before .*: add dataset.streaming=false"),
    ],
)
def test_wrong_options_get_a_sentence(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_hub(**{"repo": write_parquet(tmp_path), **options})


def test_a_dataset_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"has no column of images \(it has a, b\): choose another dataset"):
        open_hub(repo=str(tmp_path))
    (tmp_path / "train.csv").unlink()
    with pytest.raises(GanzooError, match=r"has no data that `datasets` reads|cannot be opened so"):
        open_hub(repo=str(tmp_path))


def test_a_broken_image_is_skipped(tmp_path: Path) -> None:
    for name, content in (("a.png", b"no image"), ("b.png", b"")):
        (tmp_path / name).write_bytes(content)
    Image.fromarray(IMAGES[0]).save(tmp_path / "c.png")
    source = open_source(open_hub(repo=str(tmp_path)), name="hub", key="k", notify=print, cache=tmp_path / ".cache")
    assert source.info.num_items == 1


@pytest.mark.slow
def test_the_kit_passes() -> None:
    results = list(check_dataset("hub"))
    assert not [result for result in results if result.status == "FAIL"]
    assert len([result for result in results if result.status == "PASS"]) > 20


def test_a_folder_becomes_absolute_in_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    recipe = resolve(registry(), flags={"arch": "dcgan", "dataset": "hub"}, pairs={"dataset.repo": "here"})
    assert settle_options(recipe.dataset).repo == str(tmp_path / "here")
    assert make_key(recipe.dataset)


# ----------------------------------------------------------------------------
# A Hub.

UPLOAD = """
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("alice/pics", repo_type="dataset", exist_ok=True)
done = api.upload_folder(repo_id="alice/pics", repo_type="dataset", folder_path=sys.argv[1])
print(done.oid)
"""
OPEN = """
import json, sys
import torch
from ganzoo.plugin import GanzooError
from ganzoo_hub import HubOptions
from ganzoo_hub.hub import open_hub
from ganzoo_hub.revisions import settle
answers = []
for options in json.loads(sys.argv[1]):
    try:
        chosen = settle(HubOptions(size=8, **options))
        hub = open_hub(chosen)
        first = hub.sample(torch.Generator(), 1)[0] if chosen.streaming else hub.items()[0].load()
        answers.append([chosen.revision, hub.info.num_items, list(first.shape)])
    except GanzooError as error:
        answers.append([type(error).__name__, str(error)])
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_a_dataset_of_the_hub_is_pinned_and_read_from_the_cache_without_it(tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))
    from hubserver import HubServer

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_HOME": str(tmp_path / "home"), "HF_TOKEN": "hf_alice", "HF_HUB_DISABLE_XET": "1"}
    environment |= {"NO_PROXY": "127.0.0.1,localhost", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

    def run(code: str, argument: object, **more: str) -> Any:
        text = argument if isinstance(argument, str) else json.dumps(argument)
        done = subprocess.run(
            [sys.executable, "-c", code, text], env=environment | more, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip() if code is UPLOAD else json.loads(done.stdout)

    repo = {"repo": "alice/pics"}
    with HubServer(tmp_path / "server") as server:
        environment["HF_ENDPOINT"] = server.url
        commit = run(UPLOAD, write_parquet(tmp_path / "a"))
        missing = [{"repo": "alice/none"}, repo | {"revision": "v9"}, {"repo": "a/b/c"}]
        answers = run(OPEN, [repo, repo | {"streaming": True}, *missing])
        assert answers[:2] == [[commit, 10, [3, 8, 8]], [commit, None, [1, 3, 8, 8]]]
        assert [name for name, *_ in answers[2:]] == ["NotFound"] * 3
        (tmp_path / "a" / "new.txt").touch()
        later = run(UPLOAD, str(tmp_path / "a"))
        assert later != commit
        assert run(OPEN, [repo | {"revision": commit}, repo])[0][0] == commit
    offline = run(OPEN, [repo, repo | {"revision": commit}, {"repo": "alice/other"}], HF_HUB_OFFLINE="1")
    assert offline[:2] == [[later, 10, [3, 8, 8]], [commit, 10, [3, 8, 8]]]
    assert offline[2][0] == "Unreachable"
    assert "try again, or use a folder as dataset.repo" in offline[2][1]
