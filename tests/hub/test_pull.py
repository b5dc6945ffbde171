"""Loading from the Hub: one commit, checked before its weights are fetched; every byte is verified."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onhub import FILES, commits, edit, other, refs, replace, rewrite, upload

import ganzoo
from ganzoo.errors import Corrupt, Denied, GanzooError, MissingPlugin, NotFound, Unreachable


@pytest.fixture
def published(hub, package, repo, new_cache) -> str:
    """A model on the Hub, not in the cache."""
    ganzoo.publish(package, repo, tag="v1")
    new_cache()
    hub.log.clear()
    return repo


def list_requests(hub) -> list[tuple[str, str]]:
    """Return the requests to the Hub: methods, and file names or kinds."""
    names = (
        "config.json",
        "model.safetensors",
        "discriminator.safetensors",
        "README.md",
        "samples.png",
        "reference.safetensors",
    )
    return [
        (entry["method"], next((name for name in names if f"/{name}" in entry["path"]), entry["kind"]))
        for entry in hub.log
    ]


def damage(directory: Path, name: str) -> None:
    """Change a byte of a cached file, but not its size."""
    path = (directory / name).resolve()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_model_is_loaded_from_one_commit_and_the_commit_is_shown(hub, package, published):
    said: list[str] = []
    generator = ganzoo.load(published, "cpu", notify=said.append)
    assert said == [f"{published} at {commits(hub, published)[0]['oid']}"]
    assert np.array_equal(generator.sample(5), ganzoo.load(package, "cpu").sample(5))
    kinds = [name for method, name in list_requests(hub) if method == "GET"]
    assert not {"README.md", "samples.png", "reference.safetensors"} & set(kinds)  # sampling needs none of them
    first = {name: kinds.index(name) for name in ("config.json", "model.safetensors")}
    assert first["config.json"] < first["model.safetensors"]


def test_the_header_is_checked_before_the_weights_are_fetched(hub, published):
    ganzoo.load(published, "cpu")
    ranges = [entry["range"] for entry in hub.log if entry["kind"] == "cdn_get"]
    assert ranges == ["bytes=0-131071", None]
    hub.log.clear()
    ganzoo.load(published, "cpu")
    assert [entry["kind"] for entry in hub.log] == ["info", "paths_info"]  # everything else is in the cache


def test_a_revision_is_resolved_once(hub, package, published):
    first = commits(hub, published)[0]["oid"]
    ganzoo.publish(other(package, 65), published)
    for what, images in [
        (published, 65),
        (f"{published}@v1", 64),
        (f"{published}@{first}", 64),
        (f"{published}@main", 65),
    ]:
        assert ganzoo.load(what, "cpu").config["images"] == images
    assert ganzoo.load(published, "cpu", revision="v1").config["images"] == 64
    hub.inject(kind="paths_info", sneak_commit=True)
    assert ganzoo.load(published, "cpu").config["images"] == 65


def test_pull_fetches_all_of_the_format_and_nothing_else(hub, published):
    for name in ("evil.py", ".git/hooks/post-checkout", "model.pt", "notes.txt"):
        hub.inject_file("model", published, name, b"x")
    directory = ganzoo.pull(published, discriminator=True)
    assert sorted(path.name for path in directory.iterdir()) == FILES
    assert ganzoo.pull(published, discriminator=True, offline=True) == directory


def test_the_discriminator_is_fetched_on_request(hub, published, call):
    for work in (
        lambda: ganzoo.load(published, "cpu"),
        lambda: ganzoo.pull(published),
        lambda: ganzoo.verify(published),
    ):
        work()
        assert "discriminator.safetensors" not in [name for _, name in list_requests(hub)]
    assert not (ganzoo.pull(published, offline=True) / "discriminator.safetensors").exists()
    with pytest.raises(NotFound, match="is not in the cache"):
        ganzoo.pull(published, discriminator=True, offline=True)
    held = ganzoo.verify(published, "cpu", offline=True)
    assert "discriminator.safetensors" not in held.files
    assert held.unchecked.startswith("discriminator.safetensors is missing: `ganzoo pull USER/NAME --with-disc")
    done = call("verify", published, "--offline", "--device", "cpu")
    assert done.out.splitlines()[-1] == f"unchecked {held.unchecked}"
    directory = Path(call("pull", published, "--with-discriminator").out.strip())
    assert (directory / "discriminator.safetensors").is_file()
    held = ganzoo.verify(published, "cpu", offline=True)
    assert ("discriminator.safetensors" in held.files, held.unchecked) == (True, "")
    damage(directory, "discriminator.safetensors")
    with pytest.raises(Corrupt, match=r"discriminator\.safetensors is damaged"):
        ganzoo.verify(published, "cpu", offline=True)


def test_a_model_on_the_hub_is_packaged_with_all_its_files(hub, package, published, call, new_cache):
    done = call("package", published, "whole", "--device", "cpu")
    assert (done.code, done.out) == (0, "whole\n"), done.err
    assert sorted(path.name for path in Path("whole").iterdir()) == FILES
    name = "discriminator.safetensors"
    assert (Path("whole") / name).read_bytes() == (package / name).read_bytes()
    new_cache()
    hub.log.clear()
    assert call("package", published, "small", "--without-discriminator", "--device", "cpu").code == 0
    assert sorted(path.name for path in Path("small").iterdir()) == sorted({*FILES} - {name})
    assert name not in [name for _, name in list_requests(hub)]


# ----------------------------------------------------------------------------
# Without the network.


def test_a_cached_model_is_loaded_without_the_network(hub, published):
    wanted = ganzoo.load(published, "cpu").sample(3)
    ganzoo.load(published, "cpu", revision="v1")
    hub.log.clear()
    said: list[str] = []
    for revision in (None, "v1", "main"):
        if revision != "main":
            assert np.array_equal(
                ganzoo.load(published, "cpu", revision=revision, offline=True, notify=said.append).sample(3), wanted
            )
    assert list(hub.log) == []
    assert said[0] == f"{published} at {commits(hub, published)[0]['oid']}, from the cache"
    for what in ("alice/never", f"{published}@v2"):
        with pytest.raises(NotFound, match=f"^{what} is not in the cache: remove --offline to download it"):
            ganzoo.load(what, "cpu", offline=True)
    with pytest.raises(NotFound, match="is not in the cache"):
        ganzoo.pull(published, offline=True)  # the picture was never fetched
    assert list(hub.log) == []


def test_the_clients_own_offline_mode_works_too(hub, published, monkeypatch):
    from huggingface_hub import constants

    wanted = ganzoo.load(published, "cpu").sample(3)
    hub.log.clear()
    monkeypatch.setattr(constants, "is_offline_mode", lambda: True)
    assert np.array_equal(ganzoo.load(published, "cpu").sample(3), wanted)
    assert list(hub.log) == []


def test_where_the_hub_is_down_the_cache_is_used_with_a_line(hub, package, published):
    first = ganzoo.load(published, "cpu")
    hub.inject(kind="info|revision", status=503, times=0)
    said: list[str] = []
    assert np.array_equal(ganzoo.load(published, "cpu", notify=said.append).sample(3), first.sample(3))
    assert said == [
        "asking the Hub failed: trying again for some seconds",
        f"{published} at {commits(hub, published)[0]['oid']}, from the cache",
    ]
    with pytest.raises(Unreachable, match="the Hub has an internal problem"):
        ganzoo.load(published, "cpu", revision="v1")  # that revision was never fetched


def test_a_short_outage_never_gives_an_older_model(hub, package, published):
    ganzoo.load(published, "cpu")
    ganzoo.publish(other(package, 65), published)
    for fault in ({"status": 503}, {"status": 500}, {"drop": True}, {"drop": True, "rst": True}):
        hub.inject(kind="info", **fault)
        assert ganzoo.load(published, "cpu").config["images"] == 65


# ----------------------------------------------------------------------------
# Damage.


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_cache_is_repaired_online_and_refused_offline(hub, package, published, name):
    wanted = ganzoo.load(published, "cpu").sample(3)
    directory = ganzoo.pull(published)
    damage(directory, name)
    with pytest.raises(Corrupt, match=r"is damaged: .*, in the cache: remove --offline to download it"):
        ganzoo.load(published, "cpu", offline=True)
    said: list[str] = []
    assert np.array_equal(ganzoo.load(published, "cpu", notify=said.append).sample(3), wanted)
    assert f"{name} of {published} is damaged: downloading it again" in said
    assert np.array_equal(ganzoo.load(published, "cpu", offline=True).sample(3), wanted)


def test_a_byte_that_changed_on_the_way_is_noticed(hub, published):
    hub.inject(kind="cdn_get", skip=1, corrupt=1000)
    said: list[str] = []
    ganzoo.load(published, "cpu", notify=said.append)
    assert said[1:] == [f"model.safetensors of {published} is damaged: downloading it again"]


def test_a_file_that_is_damaged_on_the_hub_is_refused(hub, published):
    hub.tamper("model", published, "model.safetensors")
    with pytest.raises(
        Corrupt, match=f"model.safetensors of {published} is damaged: its bytes differ from what was saved; try "
    ):
        ganzoo.load(published, "cpu")
    with pytest.raises(NotFound):  # the cache keeps nothing of it
        ganzoo.load(published, "cpu", offline=True)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda c: c.update(format=99), GanzooError, "was written by a newer ganzoo: python -m pip install -U ganzoo"),
        (lambda c: c.pop("recipe"), Corrupt, "is damaged"),
        (lambda c: c["data"].update(shape=[1, 5, 4]), Corrupt, "does not fit the architecture"),
        (lambda c: c["files"]["model.safetensors"].update(sha256="0" * 64), Corrupt, "is not the file that its config"),
        (lambda c: c["files"]["model.safetensors"].update(size=5), Corrupt, "is not the file that its config"),
        (
            lambda c: c["files"].update({"samples.txt": {"sha256": "0" * 64, "size": 5}}),
            Corrupt,
            "it has no samples.txt",
        ),
        (lambda c: c["recipe"]["arch"]["options"].update(width=64), Corrupt, "does not fit the architecture"),
        (lambda c: c["recipe"]["arch"]["options"].update(width=9), Corrupt, "does not fit the architecture"),
    ],
)
def test_files_that_do_not_match_are_refused_before_the_weights(hub, package, repo, change, error, says):
    upload(hub, repo, edit(package, change))
    with pytest.raises(error, match=says):
        ganzoo.pull(repo)
    assert [entry for entry in hub.log if entry["kind"] == "cdn_get" and not entry["range"]] == []


def test_a_missing_plugin_is_reported_before_weights_are_fetched(hub, package, repo):
    upload(hub, repo, edit(package, lambda c: c["recipe"]["arch"].update(name="acme:blobs", distribution="acme-gans")))
    with pytest.raises(MissingPlugin, match="python -m pip install -U acme-gans"):
        ganzoo.load(repo, "cpu")
    assert not [name for _, name in list_requests(hub) if name == "model.safetensors"]
    assert not [entry for entry in hub.log if entry["kind"].startswith("cdn")]


def test_weights_that_do_not_fit_are_refused_by_their_header(hub, package, repo):
    import torch

    other = rewrite(package, "model.safetensors", lambda w: w.update({"net.0.bias": w["net.0.bias"].bfloat16()}))
    upload(hub, repo, other)
    with pytest.raises(Corrupt, match="does not fit the architecture"):
        ganzoo.load(repo, "cpu")
    assert [entry["range"] for entry in hub.log if entry["kind"] == "cdn_get"] == 2 * ["bytes=0-131071"]
    bad = rewrite(package, "model.safetensors", lambda w: w.update({"net.0.bias": torch.full((8,), float("nan"))}))
    upload(hub, repo, bad)
    with pytest.raises(Corrupt, match="numbers that are not finite"):
        ganzoo.load(repo, "cpu")


def test_a_header_longer_than_usual_is_read_whole(hub, package, repo, monkeypatch):
    from ganzoo.hub import client

    monkeypatch.setattr(client, "FIRST_BYTES", 64)
    upload(hub, repo, package)
    ganzoo.load(repo, "cpu")
    ranges = [entry["range"] for entry in hub.log if entry["kind"] == "cdn_get"]
    assert len(ranges) == 3
    assert ranges[0] == "bytes=0-63"
    assert ranges[1].startswith("bytes=0-")


def test_a_repository_without_a_model_of_ganzoo_is_an_error(hub, repo):
    from huggingface_hub import HfApi

    HfApi().create_repo(repo)
    with pytest.raises(NotFound, match=f"{repo} is not a model that ganzoo made: it has no config.json"):
        ganzoo.load(repo, "cpu")
    for config in (b'{"architectures": ["Bert"]}', b"{}"):
        hub.inject_file("model", repo, "config.json", config)
        with pytest.raises(NotFound, match=f"config.json of {repo} is another library's: ganzoo did not make this"):
            ganzoo.load(repo, "cpu")


def test_two_files_with_one_name_in_the_cache_are_noticed(hub, published):
    hub.inject(kind="resolve.*", path="config.json|README.md", etag="0" * 40, times=0)
    with pytest.raises(Corrupt, match=f"config.json of {published} is damaged: its bytes differ from what was saved"):
        ganzoo.pull(published)


def test_a_hub_that_does_not_answer_is_asked_again(hub, published):
    hub.inject(kind="info", delay=2.5)
    said: list[str] = []
    ganzoo.load(published, "cpu", notify=said.append)
    assert said[0] == "asking the Hub failed: trying again for some seconds"


# ----------------------------------------------------------------------------
# Missing, private and gated models.


def test_a_missing_name_gets_close_matches(hub, published):
    for name in (published[:-1] + "z", "alcie" + published[5:]):
        with pytest.raises(NotFound, match=rf"{name} is not on the Hub.*: did you mean .*'{published}'") as raised:
            ganzoo.load(name, "cpu")
        assert str(raised.value).count(f"'{published}'") == 1
    with pytest.raises(NotFound, match=rf"{published} has no revision 'v1x': did you mean 'v1'"):
        ganzoo.load(published, "cpu", revision="v1x")
    with pytest.raises(NotFound, match=rf"{published} has no revision 'nothing': there are 'main', 'v1'"):
        ganzoo.load(published, "cpu", revision="nothing")


def test_a_gated_model_says_where_to_request_access(hub, published, monkeypatch, new_cache):
    from huggingface_hub import HfApi

    HfApi().update_repo_settings(published, gated="manual")
    for token in ("hf_bob", None):
        monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
        with pytest.raises(
            Denied, match=f"{published} is gated: request access at {hub.url}/{published}, then `hf auth login`"
        ):
            ganzoo.load(published, "cpu")
    stored = refs(hub, published)
    hub.store.save({**stored, "granted": ["bob"]})
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    assert ganzoo.load(published, "cpu").config["images"] == 64


def test_a_wrong_token_says_so(hub, published, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(Denied, match="the Hub refuses the token: log in again with `hf auth login`, or set HF_TOKEN"):
        ganzoo.load(published, "cpu")


# ----------------------------------------------------------------------------
# The commands.


def test_the_commands_take_models_of_the_hub(hub, published, call):
    commit = commits(hub, published)[0]["oid"]
    name = published.partition("/")[2]
    done = call("sample", published, "-n", "4", "--device", "cpu")
    assert (done.code, done.out) == (0, f"{name}-seed0.png\n")
    assert done.err.splitlines()[0] == f"{published} at {commit}"
    done = call("pull", f"{published}@v1")
    assert done.code == 0
    assert (Path(done.out.strip()) / "samples.png").is_file()
    assert done.err == f"{published} at {commit}\n"
    assert call("publish", done.out.strip(), "alice/copy", "--dry-run", "--device", "cpu").code == 0
    done = call("sample", f"{published}@v1", "-n", "4", "--offline", "--out", "x.npz", "--device", "cpu")
    assert done.err == f"{published} at {commit}, from the cache\n"
    done = call("evaluate", published, "--metric", "toy-mean", "--json", "--device", "cpu")
    assert done.code == 0, done.err
    assert "toy-mean/difference" in done.out
    assert json.loads(done.out)["model"] == f"{published}@{commit}"
    assert f"{published}@{commit}: 40 samples of toy-array" in done.err
    done = call("train", "--config", f"{published}@v1", "--images", "128", "--dry-run")
    assert done.code == 0
    assert "toy-array" in done.out
    assert f"{published} at {commit}" in done.err
    done = call("train", "--init", published, "--images", "32", "--device", "cpu")
    assert done.code == 0, done.err
    assert done.err.count(f"{published} at {commit}") == 1
    assert f"starting from the generator of {published}@{commit} after" in done.err
    done = call("sample", "alice/never-there", "--device", "cpu")
    assert (done.code, done.out) == (4, "")
    assert done.err.splitlines()[-1].startswith("ganzoo: alice/never-there is not on the Hub, or it is private: ")
    done = call("pull", "nothing")
    assert (done.code, done.err) == (
        2,
        "ganzoo: nothing is not a model on the Hub, or is a directory here: write USER/NAME\n",
    )


def test_config_of_a_model_takes_no_weights(hub, published, call):
    call("train", "--config", published, "--dry-run")
    assert not [name for _, name in list_requests(hub) if name == "model.safetensors"]


def test_a_package_of_an_older_schema_migrates(hub, package, repo):
    """An architecture with schema 2 reads a package from the Hub that was written with schema 1."""
    from dataclasses import dataclass

    import toys
    from ganzoo.plugin import Architecture, hookimpl, option
    from ganzoo.registry import register, registry

    @dataclass(frozen=True, kw_only=True)
    class Renamed(toys.ToyOptions):
        hidden: int = option(8, help="Was width.", low=1)

    class Module:
        __name__ = "toys"

    upload(hub, repo, package)
    assert json.loads((package / "config.json").read_text())["recipe"]["arch"]["schema"] == 1
    module = Module()

    @hookimpl
    def ganzoo_architectures():
        yield Architecture(
            name="toy", summary="Two layers.", factory="toys:build_toy", options=Renamed, version=2,
            migrate="test_pull:migrate", conditional="optional",
        )  # fmt: skip

    module.ganzoo_architectures = ganzoo_architectures
    registry.cache_clear()
    register(module)
    assert ganzoo.load(repo, "cpu").config["images"] == 64
    assert set(MIGRATED) == {1}


MIGRATED: list[int] = []


def migrate(options: dict, version: int) -> dict:
    MIGRATED.append(version)
    return {**options, "hidden": options["width"]}


def test_only_the_files_that_are_used_are_needed(hub, package, repo):
    (package / "samples.png").unlink()
    upload(hub, repo, package, ("config.json", "model.safetensors", "discriminator.safetensors"))
    assert ganzoo.load(repo, "cpu").config["images"] == 64
    with pytest.raises(Corrupt, match=f"{repo} is incomplete: it has no reference.safetensors"):
        ganzoo.pull(repo)


def test_a_text_file_in_git_itself_is_checked_too(hub, package, repo):
    shutil.copy(package / "samples.png", package / "samples.txt")
    upload(hub, repo, replace(package, "samples.txt", b"0.1 0.2\n"))
    assert (ganzoo.pull(repo) / "samples.txt").read_bytes() == b"0.1 0.2\n"
    hub.inject_file("model", repo, "samples.txt", b"0.1 0.3\n")
    with pytest.raises(Corrupt, match="its bytes differ from what was saved"):
        ganzoo.pull(repo)
