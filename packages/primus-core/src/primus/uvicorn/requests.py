"""The requests of a connection under uvicorn: the first may be an upgrade, read without a parser.

uvicorn's own class for httptools makes a parser for each connection, and keeps whatever a client
sends as the head of a request, without end. It writes an upgrade that it has parsed anew, and its
class for WebSockets parses it again.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from primus.http import phrase
from primus.server.upgrade_heads import HINT, MOST, upgrade_fields
from primus.uvicorn.websockets import REFUSAL, WebSockets
from primus.websocket import speedups

__all__ = ["MAX_HEAD", "ParsedRequests", "Requests"]

MAX_HEAD: Final = 65_536
"""Bytes that may come of a head, or of the trailers of a body, before its end has come: as many as
with h11. ``--h11-max-incomplete-event-size`` sets another number for both."""

OF_BODIES: Final = frozenset({b"content-length", b"transfer-encoding"})
BODILESS: Final = frozenset({(b"content-length", b"0")})

read_fields: Final = speedups.upgrade_fields() or upgrade_fields


class Requests(asyncio.Protocol):
    """A connection, until its first bytes tell what answers it.

    uvicorn makes it with the arguments of its own classes.
    """

    __slots__ = ("_app_state", "_config", "_state", "_transport")

    _transport: asyncio.Transport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._state = server_state
        self._app_state = app_state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count among the connections of the server."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._state.connections.add(cast("Any", self))

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no more."""
        self._state.connections.discard(cast("Any", self))

    def shutdown(self) -> None:
        """Close the connection, since the server stops."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Give the connection to what answers it."""
        self._state.connections.discard(cast("Any", self))
        if HINT in data and self._upgrades(data):
            return
        protocol = ParsedRequests(self._config, self._state, self._app_state)
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        protocol.data_received(data)

    def _upgrades(self, head: bytes) -> bool:
        """Make a WebSocket of an upgrade that needs no parser; False for all others."""
        make = cast("Any", self._config.ws_protocol_class)
        if not isinstance(make, type) or not issubclass(make, WebSockets):
            return False
        read = read_fields(head, MOST, {}, {})
        if read is None:
            return False
        target, fields = read
        protocol = make(self._config, self._state, self._app_state)
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        protocol.begin_plainly(head, target, [(name.lower(), value) for name, value in fields])
        return True


class ParsedRequests(HttpToolsProtocol):
    """The requests of one connection, parsed by httptools, whose heads and trailers are bounded."""

    _block = 0
    """Counts heads, and the lines before chunks, of which the last ones may be trailers."""
    _is_in_block = False
    _held = 0
    """Bytes that the parser was given of the current one, beyond its first read."""
    _answered: Any = None
    """The exchange that the application is at, where more requests came before its answer."""
    _may_upgrade = False
    """Whether the current request can ask for a WebSocket."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, which uvicorn itself tells of the newest request alone."""
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Parse it, and refuse a client whose head or trailers do not end."""
        block = self._block
        super().data_received(data)
        if not self._is_in_block or block != self._block:
            self._held = 0
            return
        self._held += len(data)
        most = self.config.h11_max_incomplete_event_size or MAX_HEAD
        if self._held > most and not self.transport.is_closing():
            cycle = cast("Any", self.cycle)
            if cycle is None or cycle.response_complete:
                self.transport.write(REFUSAL % f"431 {phrase(431)}".encode())
            self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._begin()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It has ended."""
        self._is_in_block = False
        self._may_upgrade = self.parser.should_upgrade() and self._asks_properly()
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Bytes of a chunk follow, or trailers."""
        self._begin()

    def on_body(self, body: bytes) -> None:
        """They were those of a chunk."""
        self._is_in_block = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        """There are no more trailers."""
        self._is_in_block = False
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        return self._may_upgrade and super()._should_upgrade()

    def _asks_properly(self) -> bool:
        """Whether a request for a WebSocket is a GET of HTTP/1.1 without a body, and the next due.

        All others are answered as requests: what a class for WebSockets is given tells neither
        method nor version, has no body, and its answer would go between the bytes of another.
        """
        earlier = cast("Any", self.cycle)
        return (
            self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and BODILESS.issuperset(field for field in self.headers if field[0] in OF_BODIES)
            and (earlier is None or earlier.response_complete)
        )

    def _begin(self) -> None:
        self._block += 1
        self._is_in_block = True
