"""A session over HTTP requests: one that receives, and one that sends when there is something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from primus.errors import ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PollingClient, QueuedTransport
from primus.tasks import spawn
from primus.transformer import DialOptions
from primus.websocket import CLOSE_TIMEOUT
from primus_transformer_sockjs.client.incoming import Incoming
from primus_transformer_sockjs.frames import as_text, payload, quote, wire_limit
from primus_transformer_sockjs.routes import as_opened

__all__ = ["HTTPSession", "below"]

POST_BYTES: Final = 512 * 1024
POST_MESSAGES: Final = 1000
"""How much is sent in one request, unless a single message is longer."""

KEPT: Final = 1 << 20
"""How many characters are kept while the connection takes none. Polls go on for so long, since a
server gives up a client that does not poll."""


def below(url: str, path: str) -> str:
    """`url` with `path` behind its own path."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path))


class HTTPSession(QueuedTransport):
    """One session.

    Args:
        dial: the server, and the user's options.
        path: of the session, below the pathname.
        endpoint: ``/xhr_streaming`` or ``/xhr``.
    """

    __slots__ = (
        "_client",
        "_close_timeout",
        "_failure",
        "_incoming",
        "_is_closing",
        "_limit",
        "_receive_url",
        "_receiving",
        "_send_url",
        "_sending",
        "_streams",
    )

    def __init__(self, dial: DialOptions, path: str, endpoint: str) -> None:
        super().__init__()
        self._client = PollingClient(dial)
        self._incoming = Incoming(self, dial.max_length)
        self._receive_url = below(dial.url, path + endpoint)
        self._send_url = below(dial.url, path + "/xhr_send")
        self._streams = endpoint == "/xhr_streaming"
        self._limit = max(wire_limit(dial.max_length), DEFAULT_LIMITS.poll_bytes)
        self._close_timeout = float(dial.options.get("close_timeout", CLOSE_TIMEOUT))
        self._failure: TransportError | None = None
        self._is_closing = False
        self._sending: asyncio.Task[None] | None = None
        super().pause_reading()
        self._receiving = spawn(self._receive())

    @classmethod
    async def open(cls, dial: DialOptions, path: str, endpoint: str) -> HTTPSession:
        """A session that is open and does not read yet.

        Raises:
            HandshakeError: the server refused.
            TransportError: it cannot be reached, or does not speak SockJS.
        """
        session = cls(dial, path, endpoint)
        try:
            await asyncio.shield(session._incoming.opened)
        except BaseException:
            session.abort()
            raise
        return session

    # -- in

    async def _receive(self) -> None:
        error: Exception | None = None
        try:
            while not self._incoming.is_over:
                await self._receive_once()
        except TransportError as raised:
            error = raised
        finally:
            self._is_closing = True
            if self._sending is not None:
                self._sending.cancel()
            self._incoming.end(error or self._failure)
            await self._client.close()

    async def _receive_once(self) -> None:
        """Read one answer to its end.

        Raises:
            HandshakeError: the server refuses.
            TransportError: it cannot be reached.
            ProtocolError: there is no frame in it, as in the page of a portal or a proxy. To ask at
                once for another would be a loop without a pause.
        """
        has_frame = False
        url = self._receive_url
        if self._incoming.opened.done():
            url = as_opened(url)
        async with self._client.answer("POST", url) as chunks:
            async for line in _lines(chunks, self._limit):
                has_frame = True
                self._incoming.take(line)
                if self._incoming.is_over:
                    return
                while self._incoming.size > (0 if self._streams else KEPT):
                    await self.readable()
                    await asyncio.sleep(0)  # what is not paused goes on in turns
        if not has_frame:
            raise ProtocolError("an answer without a frame")

    def pause_reading(self) -> None:
        """Take nothing more for now."""
        self._incoming.pause()
        super().pause_reading()

    def resume_reading(self) -> None:
        """Deliver what has been kept, then resume."""
        self._incoming.resume()
        if not self._incoming.paused:
            super().resume_reading()

    # -- out

    def send(self, frame: str | bytes) -> None:
        """Put a message into the queue; this wire has text only."""
        if not self._is_closing:
            self.put(quote(as_text(frame)))

    def wake(self) -> None:
        """Send what waits, unless something is being sent."""
        if self._sending is None:
            self._sending = spawn(self._send())

    async def _send(self) -> None:
        try:
            await asyncio.sleep(0)  # what is written in the same turn of the loop goes along
            while self.queued:
                body = payload(map(str, self.take(POST_BYTES, POST_MESSAGES)))
                await self._client.ask(
                    "POST", self._send_url, body.encode(), content_type="text/plain", limit=1024
                )
        except TransportError as error:
            self._failure = error
            self._receiving.cancel()
        finally:
            self._sending = None

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Send what waits, then leave: the server sees that the receiving request is gone."""
        if not self._is_closing:
            self._is_closing = True
            spawn(self._leave())
            self.resume_reading()  # the connection asks for it no more, and is told the end

    async def _leave(self) -> None:
        if self._sending is not None:
            await asyncio.wait({self._sending}, timeout=self._close_timeout)
        self._receiving.cancel()

    def abort(self) -> None:
        """Leave at once."""
        self._is_closing = True
        self._incoming.drop()
        self._receiving.cancel()


async def _lines(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[str]:
    """The lines in `chunks`, without their ends.

    Raises:
        ProtocolError: one of them has more than `limit` bytes, is not UTF-8, or has no end.
    """
    rest = bytearray()
    async for chunk in chunks:
        begun = len(rest)
        rest += chunk
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line:
                    yield _decoded(line)
        elif begun > limit:
            rest.clear()  # the traceback keeps this frame, and with it what was read
            raise ProtocolError(f"a frame of more than {limit} bytes")
    if rest:
        raise ProtocolError(f"an answer that ends within a frame: {bytes(rest[:20])!r}")


def _decoded(line: bytes | bytearray) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a frame that is not UTF-8: {error}") from error
