"""The browser client: our ES modules in ``js/``, and what puts them together."""

from __future__ import annotations

from primus.browser.artefact import Artefact
from primus.browser.library import Browser, LibraryParts, declarations, library, source_map

__all__ = ["Artefact", "Browser", "LibraryParts", "declarations", "library", "source_map"]
