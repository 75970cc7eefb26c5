"""The client half: opens sessions with servers of either revision."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from primus.errors import HandshakeError, OptionError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PollingClient, opened_session
from primus.transformer import Connector, DialOptions
from primus.websocket import CLOSE_TIMEOUT
from primus_transformer_engineio.address import Address
from primus_transformer_engineio.answers import UNSUPPORTED_REVISION
from primus_transformer_engineio.buffered_receiver import open_websocket
from primus_transformer_engineio.client_session import ClientSession
from primus_transformer_engineio.options import POLLING, WEBSOCKET
from primus_transformer_engineio.packets import CLOSE, OPEN, Packet
from primus_transformer_engineio.revision3 import Revision3
from primus_transformer_engineio.revision4 import Revision4
from primus_transformer_engineio.revisions import TEXT, Revision

if TYPE_CHECKING:
    from primus.contracts import Attachable

__all__ = ["EngineIOConnector"]

OF_REVISION_3: Final = re.compile(rb"\d+:" + OPEN.encode())
"""How the handshake of a server begins that knows revision 3 only, whatever it was asked for."""

LONGEST_TIME: Final = (1 << 31) - 1
"""Milliseconds that a timer of JavaScript can wait; what is longer is no time at all."""

FIRST_OF_REVISION_4: Final = 8
"""The first version of Primus for Node with revision 4; ours has it, too, but counts anew."""


class EngineIOConnector(Connector):
    """Opens sessions: polling first, or over a WebSocket at once."""

    options = frozenset({"close_timeout", "headers", "revision", "ssl", "transports", "unix"})
    asks = True

    async def open(self, dial: DialOptions, connection: Attachable) -> ClientSession:
        """A session that has been opened and does not read yet.

        Raises:
            HandshakeError: the server answered with a status other than it should.
            TransportError: it cannot be reached, or does not speak Engine.IO.
            OptionError: the URL or a transport option cannot be used.
        """
        self.check(dial)
        opening = _Opening(dial)
        try:
            session = await opening.open()
        except BaseException:
            await opening.http.close()
            raise
        connection.attach(session)
        return session


class _Opening:
    def __init__(self, dial: DialOptions) -> None:
        options = dial.options
        self._dial = dial
        self._transports = _transports(options.get("transports", (POLLING, WEBSOCKET)))
        self._revision = options.get("revision")
        if self._revision not in (None, 3, 4):
            raise OptionError(f"revision={self._revision!r}: must be 3 or 4")
        self._address = Address(dial.url)
        self.http = PollingClient(dial)

    async def open(self) -> ClientSession:
        """The session."""
        if self._transports[0] == WEBSOCKET:
            return await self._over_websocket()
        return await self._by_polling()

    # -- polling

    async def _by_polling(self) -> ClientSession:
        revision, body = await opened_session(self._greeting(), self._leave)
        packets = revision.decoded(body, TEXT)
        handshake = _handshake(next(packets, ""))
        upgrades = WEBSOCKET in self._transports and WEBSOCKET in handshake["upgrades"]
        return self._session(revision, handshake, packets, upgrades=upgrades)

    async def _leave(self, greeting: tuple[Revision, bytes]) -> None:
        """End a session that the server has opened for a client that wants it no more."""
        revision, body = greeting
        sid = _handshake(next(revision.decoded(body, TEXT), ""))["sid"]
        body, content_type = revision.payload([CLOSE], binary=False)
        url = self._address.of(POLLING, revision.number, sid)
        limit = DEFAULT_LIMITS.poll_bytes
        await self.http.ask("POST", url, body, content_type=content_type, limit=limit)

    async def _greeting(self) -> tuple[Revision, bytes]:
        """How the server answers, and the revision it answers in."""
        asked = self._revision or 4
        try:
            body = await self._ask(self._address.of(POLLING, asked))
        except HandshakeError as error:
            if self._revision is not None or _code(error) != UNSUPPORTED_REVISION:
                raise
            self._revision = asked = 3
            body = await self._ask(self._address.of(POLLING, asked))
        if self._revision is None and OF_REVISION_3.match(body):
            asked = 3
        return self._speech(asked), body

    # -- a WebSocket at once

    async def _over_websocket(self) -> ClientSession:
        revision = self._speech(self._revision or await self._revision_by_spec())
        url = self._address.of(WEBSOCKET, revision.number)
        wire, receiver = await open_websocket(url, self._dial, {})
        try:
            handshake = _handshake(revision.packet(await receiver.next()))
            packets = map(revision.packet, receiver.rest)
            session = self._session(revision, handshake, packets, upgrades=False)
        except BaseException:
            wire.connection = None
            wire.abort()
            raise
        session.begin_over(wire)
        return session

    async def _revision_by_spec(self) -> int:
        """What the server speaks, by the version of Primus that it tells; 4 if in doubt."""
        try:
            spec = json.loads(await self._ask(f"{self._address.base}/spec"))
            major = int(str(spec["version"]).partition(".")[0])
        except (TransportError, ValueError, KeyError, TypeError, RecursionError):
            return 4
        return 3 if 0 < major < FIRST_OF_REVISION_4 else 4

    async def _ask(self, url: str) -> bytes:
        return await self.http.ask("GET", url, limit=DEFAULT_LIMITS.poll_bytes)

    def _speech(self, number: int) -> Revision:
        return Revision4() if number == 4 else Revision3(json=self._dial.json)

    def _session(
        self,
        revision: Revision,
        handshake: dict[str, Any],
        early: Iterator[Packet],
        *,
        upgrades: bool,
    ) -> ClientSession:
        return ClientSession(
            revision,
            handshake,
            early,
            address=self._address,
            http=self.http,
            open_websocket=self._upgrading if upgrades else None,
            max_length=self._dial.max_length,
            close_timeout=float(self._dial.options.get("close_timeout", CLOSE_TIMEOUT)),
        )

    async def _upgrading(self, url: str) -> Any:
        return await open_websocket(url, self._dial, self.http.cookies(url))


def _transports(value: Any) -> tuple[str, ...]:
    chosen = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not chosen or set(chosen) - {POLLING, WEBSOCKET}:
        raise OptionError(f"transports={value!r}: must be some of {(POLLING, WEBSOCKET)}")
    return chosen


def _handshake(packet: Packet) -> dict[str, Any]:
    """What a server tells when it opens a session.

    Raises:
        TransportError: it tells something else.
    """
    try:
        if not isinstance(packet, str) or not packet.startswith(OPEN):
            raise ValueError("no open packet")
        told = json.loads(packet[1:])
        times = told["pingInterval"], told["pingTimeout"]
        if not isinstance(told["sid"], str) or not all(0 < time <= LONGEST_TIME for time in times):
            raise ValueError("no session")
        if len(told["sid"].encode()) > DEFAULT_LIMITS.session_id:  # a URL has to hold it
            raise ValueError("the id of the session is too long")
        if not isinstance(told.setdefault("upgrades", []), list):
            raise ValueError("no list of upgrades")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TransportError(f"the server does not speak Engine.IO: {packet[:60]!r}") from error
    assert isinstance(told, dict)
    return told


def _code(error: HandshakeError) -> Any:
    """The code of Engine.IO in a refusal, if there is one."""
    try:
        return json.loads(error.body)["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
