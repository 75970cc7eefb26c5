"""The WebSocket of an ASGI server, and how its handshake is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from primus.clock import Within
from primus.closed import Ending
from primus.errors import LimitError, ProtocolError
from primus.http import HostWebSocket, Request, Response
from primus.server.hosts.asgi_scope import Event, Receive, Scope, Send, encoded, wire_of
from primus.write_watch import Wire

__all__ = ["AsgiWebSocket"]

log = logging.getLogger("primus.server")

LINGER: Final = 1.0
"""Seconds that a connection gets to end once its handshake has been refused."""

TOO_BIG: Final = 1009
ABNORMAL: Final = 1006

VIOLATIONS: Final = frozenset({1002, 1003, 1007, 1009})
"""Close codes of an ASGI server that a peer has brought upon itself (RFC 6455 section 7.4.1)."""


class AsgiWebSocket(HostWebSocket):
    """One WebSocket.

    An ASGI server knows limits and compression by options of its own, so what `accept` is told
    of them has no effect here. Nor is there an event to drop a connection: it is over once the
    application has returned, or dropped where the server shows its transport. Pings and pongs are
    the server's own affair.
    """

    __slots__ = (
        "_closed",
        "_gone",
        "_is_asked",
        "_receive",
        "_scope",
        "_send",
        "_waiting",
        "_wire",
        "_write_timeout",
    )

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, write_timeout: float | None = None
    ) -> None:
        super().__init__()
        self._scope = scope
        self._receive = receive
        self._send = send
        self._wire = wire_of(send)
        self._write_timeout = write_timeout
        self._gone = False
        self._is_asked = False
        self._waiting: asyncio.Timeout | None = None
        self._closed: asyncio.Event | None = None

    @property
    def wire(self) -> Wire | None:
        """The connection, where the server shows it."""
        return self._wire

    @property
    def begins_bare(self) -> bool:  # type: ignore[override]
        """What the server sends by itself does; middleware in between may do anything."""
        return self._wire is not None

    async def asked(self) -> bool:
        """Take the first event, once; False when the client has gone already."""
        if not self._is_asked:
            self._is_asked = True
            self._gone = (await self._receive())["type"] != "websocket.connect"
        return not self._gone

    async def accept(
        self,
        headers: Mapping[str, str],
        *,
        subprotocols: Sequence[str],
        max_length: int,
        compression: bool,
    ) -> Response | None:
        """Answer the handshake.

        Raises:
            ConnectionError: the client has gone.
        """
        await self.asked()
        offered = self._scope.get("subprotocols") or ()
        chosen = next((name for name in subprotocols if name in offered), None)
        event = {"type": "websocket.accept", "headers": encoded(headers.items())}
        try:
            await self._say({**event, "subprotocol": chosen})
        except ConnectionError:
            self._gone = True
            raise
        return None

    async def refuse(self, request: Request, response: Response) -> None:
        """Answer with something else, or as far as the server lets us: with 403."""
        try:
            if "websocket.http.response" not in (self._scope.get("extensions") or {}):
                await self._say({"type": "websocket.close", "code": 1008, "reason": ""})
                return
            headers = encoded(response.headers_for(request).items())
            start = {"type": "websocket.http.response.start", "headers": headers}
            await self._say({**start, "status": response.status})
            body = response.body
            if response.chunks is not None:
                body = b"".join([chunk async for chunk in response.chunks])
            await self._say({"type": "websocket.http.response.body", "body": body})
        except ConnectionError:
            log.debug("%r: the client has gone before it was refused", request)
        await self._until_gone()

    async def _until_gone(self) -> None:
        """Let the connection end before the application returns.

        uvicorn 0.54 reports a refusal as an incomplete handshake otherwise. The first event is
        made of the refusal itself, where a server has two; the other one is that of the end.
        """
        if self._gone:
            return
        with suppress(TimeoutError):
            async with Within(LINGER):
                for _ in range(2):
                    await self._receive()

    async def receive(self) -> str | bytes | None:
        """The next message, or `None` once the WebSocket is closed.

        Raises:
            ProtocolError: the server has closed it for what the peer did.
        """
        event = await self._next_event()
        if event is None:
            return None
        if event["type"] == "websocket.receive":
            text: str | None = event.get("text")
            return bytes(event["bytes"]) if text is None else text
        self._gone = True
        self.ending = _checked_end(event)
        return None

    async def _next_event(self) -> Event | None:
        """The next event; none once `abort` has called us off."""
        while not self._gone:
            if self._closed is not None:
                await self._closed.wait()
            try:
                async with asyncio.timeout(None) as waiting:
                    self._waiting = waiting
                    return await self._receive()
            except TimeoutError:
                if not waiting.expired():
                    raise
            finally:
                self._waiting = None
        return None

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the server holds too much that is unsent.

        Raises:
            ConnectionError: the client has gone.
        """
        kind = "text" if isinstance(message, str) else "bytes"
        await self._say({"type": "websocket.send", kind: message})

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame; the server waits for the answer.

        granian closes only while no `receive` is pending.
        """
        self._closed = asyncio.Event()
        self._call_off()
        try:
            await self._say({"type": "websocket.close", "code": code, "reason": reason})
        finally:
            self._closed.set()

    def abort(self) -> None:
        """End `receive`."""
        self._gone = True
        self._call_off()
        if self._wire is not None:
            self._wire.abort()

    def _call_off(self) -> None:
        """Wake `receive` without an event."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.reschedule(asyncio.get_running_loop().time())

    async def _say(self, event: Event) -> None:
        """Send an event; every server has an exception of its own for clients that have gone."""
        if self._gone:
            raise ConnectionResetError("the client has gone")
        try:
            if self._wire is not None or self._write_timeout is None:
                await self._send(event)
            else:
                async with Within(self._write_timeout):
                    await self._send(event)
        except Exception as error:
            log.debug("the ASGI server refused %s: %r", event["type"], error)
            raise ConnectionResetError("the client has gone") from error


def _checked_end(event: Event) -> Ending | None:
    """What a disconnection says of itself; `None` when the wire went without a word.

    Raises:
        ProtocolError: the peer has broken the rules.
    """
    code, said = event.get("code", ABNORMAL), event.get("reason") or ""
    if code in VIOLATIONS:
        text = f"closed with {code}: {said or 'the peer broke the WebSocket protocol'}"
        raise LimitError(text, "max_length") if code == TOO_BIG else ProtocolError(text)
    return None if code == ABNORMAL else Ending.of_peer(code, said)
