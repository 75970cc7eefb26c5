"""What the supervisor and a worker say to one another: a line of JSON each."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from typing import Any, Final, Self

__all__ = ["Control"]

LONGEST: Final = 1 << 20
"""Bytes of a line: the names of all workers have to fit."""


class Control:
    """One end of the channel between a supervisor and a worker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> Self:
        """Use one end of a pair of sockets."""
        end.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=end, limit=LONGEST))

    def say(self, kind: str, **more: Any) -> None:
        """Send a message; nothing happens when the other end has gone."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps({"is": kind, **more}).encode() + b"\n")

    async def hear(self) -> dict[str, Any] | None:
        """The next message; `None` once the other end has gone."""
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            with suppress(ConnectionError):  # else asyncio may log, by chance, that a write failed
                await self._writer.wait_closed()
            return None
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Say no more."""
        self._writer.close()
