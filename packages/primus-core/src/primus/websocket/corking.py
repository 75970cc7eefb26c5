"""What is sent while a read is handled: held back, so that all of it leaves in one write."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Final

from primus.transformer import Transport
from primus.websocket.framing import SHORT, TEXT_HEADS

__all__ = ["Corking", "ShortTexts"]

CORK_BYTES: Final = 64 * 1024
"""What is held back at the most."""

CORK_PARTS: Final = 1024
"""In how many parts, at the most, where each is too short to be counted."""


class Corking(Transport):
    """A transport on a wire of asyncio that holds back what it sends while `corked`."""

    __slots__ = ("_is_open", "_out", "_out_size", "_wire", "corked")

    def __init__(self, wire: asyncio.Transport | None = None) -> None:
        super().__init__()
        self._wire = wire
        self._is_open = True
        self._out: list[bytes] = []
        self._out_size = 0
        self.corked = False
        """Whether what is sent waits for the end of the read that is being handled."""

    def _put(self, data: bytes) -> None:
        """Send, or hold back."""
        if not self.corked:
            self._write(data)
            return
        self._out.append(data)
        self._out_size += len(data)
        if self._out_size > CORK_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write what is held back, in one piece."""
        out = self._out
        if out:
            data = b"".join(out)
            out.clear()
            self._out_size = 0
            self._write(data)

    def _forget(self) -> None:
        """Drop what is held back."""
        self._out.clear()
        self._out_size = 0

    def _write(self, data: bytes) -> None:
        wire = self._wire
        if wire is not None and not wire.is_closing():
            wire.write(data)

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        wire = self._wire
        return sum(map(len, self._out)) + (0 if wire is None else wire.get_write_buffer_size())


class ShortTexts(Corking):
    """One that has a short way for short texts, as a server can: it masks nothing.

    What is short is not compressed either.
    """

    __slots__ = ()

    def send_text(self, text: bytes) -> None:
        """Send one text message, given as UTF-8."""
        size = len(text)
        if size >= SHORT or not self.corked:
            self._send_text(text)
        elif self._is_open:
            out = self._out
            out.append(TEXT_HEADS[size])
            out.append(text)
            if len(out) > CORK_PARTS:
                self._flush()

    @abstractmethod
    def _send_text(self, text: bytes) -> None:
        """Send a text that is longer, or is not held back."""
