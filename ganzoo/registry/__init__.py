"""What is installed: plugins, the components that they offer, and the names by which these are found."""

from __future__ import annotations

from ganzoo.registry.discovery import GROUP, HOOKS, PLURALS, Registry, create, parse_kind, register, registry

__all__ = ["GROUP", "HOOKS", "PLURALS", "Registry", "create", "parse_kind", "register", "registry"]
