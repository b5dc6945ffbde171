"""The code of a component, by which what was computed with it is known."""

from __future__ import annotations

import hashlib
import inspect
import sys
from pathlib import Path

from ganzoo.plugin import Built
from ganzoo.registry.installed import RegisteredComponent


def hash_factory(entry: RegisteredComponent) -> str:
    """Return the SHA-256 of the file that defines the factory; empty if it is not known."""
    found = entry.import_factory()
    try:
        path = inspect.getsourcefile(inspect.unwrap(found))
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except (TypeError, OSError):  # an object without a file, or a file in an archive
        return ""


def hash_package(entry: RegisteredComponent) -> str:
    """Return the SHA-256 of the plugin's version, of the factory's file and of all Python files beside and below it.

    A factory that is not in a package has only its own file. The result is empty if files cannot be read.
    """
    assert isinstance(entry.spec, Built)
    digest = hashlib.sha256(f"{entry.plugin.version} {hash_factory(entry)}".encode())
    module = sys.modules.get(entry.spec.factory.partition(":")[0])
    folder = Path(module.__file__).parent if module and module.__package__ and module.__file__ else None
    try:
        for path in sorted(folder.rglob("*.py")) if folder else ():
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    except OSError:
        return ""
    return digest.hexdigest()
