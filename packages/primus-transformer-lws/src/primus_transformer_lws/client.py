"""The client half: opens WebSockets with picows' client."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from picows import WSHandshakeError, WSUpgradeRequest, WSUpgradeResponse

from primus.errors import OptionError, ProtocolError, TransportError
from primus.transformer import Connector, DialOptions
from primus.websocket import CLOSE_TIMEOUT
from primus_transformer_lws.client_handshake import ClientHandshake
from primus_transformer_lws.deflate import OFFER, Deflate, Settings, answered, largest_frame
from primus_transformer_lws.listener import Listener
from primus_transformer_lws.native import PicowsProtocol, ViolationLogger
from primus_transformer_lws.transport import LwsTransport

if TYPE_CHECKING:
    from primus.contracts import Attachable

__all__ = ["LwsConnector"]

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class LwsConnector(Connector):
    """Opens WebSockets."""

    options = frozenset({"close_timeout", "headers", "ssl", "subprotocols", "unix"})
    asks = upgrades = True

    async def open(self, dial: DialOptions, connection: Attachable) -> LwsTransport:
        """A WebSocket to ``dial.url``, open and not reading yet.

        Raises:
            HandshakeError: the server answered with a status other than 101.
            TransportError: it cannot be reached, or did not answer as a WebSocket server.
            OptionError: the URL or a transport option cannot be used.
        """
        self.check(dial)
        opening = Opening(_url(dial.url), dial)
        try:
            await opening.dial()
            transport = await opening.opened()
        except BaseException:
            opening.give_up()
            raise
        connection.attach(transport)
        return transport


class Opening:
    """A WebSocket that makes its handshake."""

    def __init__(self, url: SplitResult, dial: DialOptions) -> None:
        self._url = url
        self._dial = dial
        self._violations = ViolationLogger(logging.getLogger("primus.client"))
        self._wire: asyncio.Transport | None = None
        self._transport: LwsTransport | None = None
        resource = (url.path or "/") + (f"?{url.query}" if url.query else "")
        largest = largest_frame(dial.max_length, deflates=dial.compression)
        self._protocol = PicowsProtocol(
            self._listen, self._violations, largest, (url.netloc, resource, self._headers())
        )
        self._handshake = ClientHandshake(self._protocol)

    def _headers(self) -> dict[str, str]:
        dial, headers = self._dial, dict[str, str]()
        if dial.compression:
            headers["Sec-WebSocket-Extensions"] = OFFER
        if dial.options.get("subprotocols"):
            headers["Sec-WebSocket-Protocol"] = ", ".join(dial.options["subprotocols"])
        return {**headers, **dial.options.get("headers", {})}

    async def dial(self) -> None:
        """Connect, which starts the handshake.

        Raises:
            TransportError: the server cannot be reached.
        """
        url, options = self._url, self._dial.options
        port = url.port or PORTS[url.scheme]
        tls: dict[str, Any] = {}
        if PORTS[url.scheme] == 443:
            tls["ssl"] = options.get("ssl") or ssl.create_default_context()
            tls["server_hostname"] = url.hostname
        loop = asyncio.get_running_loop()
        try:
            if "unix" in options:
                made = await loop.create_unix_connection(self._made, options["unix"], **tls)
            else:
                made = await loop.create_connection(self._made, url.hostname or "", port, **tls)
        except OSError as error:
            raise TransportError(f"cannot connect to {url.hostname}:{port}: {error}") from error
        self._wire = made[0]

    def _made(self) -> ClientHandshake:
        return self._handshake

    async def opened(self) -> LwsTransport:
        """The transport, when the server has accepted.

        Raises:
            HandshakeError: the server answered with a status other than 101.
            TransportError: it did not answer as a WebSocket server.
        """
        try:
            await self._handshake.made
            await self._protocol.wait_until_handshake_complete()
        except (WSHandshakeError, ProtocolError) as error:
            raise TransportError(f"the WebSocket handshake failed: {error}") from error
        transport = self._transport
        if transport is None or transport.is_gone:
            raise TransportError("the WebSocket handshake failed: connection closed")
        return transport

    def _listen(self, request: WSUpgradeRequest, response: WSUpgradeResponse) -> Listener:
        """What picows asks for once the server has accepted."""
        dial, deflate = self._dial, None
        agreement = answered(", ".join(response.headers.getall("Sec-WebSocket-Extensions", ())))
        if agreement is not None:
            if not dial.compression:
                raise ProtocolError("the server wants an extension that was not offered")
            deflate = Deflate(agreement, Settings(), serves=False)
        timeout = float(dial.options.get("close_timeout", CLOSE_TIMEOUT))
        wire = self._protocol.wire
        transport = LwsTransport(
            wire, dial.max_length, timeout, serves=False, deflate=deflate, limits=dial.limits
        )
        self._violations.owner = transport
        transport.pause_reading()
        self._transport = transport
        return transport.listener

    def give_up(self) -> None:
        """Drop the handshake, which is not awaited any more."""
        if self._wire is not None:
            self._wire.abort()


def _url(text: str) -> SplitResult:
    """`text` in its parts.

    Raises:
        OptionError: it is no URL that a WebSocket can be opened to.
    """
    try:
        url = urlsplit(text)
        usable = url.scheme in PORTS and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise OptionError(f"cannot open a WebSocket to {text!r}: it is no http: or ws: URL")
    return url
