"""Attacks by a stranger's repository."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import re
import resource
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import torch
from onhub import FILES, commits, edit, replace, rewrite, upload

import ganzoo
from ganzoo.errors import Corrupt, GanzooError, MissingPlugin

TOKEN = "hf_alice"
SOURCES = Path(ganzoo.__file__).parent


# ----------------------------------------------------------------------------
# Names of files.

HOSTILE = ("../outside.txt", "../../outside.txt", "/abs.txt", "..\\x", "C:\\x", ".git/hooks/post-checkout", "setup.py",
           "sitecustomize.py", "config.json.py", "pytorch_model.bin")  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_names_in_a_config_are_never_requested(hub, package, repo, name):
    from huggingface_hub import constants

    upload(hub, repo, package)
    hub.inject_file("model", repo, name, b"import os; os.mknod('owned')")
    directory = ganzoo.pull(repo, discriminator=True)
    assert sorted(path.name for path in directory.iterdir()) == FILES
    assert not [entry for entry in hub.log if name in unquote(entry["path"])]
    cache = Path(constants.HF_HUB_CACHE)
    inside = [path for path in cache.rglob("*") if path.is_file() and b"mknod" in path.read_bytes()]
    assert inside == []
    assert not [path for path in (cache.parent / "outside.txt", Path("/abs.txt"), Path("owned")) if path.exists()]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "README.md", "config.json", "model.pt", "a/b", "", "C:\\x"])
def test_a_config_cannot_name_other_files(hub, package, repo, name):
    stated = {"sha256": "0" * 64, "size": 5}
    upload(hub, repo, edit(package, lambda config: config["files"].update({name: stated})))
    with pytest.raises(Corrupt, match=r"config.json of .* is damaged: .*files"):
        ganzoo.load(repo, "cpu")


def test_the_cache_s_links_are_read_and_never_written(hub, package, repo, tmp_path, call):
    upload(hub, repo, package)
    directory = ganzoo.pull(repo, discriminator=True)
    before = {path: (path.read_bytes(), path.resolve(), path.stat().st_mtime_ns) for path in directory.iterdir()}
    ganzoo.verify(repo, "cpu")
    copied = ganzoo.package(repo, tmp_path / "mine", device="cpu")
    assert not [path for path in copied.iterdir() if path.is_symlink()]
    victim = tmp_path / "victim.png"
    victim.write_bytes(b"precious")
    Path("link.png").symlink_to(victim)
    assert call("sample", repo, "--out", "link.png", "--device", "cpu").code == 0
    assert victim.read_bytes() == b"precious"
    assert {
        path: (path.read_bytes(), path.resolve(), path.stat().st_mtime_ns) for path in directory.iterdir()
    } == before


# ----------------------------------------------------------------------------
# Weights.


def safetensors(header: dict[str, Any] | str, data: bytes = b"", length: int | None = None) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def read_header(package: Path) -> dict[str, Any]:
    content = (package / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length])


def double_key(header: dict[str, Any]) -> str:
    name = next(name for name in header if name != "__metadata__")
    return json.dumps(header)[:-1] + f", {json.dumps(name)}: {json.dumps(header[name])}}}"


def edit_entry(header: dict[str, Any], **change: Any) -> dict[str, Any]:
    return {**header, "net.0.bias": {**header["net.0.bias"], **change}}


BOMBS = {
    "a length of exabytes": lambda header: safetensors(header, length=1 << 62),
    "a length of 200 MB": lambda header: safetensors(header, length=200 << 20),
    "a length of nothing": lambda header: safetensors(header, length=0),
    "a name twice": lambda header: safetensors(double_key(header), bytes(1512)),
    "fifty thousand tensors": lambda header: safetensors(
        {f"t{i}": {"dtype": "F32", "shape": [], "data_offsets": [0, 0]} for i in range(50_000)}
    ),
    "a shape of a trillion": lambda header: safetensors(edit_entry(header, shape=[10**12]), bytes(1000)),
    "a shape of a trillion nothings": lambda header: safetensors(edit_entry(header, shape=[0, 10**12]), bytes(1000)),
    "a shape that multiplies text": lambda header: safetensors(edit_entry(header, shape=[10**11, "xxxx"]), bytes(1000)),
    "a shape below zero": lambda header: safetensors(edit_entry(header, shape=[-8]), bytes(1000)),
    "a shape of floats": lambda header: safetensors(edit_entry(header, shape=[8.0]), bytes(1000)),
    "a dtype of another world": lambda header: safetensors(edit_entry(header, dtype="Q7"), bytes(1000)),
    "nesting without end": lambda header: safetensors("[" * 100_000),
    "bytes behind": lambda header: safetensors(header, bytes(5000)),
    "bytes missing": lambda header: safetensors(header, bytes(100)),
    "tensors that overlap": lambda header: safetensors(edit_entry(header, data_offsets=[0, 32]), bytes(900)),
    "no JSON": lambda header: safetensors("\0" * 1500),
    "a list": lambda header: safetensors("[]" + " " * 1500),
    "a pickle": lambda header: pickle.dumps(Bait()),
    "nothing at all": lambda header: b"",
}  # fmt: skip


class Bait:
    """An object that writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("owned", "w"))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_weights_file_that_is_a_trap_is_refused_at_once(hub, package, repo, bomb):
    upload(hub, repo, replace(package, "model.safetensors", BOMBS[bomb](read_header(package))))
    start = time.monotonic()
    for load in (lambda: ganzoo.load(repo, "cpu"), lambda: ganzoo.load(package, "cpu")):
        with pytest.raises(Corrupt) as raised:
            load()
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 400
    assert time.monotonic() - start < 20
    assert not Path("owned").exists()


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.int32])
def test_numbers_of_another_kind_are_not_cast(hub, package, repo, kind):
    upload(
        hub, repo, rewrite(package, "model.safetensors", lambda w: w.update({"net.0.bias": torch.ones(8, dtype=kind)}))
    )
    with pytest.raises(Corrupt, match=r"does not fit the architecture: .*'net.0.bias'"):
        ganzoo.load(repo, "cpu")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_are_nan_are_refused(hub, package, repo, value):
    upload(hub, repo, rewrite(package, "model.safetensors", lambda w: w["net.1.running_var"].fill_(float(value))))
    with pytest.raises(Corrupt, match=r"numbers that are not finite, in tensor 'net.1.running_var'"):
        ganzoo.load(repo, "cpu")


def test_wrong_bytes_of_the_right_size_are_refused_from_any_storage(hub, package, repo):
    """The Hub's hash matches the bytes, but the config's hash does not."""
    upload(hub, repo, package)
    data = bytearray((package / "model.safetensors").read_bytes())
    data[-1] ^= 1
    hub.inject_file("model", repo, "model.safetensors", bytes(data), lfs=True)
    with pytest.raises(Corrupt, match="is not the file that its config describes"):
        ganzoo.load(repo, "cpu")


# ----------------------------------------------------------------------------
# Configs: sizes and code.


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Limit this process to 2 GiB more memory than it uses."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + (2 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def nest(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["recipe"]["arch"]["options"].update(width=10**9),
        lambda c: c["recipe"]["arch"]["options"].update(width=10**30),
        lambda c: c["recipe"]["arch"]["options"].update(z_dim=10**9),
        lambda c: c["data"].update(shape=[3, 10**6, 10**6]),
        lambda c: c["data"].update(shape=[10**40]),
        lambda c: c["data"].update(shape=[1] * 10_000),
        lambda c: c["data"].update(num_classes=10**9),
        lambda c: c["data"].update(num_classes=10**30),
        lambda c: c["latent"].update(dim=10**9),
        lambda c: c["latent"].update(distribution="normal+onehot1000000000"),
        lambda c: c["files"]["model.safetensors"].update(size=10**15),
        lambda c: c.update(images=-1),
        lambda c: c.update(images=1e400),
        lambda c: c["data"].update(meta={"a": nest(700)}),
        lambda c: c["recipe"]["arch"]["options"].update(width=nest(450)),
    ],
)
@pytest.mark.usefixtures("little_memory")
def test_no_size_in_a_config_costs_memory(hub, package, repo, change):
    upload(hub, repo, edit(package, change))
    start = time.monotonic()
    with pytest.raises(GanzooError) as raised:
        ganzoo.load(repo, "cpu")
    assert time.monotonic() - start < 20
    assert len(str(raised.value)) < 600
    assert not re.search("memory|alloc", str(raised.value))  # no memory was allocated
    assert not [entry for entry in hub.log if entry["kind"] == "cdn_get" and not entry["range"]]


def test_a_file_that_is_too_large_is_not_fetched(hub, package, repo, monkeypatch):
    from ganzoo.hub import pull

    monkeypatch.setattr(pull, "LARGEST_EXTRA", 5000)
    upload(hub, repo, package)
    with pytest.raises(Corrupt, match=r"samples.png of .* is larger than ganzoo's files are \(.* bytes\): it is not"):
        ganzoo.pull(repo)
    hub.inject_file("model", repo, "config.json", b" " * ((1 << 20) + 1))
    hub.log.clear()
    with pytest.raises(Corrupt, match="more than 1,048,576 bytes"):
        ganzoo.pull(repo)
    assert not [entry for entry in hub.log if "resolve" in entry["kind"]]


CODE = ("__import__('pathlib').Path('owned').touch()", "antigravity:fly", "this", "os:system", "builtins:eval",
        "toys:build_toy", "ganzoo.package.package:load", "{{7*7}}", "$(touch owned)", "`touch owned`")  # fmt: skip


@pytest.mark.parametrize("code", CODE)
def test_nothing_in_a_config_is_run_or_imported(hub, package, repo, code, call):
    before = set(sys.modules)
    changes: list[Any] = [
        lambda c: c["recipe"]["arch"].update(name=code),
        lambda c: c["recipe"]["arch"]["options"].update(width=code),
        lambda c: c["recipe"]["arch"]["options"].update({code: 1}),
        lambda c: c["recipe"]["arch"].update(factory=code, distribution=code, version=code),
        lambda c: c["recipe"]["dataset"].update(name=code),
        lambda c: c["recipe"]["loss"].update(name=code),
        lambda c: c["data"].update(modality=code, meta={"render": code, "_target_": code}),
        lambda c: c["latent"].update(distribution=code),
        lambda c: c.update(requires=[{"distribution": code, "version": code}]),
        lambda c: c.update(_target_=code, auto_map={"AutoModel": code}, trust_remote_code=True),
    ]
    untouched = (package / "config.json").read_text()
    for index, change in enumerate(changes):
        (package / "config.json").write_text(untouched)
        upload(hub, f"{repo}-{index}", edit(package, change), ("config.json", "model.safetensors"))
        for words in (("sample", f"{repo}-{index}", "--out", "x.npz", "--device", "cpu"), ("info", f"{repo}-{index}")):
            done = call(*words)
            assert done.code in (0, 2, 3, 6), done.err
            assert "Traceback" not in done.err
            assert "bug of ganzoo" not in done.err
    assert not Path("owned").exists()
    assert not {"antigravity", "this"} & (set(sys.modules) - before)


@pytest.mark.parametrize(
    "distribution", ["x; rm -rf ~", "--index-url http://evil y", "a @ http://evil/x.whl", "a\nb", "-r evil.txt", "../x"]
)
def test_a_requirement_of_a_stranger_is_not_a_command(hub, package, repo, distribution):
    def change(config: dict[str, Any]) -> None:
        config["recipe"]["arch"].update(name="acme:blobs", distribution=distribution)
        config["requires"] = [{"distribution": distribution, "version": "1; x"}]

    upload(hub, repo, edit(package, change))
    with pytest.raises(MissingPlugin) as raised:
        ganzoo.load(repo, "cpu")
    assert distribution not in str(raised.value)
    assert "evil" not in str(raised.value)


def test_nothing_reads_pickles():
    """Models are read from safetensors and JSON alone; files of other projects are read as weights alone."""
    found, handled = [], []
    for path in SOURCES.rglob("*.py"):
        room = path.relative_to(SOURCES).parts[0]
        if room == "testing":  # reads its own objects in its own processes
            continue
        text = path.read_text(encoding="utf-8")
        loads = re.findall(r"(?<!safetensors\.)torch\.load\([^)]*\)", text)
        found += [f"{path.name}: {call}" for call in loads if "weights_only=True" not in call]
        found += [f"{path.name}: {call}" for call in re.findall(r"pickle\.loads?\(|dill|joblib", text)]
        arrays = re.findall(r"n(?:um)?py?\.load\([^)]*\)", text)
        found += [f"{path.name}: {call}" for call in arrays if "allow_pickle=False" not in call]
        if room in ("hub", "package", "samples", "models.py", "sharing.py"):
            handled.append(path.name)
            bad = re.findall(r"(?<![.\w])(?:eval|exec)\(|__import__|snapshot_download|local_dir|upload_folder", text)
            found += [f"{path.name}: {call}" for call in bad]
    assert found == []
    assert {"client.py", "package.py", "show.py", "models.py", "sharing.py"} <= set(handled)


# ----------------------------------------------------------------------------
# Terminals and cards.

ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202e\r\nganzoo: all is well"


def test_text_of_configs_and_of_the_hub_is_safe_for_a_terminal(hub, package, repo, call):
    changes = [
        lambda c: c["recipe"]["arch"].update(name=f"a:{ESCAPES}"),
        lambda c: c["recipe"]["arch"].update(distribution=ESCAPES, name="acme:x"),
        lambda c: c["recipe"]["arch"]["options"].update({ESCAPES: 1}),
        lambda c: c["latent"].update(distribution=ESCAPES),
        lambda c: c["files"].update({ESCAPES: {"sha256": "0" * 64, "size": 1}}),
        lambda c: c["data"].update(modality=ESCAPES),
    ]
    untouched = (package / "config.json").read_text()
    for index, change in enumerate(changes):
        (package / "config.json").write_text(untouched)
        upload(hub, f"{repo}-{index}", edit(package, change))
        for words in (
            ("sample", f"{repo}-{index}", "--device", "cpu"),
            ("pull", f"{repo}-{index}"),
            ("info", f"{repo}-{index}"),
        ):
            said = call(*words)
            assert not [char for char in said.out + said.err if char in "\x1b\x07\r"], (index, words)
            assert "\nganzoo: all is well" not in said.out + said.err
    hub.inject(kind="info", status=400, body=json.dumps({"error": ESCAPES}), times=0)
    said = call("pull", repo)
    assert not [char for char in said.err if char in "\x1b\x07\r"]
    assert len(said.err.splitlines()) == 1
    with pytest.raises(GanzooError) as raised:
        ganzoo.pull(repo)
    assert str(raised.value).isprintable()


def test_no_message_acts_on_a_terminal(call, monkeypatch, capsys):
    from ganzoo import sharing
    from ganzoo.cli.common import note

    def failing(*args: Any, **keywords: Any) -> None:
        raise GanzooError(ESCAPES)

    monkeypatch.setattr(sharing, "pull", failing)
    assert call("pull", "alice/model").err == "ganzoo: ]0;owned[2Jganzoo: all is well\n"
    note(ESCAPES)
    assert capsys.readouterr().err == "]0;owned[2Jganzoo: all is well\n"


@pytest.mark.parametrize("sha", ["../../outside", ESCAPES, "main", "0" * 39, ""])
def test_an_invalid_commit_is_refused(hub, package, repo, sha):
    upload(hub, repo, package)
    hub.inject(kind="info", times=0, status=200, body=json.dumps({"id": repo, "sha": sha}))
    with pytest.raises(GanzooError, match="does not answer like the Hub"):
        ganzoo.pull(repo)


def test_a_card_contains_nothing_active(hub, package, repo):
    evil = "x`|<script>alert(1)</script>![a](http://evil/x.png)\n# Owned\n---\nlicense: stolen"
    hostile = edit(package, lambda c: c["recipe"]["loss"].update(name=f"toys:{evil}"))
    edit(hostile, lambda c: c.update(metrics=[{"name": evil, "value": 1.0, "note": evil}]))
    ganzoo.publish(hostile, repo)
    name = hub.store.content_path(commits(hub, repo)[0]["files"]["README.md"])
    front, _, body = name.read_text().removeprefix("---\n").partition("\n---\n")
    assert "<script>" not in body
    assert "](http://evil" not in re.sub(r"`[^`\n]*`", "", body)  # inline code contains no links
    assert "\n# Owned" not in body
    assert "license: stolen" not in [line.strip() for line in front.splitlines()]


# ----------------------------------------------------------------------------
# The token.


def collect_everything(error: BaseException | None) -> list[str]:
    """Return the texts of an exception, of its causes, and of all local variables in its frames."""
    found: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
        assert isinstance(error, GanzooError), f"{type(error)} is chained to the error"
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/ganzoo/" in frame.f_code.co_filename:
                found += [f"{name}={value!r}" for name, value in frame.f_locals.items()]
                ours = [each for each in frame.f_locals.values() if type(each).__module__.startswith("ganzoo.hub")]
                found += [repr(vars(value)) for value in ours if hasattr(value, "__dict__")]
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("action", ["publish", "load", "search", "access"])
@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"status": 404}, {"drop": True}, {"html": True}])
@pytest.mark.parametrize(
    "kind", ["info|list|whoami", "create|resolve_head|auth_check", "commit|resolve_get", "tag|cdn_get"]
)
def test_an_error_contains_no_token(hub, package, repo, caplog, action, fault, kind):
    from ganzoo.sharing import check_publishable

    caplog.set_level(logging.DEBUG)
    if action == "load":
        upload(hub, repo, package)
    hub.inject(kind=kind, times=0, **fault)
    work = {
        "publish": lambda: ganzoo.publish(package, repo, tag="v1"),
        "load": lambda: ganzoo.load(repo, "cpu"),
        "search": lambda: ganzoo.search("x"),
        "access": lambda: check_publishable(repo),
    }[action]
    error = None
    with contextlib.suppress(GanzooError):
        try:
            work()
        except GanzooError as caught:
            error = caught
            raise
    if error is not None:
        assert TOKEN.encode() not in pickle.dumps(error)
        assert not [text for text in collect_everything(error) if TOKEN in text]
    ours = [record for record in caplog.records if record.name.startswith("ganzoo")]
    assert not [record for record in ours if TOKEN in record.getMessage() or record.exc_info]


def test_the_token_is_in_nothing_that_is_written_and_in_no_other_process(
    hub, repo, call, monkeypatch, tmp_path, caplog
):
    started: list[str] = []
    original = subprocess.Popen.__init__

    def told(self: Any, args: Any, *rest: Any, **keywords: Any) -> None:
        started.append(f"{args} {keywords.get('env')}")
        original(self, args, *rest, **keywords)

    monkeypatch.setattr(subprocess.Popen, "__init__", told)
    done = call(
        "train", "--arch", "toy", "--dataset", "toy-array", "--images", "64", "--device", "cpu", "--publish", repo
    )
    assert done.code == 0, done.err
    run = Path(done.out.strip())
    assert call("-v", "publish", run, repo, "--tag", "v1").code == 0
    hub.inject(kind="info", status=403, times=0)
    failed = call("-v", "pull", repo)
    assert "Traceback" in caplog.text
    assert TOKEN not in done.out + done.err + failed.err + caplog.text
    assert not [words for words in started if TOKEN in words]
    written = [path for path in [*tmp_path.rglob("*")] if path.is_file()]
    assert len(written) > 5
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]
    for info in commits(hub, repo)[0]["files"].values():
        assert TOKEN.encode() not in hub.store.content_path(info).read_bytes()


def test_no_command_takes_a_token_as_an_argument(call):
    for name in ("publish", "pull", "verify", "search", "sample", "train", "info", "evaluate"):
        done = call(name, "--help")
        assert done.code == 0
        assert "--token" not in done.out


@pytest.mark.parametrize("kind", ["info", "paths_info", "resolve_head", "resolve_get", "cdn_get"])
def test_the_token_goes_to_no_other_host(hub, package, repo, kind):
    upload(hub, repo, package, ("config.json", "model.safetensors"))
    hub.inject(kind=kind, redirect=f"{hub.cdn_url}/stolen", times=0)
    with pytest.raises(GanzooError):
        ganzoo.load(repo, "cpu")
    hub.clear_faults()
    ganzoo.load(repo, "cpu")
    there = [entry for entry in hub.log if entry["server"] == "cdn"]
    assert there
    assert not [entry for entry in there if entry["auth"]]
    assert [entry for entry in hub.log if entry["server"] == "hub" and entry["auth"]]


def test_a_config_cannot_change_the_address_of_the_hub(hub, package, repo):
    def change(config: dict[str, Any]) -> None:
        config.update(endpoint="http://127.0.0.1:9", HF_ENDPOINT="http://127.0.0.1:9", _commit_hash="0" * 40)

    upload(hub, repo, edit(package, change))
    assert ganzoo.load(repo, "cpu").config["images"] == 64
