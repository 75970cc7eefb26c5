"""An upgrade under uvicorn, and the scope that an application sees of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol, cast
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.utils import (
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    is_ssl,
)
from uvicorn.server import ServerState

from primus.http import Closable, HandOver, Witness
from primus.server.hosts.asgi_scope import Scope

__all__ = ["Field", "Upgrade", "Upgrading", "client_of", "note_accepted", "scope_of"]

log = logging.getLogger("uvicorn.error")

RESTART: Final = 1012
"""What uvicorn closes WebSockets with when it stops."""

Field = tuple[bytes, bytes]


class Upgrading(Protocol):
    """A connection that has asked for a WebSocket."""

    transport: asyncio.Transport
    config: Config
    state: ServerState
    app_state: dict[str, Any]
    head: bytes
    early: bytes
    """What has come behind the head."""

    def pass_on(self, app: Any) -> bool:
        """Let uvicorn's own class go on, which calls `app`; False when there is none."""

    def refuse(self, status: int) -> None:
        """Answer with nothing but a status."""


class Upgrade(Witness):
    """One upgrade, and the connection that a Primus makes of it."""

    __slots__ = ("_is_taken", "_protocol", "_transport", "_wire")

    def __init__(self, protocol: Upgrading) -> None:
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


def note_accepted(scope: Any) -> None:
    """Log a connection as uvicorn does."""
    client, target = get_client_addr(scope), get_path_with_query_string(scope)
    log.info('%s - "WebSocket %s" [accepted]', client, target)


def client_of(transport: asyncio.Transport) -> tuple[str, int] | None:
    """Where the peer of a connection is: what `get_remote_addr` of uvicorn asks the system for."""
    peer = transport.get_extra_info("peername")
    return (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None


def scope_of(
    protocol: Upgrading, target: str, headers: list[Field], client: tuple[str, int] | None
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
