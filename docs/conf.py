"""The site: ``sphinx-build -W docs docs/_build`` after ``pip install -e '.[docs]'``."""

from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx

from ganzoo.plugin import KINDS
from ganzoo.testing.checks import checks_in
from ganzoo.testing.collect import modules_of

project = "ganzoo"
author = "The ganzoo authors"
copyright = "The ganzoo authors, MIT licence"
release = metadata.version("ganzoo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_checks.md"]
html_theme = "furo"
html_title = f"ganzoo {release}"
myst_heading_anchors = 3
default_role = "code"  # docstrings put names between single backquotes
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_use_rtype = False


def setup(app: Sphinx) -> None:
    """Write the list of checks, from their docstrings, before pages are read."""
    lines = []
    for kind in ("plugin", "component", *KINDS):
        found = [check for module in modules_of(kind) for check in checks_in(module, kind, None)]
        lines += [f"## {kind.capitalize()}\n", "| check | contract |", "|---|---|"] if found else []
        lines += [f"| `{check.name.partition('/')[2]}` | {check.contract} |" for check in found] + [""]
    Path(app.srcdir, "_checks.md").write_text("\n".join(lines), encoding="utf-8")
