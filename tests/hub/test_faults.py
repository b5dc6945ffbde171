"""Every fault that the Hub can have, against publishing and loading: nothing half published, nothing wrong loaded,
nothing lost, and every error says what to do.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from onhub import FILES, commits, other, refs, rewrite

import ganzoo
from ganzoo import sharing
from ganzoo.errors import Conflict, Corrupt, Denied, GanzooError, NotFound, Unreachable, UsageError

RST = {"drop": True, "rst": True}
ALWAYS = {"times": 0}


def name_value(value: object) -> str:
    if isinstance(value, dict):
        return "-".join(f"{key}={part}" for key, part in value.items() if key != "body")
    return getattr(value, "__name__", str(value))


# ----------------------------------------------------------------------------
# Publishing. What is expected: None for success, or the error.

PUBLISH: list[tuple[dict[str, Any], type[GanzooError] | None]] = [
    # a short problem before the request took effect
    *[
        ({"kind": kind, **fault}, None)
        for kind in ("info", "create", "auth_check", "refs", "paths_info", "validate_yaml", "commit", "tag")
        for fault in ({"status": 500}, {"drop": True})
    ],
    *[({"kind": kind, "status": 503}, None) for kind in ("preupload", "lfs_batch", "lfs_put", "lfs_verify")],
    ({"kind": "commit", **RST}, None),
    ({"kind": "lfs_put", **RST}, None),
    ({"kind": "lfs_put", "drop_upload_after": 100}, None),
    ({"kind": "commit", "drop_upload_after": 100}, None),
    ({"kind": "commit", "status": 502, "times": 3}, None),
    ({"kind": "commit", "delay": 0.2}, None),
    ({"kind": "lfs_put", "throttle": 20_000}, None),
    # the request took effect, but its answer was lost
    *[
        ({"kind": kind, **fault}, None)
        for kind in ("create", "lfs_put", "commit", "tag")
        for fault in ({"then_drop": True}, {"then_drop": True, "rst": True}, {"then_status": 500}, {"then_status": 504})
    ],
    ({"kind": "commit", "then_status": 412}, None),
    ({"kind": "commit", "then_status": 400}, None),
    ({"kind": "tag", "then_status": 409}, None),
    # the Hub asks to wait
    ({"kind": "info", "status": 429, "retry_after": 7}, None),
    ({"kind": "commit", "status": 429, "retry_after": 7}, None),
    ({"kind": "preupload", "status": 429, "retry_after": 0}, None),
    ({"kind": "commit", "status": 429, "retry_after": 3600, **ALWAYS}, Unreachable),
    # a lasting problem
    *[
        ({"kind": kind, "status": 503, **ALWAYS}, Unreachable)
        for kind in ("info", "create", "refs", "preupload", "lfs_put", "commit", "tag")
    ],
    *[({"kind": kind, "drop": True, **ALWAYS}, Unreachable) for kind in ("info", "commit", "tag")],
    ({"kind": ".*", "drop": True, **ALWAYS}, Unreachable),
    ({"kind": ".*", "skip": 12, "drop": True, **ALWAYS}, Unreachable),
    # an answer that is not the Hub's
    *[({"kind": kind, "html": True, **ALWAYS}, Unreachable) for kind in ("info", "create", "preupload", "commit")],
    ({"kind": "commit", "html": True, "times": 1}, Unreachable),
    # the Hub refuses the request
    *[({"kind": kind, "status": 403, **ALWAYS}, Denied) for kind in ("create", "auth_check", "preupload", "commit")],
    *[({"kind": kind, "status": 401, **ALWAYS}, Denied) for kind in ("info", "commit", "tag")],
    ({"kind": "commit", "status": 400, **ALWAYS}, GanzooError),
    ({"kind": "commit", "status": 413, **ALWAYS}, GanzooError),
    ({"kind": "validate_yaml", "status": 400, "body": '{"errors": [{"message": "no such licence"}]}'}, GanzooError),
    ({"kind": "lfs_put", "corrupt": 100, "times": 1}, GanzooError),
    # somebody else published meanwhile
    ({"kind": "commit", "sneak_commit": True}, Conflict),
    ({"kind": "commit", "sneak_commit": True, "then_drop": True}, Conflict),
    ({"kind": "paths_info", "sneak_commit": True}, Conflict),
]  # fmt: skip


@pytest.fixture
def fresh(package, repo) -> Path:
    """A package with new weights: the Hub does not take weights again that it has."""
    return rewrite(package, "model.safetensors", lambda w: w["net.3.bias"].add_(int(repo[len("alice/model") :]) / 1e4))


@pytest.mark.parametrize(("fault", "error"), PUBLISH, ids=name_value)
def test_publishing(hub, fresh, repo, slept, fault, error):
    package = fresh
    hub.inject(**fault)
    said: list[str] = []
    if error is None:
        done = ganzoo.publish(package, repo, tag="v1", notify=said.append)
        assert done.commit == commits(hub, repo)[0]["oid"]
        assert hub.faults[0]["fired"]
    else:
        with pytest.raises(error) as raised:
            ganzoo.publish(package, repo, tag="v1", notify=said.append)
        assert type(raised.value) is error
        check_sentence(str(raised.value))
    hub.clear_faults()
    if refs(hub, repo):
        made = [commit for commit in commits(hub, repo) if "config.json" in commit["files"]]
        assert len(made) <= 1 if error else len(made) == 1
        for commit in made:
            assert set(commit["files"]) >= set(FILES)
        if error is None:
            assert refs(hub, repo)["tags"] == {"v1": made[0]["oid"]}
    if fault.get("status") == 429 and error is None and fault["kind"] != "preupload":
        assert slept == [7.0]
        assert "too many requests to the Hub: trying again in 7 s" in said
    elif error is Unreachable and fault.get("retry_after"):
        assert slept == []
    done = ganzoo.publish(package, repo, tag="v1")  # after any fault the next publication succeeds
    assert refs(hub, repo)["tags"] == {"v1": done.commit}
    assert len([commit for commit in commits(hub, repo) if "config.json" in commit["files"]]) == 1
    assert ganzoo.load(repo, "cpu").config["images"] == 64


def check_sentence(words: str) -> None:
    """Assert that an error is one sentence with a way out, without internals of the client."""
    assert "\n" not in words
    assert len(words) < 400
    hints = ("try again", "run this again", "check the", "log in", "set HF", "use ", "correct", "another", "with write")
    hints += ("publish under", "HF_ENDPOINT", "tell its author", "the Hub refuses the request (4")
    assert any(hint in words for hint in hints), words
    assert not any(word in words for word in ("httpx", "HTTPStatusError", "Request ID", "Traceback", "hf_alice"))


# ----------------------------------------------------------------------------
# Publishing a second version: the old one stays, or is replaced as a whole.

REPLACE: list[tuple[dict[str, Any], type[GanzooError] | None]] = [
    ({"kind": "commit", "then_drop": True}, None),
    ({"kind": "commit", "then_status": 502}, None),
    ({"kind": "commit", "then_status": 412}, None),
    ({"kind": "commit", "drop": True, **ALWAYS}, Unreachable),
    ({"kind": "lfs_.*", "status": 503, **ALWAYS}, None),  # the weights are the same: none are sent
    ({"kind": "resolve_.*", "status": 503, **ALWAYS}, Unreachable),
    ({"kind": "commit", "sneak_commit": True}, Conflict),
    ({"kind": "commit", "status": 503, "sneak_commit": True, **ALWAYS}, Unreachable),
    # the old config and card are fetched first, so faults of downloads occur here too
    *[
        ({"kind": "resolve_cache_get", **fault}, None)
        for fault in (
            {"corrupt": 30}, {"truncate": 100}, {"html": True}, {"drop_after": 100}, {"drop_after": 100, "rst": True},
            {"stall_after": 100, "stall": 3}, {"throttle": 100_000}, {"ignore_range": True}, {"status": 500}, RST,
        )
    ],
    ({"kind": "resolve_cache_get", "corrupt": 30, **ALWAYS}, Corrupt),
    *[
        ({"kind": "resolve_cache_get", **fault, **ALWAYS}, Unreachable)
        for fault in ({"truncate": 100}, {"html": True}, {"drop_after": 100})
    ],
    ({"kind": "resolve.*", "strip": ["X-Repo-Commit"], **ALWAYS}, Unreachable),
    ({"kind": "resolve.*", "etag": "0" * 40, **ALWAYS}, None),  # an ETag is never trusted
]  # fmt: skip


@pytest.mark.parametrize(("fault", "error"), REPLACE, ids=name_value)
def test_publishing_another_version(hub, package, repo, new_cache, fault, error):
    ganzoo.publish(package, repo)
    new_cache()
    hub.inject(**fault)
    if error is None:
        ganzoo.publish(other(package, 65), repo)
    else:
        with pytest.raises(error) as raised:
            ganzoo.publish(other(package, 65), repo)
        check_sentence(str(raised.value))
    hub.clear_faults()
    assert ganzoo.load(repo, "cpu").config["images"] == (64 if error else 65)
    assert len([commit for commit in commits(hub, repo) if "sneaked" not in str(commit["files"])]) == (
        2 if error else 3
    )


@pytest.mark.parametrize("fault", [{"then_drop": True}, {"then_status": 500}, {"drop": True}, {"status": 503}])
def test_a_pull_request_is_opened_once(hub, package, repo, monkeypatch, fault):
    ganzoo.publish(package, repo)
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    hub.inject(kind="commit", **fault)
    done = ganzoo.publish(other(package, 65), repo, create_pr=True)
    assert list(refs(hub, repo)["prs"]) == ["refs/pr/1"]
    assert (done.url, done.commit) == (f"{hub.url}/{repo}/discussions/1", refs(hub, repo)["prs"]["refs/pr/1"])
    assert len(commits(hub, repo)) == 2


def test_an_unknown_result_of_publishing_is_admitted(hub, package, repo):
    hub.inject(kind="commit", then_drop=True)
    hub.inject(kind="refs", skip=1, drop=True, times=0)
    with pytest.raises(Unreachable, match=f"it is not known whether {repo} was changed: run this again to find out"):
        ganzoo.publish(package, repo)
    hub.clear_faults()
    said: list[str] = []
    ganzoo.publish(package, repo, notify=said.append)
    assert said == [f"{repo} has this package already: nothing to send"]


def test_a_tag_that_somebody_else_set_meanwhile_is_reported_with_the_commit(hub, package, repo, monkeypatch):
    first = ganzoo.publish(package, repo).commit
    original = hub.hub.apply_commit

    def and_a_tag(*args: Any) -> Any:
        answer = original(*args)
        hub.store.save({**refs(hub, repo), "tags": {"v9": first}})
        return answer

    monkeypatch.setattr(hub.hub, "apply_commit", and_a_tag)
    with pytest.raises(Conflict) as raised:
        ganzoo.publish(other(package, 65), repo, tag="v9")
    commit = commits(hub, repo)[0]["oid"]
    assert str(raised.value) == (
        f"{repo} was published at {commit}, but somebody else put the tag 'v9' on another commit: use another tag"
    )
    assert refs(hub, repo)["tags"] == {"v9": first}


# ----------------------------------------------------------------------------
# Loading, with nothing in the cache.

LOAD: list[tuple[dict[str, Any], type[GanzooError] | None]] = [
    *[
        ({"kind": kind, **fault}, None)
        for kind in ("info", "paths_info", "resolve_head", "resolve_cache_head", "resolve_cache_get", "resolve_get",
                     "cdn_get")
        for fault in ({"status": 500}, {"drop": True}, RST)
    ],
    ({"kind": "cdn_get", "status": 503, "times": 2}, None),
    ({"kind": "cdn_get", "skip": 1, "drop_after": 500}, None),
    ({"kind": "cdn_get", "skip": 1, "drop_after": 500, "rst": True}, None),
    ({"kind": "cdn_get", "drop_after": 500}, None),
    ({"kind": "cdn_get", "skip": 1, "corrupt": 1400}, None),
    ({"kind": "cdn_get", "skip": 1, "truncate": 500}, None),
    ({"kind": "cdn_get", "ignore_range": True, **ALWAYS}, None),
    ({"kind": "cdn_get", "skip": 1, "stall_after": 500, "stall": 3}, None),
    ({"kind": "cdn_get", "throttle": 100_000}, None),
    *[({"kind": "cdn_get", "times": 1, **fault}, None) for fault in ({"corrupt": 3}, {"html": True}, {"truncate": 5})],
    ({"kind": "cdn_get", "skip": 1, "html": True}, None),
    ({"kind": "resolve_cache_get", "corrupt": 30}, None),
    ({"kind": "resolve_cache_get", "truncate": 100}, None),
    ({"kind": "resolve_cache_get", "html": True}, None),
    ({"kind": "info", "delay": 2.5}, None),
    ({"kind": "info", "status": 429, "retry_after": 7}, None),
    ({"kind": "resolve_head", "status": 429, "retry_after": 0}, None),
    ({"kind": "resolve_head|resolve_cache_head", "delay": 0.1}, None),
    *[({"kind": kind, "sneak_commit": True}, None) for kind in ("info", "paths_info")],
    # a lasting problem
    *[
        ({"kind": kind, "status": 503, **ALWAYS}, Unreachable)
        for kind in ("info", "paths_info", "resolve_head", "resolve_get", "resolve_cache_get", "cdn_get")
    ],
    ({"kind": ".*", "drop": True, **ALWAYS}, Unreachable),
    ({"kind": "cdn_get", "drop_after": 500, **ALWAYS}, Unreachable),
    ({"kind": "info", "status": 429, "retry_after": 3600, **ALWAYS}, Unreachable),
    ({"kind": "info", "html": True, **ALWAYS}, Unreachable),
    ({"kind": "paths_info", "html": True, **ALWAYS}, Unreachable),
    ({"kind": "cdn_get", "skip": 1, "html": True, **ALWAYS}, Unreachable),
    ({"kind": "cdn_get", "skip": 1, "truncate": 500, **ALWAYS}, Unreachable),
    ({"kind": "resolve.*", "strip": ["X-Repo-Commit"], **ALWAYS}, Unreachable),
    # lasting wrong bytes
    ({"kind": "cdn_get", "corrupt": 1400, **ALWAYS}, Corrupt),
    ({"kind": "cdn_get", "corrupt": 3, **ALWAYS}, Corrupt),
    ({"kind": "cdn_get", "html": True, **ALWAYS}, Corrupt),
    ({"kind": "cdn_get", "truncate": 5, **ALWAYS}, Corrupt),
    ({"kind": "resolve_cache_get", "corrupt": 30, **ALWAYS}, Corrupt),
    ({"kind": "resolve_.*", "etag": "0" * 64, **ALWAYS}, Corrupt),
    # the Hub refuses the request
    ({"kind": "info", "status": 404, **ALWAYS}, GanzooError),
    ({"kind": "info", "status": 401, **ALWAYS}, Denied),
    ({"kind": "resolve_head", "status": 403, **ALWAYS}, Denied),
    ({"kind": "cdn_get", "status": 403, **ALWAYS}, Denied),
    ({"kind": "cdn_get", "status": 404, **ALWAYS}, GanzooError),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "error"), LOAD, ids=name_value)
def test_loading(hub, package, repo, new_cache, fault, error):
    ganzoo.publish(package, repo)
    new_cache()
    wanted = ganzoo.load(package, "cpu").sample(4)
    hub.inject(**fault)
    if error is None:
        assert np.array_equal(ganzoo.load(repo, "cpu").sample(4), wanted)
    else:
        with pytest.raises(error) as raised:
            ganzoo.load(repo, "cpu")
        assert type(raised.value) is error
        check_sentence(str(raised.value))
    hub.clear_faults()
    assert np.array_equal(ganzoo.load(repo, "cpu").sample(4), wanted)  # wrong bytes did not stay in the cache
    assert np.array_equal(ganzoo.load(repo, "cpu", offline=True).sample(4), wanted)


def test_a_full_disk_says_so(hub, package, repo, new_cache, monkeypatch):
    import errno
    import os

    from huggingface_hub import file_download

    ganzoo.publish(package, repo)
    new_cache()

    def full(*args: Any, **keywords: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(file_download, "http_get", full)
        with pytest.raises(GanzooError, match=r"the disk is full: free some space in .*cache.*, or set HF_HOME"):
            ganzoo.load(repo, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(
            file_download, "http_get", lambda *a, **k: (_ for _ in ()).throw(PermissionError(errno.EACCES, "no"))
        )
        with pytest.raises(
            GanzooError, match=r"no permission to write to .*: set HF_HOME to a folder that you can write to"
        ):
            ganzoo.load(repo, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(
            file_download, "http_get", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.EFBIG, "File too large"))
        )
        with pytest.raises(GanzooError, match=r"cannot write to .* \(file too large\): set HF_HOME to another folder"):
            ganzoo.load(repo, "cpu")
    with monkeypatch.context() as patch:  # the client warns and continues: here a warning is an error
        patch.setattr(file_download.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
        ganzoo.load(repo, "cpu")
    assert ganzoo.load(repo, "cpu").config["images"] == 64


def test_a_hub_that_cannot_be_reached(package, monkeypatch):
    from huggingface_hub import constants

    from ganzoo.hub import client

    for endpoint, error, says in (
        (
            "http://127.0.0.1:9",
            Unreachable,
            r"^http://127.0.0.1:9 cannot be reached: check the network, or use a model that needs no network: "
            r"ganzoo:digits or ganzoo:ring$",
        ),
        ("hub.example", UsageError, "HF_ENDPOINT=hub.example is not an address: begin it with https://"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(constants, "ENDPOINT", endpoint)
            patch.setattr(client.HfApi, "__init__", _use_endpoint(client.HfApi.__init__, endpoint))
            with pytest.raises(error, match=says):
                ganzoo.load("alice/anything", "cpu")


def _use_endpoint(made: Any, endpoint: str) -> Any:
    return lambda self, **keywords: made(self, **{**keywords, "endpoint": endpoint})


def test_waits_grow_and_one_line_shows_them(hub, package, repo, slept):
    ganzoo.publish(package, repo)
    hub.inject(kind="info", status=503, times=0)
    said: list[str] = []
    with pytest.raises(Unreachable):
        ganzoo.load(repo + "x", "cpu", notify=said.append)
    assert slept == [1.0, 2.0, 4.0]
    assert said == ["asking the Hub failed: trying again for some seconds"]


def test_an_invalid_answer_is_an_error_of_its_kind(hub):
    with pytest.raises(NotFound):
        ganzoo.load("alice/" + "a" * 97, "cpu")


def test_every_request_has_a_timeout(hub, package, repo, call, monkeypatch):
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session, httpx

    seen: dict[str, float | None] = {}
    send = httpx.Client.send

    def record(self: Any, request: Any, **keywords: Any) -> Any:
        times = request.extensions["timeout"]
        seen[f"{request.method} {request.url.path}"] = None if None in times.values() else max(times.values())
        return send(self, request, **keywords)

    monkeypatch.setattr(httpx.Client, "send", record)
    sharing.check_publishable(repo)
    ganzoo.publish(package, repo, tag="v1", revision="side")
    ganzoo.load(repo, "cpu", revision="v1")
    assert call("info", f"{repo}@v1").code == call("search").code == 0
    assert len(seen) > 12
    assert [path for path, longest in seen.items() if longest is None] == []
    assert max(seen.values()) == 6 * constants.HF_HUB_DOWNLOAD_TIMEOUT
    assert get_session().timeout == httpx.Timeout(None)  # other users of the client keep theirs


@pytest.mark.parametrize("kind", ["auth_check", "commit"])
def test_an_empty_repository_is_named(hub, fresh, repo, kind):
    hub.inject(kind=kind, status=403, times=0)
    way_out = f"{repo} is new and still empty: run this again to fill it, or delete it at {hub.url}/{repo}/settings"
    with pytest.raises(Denied, match=f"; {way_out}$"):
        ganzoo.publish(fresh, repo)
    hub.clear_faults()
    ganzoo.publish(fresh, repo)
    hub.inject(kind=kind, status=403, times=0)
    with pytest.raises(Denied) as raised:
        ganzoo.publish(other(fresh, 65), repo)
    assert "empty" not in str(raised.value)
