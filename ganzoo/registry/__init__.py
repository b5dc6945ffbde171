"""The installed plugins, their components, and the resolution of names."""

from __future__ import annotations

from ganzoo.registry.discovery import GROUP, HOOKS, PLURALS, Registry, create, parse_kind, register, registry

__all__ = ["GROUP", "HOOKS", "PLURALS", "Registry", "create", "parse_kind", "register", "registry"]
