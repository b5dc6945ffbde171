"""A finished package: reference samples, picture and card, and the discriminator on request."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from PIL import Image

import ganzoo
from crashing import Dying, run_until_killed
from ganzoo.engine import checkpoint
from ganzoo.errors import Corrupt, GanzooError, UsageError
from ganzoo.package import package, references
from ganzoo.package import plan as planning
from ganzoo.package.card import BEGIN
from ganzoo.package.config import CARD, DISCRIMINATOR, MODEL, PICTURE, REFERENCE, TEXT, read_config
from ganzoo.registry import registry
from ganzoo.runs.run import Run

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)


def train(**settings: Any) -> Run:
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 64, **settings})


@pytest.mark.parametrize("settings", [{}, {"conditional": True}, {"dataset": "toy-points"}, {"dataset": "toy-lines"}])
def test_the_reference_contains_the_generators_samples(settings: dict[str, Any]) -> None:
    run = train(**settings)
    generator = ganzoo.load(run)
    stored = safetensors.torch.load_file(run.package / REFERENCE)
    assert stored["z"].shape == (8, 4)
    assert ("labels" in stored) == bool(settings.get("conditional"))
    assert torch.allclose(generator.replay(stored["z"], stored.get("labels")), stored["samples"], atol=1e-6)
    assert len({row.numpy().tobytes() for row in stored["samples"]}) == 8


def test_the_reference_does_not_depend_on_what_ran_before(tmp_path: Path) -> None:
    run = train(options={"arch.norm": True})
    torch.rand(7)
    again = ganzoo.package(run, tmp_path / "again")
    for name in (MODEL, REFERENCE, PICTURE):
        assert (again / name).read_bytes() == (run.package / name).read_bytes()


def test_half_the_bytes_give_almost_the_same_samples(tmp_path: Path) -> None:
    run = train(options={"arch.norm": True})
    half = ganzoo.package(run, tmp_path / "half", half=True)
    for name in (MODEL, DISCRIMINATOR):
        stored = safetensors.torch.load_file(half / name)
        assert {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()} == {torch.float16}
    small, full = ganzoo.load(half), ganzoo.load(run)
    assert {tensor.dtype for tensor in small.network.parameters()} == {torch.float32}
    samples, wanted = small.sample_raw(64, seed=3), full.sample_raw(64, seed=3)
    assert 0 < (samples - wanted).abs().max() < 0.01
    assert ganzoo.verify(half).difference < 1e-6  # of the weights as stored
    assert train(init=half, options={"arch.norm": True}).images == 64
    again = ganzoo.package(half, tmp_path / "again")
    assert (again / MODEL).read_bytes() == (half / MODEL).read_bytes()


def test_weights_that_16_bits_cannot_store_are_named(tmp_path: Path) -> None:
    run = train()
    stored = safetensors.torch.load_file(run.package / MODEL)
    name = next(iter(stored))
    config = {key: value for key, value in read_config(run.package).json.items() if key != "files"}
    large = stored | {name: stored[name] + 1e6}
    package.write(run.package, package.Contents({MODEL: large}, config))
    with pytest.raises(UsageError, match=f"tensor '{name}' has numbers above 65,504.*leave out --half"):
        ganzoo.package(run, tmp_path / "half", discriminator=False, half=True)


def test_fewer_large_samples_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = ganzoo.load(train())
    monkeypatch.setattr(references, "LARGEST", 3 * 4 * 16)
    assert len(references.make_references(generator, None)["samples"]) == 3
    monkeypatch.setattr(references, "LARGEST", 1)
    assert len(references.make_references(generator, None)["samples"]) == 1


def test_the_picture_is_what_sample_draws() -> None:
    run = train(conditional=True)
    generator = ganzoo.load(run)
    wanted = generator.show(generator.sample_raw(64, seed=0), columns=8)
    assert wanted["samples.png"] == (run.package / PICTURE).read_bytes()


def test_text_is_written_as_text_and_other_samples_not_at_all() -> None:
    lines = train(dataset="toy-lines")
    assert len((lines.package / TEXT).read_text().splitlines()) == 64
    assert f"({TEXT})" in (lines.package / CARD).read_text()
    points = train(dataset="toy-points")
    assert sorted(path.name for path in points.package.iterdir()) == [
        CARD,
        "config.json",
        DISCRIMINATOR,
        MODEL,
        REFERENCE,
    ]


def test_the_discriminator_is_the_current_one(tmp_path: Path) -> None:
    run = train(options={"train.checkpoint_every": 16, "train.keep": 5})
    folder = ganzoo.package(run, tmp_path / "p", license="mit")
    state, _ = checkpoint.load(run.get_checkpoint_path(64))
    stored = safetensors.torch.load_file(folder / DISCRIMINATOR)
    wanted = {name.removeprefix("discriminator/") for name in state if name.startswith("discriminator/")}
    assert stored.keys() == wanted
    assert all(torch.equal(stored[name], state[f"discriminator/{name}"]) for name in wanted)
    planned = planning.make_plan(read_config(folder), registry(), "p")
    assert package.read_weights(folder, planned, DISCRIMINATOR).keys() == wanted
    assert "license: mit" in (folder / CARD).read_text()
    again = ganzoo.package(folder, tmp_path / "q")  # a package from a package keeps it
    assert (again / DISCRIMINATOR).read_bytes() == (folder / DISCRIMINATOR).read_bytes()
    bare = ganzoo.package(run, tmp_path / "r", discriminator=False)
    with pytest.raises(Corrupt, match=r"has no discriminator\.safetensors: its config\.json does not list it"):
        package.read_weights(bare, planning.make_plan(read_config(bare), registry(), "p"), DISCRIMINATOR)


def test_tensors_of_both_package_and_checkpoint_are_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[str, Any] = {}
    write, save = package.write, checkpoint.save
    monkeypatch.setattr(
        package, "write", lambda target, contents: held.update(contents.weights) or write(target, contents)
    )
    monkeypatch.setattr(
        checkpoint, "save", lambda path, state, meta: held.update(state=state) or save(path, state, meta)
    )
    run = train()
    for part, file in (("ema", MODEL), ("discriminator", DISCRIMINATOR)):
        assert held[file]
        assert all(held["state"][f"{part}/{name}"] is tensor for name, tensor in held[file].items())
    state, _ = checkpoint.load(run.get_checkpoint_path(64))
    assert {name.partition("/")[0] for name in state} >= {"generator", "discriminator", "ema", "optim_g", "optim_d"}


def test_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    run = train()
    target = tmp_path / "photos"
    target.mkdir()
    assert ganzoo.package(run, target) == target
    (target / "mine.jpg").write_text("mine")
    with pytest.raises(
        UsageError, match=r"photos contains 'mine\.jpg', which is not part of a model package: name a new directory"
    ):
        ganzoo.package(run, target)
    assert (target / "mine.jpg").read_text() == "mine"
    with pytest.raises(UsageError, match="is a file: name a new directory"):
        ganzoo.package(run, target / "mine.jpg")


def test_text_by_people_is_kept_in_the_next_package(tmp_path: Path) -> None:
    run = train()
    target = ganzoo.package(run, tmp_path / "p")
    (target / CARD).write_text((target / CARD).read_text().replace(BEGIN, f"Mine.\n\n{BEGIN}"))
    ganzoo.train(resume=run, images=128)
    ganzoo.package(run, target)
    assert "Mine." in (target / CARD).read_text()
    assert read_config(target).images == 128


def test_a_package_that_does_not_load_is_not_completed(tmp_path: Path) -> None:
    run = train()
    before = {path.name: path.read_bytes() for path in run.package.iterdir()}
    (run.package / MODEL).write_bytes(before[MODEL][:-1] + b"\x7f")
    with pytest.raises(Corrupt):
        ganzoo.package(run, tmp_path / "p")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("step", range(0, 24, 3))
def test_a_crash_leaves_the_old_package_or_the_new_one(tmp_path: Path, step: int) -> None:
    run = train()
    target = ganzoo.package(run, tmp_path / "p")
    run_until_killed(Dying(before_operation=step), lambda: ganzoo.package(run, target))
    package.load(tmp_path / "p" if target.exists() else tmp_path / ".p.old", registry(), CPU)
    assert ganzoo.package(run, target) == target
    ganzoo.load(target)


def test_a_run_that_cannot_complete_its_package_is_still_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzoo.engine import keeper
    from ganzoo.engine.events import Note

    def full(*args: object) -> None:
        raise GanzooError("cannot write package: the disk is full; free some space and try again")

    monkeypatch.setattr(keeper, "complete_package", full)
    notes: list[str] = []

    class Listener:
        def note(self, event: Note) -> None:
            notes.append(event.line)

    run = train(listener=Listener())
    assert "cannot write package: the disk is full; free some space and try again; going on without" in notes
    assert run.finished
    assert ganzoo.load(run).sample(1).shape == (1, 4, 4, 1)
    assert not (run.package / CARD).exists()


def test_the_command_prints_the_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ganzoo.cli import main

    run = train()
    with pytest.raises(SystemExit) as done:
        main(["package", str(run.path), str(tmp_path / "p"), "--without-discriminator", "--license", "mit"])
    assert (done.value.code, capsys.readouterr().out) == (0, f"{tmp_path / 'p'}\n")
    assert DISCRIMINATOR not in json.loads((tmp_path / "p" / "config.json").read_text())["files"]


def test_a_package_contains_no_absolute_path(tmp_path: Path) -> None:
    for index in range(8):
        target = tmp_path / "home" / "photos" / f"{index}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 30 * index).save(target)
    first = train()
    run = ganzoo.train(
        arch="toy", dataset=tmp_path / "home" / "photos", size=8, images=16, batch=8,
        options={"dataset.channels": 1, "loss": "bce"},
    )  # fmt: skip
    assert str(tmp_path) in (run.package / "config.json").read_text()  # `evaluate` looks for the data there
    folder = ganzoo.package(run, tmp_path / "p")
    for path in folder.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    assert read_config(folder).recipe["dataset"]["options"]["path"] == "photos"
    started = ganzoo.package(train(options={"train.init": str(first.package.resolve())}), tmp_path / "q")
    assert read_config(started).recipe["train"]["init"] == "package"
    assert ganzoo.load(started).sample(1).shape == (1, 4, 4, 1)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/home/me/my gan.py", "my gan.py"), ("C:\\Users\\me\\data", "data"), ("C:/Users/me/data/", "data"), ("/", "/"),
        ("cosine(1, 0.1, images=1e6)", "cosine(1, 0.1, images=1e6)"), ("user/repo@main", "user/repo@main"), (3, 3),
        (None, None), ([{"path": "/a/b"}], [{"path": "b"}]),
    ],
)  # fmt: skip
def test_absolute_paths_are_shortened_to_their_name(said: object, kept: object) -> None:
    assert planning.shorten_paths(said) == kept


def test_text_by_people_is_kept_in_the_run_itself() -> None:
    run = train()
    card = run.package / CARD
    card.write_text(card.read_text() + "\nMine.\n")
    ganzoo.train(resume=run, images=160)
    assert card.read_text().endswith("\nMine.\n")
    assert "| `images seen` | `160` |" in card.read_text()


def test_the_best_package_is_complete_too() -> None:
    run = train(
        metric="toy-mean", options={"train.best": "toy-mean/difference", "train.checkpoint_every": 16, "train.keep": 9}
    )
    for target in (run.package, run.best):
        assert {REFERENCE, PICTURE, CARD} <= {path.name for path in target.iterdir()}
        ganzoo.verify(target, device="cpu")


def test_a_lack_of_memory_at_the_end_costs_the_card_but_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import toys
    from ganzoo.engine import keeper

    def full(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(keeper, "complete_package", full)
    run = train(tracker="toy-tracker")
    assert run.finished
    assert toys.EVENTS[-1] == ("finish", "finished")


def test_a_run_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    run = train()
    config = json.loads((run.package / "config.json").read_text())
    contents = package.Contents({MODEL: safetensors.torch.load_file(run.package / MODEL)}, config)
    shutil.rmtree(run.path)
    with pytest.raises(GanzooError, match=r"cannot write .*package: no such file or directory"):
        package.write(run.package, contents)
    assert not run.path.exists()


def test_a_card_in_another_encoding_loses_no_text(tmp_path: Path) -> None:
    target = ganzoo.package(train(), tmp_path / "p")
    words = "\nLa cr\u00e8me.\n".encode() + "\r\nCaf\u00e9.\r\n".encode("latin-1")
    (target / CARD).write_bytes((target / CARD).read_bytes() + words)
    for folder in (target, tmp_path / "q"):
        ganzoo.package(target, folder)
        assert (folder / CARD).read_text("utf-8").endswith("\n\nLa cr\u00e8me.\n\nCaf\u00e9.\n")
