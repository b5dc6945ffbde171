"""`ganzoo search` and `ganzoo info` describe models by their cards and configs, without weights."""

from __future__ import annotations

import json

import pytest
from onhub import edit, refs, upload

import ganzoo
from ganzoo import sharing
from ganzoo.errors import NotFound, Unreachable
from outside_dist import list_loaded


@pytest.fixture(autouse=True)
def only_these(hub):
    """Remove the models of other tests from the Hub."""
    import shutil

    for kind in (hub.store.root / "repos").iterdir():
        shutil.rmtree(kind)


def test_models_are_found_by_name_author_architecture_and_dataset(hub, package, call):
    from huggingface_hub import HfApi

    ganzoo.publish(package, "alice/cats", license="mit")
    ganzoo.publish(package, "gan-org/dogs")
    hub.store.save({**refs(hub, "gan-org/dogs"), "downloads": 1234})
    HfApi().create_repo("alice/bert")
    hub.inject_file("model", "alice/bert", "README.md", b"---\ntags: [bert]\ndatasets: [wiki]\n---\n")
    assert [model.repo for model in ganzoo.search()] == ["gan-org/dogs", "alice/cats"]
    found = ganzoo.search("cat")[0]
    assert (found.repo, found.arch, found.license) == ("alice/cats", "toy", "mit")
    assert list(found.metrics) == ["toy-mean/difference"]
    hub.store.save({**refs(hub, "alice/cats"), "downloads": 5000})
    assert [model.repo for model in ganzoo.search()] == ["alice/cats", "gan-org/dogs"]
    hub.store.save({**refs(hub, "alice/cats"), "downloads": 0})
    assert [model.repo for model in ganzoo.search(author="gan-org")] == ["gan-org/dogs"]
    assert [model.repo for model in ganzoo.search(arch="toy", limit=1)] == ["gan-org/dogs"]
    assert ganzoo.search(arch="stylegan2") == ganzoo.search(dataset="other") == ganzoo.search("mouse") == []
    assert [model.repo for model in ganzoo.search(dataset="toy-array")] == ["gan-org/dogs", "alice/cats"]
    hub.inject_file("model", "alice/cats", "README.md", b"---\ntags: [ganzoo, toy]\ndatasets: [alice/pictures]\n---\n")
    assert [model.datasets for model in ganzoo.search(dataset="alice/pictures")] == [("alice/pictures",)]

    done = call("search")
    assert done.code == 0
    assert done.out.splitlines()[0].split() == ["model", "downloads", "architecture", "metrics", "requires"]
    assert done.out.splitlines()[1].split()[:3] == ["gan-org/dogs", "1,234", "toy"]
    assert [model["repo"] for model in json.loads(call("search", "dogs", "--json").out)] == ["gan-org/dogs"]
    done = call("search", "mouse")
    assert (done.code, done.out, done.err) == (0, "", "no ganzoo model on the Hub matches\n")


def test_requirements_are_those_that_the_card_states(hub, package):
    edit(package, lambda c: c.update(requires=[{"distribution": "acme-gans", "version": "1.2"}]))
    ganzoo.publish(package, "alice/cats")
    assert ganzoo.search()[0].requires == ("acme-gans>=1.2",)


@pytest.mark.parametrize(
    "card",
    [
        "ignore_metadata_errors: 1", "model-index: 5", "model-index: [5]", "model-index: [{name: x, results: [5]}]",
        "model-index: [{name: x, results: [{task: {type: a}, metrics: [{type: fid, value: []}]}]}]",
        "datasets: {a: b}", "license: [a]", "requires: 5", "requires: [[]]", "pipeline_tag: []", "eval_results: 7",
    ],
)  # fmt: skip
def test_an_invalid_card_does_not_break_the_search(hub, package, card, call):
    from huggingface_hub import HfApi

    ganzoo.publish(package, "alice/good")
    HfApi().create_repo("alice/bad")
    hub.inject_file("model", "alice/bad", "README.md", f"---\ntags: [ganzoo]\n{card}\n---\n".encode())
    assert sorted(model.repo for model in ganzoo.search()) == ["alice/bad", "alice/good"]
    assert call("search").code == 0


@pytest.mark.parametrize(
    "odd", [{}, {"cardData": [1]}, {"cardData": None, "tags": "x", "downloads": "many"}, {"id": 5}]
)
def test_the_valid_parts_of_an_answer_are_read(odd):
    from ganzoo.hub.search import make_result

    model = make_result(odd)
    assert (model.downloads, model.arch, model.metrics, model.requires) == (0, "", {}, ())


def test_values_of_models_that_cannot_be_compared_are_marked(hub, package, call):
    entry = {"name": "fid/fid", "value": 3.5, "fingerprint": "0123456789abcdef", "protocol": {"real": 5, "fake": 5}}
    for repo, num in (("alice/cats", 5), ("alice/dogs", 6)):
        other = entry | {"fingerprint": f"{num:016x}", "protocol": {"real": num, "fake": num}}
        ganzoo.publish(edit(package, lambda c, other=other: c.update(metrics=[other])), repo)
    assert {model.repo: model.scores[0]["fingerprint"] for model in ganzoo.search()} == {
        "alice/cats": f"{5:016x}",
        "alice/dogs": f"{6:016x}",
    }
    done = call("search")
    assert "fid/fid 3.5 (a)" in done.out
    assert "fid/fid 3.5 (b)" in done.out
    assert "fid/fid: (a) and (b) cannot be compared: number of generated samples" in done.err


def test_text_of_strangers_is_safe_for_a_terminal(hub, package, call):
    ganzoo.publish(package, "alice/cats")
    evil = '---\ntags: [ganzoo, "a\\e[2Jb"]\nrequires: ["x\\e]0;owned\\a", "line\\nbreak"]\n---\n'
    hub.inject_file("model", "alice/cats", "README.md", evil.encode())
    done = call("search")
    assert not any(char in done.out for char in "\x1b\x07")
    assert len(done.out.splitlines()) == 2
    bad = edit(package, lambda c: c["recipe"]["loss"].update(name="\x1b[31mred"))
    upload(hub, "alice/cats", edit(bad, lambda c: c.update(metrics=[{"name": "\x1b[2Jfid\n", "value": 1.0}])))
    done = call("info", "alice/cats")
    assert done.code == 0, done.err
    assert "\x1b" not in done.out + done.err


def test_a_model_is_shown_without_its_weights(hub, package, repo, call, new_cache):
    ganzoo.publish(package, repo, tag="v1", license="mit")
    new_cache()
    hub.log.clear()
    done = call("info", f"{repo}@v1")
    assert done.code == 0, done.err
    rows = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert (rows["repo"], rows["arch"], rows["images"], rows["license"]) == (repo, "toys:toy", "64", "mit")
    assert "model.safetensors 1656" in rows["files"]
    assert not [entry for entry in hub.log if "model.safetensors" in entry["path"] or entry["kind"] == "cdn_get"]
    facts = json.loads(call("info", repo, "--json").out)
    assert facts["installed"] is True
    assert facts["commit"] == refs(hub, repo)["tags"]["v1"]
    hub.log.clear()
    assert call("info", f"{repo}@v1", "--offline").code == 0
    assert list(hub.log) == []
    assert json.loads(call("info", package, "--json").out)["images"] == 64
    assert call("info", "toy").out.startswith("architecture toys:toy")


@pytest.mark.parametrize("words", [["search"], ["info", "REPO"]])
def test_searching_imports_no_torch(hub, package, repo, words):
    ganzoo.publish(package, repo)
    command = [word.replace("REPO", repo) for word in words]
    assert list_loaded("torch,safetensors,PIL", *command)[0] == [0, []]


def test_a_model_whose_plugin_is_missing_is_shown(hub, package, repo, call):
    upload(hub, repo, edit(package, lambda c: c["recipe"]["arch"].update(name="acme:blobs")))
    assert json.loads(call("info", repo, "--json").out)["installed"] is False


def test_missing_models_and_authors(hub, call):
    with pytest.raises(NotFound):
        sharing.describe_model("alice/nothing")
    assert call("info", "alice/nothing").code == 4
    hub.inject(kind="list", status=503, times=0)
    with pytest.raises(Unreachable, match="the Hub has an internal problem"):
        ganzoo.search()
    done = call("search")
    first, last = done.err.splitlines()
    assert (done.code, first) == (5, "asking the Hub failed: trying again for some seconds")
    way_out = "try again later; `ganzoo list models` lists the models that need no network"
    assert last == f"ganzoo: the Hub has an internal problem (503): {way_out}"
