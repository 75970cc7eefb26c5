"""How Sphinx builds this documentation; `nox -s docs` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from primus import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Primus for Python"
author = "The Primus for Python authors"
copyright = f"2026, {author}"  # noqa: A001 - the name is Sphinx'
version = release = __version__

extensions = ["myst_parser", "command", "hooks", "kit"]
exclude_patterns = ["_build", "requirements.txt"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "smartquotes"]
myst_heading_anchors = 3
smartquotes = False

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "native"
