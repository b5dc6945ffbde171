"""Checks of a plugin itself: that it loads, that it imports no heavy library, and that it prints nothing."""

from __future__ import annotations

import functools
import json
import subprocess
import sys

from ganzoo.registry.installed import Plugin
from ganzoo.testing.checks import Skip, as_sentence, require

HEAVY = ("torch", "numpy", "safetensors", "huggingface_hub", "PIL", "rich")


def loads(plugin: Plugin) -> None:
    """The plugin's module can be imported, and each of its hooks returns valid specs of the hook's kind."""
    require(not plugin.error, as_sentence(plugin.error))


def light_import(plugin: Plugin) -> None:
    """The entry point's module and its hooks import no heavy library, because `ganzoo list` loads every plugin."""
    _require_importable(plugin)
    require_light(plugin, plugin.module, "import it in the module that a factory names")


def silent_import(plugin: Plugin) -> None:
    """Loading a plugin and calling its hooks prints nothing: stdout is for the command's result."""
    _require_importable(plugin)
    found = load_in_fresh_interpreter(plugin.module, plugin.file)
    require(not found["output"], f"{plugin.module} printed {found['output']!r}.")


# Records the first heavy import and the line of the module that led to it. The import then goes on, as for a user.
CODE = """
import contextlib, io, json, sys, traceback
from importlib.metadata import EntryPoint
from pathlib import Path
module, file, heavy, sys.path = json.loads(sys.argv[1])
found = {"heavy": "", "at": ""}

class Watch:
    def find_spec(self, name, path=None, target=None):
        if not found["heavy"] and name.partition(".")[0] in heavy:
            frames = [frame for frame in traceback.extract_stack()[:-1] if "importlib" not in frame.filename]
            top = getattr(sys.modules.get(module.partition(":")[0]), "__file__", "")
            frame = ([frame for frame in frames if frame.filename == top] or frames)[-1]
            found.update(heavy=name, at=f"{frame.filename}:{frame.lineno}")

from ganzoo.registry.installed import Plugin
from ganzoo.registry.discovery import Registry, import_file
sys.meta_path.insert(0, Watch())
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
    load = (lambda: import_file(module, Path(file))) if file else EntryPoint("fresh", module, "ganzoo").load
    loaded = Registry().add(Plugin("fresh", module), load, tell=False)
print(json.dumps({**found, "output": out.getvalue(), "error": loaded.error}))
"""


@functools.cache
def load_in_fresh_interpreter(module: str, file: str) -> dict[str, str]:
    """Load a module in a fresh interpreter, and call its hooks as the registry does.

    Args:
        module: The module's name, as an entry point gives it.
        file: The file that `--plugin` reads the module from; empty for a module that is imported by name.

    Returns:
        The first ``heavy`` module that was imported, the line (``at``) that led to it, and the printed ``output``.
        Each is empty if there is none.
    """
    given = json.dumps([module, file, HEAVY, sys.path])
    done = subprocess.run([sys.executable, "-c", CODE, given], capture_output=True, text=True, check=False)
    words = "In a fresh interpreter it fails"
    require(done.returncode == 0, f"{words}: {' '.join(done.stderr.strip().splitlines()[-1:])}.")
    found: dict[str, str] = json.loads(done.stdout)
    require(not found["error"], f"{words}: {as_sentence(found['error'])}")
    return found


def require_light(plugin: Plugin, module: str, way_out: str) -> None:
    """Raise `Failure` if a module of a plugin imports a heavy library.

    Args:
        plugin: The plugin that the module belongs to.
        module: The name of the module.
        way_out: What the author can do, the end of the message.

    Raises:
        Skip: The module is a file that only ``--plugin`` reads; such a file may import torch.
    """
    file = plugin.file if module == plugin.module else ""
    if file and not plugin.distribution:
        raise Skip("a file that only --plugin reads may import torch at its top")
    found = load_in_fresh_interpreter(module, file)
    require(not found["heavy"], f"{module} imports {found['heavy']} at {found['at']}: {way_out}.")


def _require_importable(plugin: Plugin) -> None:
    if plugin.error:
        raise Skip("it does not load")
    if not plugin.distribution and not plugin.file:
        raise Skip("a program registered it, so that it cannot be imported by name")
