"""Checks of a plugin itself: that it loads, and that naming it costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from ganzoo.installed import Plugin
from ganzoo.testing.checks import Skip, require

HEAVY = ("torch", "numpy", "safetensors", "huggingface_hub", "PIL", "rich")


def loads(plugin: Plugin) -> None:
    """A plugin's module imports, and each of its hooks returns valid specs of its kind."""
    require(not plugin.error, f"It does not: {plugin.error}")


def light_import(plugin: Plugin) -> None:
    """The module that an entry point names imports nothing heavy: `ganzoo list` loads every plugin."""
    found = _imported_afresh(plugin)
    require(not found["heavy"], f"{plugin.module} imports {found['heavy']} at {found['at']}: import it in a function.")


def silent_import(plugin: Plugin) -> None:
    """Importing a plugin writes nothing: stdout belongs to the command's result."""
    found = _imported_afresh(plugin)
    require(not found["said"], f"{plugin.module} wrote {found['said']!r}.")


# The first heavy import is noted with the line that asked for it; it then goes on, as it would for a user.
CODE = """
import contextlib, importlib, io, json, sys, traceback
module, file, heavy, sys.path = json.loads(sys.argv[1])
found = {"heavy": "", "at": ""}

class Watch:
    def find_spec(self, name, path=None, target=None):
        if not found["heavy"] and name.partition(".")[0] in heavy:
            frames = [frame for frame in traceback.extract_stack()[:-1] if "importlib" not in frame.filename]
            found.update(heavy=name, at=f"{frames[-1].filename}:{frames[-1].lineno}")

from ganzoo.registry import registry, _import_file
sys.meta_path.insert(0, Watch())
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
    if file:
        from pathlib import Path
        _import_file(module, Path(file))
    else:
        importlib.import_module(module)
print(json.dumps({**found, "said": out.getvalue()}))
"""


def _imported_afresh(plugin: Plugin) -> dict[str, Any]:
    """Import the plugin's module in a fresh interpreter; return what that imported and said."""
    if plugin.error:
        raise Skip("it does not load")
    if not plugin.distribution and not plugin.file:
        raise Skip("it is registered by a program, so nothing imports it by name")
    given = json.dumps([plugin.module.partition(":")[0], plugin.file, HEAVY, sys.path])
    done = subprocess.run([sys.executable, "-c", CODE, given], capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"In a fresh interpreter it failed: {done.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
