"""The client half: opens WebSockets with websockets' sans-I/O client."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.protocol import OPEN
from websockets.uri import WebSocketURI, parse_uri

from primus.errors import OptionError, ProtocolError, TransportError
from primus.transformer import Connector, DialOptions
from primus.websocket import CLOSE_TIMEOUT
from primus.websocket.refused import RefusedAnswer
from primus.websocket.refused_heads import HEAD_END, LONGEST_HEAD, REFUSAL, refused_answer
from primus_transformer_ws.framing import ClientDeflateFactory, QuietLogger
from primus_transformer_ws.transport import WebSocketTransport

if TYPE_CHECKING:
    from primus.contracts import Attachable

__all__ = ["WebSocketsConnector", "leg"]


class WebSocketsConnector(Connector):
    """Opens WebSockets."""

    options = frozenset({"close_timeout", "headers", "ssl", "subprotocols", "unix"})
    asks = upgrades = True

    async def open(self, dial: DialOptions, connection: Attachable) -> WebSocketTransport:
        """A WebSocket to ``dial.url``, open and not reading yet.

        Raises:
            HandshakeError: the server answered with a status other than 101.
            TransportError: it cannot be reached, or did not answer as a WebSocket server.
            OptionError: the URL or a transport option cannot be used.
        """
        self.check(dial)
        uri = _uri(dial.url)
        opening = _OpeningTransport(uri, dial)
        try:
            await _dial(uri, dial, opening)
            await opening.opened
            opening.check()
        except BaseException:
            opening.give_up()
            raise
        connection.attach(opening)
        return opening


def leg(
    dial: DialOptions, url: str, max_length: int, headers: Mapping[str, str] | None = None
) -> DialOptions:
    """What another transformer dials for the WebSocket that it speaks over.

    Args:
        dial: what the user wants; options that are not for a WebSocket are left out.
        url: where to.
        max_length: the longest message taken, in bytes.
        headers: more for the handshake, in place of the user's of the same name.
    """
    options = {n: v for n, v in dial.options.items() if n in WebSocketsConnector.options}
    options.pop("subprotocols", None)
    if headers:
        names = {name.lower() for name in headers}
        given = dial.options.get("headers", {})
        kept = {name: given[name] for name in given if name.lower() not in names}
        options["headers"] = {**kept, **headers}
    return replace(dial, url=url, max_length=max_length, options=options)


STATUS_LINE: Final = len(b"HTTP/1.1 101 ")
"""So many bytes of an answer tell whether it refuses."""


class _OpeningTransport(WebSocketTransport):
    """A WebSocket that makes its handshake first, and then waits to be read."""

    __slots__ = ("_client", "_given_up_to", "_head_of_answer", "_headers", "_refused", "opened")

    def __init__(self, uri: WebSocketURI, dial: DialOptions) -> None:
        self._client = ClientProtocol(
            uri,
            extensions=[ClientDeflateFactory()] if dial.compression else None,
            subprotocols=dial.options.get("subprotocols"),
            max_size=dial.max_length,
            logger=QuietLogger(logging.getLogger("primus.client")),
        )
        close_timeout = float(dial.options.get("close_timeout", CLOSE_TIMEOUT))
        super().__init__(self._client, close_timeout, dial.limits)
        self._headers = dict(dial.options.get("headers", {}))
        self._head_of_answer = bytearray()
        """What has come of the head of the answer."""
        self._given_up_to = 0
        """How much of it the library has been given: nothing of one that refuses."""
        self._refused: RefusedAnswer | None = None
        """The answer of a server that refuses, once its head is there."""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def check(self) -> None:
        """Make sure that the wire has not been lost since the handshake.

        Raises:
            TransportError: it has.
        """
        if self._wire is None:
            raise _failure(None)

    def give_up(self) -> None:
        """Drop the handshake, which is not awaited any more."""
        self.opened.cancel()
        if not self.opened.cancelled():
            self.opened.exception()  # retrieved, so that asyncio does not complain
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        super().connection_made(transport)
        request = self._client.connect()
        for name, value in self._headers.items():
            if name in request.headers:
                del request.headers[name]
            request.headers[name] = value.encode().decode("latin-1")  # it is sent as UTF-8
        self._client.send_request(request)
        self._speak()

    def data_received(self, data: bytes, at: int = 0) -> None:
        """Handle the answer to the handshake; what comes behind it waits to be read."""
        if self.opened.done():
            # One that is given up, or has failed, is about to be dropped.
            if not self.opened.cancelled() and self.opened.exception() is None:
                super().data_received(data, at)
            return
        if self._refused is not None:
            self._read_refusal(self._refused, data)
            return
        head = self._head_of_answer
        searched = max(0, len(head) - len(HEAD_END) + 1)
        head += data
        end = head.find(HEAD_END, searched)
        size = len(head) if end < 0 else end + len(HEAD_END)
        if REFUSAL.match(head):
            if size > LONGEST_HEAD:
                self._fail(ProtocolError(f"a head of more than {LONGEST_HEAD} bytes"))
            elif end >= 0:
                self._take_refusal(bytes(head[:size]), bytes(head[size:]))
        elif len(head) >= STATUS_LINE or b"\n" in head:
            self._take_acceptance(bytes(head[self._given_up_to : size]), bytes(head[size:]))
            self._given_up_to = size

    def _take_acceptance(self, head: bytes, rest: bytes) -> None:
        """Give the library a part of a head that may accept; the rest behind it waits."""
        self._client.receive_data(head)
        if self._client.events_received() or self._client.handshake_exc is not None:
            self._conclude()
            if self._is_open and rest:
                self._keep(rest, 0)

    def _take_refusal(self, head: bytes, rest: bytes) -> None:
        """Read an answer that refuses. The library takes no HTTP/1.0, and copies long bodies."""
        try:
            self._refused = refused_answer(head)
        except ProtocolError as error:
            self._fail(error)
        else:
            self._read_refusal(self._refused, rest)

    def _read_refusal(self, answer: RefusedAnswer, data: bytes) -> None:
        if answer.feed(data):
            self.opened.set_exception(answer.error)

    def _conclude(self) -> None:
        if self._client.state is OPEN:
            self._is_open = True
            self.pause_reading()
            self.opened.set_result(None)
        else:
            self._fail(self._client.handshake_exc)
        self._head_of_answer.clear()

    def _fail(self, error: BaseException | None) -> None:
        answer = self._refused
        self.opened.set_exception(_failure(error) if answer is None else answer.error)

    def eof_received(self) -> None:
        """Handle that the server has closed, perhaps in the middle of the handshake."""
        super().eof_received()
        if not self.opened.done():
            self._fail(self._client.handshake_exc)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the loss of the wire, perhaps in the middle of the handshake."""
        if not self.opened.done():
            self._fail(self._client.handshake_exc or exc)
        super().connection_lost(exc)


def _uri(url: str) -> WebSocketURI:
    """`url` with the scheme of a WebSocket.

    Raises:
        OptionError: it is no URL that a WebSocket can be opened to.
    """
    scheme, separator, rest = url.partition("://")
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    try:
        return parse_uri(schemes.get(scheme, scheme) + separator + rest)
    except InvalidURI as error:
        raise OptionError(f"cannot open a WebSocket to {url!r}: {error}") from error


async def _dial(uri: WebSocketURI, dial: DialOptions, opening: _OpeningTransport) -> None:
    loop = asyncio.get_running_loop()
    tls: dict[str, Any] = {}
    if uri.secure:
        tls["ssl"] = dial.options.get("ssl") or ssl.create_default_context()
        tls["server_hostname"] = uri.host
    try:
        if "unix" in dial.options:
            await loop.create_unix_connection(lambda: opening, dial.options["unix"], **tls)
        else:
            await loop.create_connection(lambda: opening, uri.host, uri.port, **tls)
    except OSError as error:
        raise TransportError(f"cannot connect to {uri.host}:{uri.port}: {error}") from error


def _failure(error: BaseException | None) -> TransportError:
    """What went wrong in a handshake, as Primus reports it."""
    failure = TransportError(f"the WebSocket handshake failed: {error or 'connection closed'}")
    failure.__cause__ = error
    return failure
