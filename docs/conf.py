"""The site: ``sphinx-build -W docs docs/_build`` after ``pip install -e '.[docs]'``."""

import sys
from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

import written

project = "ganzoo"
author = "The ganzoo authors"
copyright = "The ganzoo authors, MIT licence"
release = metadata.version("ganzoo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_extra_path = ["start.ipynb"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
smartquotes = False  # they make one dash of the two of a flag
html_title = f"ganzoo {release}"
myst_heading_anchors = 3
default_role = "code"  # docstrings put names between single backquotes
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_use_rtype = False


def setup(app: Sphinx) -> None:
    """Bring the pages that are written from docstrings up to date before they are read."""
    written.main()
