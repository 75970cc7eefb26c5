"""WebSockets under uvicorn whose raw transports a Primus takes over.

A Primus that uvicorn has loaded as the application, with no more than uvicorn's own middleware
around it, answers a plain upgrade below its pathname as on a server of its own. Otherwise the
application is called with the scope that uvicorn's own class would make, and an `Offer` in it.
Until a Primus takes that, the first event that the application asks for or sends makes uvicorn's
own class (`WebSockets.others`) go on with the connection, in the same call of the application. An
upgrade whose path no Primus can have is given to that class at once. What a Primus refuses without
a call is answered by that class, too.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import re
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import Any, ClassVar, Final, cast
from urllib.parse import unquote

from multidict import CIMultiDict, CIMultiDictProxy
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
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

from primus.contracts import Server
from primus.http import Address, Closable, HandOver, OnDemand, Request, Response, Witness, phrase
from primus.server.hosts.asgi import AsgiHost, may_take_transport
from primus.server.hosts.asgi_scope import Application, Event, Receive, Scope, Send
from primus.server.hosts.asgi_transport import EXTENSION, Offer
from primus.server.hosts.asgi_websocket import AsgiWebSocket
from primus.tasks import begin
from primus.uvicorn.sliced_reads import SlicedReads

__all__ = ["REFUSAL", "WebSockets"]

log = logging.getLogger("uvicorn.error")

RESTART: Final = 1012
"""What uvicorn closes WebSockets with when it stops."""

ABNORMAL: Final = 1006

FIELD: Final = re.compile(rb"([^:\r]+): ([^\r]*)\r\n")
"""A header as uvicorn writes it."""

Field = tuple[bytes, bytes]

TOLD_BY_PROXIES: Final = b"forwarded"
"""Stands in the name of each header by which uvicorn's middleware changes a scope."""

REFUSAL: Final = b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class WebSockets(asyncio.Protocol):
    """One upgrade; uvicorn makes it with the arguments of its own classes."""

    others: ClassVar[Callable[..., Any] | None] = AutoWebSocketsProtocol
    """uvicorn's class for WebSockets that no Primus takes over: what ``--ws auto`` would choose."""

    __slots__ = (
        "_other",
        "_reads",
        "_upgrade",
        "app_state",
        "config",
        "early",
        "head",
        "state",
        "transport",
    )

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
        self.head = b""
        self.early = b""
        """What has come behind the head while the application decides."""
        self._other: Any = None
        """uvicorn's own, once it goes on with the connection."""
        self._reads: SlicedReads | None = None
        """What it reads from."""
        self._upgrade: _Upgrade | None = None
        """What is made of it, unless uvicorn's own has been given the upgrade at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count among the connections of the server."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self.state.connections.add(cast("Any", self))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell uvicorn's own, and the application."""
        self.state.connections.discard(cast("Any", self))
        if self._reads is not None:
            self._reads.lost(exc)
        if self._upgrade is not None:
            self._upgrade.lost()

    def data_received(self, data: bytes) -> None:
        """Take the head, which uvicorn gives whole and by itself; keep what follows."""
        if self._reads is not None:
            self._reads.received(data)
        elif self.head:
            self.early += data
            self.transport.pause_reading()
        else:
            first, _, lines = data.partition(b"\r\n")
            self.begin(data, first.split(b" ")[1].decode("ascii"), FIELD.findall(lines))

    def begin_plainly(self, head: bytes, target: str, headers: list[tuple[str, str]]) -> None:
        """Let a Primus answer, if nothing stands before it, or go on as `begin` does.

        Args:
            head: of an upgrade that `upgrade_fields` reads.
            target: what it asks for.
            headers: those in it, with names in small letters.
        """
        host, proxies = _alone(self.config.loaded_app)
        located = None if host is None or self.config.root_path else host.located(target)
        if host is None or located is None:
            self.begin(head, target, [(name.encode(), value.encode()) for name, value in headers])
            return
        self.head = head
        if len(head) > host.primus.limits.max_head:
            self.refuse(431)
        else:
            self._upgrade = direct = _Direct(self, host.primus, proxies, target, headers)
            direct.start(located)

    def begin(self, head: bytes, target: str, headers: list[Field]) -> None:
        """Call the application, or let uvicorn's own class do that.

        Args:
            head: of the upgrade.
            target: what it asks for.
            headers: those in it, with names in small letters.
        """
        self.head = head
        scope = _scope(self, target, headers, get_remote_addr(self.transport))
        if may_take_transport(scope["path"]):
            self._upgrade = _Call(self, scope)
        else:
            self.pass_on(self.config.loaded_app)

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
        elif self._upgrade is not None and self._upgrade.is_taken:
            self._upgrade.close()
        else:
            self.refuse(503)

    def pass_on(self, app: Any) -> bool:
        """Let uvicorn's own class go on, with short reads; False when there is none.

        Args:
            app: the application that it is to call.
        """
        self.state.connections.discard(cast("Any", self))
        if self.others is None:
            log.error("no WebSocket library is installed: pip install websockets (or wsproto)")
            self.refuse(501)
            return False
        config = copy.copy(self.config)
        config.loaded_app = app
        self._other = type(self).others(  # type: ignore[misc]
            config=config, server_state=self.state, app_state=self.app_state
        )
        self._reads = SlicedReads(self.transport, self._other)
        self._other.connection_made(self._reads)
        self._other.data_received(self.head)
        early, self.early = self.early, b""
        if early:
            self.transport.resume_reading()
            self._reads.received(early)
        return True

    def refuse(self, status: int) -> None:
        """Answer with nothing but a status."""
        self.transport.write(REFUSAL % f"{status} {phrase(status)}".encode())
        self.transport.close()


class _Upgrade(Witness):
    """One upgrade, and the connection that a Primus makes of it."""

    __slots__ = ("_is_taken", "_protocol", "_transport", "_wire")

    def __init__(self, protocol: WebSockets) -> None:
        self._protocol = protocol
        self._wire = protocol.transport
        self._transport: Closable | None = None
        """What the Primus has made of the wire."""
        self._is_taken = False

    @property
    def is_taken(self) -> bool:
        """Whether a Primus has the connection."""
        return self._is_taken

    def _take(self, native: Any) -> HandOver:
        """Give a Primus the connection.

        Args:
            native: what stays as `Request.native`.

        Raises:
            ConnectionResetError: the client has gone, or the connection has another owner.
        """
        wire = self._wire
        if not self._is_open() or wire.is_closing():
            raise ConnectionResetError("the client has gone before its upgrade was answered")
        self._is_taken = True
        protocol = self._protocol
        handed = HandOver(wire, protocol.early, native, self)
        wire.set_protocol(handed)
        protocol.head = protocol.early = b""  # a connection is kept for long
        return handed

    def _is_open(self) -> bool:
        """Whether neither a Primus nor uvicorn's own class has the connection."""
        return not self._is_taken

    def opened(self, transport: Closable) -> None:
        """Remember what closes the connection."""
        self._transport = transport

    def left(self) -> None:
        """Count the connection no more."""
        self._protocol.state.connections.discard(cast("Any", self._protocol))
        self._transport = None

    def close(self) -> None:
        """Close the connection that a Primus has, since the server stops."""
        if self._transport is None:
            self.drop()
        else:
            self._transport.close(RESTART)

    def drop(self) -> None:
        """Drop the connection that a Primus has."""
        self._wire.abort()
        self.left()

    def lost(self) -> None:
        """Handle the loss of a client whose connection no Primus has."""


class _Direct(_Upgrade):
    """An upgrade that a Primus answers as on a server of its own.

    Args:
        protocol: what has received it.
        primus: the server.
        proxies: uvicorn's middleware, which makes the client known that a proxy tells of.
        target: what it asks for.
        headers: those in it, with names in small letters.
    """

    __slots__ = (
        "_client",
        "_gone",
        "_headers",
        "_native",
        "_primus",
        "_proxies",
        "_scope",
        "_target",
    )

    def __init__(
        self,
        protocol: WebSockets,
        primus: Server,
        proxies: ProxyHeadersMiddleware | None,
        target: str,
        headers: list[tuple[str, str]],
    ) -> None:
        _Upgrade.__init__(self, protocol)
        self._primus = primus
        self._proxies = proxies
        self._target = target
        self._headers = CIMultiDictProxy(CIMultiDict(headers))
        self._client = get_remote_addr(self._wire)
        self._scope: Scope | None = None
        """That of the request, once something has asked for it."""
        self._native = OnDemand(self._told)
        self._gone: asyncio.Future[None] | None = None
        """Waits for the end of the connection, once the server stops."""

    def start(self, located: str) -> None:
        """Answer it, as far as that need not wait.

        Args:
            located: the target as the layers know it.
        """
        primus = self._primus
        bare = primus.transformer.upgrades_bare and primus.elsewhere is None
        task = copy_context().run(begin, self._answer(located), bare=bare)
        if task is not None:
            self._count(task)

    def _count(self, task: asyncio.Task[Any]) -> None:
        """Let uvicorn wait for a task when it stops, and cancel it when its time is over."""
        tasks = self._protocol.state.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _answer(self, located: str) -> None:
        try:
            if self._proxies is not None and TOLD_BY_PROXIES in self._protocol.head.lower():
                await _without_application(self._proxies)(self._told(), None, None)
            request = self._request(located)
            response = await self._primus.handle(request)
        except asyncio.CancelledError:
            self._wire.abort()
            raise
        except Exception as error:
            if self._is_taken:
                log.exception("Exception in ASGI application\n")
                self.drop()
            else:
                self._leave_to(partial(_fail, error))
        else:
            if not self._is_taken:
                self._leave_to(partial(self._refuse, request, response))

    def _request(self, located: str) -> Request:
        scope = self._scope
        if scope is None:
            client, secure = self._client, is_ssl(self._wire)
        else:
            client, secure = scope["client"], scope["scheme"] == "wss"
        request = Request(
            "GET",
            located,
            self._headers,
            address=Address(*client) if client else Address(""),
            secure=secure,
            detach=self._detach,
            native=self._native,
            is_checked=True,
        )
        request.response_headers.extend(self._protocol.config.headers)
        return request

    def _told(self) -> Scope:
        """The scope that an application would be called with."""
        if self._scope is None:
            self._scope = self._made()
        return self._scope

    def _made(self) -> Scope:
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        return _scope(self._protocol, self._target, headers, self._client)

    def _detach(self) -> HandOver:
        handed = self._take(self._native)
        if log.isEnabledFor(logging.INFO):
            _note(self._scope or self._made())
        return handed

    def close(self) -> None:
        """Close the connection; it is dropped when uvicorn waits no longer."""
        if self._transport is not None and self._gone is None:
            loop = asyncio.get_running_loop()
            self._gone = loop.create_future()
            self._count(loop.create_task(self._until_gone(self._gone)))
        super().close()

    async def _until_gone(self, gone: asyncio.Future[None]) -> None:
        try:
            await gone
        except asyncio.CancelledError:
            self.drop()
            raise

    def left(self) -> None:
        """Count the connection no more, nor wait for its end."""
        super().left()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def _leave_to(self, app: Application) -> None:
        """Let uvicorn's own class call that application, unless the client has gone."""
        if not self._wire.is_closing():
            self._protocol.pass_on(app)

    async def _refuse(
        self,
        request: Request,
        response: Response | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer with something else: an application for uvicorn's own class."""
        socket = AsgiWebSocket(scope, receive, send, self._primus.limits.write_timeout)
        if response is not None and await socket.asked():
            await socket.refuse(request, response)


class _Call(_Upgrade, Offer):
    """One call of the application, which lasts as long as the connection."""

    def __init__(self, protocol: WebSockets, scope: Scope) -> None:
        super().__init__(protocol)
        self._scope = scope
        scope["extensions"][EXTENSION] = self
        self._is_rejected = False
        self._ended = asyncio.Event()
        self._events: asyncio.Future[tuple[Receive, Send]] | None = None
        """Those of uvicorn's own class, once an event was asked for or sent."""
        self._outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        """That of the call, for uvicorn's own class."""
        self._task = asyncio.get_running_loop().create_task(self._run())
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

    def _is_open(self) -> bool:
        return not (self._is_taken or self._is_rejected) and self._events is None

    def detach(self, native: Any) -> HandOver:
        """Take the connection."""
        handed = self._take(native)
        if log.isEnabledFor(logging.INFO):
            _note(native)
        return handed

    def left(self) -> None:
        """Let the call of the application end."""
        super().left()
        self._ended.set()

    def reject(self, status: int) -> None:
        """Answer with nothing but a status."""
        if self._is_open() and not self._wire.is_closing():
            self._is_rejected = True
            self._protocol.refuse(status)

    async def gone(self) -> None:
        """Wait until the connection has gone."""
        await self._ended.wait()

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
            self._events = asyncio.get_running_loop().create_future()
            if self._is_taken or self._wire.is_closing() or not protocol.pass_on(self._bridge):
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
            self.drop()


def _alone(app: Any) -> tuple[AsgiHost | None, ProxyHeadersMiddleware | None]:
    """The Primus that uvicorn has loaded as the application, and uvicorn's middleware around it.

    `None` for a Primus that something else is around.
    """
    proxies = app if type(app) is ProxyHeadersMiddleware else None
    inner = app if proxies is None else proxies.app
    return (inner if type(inner) is AsgiHost else None), proxies


def _without_application(middleware: Any) -> Any:
    """The same middleware, which does to a scope what it does, and calls nothing."""
    alone = copy.copy(middleware)
    alone.app = _ignore
    return alone


async def _ignore(scope: Scope, receive: Any, send: Any) -> None:
    """An application that does nothing."""


async def _fail(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """An application that raises."""
    raise error


def _note(scope: Any) -> None:
    """Log a connection as uvicorn does."""
    client, target = get_client_addr(scope), get_path_with_query_string(scope)
    log.info('%s - "WebSocket %s" [accepted]', client, target)


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


def _scope(
    protocol: WebSockets, target: str, headers: list[Field], client: tuple[str, int] | None
) -> Scope:
    """The scope of an upgrade."""
    config, transport = protocol.config, protocol.transport
    raw_path, _, query = target.partition("?")
    offers = [value for name, value in headers if name == b"sec-websocket-protocol"]
    return {
        "type": "websocket",
        "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if is_ssl(transport) else "ws",
        "server": None if transport.is_closing() else get_local_addr(transport),
        "client": client,
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
