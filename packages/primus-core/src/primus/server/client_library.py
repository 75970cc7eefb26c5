"""`ClientLibrary`: the browser client that fits a server, as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from primus.browser.library import LibraryParts

__all__ = ["ClientLibrary"]

Format = Literal["umd", "esm"]


class ClientLibrary:
    """Puts the browser client together when it is asked for, and keeps it until it changes.

    Args:
        parts: what it is made of now.
    """

    def __init__(self, parts: Callable[[], LibraryParts]) -> None:
        self._parts = parts
        self._texts: dict[str, str] = {}

    def text(self, format: Format = "umd") -> str:
        """The client in that format."""
        from primus.browser.library import library

        if format not in self._texts:
            self._texts[format] = library(self._parts(), format)
        return self._texts[format]

    def declarations(self, format: Format = "umd") -> str:
        """Its TypeScript declarations in that format."""
        from primus.browser.library import declarations

        return declarations(self._parts(), format)

    def changed(self) -> None:
        """Forget the texts: what they are made of has changed."""
        self._texts.clear()

    def save(self, path: str | Path) -> None:
        """Write what the name of a file asks for, as `Primus.save`."""
        from pathlib import Path

        match Path(path).suffix:
            case ".mjs":
                text = self.text("esm")
            case ".ts":
                text = self.declarations()
            case ".mts":
                text = self.declarations("esm")
            case _:
                text = self.text()
        Path(path).write_bytes(text.encode())
