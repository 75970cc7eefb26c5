"""Opens sessions by the first transport that works."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from primus.clock import Within
from primus.errors import HandshakeError, OptionError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PollingClient
from primus.tasks import spawn
from primus.transformer import Connector, DialOptions
from primus_transformer_socketio.client.address import Address, Handshake
from primus_transformer_socketio.client.polling import PollingSession
from primus_transformer_socketio.client.session import ClientSession
from primus_transformer_socketio.client.websocket import WebSocketSession
from primus_transformer_socketio.routes import WEBSOCKET, XHR

if TYPE_CHECKING:
    from primus.contracts import Attachable

__all__ = ["SocketIOConnector"]

ATTEMPT: Final = 10.0
"""Seconds that a transport gets to open, when there is another one to try."""


class SocketIOConnector(Connector):
    """Opens sessions: a handshake, and then the first transport that opens."""

    options = frozenset(
        {"close_timeout", "connect_timeout", "headers", "ssl", "transports", "unix"}
    )
    asks = True
    transports: Sequence[str] = (WEBSOCKET, XHR)
    """What is tried, unless the option ``transports`` says something else."""

    async def open(self, dial: DialOptions, connection: Attachable) -> ClientSession:
        """A session that has been opened and does not read yet.

        Raises:
            HandshakeError: the server refused, whatever was tried.
            TransportError: it cannot be reached, or does not speak Socket.IO 0.9.
            OptionError: a transport option cannot be used.
        """
        self.check(dial)
        opening = _Opening(dial, _names(dial.options.get("transports", self.transports)))
        try:
            session = await opening.open()
        except BaseException:
            await opening.http.close()
            raise
        connection.attach(session)
        return session


class _Opening:
    def __init__(self, dial: DialOptions, names: Sequence[str]) -> None:
        self._dial = dial
        self._names = names
        self._limit = float(dial.options.get("connect_timeout", ATTEMPT))
        self._address = Address(dial.url)
        self.http = PollingClient(dial)

    async def open(self) -> ClientSession:
        """The session; every attempt has a handshake of its own, which its failure uses up."""
        handshake = await self._handshake()
        names = [name for name in self._names if name in handshake.transports]
        if not names:
            offered = ", ".join(handshake.transports)
            raise TransportError(f"the server offers {offered}, and no {' or '.join(self._names)}")
        failure: TransportError | None = None
        for name in names:
            try:
                async with Within(None if name == names[-1] else self._limit):
                    if failure is not None:
                        handshake = await self._handshake()
                    return await self._attempt(name, handshake)
            except TransportError as error:
                if _is_final(error):
                    raise
                failure = failure or error
            except TimeoutError as error:
                failure = failure or TransportError(f"{name} did not open in {self._limit:g} s")
                failure.__cause__ = error
        assert failure is not None
        raise failure

    async def _handshake(self) -> Handshake:
        url = self._address.handshake()
        return Handshake.read(
            await self.http.ask("GET", url, limit=DEFAULT_LIMITS.description_bytes)
        )

    async def _attempt(self, name: str, handshake: Handshake) -> ClientSession:
        if name == XHR:
            return await PollingSession.open(self._dial, self._address, handshake, self.http)
        url = self._address.websocket(handshake.key)
        session = await WebSocketSession.open(
            self._dial, url, handshake.heartbeat_timeout, self.http.cookies(url)
        )
        spawn(self.http.close())
        return session


def _names(names: Sequence[str]) -> Sequence[str]:
    chosen = [names] if isinstance(names, str) else list(names)
    if not chosen or set(chosen) - {WEBSOCKET, XHR}:
        raise OptionError(f"transports={names!r}: must be some of {WEBSOCKET}, {XHR}")
    return chosen


def _is_final(error: TransportError) -> bool:
    """Whether another transport would fare no better.

    Primus refuses with a reason; a proxy that does not know WebSockets has another form.
    """
    if not isinstance(error, HandshakeError):
        return isinstance(error.__cause__, OSError)
    try:
        return "error" in json.loads(error.body)
    except (ValueError, TypeError, RecursionError):
        return False
