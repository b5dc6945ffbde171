"""Publishing: one commit with the whole package, or none; text by people and other files are kept."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from onhub import FILES, commits, content, forked, other, refs

import ganzoo
from ganzoo.errors import Conflict, Corrupt, Denied, GanzooError, NotFound, Unreachable, UsageError
from ganzoo.runs import where
from outside_dist import run_python


def test_a_package_becomes_one_commit_with_a_tag_and_loads_back(hub, package, repo, new_cache):
    said: list[str] = []
    done = ganzoo.publish(package, repo, tag="v1", license="mit", message="first", notify=said.append)
    made = commits(hub, repo)
    assert [commit["title"] for commit in made] == ["first", "initial commit"]
    assert sorted(made[0]["files"]) == [".gitattributes", *FILES]
    assert (done.repo, done.commit, done.tag) == (repo, made[0]["oid"], "v1")
    assert done.url == f"{hub.url}/{repo}"
    assert [(change.name, change.what) for change in done.changes] == [
        (name, "new")
        for name in (
            "config.json",
            "model.safetensors",
            "discriminator.safetensors",
            "reference.safetensors",
            "samples.png",
            "README.md",
        )
    ]
    assert refs(hub, repo)["tags"] == {"v1": done.commit}
    assert said[0].startswith("sending 6 files")
    assert content(hub, repo, "model.safetensors") == (package / "model.safetensors").read_bytes()
    card = content(hub, repo, "README.md").decode()
    assert "license: mit" in card
    assert f'ganzoo.load("{repo}", revision="v1")' in card
    new_cache()
    wanted = ganzoo.load(package, "cpu").sample(3)
    assert np.array_equal(ganzoo.load(repo, "cpu", revision="v1").sample(3), wanted)


def test_no_progress_bar_is_drawn_without_a_terminal(hub, repo, monkeypatch):
    monkeypatch.delenv("HF_HUB_DISABLE_PROGRESS_BARS")
    code = "import sys; sys.argv[0] = 'ganzoo'; from ganzoo.cli import main; main()"
    done = run_python(code, "publish", "ganzoo:ring", repo, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    first, last = done.stderr.splitlines()
    assert first.startswith("sending 5 files")
    assert last.startswith("ganzoo.load(")


def test_an_already_published_package_is_not_sent_again(hub, package, repo):
    first = ganzoo.publish(package, repo, tag="v1")
    said: list[str] = []
    again = ganzoo.publish(package, repo, tag="v1", notify=said.append)
    assert said == [f"{repo} has this package already: nothing to send"]
    assert again.commit == first.commit
    assert {change.what for change in again.changes} == {"kept"}
    assert len(commits(hub, repo)) == 2


def test_a_new_package_replaces_what_differs_and_deletes_what_it_lacks(hub, package, repo):
    ganzoo.publish(package, repo)
    hub.inject_file("model", repo, "notes/mine.txt", b"a file of a person")
    weights = commits(hub, repo)[0]["files"]["model.safetensors"]
    said: list[str] = []
    done = ganzoo.publish(other(package, 65), repo, discriminator=False, notify=said.append)
    assert said[0].startswith("sending 2 files")
    assert said[0].endswith(f"to {repo}, and deleting discriminator.safetensors")
    assert {change.name: change.what for change in done.changes} == {
        "config.json": "changed", "model.safetensors": "kept", "discriminator.safetensors": "deleted",
        "reference.safetensors": "kept", "samples.png": "kept", "README.md": "changed",
    }  # fmt: skip
    made = commits(hub, repo)
    assert sorted(made[0]["files"]) == sorted(
        {".gitattributes", *FILES, "notes/mine.txt"} - {"discriminator.safetensors"}
    )
    assert made[0]["files"]["model.safetensors"] == weights
    assert len(made) == 4


def test_text_by_people_in_the_card_is_kept(hub, package, repo):
    ganzoo.publish(package, repo)
    card = content(hub, repo, "README.md").decode()
    edited = card.replace("---\n\n", "---\n\nMy cat inspired this.\n\n", 1).replace("tags:\n", "tags:\n- cats\n", 1)
    hub.inject_file("model", repo, "README.md", edited.encode())
    ganzoo.publish(other(package, 65), repo)
    card = content(hub, repo, "README.md").decode()
    assert "My cat inspired this." in card
    assert "- cats" in card
    assert card.count("# ") == edited.count("# ")
    hub.inject_file("model", repo, "README.md", b"\xff\xfe no utf-8")
    ganzoo.publish(other(package, 66), repo)
    assert "no utf-8" in content(hub, repo, "README.md").decode()
    hub.inject_file("model", repo, "README.md", b"x" * ((1 << 20) + 1))
    with pytest.raises(Conflict, match="would be lost: shorten it first"):
        ganzoo.publish(other(package, 67), repo)


def test_a_tag_never_moves_and_nothing_is_sent_then(hub, package, repo):
    first = ganzoo.publish(package, repo, tag="v1")
    hub.log.clear()
    with pytest.raises(Conflict, match=rf"{repo} has a tag 'v1' already, .*: use another"):
        ganzoo.publish(other(package, 65), repo, tag="v1")
    assert [entry["kind"] for entry in hub.log if entry["method"] == "POST" and entry["kind"] != "paths_info"] == []
    with pytest.raises(Conflict, match=r"tags never move: use another"):
        ganzoo.publish(package, repo, tag="v1", dry_run=True)
    for name in (repo, f"{repo}-new"):
        with pytest.raises(Conflict, match=rf"{name} has a branch 'main', which would hide a tag of that name"):
            ganzoo.publish(package, name, tag="main")
    ganzoo.publish(package, repo, tag="v2")
    with pytest.raises(Conflict, match="tags never move"):
        ganzoo.publish(package, repo, tag="v1")
    assert refs(hub, repo)["tags"]["v1"] == first.commit


def test_a_missing_branch_is_created(hub, package, repo):
    ganzoo.publish(package, repo)
    done = ganzoo.publish(other(package, 65), repo, revision="trial/1")
    assert refs(hub, repo)["branches"]["trial/1"] == done.commit
    assert len(commits(hub, repo)) == 2
    assert done.url == f"{hub.url}/{repo}/tree/trial/1"
    assert ganzoo.load(f"{repo}@trial/1", "cpu").config["images"] == 65
    ganzoo.publish(other(package, 66), repo, revision="trial/1", tag="v6")
    assert len(commits(hub, repo, "trial/1")) == 4
    with pytest.raises(UsageError, match="'v6' is a tag"):
        ganzoo.publish(package, repo, revision="v6")


def test_a_pull_request_to_somebody_elses_model(hub, package, repo, monkeypatch):
    ganzoo.publish(package, repo)
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    done = ganzoo.publish(other(package, 65), repo, create_pr=True)
    assert done.url == f"{hub.url}/{repo}/discussions/1"
    assert len(commits(hub, repo)) == 2
    assert ganzoo.load(f"{repo}@refs/pr/1", "cpu").config["images"] == 65
    with pytest.raises(Denied, match="this token has no write access"):
        ganzoo.publish(package, repo)
    with pytest.raises(NotFound, match="is not on the Hub"):
        ganzoo.publish(package, "alice/nothing", create_pr=True)


def test_a_private_model_is_seen_by_its_owner_alone(hub, package, repo, monkeypatch, new_cache):
    ganzoo.publish(package, repo, private=True)
    assert refs(hub, repo)["private"] is True
    assert ganzoo.load(repo, "cpu").config["images"] == 64
    monkeypatch.delenv("HF_TOKEN")
    new_cache()
    with pytest.raises(NotFound, match="is not on the Hub, or it is private"):
        ganzoo.load(repo, "cpu")


def test_a_private_model_is_not_published_to_a_public_repository(hub, package, repo):
    ganzoo.publish(package, repo)
    with pytest.raises(Conflict, match="exists and is public"):
        ganzoo.publish(other(package, 65), repo, private=True)
    assert len(commits(hub, repo)) == 2


@pytest.mark.parametrize(
    ("name", "there"),
    [("config.json", b'{"architectures": ["Bert"]}'), ("config.json", b"{"), ("model.safetensors", b"bert")],
)
def test_another_library_s_model_is_not_overwritten(hub, package, repo, name, there):
    from huggingface_hub import HfApi

    HfApi().create_repo(repo)
    hub.inject_file("model", repo, name, there)
    with pytest.raises(Conflict, match=f"{repo} contains a model that ganzoo did not make: publish under another name"):
        ganzoo.publish(package, repo)
    assert content(hub, repo, name) == there


def test_a_newer_format_on_the_hub_says_upgrade(hub, package, repo):
    ganzoo.publish(package, repo)
    hub.inject_file("model", repo, "config.json", b'{"format": 99}')
    with pytest.raises(GanzooError, match="was written by a newer ganzoo: python -m pip install -U ganzoo"):
        ganzoo.publish(package, repo)


def test_the_discriminator_is_published_unless_it_is_excluded(hub, toys, repo):
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, device="cpu")
    ganzoo.publish(run, repo, discriminator=False)
    assert "discriminator.safetensors" not in commits(hub, repo)[0]["files"]
    done = ganzoo.publish(run, repo)
    assert ("discriminator.safetensors", "new") in [change[:2] for change in done.changes]
    ganzoo.load(repo)
    assert not list(Path(constants_cache()).rglob("discriminator.safetensors"))  # sampling does not fetch it
    directory = ganzoo.pull(repo)
    assert not (directory / "discriminator.safetensors").exists()
    assert (ganzoo.pull(repo, discriminator=True) / "discriminator.safetensors").is_file()


def test_a_pulled_model_is_published_without_its_missing_discriminator(hub, package, repo, new_cache):
    ganzoo.publish(package, repo)
    new_cache()
    said: list[str] = []
    done = ganzoo.publish(ganzoo.pull(repo), f"{repo}-copy", notify=said.append)
    names = {change.name for change in done.changes}
    assert names == set(FILES) - {"discriminator.safetensors"}
    assert said[0].startswith("continuing without the discriminator, which is missing: `ganzoo pull USER/NAME --with-")
    ganzoo.pull(repo, discriminator=True)
    done = ganzoo.publish(ganzoo.pull(repo), f"{repo}-copy")
    assert ("discriminator.safetensors", "new") in [change[:2] for change in done.changes]


def constants_cache() -> str:
    from huggingface_hub import constants

    return constants.HF_HUB_CACHE


def test_a_model_that_does_not_load_is_not_published(hub, package, repo):
    (package / "model.safetensors").write_bytes(b"0" * (package / "model.safetensors").stat().st_size)
    with pytest.raises(GanzooError, match="its bytes differ from what was saved"):
        ganzoo.publish(package, repo)
    assert refs(hub, repo) is None


def test_a_model_that_does_not_reproduce_its_samples_is_not_published(hub, package, repo, monkeypatch, toys):
    made = toys.ToyGenerator.forward
    monkeypatch.setattr(
        toys.ToyGenerator, "forward", lambda self, z, labels=None: made(self, z, labels) + random.random()
    )
    with pytest.raises(Corrupt, match="does not reproduce its reference samples"):
        ganzoo.publish(package, repo)
    assert refs(hub, repo) is None


def test_the_files_on_the_hub_are_compared_with_those_that_were_sent(hub, package, repo, monkeypatch):
    original = hub.hub.apply_commit

    def without_the_picture(who, kind, name, revision, body, create_pr):
        lines = [line for line in body.split(b"\n") if b"samples.png" not in line]
        return original(who, kind, name, revision, b"\n".join(lines), create_pr)

    with monkeypatch.context() as patch:
        patch.setattr(hub.hub, "apply_commit", without_the_picture)
        with pytest.raises(
            Corrupt, match=f"the files in {repo} at [0-9a-f]+ differ from those that were sent: run this again"
        ):
            ganzoo.publish(package, repo)
    ganzoo.publish(package, repo)
    assert sorted(commits(hub, repo)[0]["files"]) == [".gitattributes", *FILES]


@pytest.mark.parametrize("images", [64, 65])
def test_a_name_that_somebody_else_used_meanwhile(hub, package, repo, monkeypatch, tmp_path, images):
    from ganzoo.hub import publish

    theirs = other(Path(shutil.copytree(package, tmp_path / "theirs")), images)
    verify, seen = publish.verify, []

    def and_they_publish(*args):
        if not seen:
            seen.append(args)
            seen.append(ganzoo.publish(theirs, repo).commit)
        return verify(*args)

    monkeypatch.setattr(publish, "verify", and_they_publish)
    if images == 64:  # the same package as ours
        assert ganzoo.publish(package, repo).commit == seen[1]
    else:
        with pytest.raises(Conflict, match=f"{repo}: somebody else published there at the same time"):
            ganzoo.publish(package, repo)
    assert len(commits(hub, repo)) == 2


def test_a_dry_run_changes_nothing(hub, package, repo):
    done = ganzoo.publish(package, repo, tag="v1", dry_run=True)
    assert done.commit == ""
    assert {change.what for change in done.changes} == {"new"}
    assert refs(hub, repo) is None
    assert {entry["method"] for entry in hub.log} == {"GET"}


@pytest.mark.parametrize(
    "name",
    ["model", "alice/", "/model", "alice/a b", "alice/a--b", "alice/../x", "a/b/c", "alice/x.git/", "alice/m@v1"],
)
def test_an_invalid_name_is_refused_without_a_request(hub, package, name):
    with pytest.raises(UsageError, match="is not the name of a repository: write USER/NAME"):
        ganzoo.publish(package, name)
    assert list(hub.log) == []


@pytest.mark.parametrize(
    "options",
    [{"tag": "a b"}, {"tag": "../x"}, {"tag": "0" * 40}, {"revision": "-x"}, {"create_pr": True, "tag": "v1"}],
)
def test_invalid_options_are_refused_without_a_request(hub, package, options):
    with pytest.raises(UsageError):
        ganzoo.publish(package, "alice/m", **options)
    assert list(hub.log) == []


@pytest.mark.parametrize(
    ("token", "name", "error", "says"),
    [
        (
            "hf_wrong",
            "alice/m",
            Denied,
            "the Hub refuses the token: log in again with `hf auth login`, or set HF_TOKEN",
        ),
        (None, "alice/none", Denied, "you are not logged in: use `hf auth login`, or set HF_TOKEN"),
        ("hf_alice_read", "alice/none", Denied, "this token has no write access: use one that has"),
        ("hf_bob", "alice/none", Denied, "this token has no write access: .* or publish under another name"),
    ],
)
def test_an_error_for_a_token_without_access_says_what_to_do(hub, package, monkeypatch, token, name, error, says):
    monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(error, match=says):
        ganzoo.publish(package, name)
    assert refs(hub, name) is None


# ----------------------------------------------------------------------------
# Access, checked before a training.


@pytest.mark.parametrize(
    ("token", "name", "says"),
    [
        ("hf_alice", "alice/new", None),
        ("hf_alice", "gan-org/new", None),
        ("hf_alice", "bob/new", "you are alice on the Hub, who may not publish there"),
        ("hf_alice", "alcie/new", "did you mean 'alice'?"),
        ("hf_alice_read", "alice/new", "publishing needs a token with write access"),
        ("hf_wrong", "alice/new", "the Hub refuses the token"),
        (None, "alice/new", "you are not logged in: use `hf auth login`, or set HF_TOKEN"),
    ],
)
def test_access_is_checked_before_a_run_is_trained(hub, monkeypatch, token, name, says):
    from ganzoo.sharing import check_publishable

    monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
    if says is None:
        check_publishable(name)
        return
    with pytest.raises(Denied) as error:
        check_publishable(name)
    assert says in str(error.value)


TRAIN = ("train", "--arch", "toy", "--dataset", "toy-array", "--images", "64", "--device", "cpu")


def test_a_run_is_published_at_its_end_or_kept(hub, repo, call, monkeypatch):
    done = call(*TRAIN, "--publish", repo)
    assert done.code == 0, done.err
    assert Path(done.out.strip()).is_dir()
    assert f"published at {hub.url}/{repo}, commit {commits(hub, repo)[0]['oid']}" in done.err
    hub.inject(kind="commit", status=403, times=0)
    done = call(*TRAIN, "--seed", "5", "--publish", repo)
    run = done.out.strip()
    assert done.code == 4
    assert f"; the run is kept: `ganzoo publish {run} {repo}` publishes it" in done.err
    hub.clear_faults()
    monkeypatch.setenv("HF_TOKEN", "hf_alice_read")
    done = call(*TRAIN, "--publish", repo)
    assert (done.code, done.out) == (4, "")
    assert len(list(Path("runs").iterdir())) == 2


def test_ctrl_c_says_whether_the_repository_was_changed(hub, package, repo, call, monkeypatch):
    from huggingface_hub import HfApi

    def interrupted(*args, **keywords):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(HfApi, "create_commit", interrupted)
        done = call("publish", package, repo, "--device", "cpu")
        assert (done.code, done.err.splitlines()[-1]) == (
            130, f"ganzoo: interrupted; it is not known whether {repo} was changed: run this again to find out",
        )  # fmt: skip
        patch.setattr(HfApi, "model_info", interrupted)
        done = call(*TRAIN, "--publish", repo)
    assert done.code == 130
    assert f"ganzoo: interrupted; the run is kept: `ganzoo publish {done.out.strip()} {repo}`" in done.err
    assert call("publish", done.out.strip(), repo).code == 0


# ----------------------------------------------------------------------------
# Several publishers at the same time.


FORKING = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@FORKING
def test_each_of_three_publishers_at_once_succeeds_or_reports_a_conflict(hub, package, repo, tmp_path):
    hub.inject(kind="commit", delay=0.3, times=0)

    def publish(index: int) -> None:
        mine = other(Path(shutil.copytree(package, tmp_path / f"p{index}")), 100 + index)
        try:
            said = ["done", ganzoo.publish(mine, repo).commit]
        except GanzooError as error:
            said = [type(error).__name__, str(error)]
        (tmp_path / f"said{index}").write_text(json.dumps(said))

    for child in [forked(lambda index=index: publish(index)) for index in range(3)]:
        os.waitpid(child, 0)
    told = [json.loads((tmp_path / f"said{index}").read_text()) for index in range(3)]
    made = commits(hub, repo)[:-1]
    assert sorted(text for kind, text in told if kind == "done") == sorted(commit["oid"] for commit in made)
    assert all(kind in ("done", "Conflict") for kind, _ in told)
    assert all("somebody else" in text for kind, text in told if kind == "Conflict")
    for commit in made:  # each commit contains one complete package
        assert sorted(commit["files"]) == [".gitattributes", *FILES]
    said = json.loads(content(hub, repo, "config.json"))["images"]
    assert told[said - 100] == ["done", made[0]["oid"]]


@FORKING
@pytest.mark.slow
def test_a_publisher_killed_at_any_moment_leaves_all_or_nothing(hub, package, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # killed processes leave their temporary folders
    chance, held = random.Random(0), set()
    for index in range(20):
        name = f"alice/killed{index}"
        hub.log.clear()
        child = forked(lambda name=name: ganzoo.publish(package, name, tag="v1"))
        while len(hub.log) < index and os.waitpid(child, os.WNOHANG) == (0, 0):  # a publish takes some 20 requests
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.01))
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        time.sleep(0.02)  # lets requests that were sent arrive
        there = commits(hub, name)[0]["files"] if refs(hub, name) else {}
        assert sorted(there) in ([], [".gitattributes"], [".gitattributes", *FILES])
        held.add(len(there))
        done = ganzoo.publish(package, name, tag="v1")  # the next publication succeeds
        assert refs(hub, name)["tags"] == {"v1": done.commit}
        assert sorted(commits(hub, name)[0]["files"]) == [".gitattributes", *FILES]
        assert len(commits(hub, name)) == 2
    assert {0, 1, 7} >= held >= {0, 7}


# ----------------------------------------------------------------------------
# The meaning of names.


def test_an_existing_path_is_preferred_to_the_hub(hub, package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(package, tmp_path / "alice" / "here")
    said: list[str] = []
    assert ganzoo.load("alice/here", "cpu", notify=said.append).config["images"] == 64
    assert said == ["alice/here is used as a directory here, not as a model on the Hub; ./alice/here means the same"]
    said.clear()
    ganzoo.load("./alice/here", "cpu", notify=said.append)
    ganzoo.load(Path("alice/here"), "cpu", notify=said.append)
    assert said == []
    assert list(hub.log) == []
    assert where.parse_repository("alice/here") is None
    assert where.parse_repository(Path("alice/there")) is None
    assert where.parse_repository("./alice/there") is None
    assert where.parse_repository("alice/there@v1") == ("alice/there", "v1")
    assert where.parse_repository("runs/0003-typo") is None
    with pytest.raises(UsageError, match="is not a model on the Hub, so it has no revision"):
        ganzoo.load("./alice/here", "cpu", revision="v1")
    with pytest.raises(UsageError, match="names a revision already"):
        ganzoo.load("alice/there@v1", "cpu", revision="v2")
    with pytest.raises(UsageError, match="is not a revision"):
        ganzoo.load("alice/there@../../x", "cpu")


def test_offline_nothing_is_published(hub, package, repo, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "is_offline_mode", lambda: True)
    with pytest.raises(Unreachable, match=r"^this needs the network: unset HF_HUB_OFFLINE$"):
        ganzoo.publish(package, repo)
    assert list(hub.log) == []
