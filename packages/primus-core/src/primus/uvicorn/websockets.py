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
from collections.abc import Callable
from typing import Any, ClassVar, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol
from uvicorn.server import ServerState

from primus.http import phrase
from primus.server.hosts.asgi import may_take_transport
from primus.uvicorn.called_upgrade import CalledUpgrade
from primus.uvicorn.direct_upgrade import DirectUpgrade, loaded_primus
from primus.uvicorn.sliced_reads import SlicedReads
from primus.uvicorn.upgrades import Field, Upgrade, client_of, scope_of

__all__ = ["REFUSAL", "WebSockets"]

log = logging.getLogger("uvicorn.error")

FIELD: Final = re.compile(rb"([^:\r]+): ([^\r]*)\r\n")
"""A header as uvicorn writes it."""

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
        self._upgrade: Upgrade | None = None
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
        host, proxies = loaded_primus(self.config.loaded_app)
        located = None if host is None or self.config.root_path else host.located(target)
        if host is None or located is None:
            self.begin(head, target, [(name.encode(), value.encode()) for name, value in headers])
            return
        self.head = head
        if len(head) > host.primus.limits.max_head:
            self.refuse(431)
        else:
            self._upgrade = direct = DirectUpgrade(self, host.primus, proxies, target, headers)
            direct.start(located)

    def begin(self, head: bytes, target: str, headers: list[Field]) -> None:
        """Call the application, or let uvicorn's own class do that.

        Args:
            head: of the upgrade.
            target: what it asks for.
            headers: those in it, with names in small letters.
        """
        self.head = head
        scope = scope_of(self, target, headers, client_of(self.transport))
        if may_take_transport(scope["path"]):
            self._upgrade = CalledUpgrade(self, scope)
        else:
            self.pass_on(self.config.loaded_app)

    def eof_received(self) -> bool | None:
        """Tell uvicorn's own."""
        return None if self._reads is None else self._reads.ended()

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
