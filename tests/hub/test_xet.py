"""Xet, the client's own protocol for large files on most machines, in a process that enables it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("hf_xet") is None, reason="hf_xet is not installed here")

CODE = """
import json, os, sys, tempfile
from pathlib import Path
tests, package, folder = sys.argv[1:]
sys.path[:0] = [tests, tests + "/hub"]
from hubserver import HubServer
server = HubServer(Path(folder) / "hub", xet="local").start()
os.environ.update(HF_ENDPOINT=server.url, HF_HOME=folder + "/home", HF_TOKEN="hf_alice")
import toys
import ganzoo
from huggingface_hub import constants
from ganzoo.registry import register
register(toys)
said, told = [], {}
server.inject(kind="commit", then_drop=True)
done = ganzoo.publish(package, "alice/xet", tag="v1", notify=said.append)
told["kinds"] = sorted({entry["kind"] for entry in server.log})
stored = server.store.load("model", "alice/xet")
told["commits"], oid = [], stored["branches"]["main"]
while oid:
    commit = server.store.commit(stored, oid)
    told["commits"].append(sorted(commit["files"]))
    oid = commit["parent"]
told["tagged"] = stored["tags"] == {"v1": done.commit}
ganzoo.publish(package, "alice/xet", tag="v1", notify=said.append)
constants.HF_HUB_CACHE = folder + "/cache"
server.log.clear()
wanted = ganzoo.load(package, "cpu").sample(4)
told["equal"] = bool((ganzoo.load("alice/xet", "cpu").sample(4) == wanted).all())
told["read"] = sorted({entry["kind"] for entry in server.log})
path = (ganzoo.pull("alice/xet", offline=False) / "model.safetensors").resolve()
data = bytearray(path.read_bytes())
data[700] ^= 1
path.write_bytes(data)
told["mended"] = bool((ganzoo.load("alice/xet", "cpu", notify=said.append).sample(4) == wanted).all())
told["verified"] = ganzoo.verify("alice/xet", "cpu").samples
told["said"] = said
print(json.dumps(told))
"""


SILENT = """
import json, os, sys
from pathlib import Path
tests, package, folder = sys.argv[1:]
sys.path[:0] = [tests, tests + "/hub"]
from hubserver import HubServer, Xet
Xet.open_write_session = lambda self: "http://127.0.0.1:9"
server = HubServer(Path(folder) / "hub", xet="local").start()
os.environ.update(HF_ENDPOINT=server.url, HF_HOME=folder + "/home", HF_TOKEN="hf_alice")
import toys
import ganzoo
from ganzoo.errors import Unreachable
from ganzoo.registry import register
register(toys)
try:
    ganzoo.publish(package, "alice/xet")
except Unreachable as error:
    print(json.dumps(str(error).replace(server.url, "HUB")))
"""


def run(code: str, package: Path, folder: Path, **environ: str) -> Any:
    """Run code in a process that enables Xet; return the JSON of its last line."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    clean |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1", **environ}
    call = [sys.executable, "-c", code, str(Path(__file__).parents[1]), str(package), str(folder)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=clean, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_publishing_and_loading_by_xet(package, tmp_path):
    told = run(CODE, package, tmp_path)
    files = [
        "README.md",
        "config.json",
        "discriminator.safetensors",
        "model.safetensors",
        "reference.safetensors",
        "samples.png",
    ]
    assert told["commits"] == [[".gitattributes", *files], [".gitattributes"]]
    assert "xet_write_token" in told["kinds"]
    assert "lfs_put" not in told["kinds"]
    assert "xet_read_token" in told["read"]
    assert told["tagged"] is told["equal"] is told["mended"] is True
    assert told["verified"] == 8
    assert "alice/xet has this package already: nothing to send" in told["said"]
    assert "model.safetensors of alice/xet is damaged: downloading it again" in told["said"]


@pytest.mark.slow
def test_a_storage_of_xet_that_does_not_answer_is_named(package, tmp_path):
    said = run(SILENT, package, tmp_path, HF_XET_CLIENT_RETRY_MAX_ATTEMPTS="1", HF_XET_CLIENT_RETRY_BASE_DELAY="10ms")
    assert said == (
        "http://127.0.0.1:9, where the Hub stores large files, cannot be reached: check the network, or set "
        "HF_HUB_DISABLE_XET=1; alice/xet is new and still empty: run this again to fill it, or delete it at "
        "HUB/alice/xet/settings"
    )
