"""A client half for WebSocket transformers, on aiohttp's client.

What is opened is RFC 6455, so it talks to the server half of any of them.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from yarl import URL

from primus.errors import HandshakeError, OptionError, TransportError
from primus.http import Response
from primus.limits import DEFAULT_LIMITS
from primus.requesting import open_session, read_up_to, told
from primus.tasks import spawn
from primus.transformer import Connector, DialOptions
from primus.websocket.aiohttp import AiohttpWebSocket
from primus.websocket.aiohttp_intake import GatedHandler
from primus.websocket.framing import CLOSE_TIMEOUT
from primus.websocket.hosted import HostedTransport

if TYPE_CHECKING:
    from primus.contracts import Attachable

__all__ = ["AiohttpConnector"]

EXTENSIONS: Final = "Sec-WebSocket-Extensions"


async def make_handshake(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Make the request of a handshake, whose answer is to be 101 and nothing else.

    Compression is offered without ``client_max_window_bits``: aiohttp offers that, and takes an
    answer of 8 for an error (RFC 7692 section 7.1.2.2 allows it). A server must not answer with
    what was not offered.

    Raises:
        HandshakeError: it is not. That goes for a redirect, too: aiohttp would follow it to any
            server, with the user's headers.
    """
    if EXTENSIONS in request.headers:
        request.headers[EXTENSIONS] = "permessage-deflate"
    response = await handler(request)
    if response.status == 101:
        return response
    try:
        body = await read_up_to(response, DEFAULT_LIMITS.refusal_bytes)
    finally:
        response.close()
    raise HandshakeError.answered(response.status, response.headers, body)


class AiohttpConnector(Connector):
    """Opens WebSockets.

    Takes the ``transport`` options ``close_timeout`` (seconds), ``headers``, ``ssl``,
    ``subprotocols`` and ``unix`` (the path of a socket).
    """

    options = frozenset({"close_timeout", "headers", "ssl", "subprotocols", "unix"})
    asks = upgrades = True

    async def open(self, dial: DialOptions, connection: Attachable) -> HostedTransport:
        """A WebSocket to ``dial.url``, open and not reading yet.

        Raises:
            HandshakeError: the server answered with a status other than 101.
            TransportError: it cannot be reached, or did not answer as a WebSocket server.
            OptionError: the URL or a transport option cannot be used.
        """
        self.check(dial)
        wire = DialledWebSocket(_url(dial.url), dial)
        try:
            await wire.open()
        except BaseException:
            await wire.let_go()
            raise
        transport = DialledTransport(wire, dial)
        connection.attach(transport)
        return transport


class DialledTransport(HostedTransport):
    """A WebSocket that is read once it has been resumed for the first time."""

    __slots__ = ("_is_read", "_wire")

    def __init__(self, wire: DialledWebSocket, dial: DialOptions) -> None:
        timeout = float(dial.options.get("close_timeout", CLOSE_TIMEOUT))
        super().__init__(wire, dial.max_length, timeout, dial.limits)
        self._wire = wire
        self._is_read = False

    async def run(self) -> None:
        """Bring every message to the receiver, then let go of the session."""
        try:
            await super().run()
        finally:
            await self._wire.let_go()

    def resume_reading(self) -> None:
        """Resume, or begin."""
        super().resume_reading()
        if not self._is_read:
            self._is_read = True
            spawn(self.run())


class DialledWebSocket(AiohttpWebSocket):
    """The client's side, with an aiohttp session of its own."""

    __slots__ = ("_dial", "_handlers", "_session", "_socket", "_url")

    def __init__(self, url: URL, dial: DialOptions) -> None:
        super().__init__()
        self._url = url
        self._dial = dial
        path = dial.options.get("unix")
        connector = aiohttp.TCPConnector() if path is None else aiohttp.UnixConnector(path)
        connector._factory = self._handler  # type: ignore[assignment]
        self._handlers: list[GatedHandler] = []
        self._session = open_session(make_handshake, connector=connector)
        self._socket: Any = None

    def _handler(self) -> GatedHandler:
        """The protocol of a new connection; there is one for each address that is tried."""
        handler = GatedHandler(asyncio.get_running_loop(), self._dial.limits)
        self._handlers.append(handler)
        return handler

    async def open(self) -> None:
        """Make the handshake.

        Raises:
            HandshakeError: the server answered with a status other than 101.
            TransportError: it cannot be reached, or did not answer as a WebSocket server.
        """
        dial = self._dial
        where = f"{self._url.host}:{self._url.port}"
        try:
            self.native = await self._session.ws_connect(
                self._url,
                autoclose=False,
                autoping=False,
                protocols=tuple(dial.options.get("subprotocols") or ()),
                compress=15 if dial.compression else 0,
                headers=dial.options.get("headers"),
                ssl=dial.options.get("ssl") or True,
                max_msg_size=dial.max_length + 1,  # aiohttp refuses what is as long as its limit
            )
        except aiohttp.WSServerHandshakeError as error:
            raise TransportError(f"the WebSocket handshake failed: {error.message}") from error
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError) as error:
            raise TransportError(f"cannot connect to {where}: {error}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportError(f"the WebSocket handshake failed: {told(error)}") from error
        self._socket = self.native.get_extra_info("socket")
        for gate in [handler.gate for handler in self._handlers if handler.gate is not None]:
            self.watch(gate)

    async def accept(
        self,
        headers: Mapping[str, str],
        *,
        subprotocols: Sequence[str],
        max_length: int,
        compression: bool,
    ) -> Response | None:
        """A client accepts nothing: it has been accepted."""
        return None

    def abort(self) -> None:
        """Drop the connection at once.

        aiohttp has no way to say so, but it notices that its socket has been shut down.
        """
        if self._gate is not None:
            self._gate.drop()
        number = -1 if self._socket is None else self._socket.fileno()
        if number < 0:
            return
        try:
            with socket.socket(fileno=os.dup(number)) as same:
                same.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the peer was faster

    def _finish(self) -> None:
        """Do nothing: the server closes, and the owner of this lets go of the session."""

    async def let_go(self) -> None:
        """Close the session with its connection."""
        if self._gate is not None:
            self._gate.open()
        await self._session.close()
        if self.native is not None:
            await self.native.close()


def _url(text: str) -> URL:
    """`text` as a URL, with its query string as it is.

    Raises:
        OptionError: it is no URL that a WebSocket can be opened to.
    """
    try:
        url = URL(text, encoded=True)
        usable = url.scheme in ("http", "https", "ws", "wss") and bool(url.host)
    except ValueError:
        usable = False
    if not usable:
        raise OptionError(f"cannot open a WebSocket to {text!r}: it is no http: or ws: URL")
    return url
