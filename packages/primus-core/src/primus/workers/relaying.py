"""Passing a request on to the worker that its session lives in, and the answer back.

The first request of a connection without TLS is handed over together with its connection. What is
left for here are requests on connections that carry several sessions, or TLS.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Final

from multidict import CIMultiDict

from primus.contracts import Server
from primus.errors import PrimusError
from primus.http import ClientGone, Request, Response
from primus.tasks import spawn
from primus.workers.handing import connected
from primus.workers.notes import REQUEST, note
from primus.workers.tunnel import TunnelEnd, joined

__all__ = ["END", "LINE", "NotThere", "frame", "frames", "relay", "tunnel"]

log = logging.getLogger("primus.server")

LINE: Final = 1 << 18
"""Bytes of the longest head of a request or an answer, as JSON."""

END: Final = bytes(4)
"""An empty part, which is the last one."""


class NotThere(Exception):
    """The other worker does not have the session."""


def frame(part: bytes) -> bytes:
    """A part of a body, behind its length."""
    return len(part).to_bytes(4) + part


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The parts of a body.

    Raises:
        ClientGone: the connection has ended before the last one.
    """
    try:
        while length := int.from_bytes(await reader.readexactly(4)):
            yield await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ClientGone("the other worker has gone before all had come") from error


def _described(request: Request, *, is_sure: bool) -> bytes:
    target = f"{request.path}?{request.query_string}" if request.query_string else request.path
    content = {
        "method": request.method,
        "target": target,
        "headers": list(request.headers.items()),
        "address": [request.address.ip, request.address.port],
        "secure": request.secure,
        "upgrade": request.upgrade,
        "is_sure": is_sure,
    }
    return note(REQUEST, content)


class _Channel(asyncio.StreamReaderProtocol):
    """The connection that one request is passed on by."""

    def __init__(self, reader: asyncio.StreamReader, over: Callable[[], object]) -> None:
        super().__init__(reader)
        self._over = over

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that it is over."""
        super().connection_lost(exc)
        self._over()


async def relay(
    request: Request, path: str, over: Callable[[], object], *, is_sure: bool
) -> Response:
    """The answer of another worker to a request that is no upgrade.

    Args:
        request: the request.
        path: where that worker is.
        over: called once the connection to that worker has ended, which an answer that streams
            keeps; not when there was none.
        is_sure: whether it is to answer even if it does not have the session.

    Raises:
        NotThere: it does not have the session; nothing of the body has been read.
        OSError: it does not answer.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(LINE)
    transport, protocol = await loop.create_unix_connection(
        lambda: _Channel(reader, over), sock=connected(path)
    )
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    try:
        writer.write(_described(request, is_sure=is_sure))
        if not is_sure and not (await _told(reader))["has"]:
            raise NotThere
        response = await _answer(request, reader, writer)
    except BaseException:
        writer.transport.abort()
        raise
    if response.chunks is None:
        writer.close()
    return response


async def _answer(
    request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Response:
    """The head of the answer, and its body where that is whole."""
    sending = spawn(_send_body(request, writer))
    try:
        told = await _told(reader)
    finally:
        if not sending.done():
            sending.cancel()  # it is refused before all of it was there
        with suppress(asyncio.CancelledError):
            await sending
    response = Response(told["status"])
    response.headers = CIMultiDict((name, value) for name, value in told["headers"])
    response.headers.popall("Content-Length", None)
    if told["length"] is None:
        response.chunks = _Parts(request, reader, writer)
    else:
        response.body = await reader.readexactly(told["length"])
    return response


async def _told(reader: asyncio.StreamReader) -> Any:
    """The next line.

    Raises:
        ConnectionError: the other worker has gone.
    """
    try:
        return json.loads(await reader.readuntil(b"\n"))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise ConnectionResetError("the other worker has gone") from error


async def _send_body(request: Request, writer: asyncio.StreamWriter) -> None:
    """Send a body on as it comes, and end the request should its client go."""
    try:
        async for part in request.parts():
            if part:
                writer.write(frame(part))
                await writer.drain()
        writer.write(END)
    except (OSError, PrimusError) as error:  # the client has gone, or the other worker
        log.debug("a request was not passed on: %r", error)
        writer.transport.abort()
    else:
        request.on_gone(writer.transport.abort)


class _Parts(AsyncIterator[bytes]):
    """The parts of an answer that streams; one that breaks off does so for the client, too.

    It is no generator, since one that has not begun cannot be closed.
    """

    def __init__(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._drop = request.drop
        self._frames = frames(reader)
        self._writer = writer  # it would close the connection when it is forgotten

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._frames)
        except ClientGone:
            self._drop()
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """End the request."""
        self._writer.transport.abort()


async def tunnel(
    primus: Server, request: Request, path: str, over: Callable[[], object]
) -> Response | None:
    """Let the client of an upgrade talk to another worker.

    Args:
        primus: that of this worker.
        request: the upgrade.
        path: where that worker is.
        over: called once the connection to that worker has ended; not when there was none.

    Returns:
        `None` once it does, or a refusal.

    Raises:
        OSError: the other worker does not answer.
    """
    loop = asyncio.get_running_loop()
    _, far = await loop.create_unix_connection(
        lambda: TunnelEnd(primus.writes, over=over), sock=connected(path)
    )
    far.transport.pause_reading()
    far.transport.write(_described(request, is_sure=True))
    try:
        handed = request.detach()
    except ConnectionResetError:
        far.transport.abort()
        return Response.error(400)  # no client reads it
    joined(handed.transport, handed.early, far, primus.writes)
    return None
