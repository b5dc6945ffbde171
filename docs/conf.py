"""The site: ``sphinx-build -W docs docs/_build`` after ``pip install -e '.[docs]'``."""

from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx

from ganzoo.testing.collect import contracts

project = "ganzoo"
author = "The ganzoo authors"
copyright = "The ganzoo authors, MIT licence"
release = metadata.version("ganzoo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"ganzoo {release}"
myst_heading_anchors = 3
default_role = "code"  # docstrings put names between single backquotes
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_use_rtype = False

WRITTEN = "<!-- From here on written by docs/conf.py from the docstrings of ganzoo.testing. -->"


def with_checks(text: str) -> str:
    """Return the page on checks with the list of them, from their docstrings, behind its last comment."""
    lines = [text[: text.index(WRITTEN) + len(WRITTEN)], ""]
    for kind, sentences in contracts().items():
        lines += [f"## {kind.capitalize()}", "", "| check | contract |", "|---|---|"]
        lines += [f"| `{name}` | {sentence} |" for name, sentence in sentences.items()] + [""]
    return "\n".join(lines)


def setup(app: Sphinx) -> None:
    """Bring the page on checks up to date before pages are read; it is kept, for those who read it in a clone."""
    page = Path(app.srcdir, "checks.md")
    page.write_text(with_checks(page.read_text(encoding="utf-8")), encoding="utf-8")
