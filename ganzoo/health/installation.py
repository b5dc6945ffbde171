"""Examining the installation: versions, device, memory, access to the Hub, cache and plugins."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ganzoo.errors import GanzooError
from ganzoo.registry import Registry
from ganzoo.registry.failures import describe_error
from ganzoo.runs import cache
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import get_root, list_runs

PACKAGES = ("torch", "numpy", "safetensors", "huggingface-hub", "pillow")
GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """A fact about the installation.

    Args:
        title: What it is about, in a word or two.
        words: The fact in a few words.
        ok: Whether it is as it should be.
    """

    title: str
    words: str
    ok: bool = True


def examine_installation(registry: Registry) -> list[Finding]:
    """Return the facts about the installation. Nothing is downloaded, and no token is read."""
    versions = [Finding("ganzoo", f"{metadata.version('ganzoo')}, Python {platform.python_version()}")]
    packages = [*map(_find_package, PACKAGES)]
    return [
        *versions,
        *packages,
        *(_find_device() if packages[0].ok else ()),
        Finding("memory", _describe_memory()),
        Finding("Hub", "a token is stored" if _has_token() else "no token: `hf auth login` stores one, to publish"),
        _find_cache(),
        Finding("runs", f"{len(list_runs()):,} in {get_root()}/"),
        *_find_plugins(registry),
    ]


def _find_package(name: str) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, f"missing: python -m pip install {name}", ok=False)


def _find_device() -> Iterator[Finding]:
    """Yield what `auto` chooses as the device, or why torch cannot be imported."""
    try:
        with heavy_imports():
            import torch

            from ganzoo.compute.device import choose_device, choose_precision
            from ganzoo.compute.processor import read_name
            from ganzoo.compute.threads import count_cores
        device = choose_device()
        precision = choose_precision(device)
    except (GanzooError, ImportError, OSError, RuntimeError) as error:
        yield Finding("device", f"torch cannot be used: {describe_error(error)}", ok=False)
        return
    cores = count_cores()
    yield Finding("processor", f"{read_name()}, {cores} core{'' if cores == 1 else 's'}")
    if device.type != "cuda":
        yield Finding("device", f"cpu: no GPU is found ({precision})")
        return
    for number in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(number)
        yield Finding("device", f"cuda:{number}: {found.name}, {found.total_memory / GIB:.1f} GiB ({precision})")


def _describe_memory() -> str:
    try:
        page, pages, free = (os.sysconf(f"SC_{name}") for name in ("PAGE_SIZE", "PHYS_PAGES", "AVPHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return "unknown"
    return f"{page * pages / GIB:.1f} GiB, {page * free / GIB:.1f} GiB unused"


def _has_token() -> bool:
    """Return whether there is a token for the Hub, where its client looks for one. The token is not read."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    stored = Path(os.environ.get("HF_TOKEN_PATH") or Path(home) / "token")
    with suppress(OSError, RuntimeError):
        return bool(os.environ.get("HF_TOKEN")) or stored.expanduser().stat().st_size > 0
    return False


def _find_cache() -> Finding:
    """Return the size and the folder of the cache, and whether it can be written to."""
    try:
        folder = cache.find_cache_folder()
        size = sum(entry.size for entry in cache.list_entries())
    except (GanzooError, OSError) as error:
        return Finding("cache", str(error), ok=False)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Finding("cache", f"{folder} cannot be written to: set GANZOO_CACHE to another folder", ok=False)
    return Finding("cache", f"{size / 2**20:,.1f} MiB in {folder}")


def _find_plugins(registry: Registry) -> Iterator[Finding]:
    """Yield the number of plugins, and each plugin that has an error."""
    broken = [plugin for plugin in registry.plugins if plugin.error]
    sound = len(registry.plugins) - len(broken)
    yield Finding("plugins", f"{sound:,} with {len(registry.components()):,} components")
    for plugin in broken:
        yield Finding("plugin", f"{plugin.name} is broken: {plugin.error}", ok=False)
