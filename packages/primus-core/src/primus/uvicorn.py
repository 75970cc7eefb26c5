"""Classes for uvicorn: WebSockets whose raw transports a Primus takes over, and bounded heads.

    uvicorn main:primus.asgi --ws primus.uvicorn:WebSockets --http primus.uvicorn:Requests

uvicorn reads the head of a request, and makes a `WebSockets` of one that is an upgrade. The
application is called with the scope that uvicorn's own class would make, and an `Offer` in it.
Until a Primus takes that, the first event that the application asks for or sends makes uvicorn's
own class (`WebSockets.others`) go on with the connection, in the same call of the application. An
upgrade whose path no Primus can have is given to that class at once.

`Requests` is uvicorn's own class for httptools, which by itself keeps whatever a client sends as
the head of a request, without end. It makes a `WebSockets` of an upgrade as nearly all clients
write it before that is parsed, written anew and parsed again.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, cast
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
    is_ssl,
)
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol
from uvicorn.server import ServerState

from primus.http import Closable, HandOver, Witness, phrase
from primus.server.hosts.asgi import may_take_transport
from primus.server.hosts.asgi_scope import Event, Receive, Scope, Send
from primus.server.hosts.asgi_transport import EXTENSION, Offer
from primus.server.upgrade_heads import HINT, MOST, upgrade_fields
from primus.websocket import speedups

__all__ = ["Requests", "WebSockets"]

log = logging.getLogger("uvicorn.error")

RESTART: Final = 1012
"""What uvicorn closes WebSockets with when it stops."""

ABNORMAL: Final = 1006

MAX_HEAD: Final = 65_536
"""Bytes that may come of a head, or of the trailers of a body, before its end has come: as many as
with h11. ``--h11-max-incomplete-event-size`` sets another number for both."""

FIELD: Final = re.compile(rb"([^:\r]+): ([^\r]*)\r\n")
"""A header as uvicorn writes it."""

Field = tuple[bytes, bytes]

read_fields: Final = speedups.upgrade_fields() or upgrade_fields

REFUSAL: Final = b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Requests(HttpToolsProtocol):
    """The requests of one connection, parsed by httptools, whose heads and trailers are bounded."""

    _is_new = True
    """Whether nothing has come yet."""
    _block = 0
    """Counts heads, and the lines before chunks, of which the last ones may be trailers."""
    _is_in_block = False
    _held = 0
    """Bytes that the parser was given of the current one, beyond its first read."""
    _answered: Any = None
    """The exchange that the application is at, where more requests came before its answer."""

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
        if self._is_new:
            self._is_new = False
            if HINT in data and self._upgrades(data):
                return
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

    def _upgrades(self, head: bytes) -> bool:
        """Make a WebSocket of an upgrade that needs no parser; False for all others."""
        make = cast("Any", self.config.ws_protocol_class)
        if not isinstance(make, type) or not issubclass(make, WebSockets):
            return False
        read = read_fields(head, MOST, {}, {})
        if read is None:
            return False
        target, fields = read
        self.connections.discard(self)
        protocol = make(self.config, self.server_state, self.app_state)
        protocol.connection_made(self.transport)
        protocol.begin(head, target, [(name.lower().encode(), v.encode()) for name, v in fields])
        self.transport.set_protocol(protocol)
        return True

    def on_message_begin(self) -> None:
        """A head begins."""
        self._begin()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It has ended."""
        self._is_in_block = False
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

    def _begin(self) -> None:
        self._block += 1
        self._is_in_block = True


class WebSockets(asyncio.Protocol):
    """One upgrade; uvicorn makes it with the arguments of its own classes."""

    others: ClassVar[Callable[..., Any] | None] = AutoWebSocketsProtocol
    """uvicorn's class for WebSockets that no Primus takes over: what ``--ws auto`` would choose."""

    transport: asyncio.Transport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.config = config
        self.state = server_state
        self.app_state = app_state
        self.loop = _loop or asyncio.get_event_loop()
        self.head = b""
        self.early = b""
        """What has come behind the head while the application decides."""
        self._other: Any = None
        """uvicorn's own, once it goes on with the connection."""
        self._call: _Call | None = None
        """That of the application, unless uvicorn's own has been given the upgrade at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count among the connections of the server."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self.state.connections.add(cast("Any", self))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell uvicorn's own, and the application."""
        self.state.connections.discard(cast("Any", self))
        if self._other is not None:
            self._other.connection_lost(exc)
        if self._call is not None:
            self._call.lost()

    def data_received(self, data: bytes) -> None:
        """Take the head, which uvicorn gives whole and by itself; keep what follows."""
        if self._other is not None:
            self._other.data_received(data)
        elif self.head:
            self.early += data
            self.transport.pause_reading()
        else:
            first, _, lines = data.partition(b"\r\n")
            self.begin(data, first.split(b" ")[1].decode("ascii"), FIELD.findall(lines))

    def begin(self, head: bytes, target: str, headers: list[Field]) -> None:
        """Call the application, or let uvicorn's own class do that.

        Args:
            head: of the upgrade.
            target: what it asks for.
            headers: those in it, with names in small letters.
        """
        self.head = head
        scope = _scope(self, target, headers)
        if may_take_transport(scope["path"]):
            self._call = _Call(self, scope)
        elif self.pass_on(self.config):
            # uvicorn makes this one the protocol of the transport when it has returned.
            self.loop.call_soon(self._step_aside)

    def eof_received(self) -> bool | None:
        """Tell uvicorn's own."""
        return None if self._other is None else cast("bool | None", self._other.eof_received())

    def pause_writing(self) -> None:
        """Tell uvicorn's own."""
        if self._other is not None:
            self._other.pause_writing()

    def resume_writing(self) -> None:
        """Tell uvicorn's own."""
        if self._other is not None:
            self._other.resume_writing()

    def shutdown(self) -> None:
        """Close the connection, since the server stops."""
        if self._other is not None:
            self._other.shutdown()
        elif self._call is not None and self._call.is_taken:
            self._call.close()
        else:
            self.refuse(503)

    def _step_aside(self) -> None:
        if not self.transport.is_closing():
            self.transport.set_protocol(self._other)

    def pass_on(self, config: Config) -> bool:
        """Let uvicorn's own class go on; False when there is none.

        Args:
            config: with the application that it is to call.
        """
        self.state.connections.discard(cast("Any", self))
        if self.others is None:
            log.error("no WebSocket library is installed: pip install websockets (or wsproto)")
            self.refuse(501)
            return False
        self._other = type(self).others(  # type: ignore[misc]
            config=config, server_state=self.state, app_state=self.app_state
        )
        self._other.connection_made(self.transport)
        self._other.data_received(self.head)
        early, self.early = self.early, b""
        if early:
            self.transport.resume_reading()
            self._other.data_received(early)
        return True

    def refuse(self, status: int) -> None:
        """Answer with nothing but a status."""
        self.transport.write(REFUSAL % f"{status} {phrase(status)}".encode())
        self.transport.close()


class _Call(Offer, Witness):
    """One call of the application, which lasts as long as the connection."""

    def __init__(self, protocol: WebSockets, scope: Scope) -> None:
        self._protocol = protocol
        self._scope = scope
        scope["extensions"][EXTENSION] = self
        self._wire = protocol.transport
        self._transport: Closable | None = None
        """What the Primus has made of the wire."""
        self._is_taken = False
        self._is_rejected = False
        self._ended = asyncio.Event()
        self._events: asyncio.Future[tuple[Receive, Send]] | None = None
        """Those of uvicorn's own class, once an event was asked for or sent."""
        self._outcome: asyncio.Future[Any] = protocol.loop.create_future()
        """That of the call, for uvicorn's own class."""
        self._task = protocol.loop.create_task(self._run())
        protocol.state.tasks.add(self._task)
        self._task.add_done_callback(protocol.state.tasks.discard)

    # -- what a Primus takes over

    @property
    def channel(self) -> tuple[Receive, Send]:
        """What the application is called with."""
        return self._receive, self._send

    @property
    def head_size(self) -> int:
        """Bytes of the head of the request."""
        return len(self._protocol.head)

    @property
    def headers(self) -> Iterable[tuple[str, str]]:
        """Those of uvicorn's option ``--header``."""
        return self._protocol.config.headers

    @property
    def _is_open(self) -> bool:
        """Whether neither a Primus nor uvicorn's own class has the connection."""
        return not (self._is_taken or self._is_rejected) and self._events is None

    @property
    def is_taken(self) -> bool:
        """Whether a Primus has the connection."""
        return self._is_taken

    def detach(self, native: Any) -> HandOver:
        """Take the connection."""
        wire = self._wire
        if not self._is_open or wire.is_closing():
            raise ConnectionResetError("the client has gone before its upgrade was answered")
        self._is_taken = True
        handed = HandOver(wire, self._protocol.early, native, self)
        wire.set_protocol(handed)
        if log.isEnabledFor(logging.INFO):
            client, target = get_client_addr(native), get_path_with_query_string(native)
            log.info('%s - "WebSocket %s" [accepted]', client, target)
        return handed

    def opened(self, transport: Closable) -> None:
        """Remember what closes the connection."""
        self._transport = transport

    def left(self) -> None:
        """Let the call of the application end."""
        self._protocol.state.connections.discard(cast("Any", self._protocol))
        self._transport = None
        self._ended.set()

    def reject(self, status: int) -> None:
        """Answer with nothing but a status."""
        if self._is_open and not self._wire.is_closing():
            self._is_rejected = True
            self._protocol.refuse(status)

    async def gone(self) -> None:
        """Wait until the connection has gone."""
        await self._ended.wait()

    def close(self) -> None:
        """Close the connection that a Primus has, since the server stops."""
        if self._transport is None:
            self._wire.abort()
        else:
            self._transport.close(RESTART)

    # -- the events of ASGI, where none does

    def lost(self) -> None:
        """Tell the application that the client has gone, if uvicorn's own class cannot."""
        if self._events is not None and not self._events.done():
            self._events.set_result((_disconnected, _refused))

    async def _receive(self) -> Event:
        receive, _ = await self._of_other()
        return await receive()

    async def _send(self, event: Event) -> None:
        _, send = await self._of_other()
        await send(event)

    def _of_other(self) -> asyncio.Future[tuple[Receive, Send]]:
        """The events of uvicorn's own class, which gets the connection when it has not yet."""
        if self._events is None:
            protocol = self._protocol
            self._events = protocol.loop.create_future()
            config = copy.copy(protocol.config)
            config.loaded_app = self._bridge
            if self._is_taken or self._wire.is_closing() or not protocol.pass_on(config):
                self.lost()
            else:
                protocol.state.tasks.discard(self._task)  # the one that calls `_bridge` counts
        return self._events

    async def _bridge(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """What uvicorn's own class calls as the application."""
        if self._events is not None and not self._events.done():
            self._events.set_result((receive, send))
        try:
            return await self._outcome
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    async def _run(self) -> None:
        config: Any = self._protocol.config
        result: Any = None
        error: BaseException | None = None
        try:
            result = await config.loaded_app(self._scope, self._receive, self._send)
        except BaseException as raised:
            error = raised
        if self._is_taken or self._is_rejected:
            self._end_own(error)
        elif isinstance(error, asyncio.CancelledError):
            self._wire.abort()
        else:
            await self._of_other()
            if not self._outcome.done():
                _settle(self._outcome, result, error)
        if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
            raise error

    def _end_own(self, error: BaseException | None) -> None:
        """The application has returned, early if it cuts the connection off."""
        if isinstance(error, Exception):
            log.error("Exception in ASGI application\n", exc_info=error)
        if self._is_taken and not self._ended.is_set():
            self._wire.abort()
            self.left()


def _settle(outcome: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if error is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(error)
        outcome.exception()  # uvicorn's own class may have gone, and then it is not looked at


async def _disconnected() -> Event:
    return {"type": "websocket.disconnect", "code": ABNORMAL}


async def _refused(event: Event) -> None:
    raise ClientDisconnected


def _scope(protocol: WebSockets, target: str, headers: list[Field]) -> Scope:
    """The scope of an upgrade."""
    config, transport = protocol.config, protocol.transport
    raw_path, _, query = target.partition("?")
    offers = [value for name, value in headers if name == b"sec-websocket-protocol"]
    return {
        "type": "websocket",
        "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if is_ssl(transport) else "ws",
        "server": get_local_addr(transport),
        "client": get_remote_addr(transport),
        "root_path": config.root_path,
        "path": config.root_path + unquote(raw_path),
        "raw_path": (config.root_path + raw_path).encode("ascii"),
        "query_string": query.encode("ascii"),
        "headers": headers,
        "subprotocols": [
            token.strip() for offer in offers for token in offer.decode("latin-1").split(",")
        ],
        "state": protocol.app_state.copy(),
        "extensions": {"websocket.http.response": {}},
    }
