"""The browser client: our ES modules in ``js/``, and what puts them together."""

from __future__ import annotations

from primus.browser.library import Browser, LibraryParts, declarations, library

__all__ = ["Browser", "LibraryParts", "declarations", "library"]
