"""The end of the writing on a raw transport, while its peer may still be sending."""

from __future__ import annotations

from typing import Protocol

__all__ = ["half_close"]


class Wire(Protocol):
    """What is closed for writing: an `asyncio.Transport` of any event loop."""

    def can_write_eof(self) -> bool:
        """Whether the writing can end alone; that of TLS cannot."""

    def write_eof(self) -> None:
        """End the writing."""

    def abort(self) -> None:
        """Drop it at once."""


def half_close(wire: Wire) -> bool:
    """End the writing, so that the peer gets what was sent even while it sends on.

    A wire that the peer has reset meanwhile is dropped: asyncio raises then, and uvloop does not.

    Returns:
        False when the writing cannot end alone.
    """
    if not wire.can_write_eof():
        return False
    try:
        wire.write_eof()
    except OSError:
        wire.abort()
    return True
