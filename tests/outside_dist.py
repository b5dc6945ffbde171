"""Distributions as authors publish them, installed without pip, and code in fresh interpreters that uses them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def make_distribution(
    folder: Path,
    name: str,
    version: str,
    module_source: str,
    *,
    entry_point: str = "",
    module: str = "",
    target: str = "",
) -> Path:
    """Write a distribution of one module into `folder`, which can then be on `sys.path` like site-packages.

    Args:
        folder: The folder to write into; it may have other distributions.
        name: The name of the distribution.
        version: The version of the distribution.
        module_source: The text of the module.
        entry_point: The name of its entry point in the group ``ganzoo``; empty for the module's name.
        module: The name of the module; empty for the distribution's name with underscores.
        target: The object that the entry point names; empty for the module.
    """
    module = module or name.replace("-", "_")
    (folder / f"{module}.py").write_text(module_source, encoding="utf-8")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    points = f"[ganzoo]\n{entry_point or module} = {target or module}\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder


def run_python(
    code: str, *arguments: str, path: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter with `path` on `sys.path`; `environ` replaces environment variables."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GANZOO_")}
    paths = [str(path or ""), os.environ.get("PYTHONPATH", "")]
    added = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=inherited | added | environ
    )


def run_json(code: str, *arguments: str, path: Path | None = None, **environ: str) -> tuple[Any, str]:
    """Run code that prints JSON and return its value and stderr; a failure of the code fails the test."""
    done = run_python(code, *arguments, path=path, **environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


COMMAND = """
import json, os, sys
kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 1)
from ganzoo.cli import main
heavy, *args = sys.argv[1:]
sys.argv = ["ganzoo", *args]
try:
    main()
except SystemExit as stop:
    code = stop.code
sys.stdout.flush()
os.dup2(kept, 1)
print(json.dumps([code, sorted(set(heavy.split(",")) & sys.modules.keys())]))
"""


def list_loaded(heavy: str, *command: str, **environ: str) -> tuple[Any, str]:
    """Run a command and return its exit code with the modules of `heavy` (``a,b``) that it loaded, and its stderr."""
    return run_json(COMMAND, heavy, *command, **environ)
