"""The aiohttp host: routes below the pathname, and upgrades handed over or served.

An upgrade that has passed the middleware is taken away from aiohttp inside the handler: its
transport goes to the transformer, and neither a task nor an object of aiohttp stays for the
connection. Where the transformer wants aiohttp's own WebSocket (`aiohttp_websocket`), the handler
returns that as usual. The hand-over touches private names of aiohttp
(`RequestHandler._message_tail`, the bytes that followed the head, and the setter of
`transport`), as does the application behind a server of our own, so they are looked for at import.

aiohttp tells a handler that its client has gone only if the application was started so. What it
always does is to fail the body of the request (`BaseRequest._cancel`), so `Watch` takes the place
of a body that has been read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import aiohttp
from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from primus.contracts import Server
from primus.errors import AttachError, ProtocolError
from primus.http import (
    CONTINUE,
    ClientGone,
    HandOver,
    Request,
    Response,
    closing,
    expectation,
    is_upgrade,
)
from primus.server.hosts.aiohttp_websocket import ServedWebSocket
from primus.server.hosts.base import Host, Serving
from primus.server.hosts.transports import address_of, taken

__all__ = ["AiohttpHost", "Watch"]

PRIVATE: Final = ("_current_request", "_message_tail", "_payload_parser", "_waiter")

if not (
    all(hasattr(RequestHandler, name) for name in PRIVATE) and hasattr(web.BaseRequest, "_cancel")
):
    raise ImportError(
        f"aiohttp {aiohttp.__version__} does not let connections be handed over; "
        "install aiohttp >= 3.12, < 4"
    )

CHUNK: Final = 64 * 1024


class AiohttpHost(Host):
    """Serves a Primus from an `aiohttp.web.Application`, whose other routes are untouched."""

    offers = frozenset({"http", "transport", "websocket"})
    name = "aiohttp"

    def __init__(self, primus: Server, app: web.Application) -> None:
        self.primus = primus
        self._stopping = False
        if app.frozen:
            raise AttachError("cannot attach to an application that is running already")
        self._routes = [
            app.router.add_route("*", primus.pathname + path, self._handle, expect_handler=_expect)
            for path in ("", "/{primus_tail:.*}", "{primus_tail:.+}")
        ]
        app.on_startup.append(self._started)
        app.on_shutdown.append(self._shutdown)

    def own(self, server: Serving) -> None:
        """The application is served by a server of our own, and by nothing else."""
        self.server = server

    @property
    def listening(self) -> tuple[str, int] | None:
        """URL and port of a server of our own, once it listens."""
        server = self.server
        return None if server is None or not server.url else (server.url, server.port)

    async def close(self, *, stop: bool) -> None:
        """Stop a server of our own; an application that was given goes on."""
        if stop and self.server is not None:
            self._stopping = True
            await self.server.stop(self.primus.ending_since)

    async def _started(self, app: web.Application) -> None:
        """Tell the clients the prefix of an application below another one."""
        resource = self._routes[0].resource
        assert resource is not None
        self.primus.relocate(resource.canonical)
        if self.server is None:  # else it is told when it listens
            self.primus.initialise()

    async def _shutdown(self, app: web.Application) -> None:
        """The application stops. Its clients may come back: this is no intentional close."""
        if not self._stopping:
            await self.primus.destroy(reconnect=True)

    async def _handle(self, native: web.Request) -> web.StreamResponse:
        # RFC 9110 section 7.8: a server ignores an Upgrade of HTTP/1.0.
        upgrade = native.version >= HttpVersion11 and is_upgrade(native.method, native.headers)
        socket = ServedWebSocket(native, self.primus.limits) if upgrade else None
        request = _request(native, socket)
        try:
            return await self._answer(native, request, socket)
        finally:
            request.release()
            if isinstance(native._payload, Watch):
                native._payload.forget()

    async def _answer(
        self, native: web.Request, request: Request, socket: ServedWebSocket | None
    ) -> web.StreamResponse:
        response = await self.primus.handle(request)
        if response is None:
            own = None if socket is None else socket.response
            return Detached() if own is None else own
        if response.chunks is not None:
            watched = self._watched(native, response.chunks)
            return await _streamed(native, request, response, watched)
        self.primus.writes.add(native.transport)
        answer = _native(request, response)
        if isinstance(native._payload, Watch):
            return await _sent(native, answer)
        return answer

    async def _watched(
        self, native: web.Request, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        """The chunks of an answer, each of which the client has to take."""
        async with closing(chunks):
            async for chunk in chunks:
                self.primus.writes.add(native.transport)
                yield chunk


class Detached(web.StreamResponse):
    """What a handler returns where aiohttp has nothing to send.

    Args:
        sent: the answer that has been sent already, which middleware may refuse to see as a
            `web.Response`, as aiohttp-session does; `None` for a connection that aiohttp no longer
            has.
    """

    def __init__(self, sent: web.Response | None = None) -> None:
        super().__init__(status=101 if sent is None else sent.status)
        self._keep_alive = False
        if sent is not None:
            self.headers.update(sent.headers)
            self._keep_alive = sent.keep_alive
            self._body_length = sent.body_length

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send no head."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Send no end."""


async def _expect(native: web.Request) -> None:
    """Tell a client that asks first to go on; one that has gone meanwhile is no error."""
    if expectation(native.headers) != 100:
        raise web.HTTPExpectationFailed
    with suppress(ConnectionError):
        await native.writer.write(CONTINUE)
    native.writer.output_size = 0  # the response itself has not begun


def _request(native: web.Request, socket: ServedWebSocket | None) -> Request:
    upgrade = socket is not None
    return Request(
        native.method,
        native.raw_path,
        native.headers,
        address=address_of(native.transport),
        secure=native.secure,
        body=None if upgrade else _content(native),
        detach=partial(_detach, native) if upgrade else None,
        websocket=None if socket is None else lambda: socket,
        watch=None if upgrade else partial(_watch, native),
        drop=partial(_drop, native),
        native=native,
    )


def _content(native: web.Request) -> bytes | Callable[[], AsyncIterator[bytes]]:
    """The body, if all of it is there, or what reads it."""
    content = native.content
    if content.is_eof() and content.exception() is None:
        return content.read_nowait()
    return partial(_body, native)


async def _body(native: web.Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in native.content.iter_chunked(CHUNK):
            yield chunk
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise ProtocolError(f"the body cannot be read: {error}") from error
    except ConnectionError as error:
        raise ClientGone("the client has gone before its request was complete") from error


def _native(request: Request, response: Response) -> web.Response:
    native = web.Response(status=response.status, body=response.body)
    headers = response.headers_for(request)
    headers.popall("Content-Length", None)  # aiohttp's own, also for HEAD
    native.headers.update(headers)
    if request.upgrade:
        native.force_close()
    return native


async def _streamed(
    native: web.Request, request: Request, response: Response, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Send each chunk when it comes; the iterator is closed when the client has gone."""
    answer = web.StreamResponse(status=response.status)
    answer.headers.update(response.headers_for(request))
    if native.version < HttpVersion11:
        answer.force_close()  # such a client has no other way to see the end of it
    try:
        async with closing(chunks):
            await answer.prepare(native)
            async for chunk in chunks:
                await answer.write(chunk)
            await answer.write_eof()
    except ConnectionError:
        _tell_gone(native)
    return answer


async def _sent(native: web.Request, answer: web.Response) -> Detached:
    """Send an answer while aiohttp still tells of a client that goes; it sends nothing itself."""
    try:
        await answer.prepare(native)
        await answer.write_eof()
    except ConnectionError:
        _tell_gone(native)
    return Detached(answer)


class Watch:
    """Takes the place of a request's body, which aiohttp fails when the client has gone.

    A write may find out first, and then aiohttp does not fail the body any more.
    """

    __slots__ = ("_fn",)

    def __init__(self, fn: Callable[[], None]) -> None:
        self._fn: Callable[[], None] | None = fn

    def forget(self) -> None:
        """Watch no longer: aiohttp keeps the last request of a connection while that is idle."""
        self._fn = None

    def set_exception(self, error: BaseException, cause: BaseException | None = None) -> None:
        """Note that the client has gone."""
        fn, self._fn = self._fn, None
        if fn is not None:
            fn()


def _watch(native: web.Request, fn: Callable[[], None]) -> None:
    if native.transport is None or native.transport.is_closing():
        fn()  # it has gone while the request was looked at
    else:
        native._payload = Watch(fn)  # type: ignore[assignment]


def _tell_gone(native: web.Request) -> None:
    watch = native._payload
    if isinstance(watch, Watch):
        watch.set_exception(ConnectionResetError())


def _drop(native: web.Request) -> None:
    if native.transport is not None:
        native.transport.abort()


def _detach(native: web.Request) -> HandOver:
    """Make aiohttp forget a connection: it is unregistered and all its timers are cancelled."""
    protocol, transport = native.protocol, native.transport
    if transport is None:
        raise ConnectionResetError("the client has gone before its upgrade was answered")
    transport.pause_reading()  # at once: what aiohttp reads now would be lost
    early, protocol._message_tail = bytes(protocol._message_tail), b""
    protocol.transport = None  # so that none of aiohttp's clean-up can close it
    protocol.connection_lost(None)
    return taken(transport, early)
