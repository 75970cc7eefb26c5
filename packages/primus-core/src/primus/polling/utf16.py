"""Texts measured as JavaScript measures them, in UTF-16 units (pure).

A character beyond U+FFFF counts two there. The lengths in payloads of Engine.IO 3, Socket.IO 0.9
and BrowserChannel are such lengths.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Utf16", "units"]

NARROW: Final = "\uffff"
"""The last character that is one unit."""

ENCODING: Final = "utf-16-le"


def units(text: str) -> int:
    """The length of `text` in UTF-16 units."""
    if text.isascii() or max(text) <= NARROW:
        return len(text)
    return len(text.encode(ENCODING, "surrogatepass")) // 2


class Utf16:
    """A text that is cut by UTF-16 units; ``length`` is its length in them.

    A text without wide characters, as nearly all are, is cut as it is.
    """

    __slots__ = ("_encoded", "_text", "length")

    def __init__(self, text: str) -> None:
        is_wide = not text.isascii() and max(text) > NARROW
        self._text = text
        self._encoded = text.encode(ENCODING, "surrogatepass") if is_wide else None
        self.length = len(text) if self._encoded is None else len(self._encoded) // 2

    def cut(self, start: int, stop: int) -> str:
        """The text from one unit up to another; half of a character is a lone surrogate."""
        if self._encoded is None:
            return self._text[start:stop]
        return self._encoded[2 * start : 2 * stop].decode(ENCODING, "surrogatepass")
