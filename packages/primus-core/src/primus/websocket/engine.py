"""Engines: what answers a WebSocket upgrade, and gives a transport for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import methodcaller
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple

from primus.clock import SYSTEM_CLOCK, Within
from primus.contracts import Server
from primus.errors import OptionError
from primus.http import Request, Response, Witness
from primus.timers import Patience
from primus.transformer import Transport
from primus.websocket.framing import CLOSE_TIMEOUT
from primus.websocket.handshake import chosen_subprotocol
from primus.websocket.hosted import HostedTransport
from primus.write_watch import Wire

__all__ = ["Engine", "EngineOptions", "Opened"]

ABORTED: Final = 1.0
"""Seconds after which the wire of a WebSocket that was dropped is gone, or never will be."""

Opened = Callable[[Transport], Any]
"""Called with a transport that is open and does not read yet; it attaches what receives."""


class EngineOptions(NamedTuple):
    """What an engine has to know.

    ``max_length`` is the largest message taken, in bytes after inflation, and ``close_timeout``
    the seconds a peer gets to finish closing. ``more`` are the options of one engine alone.
    """

    max_length: int
    compression: bool = False
    close_timeout: float = CLOSE_TIMEOUT
    subprotocols: Sequence[str] = ()
    more: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(
        cls, primus: Server, transport: Mapping[str, Any], more: frozenset[str] = frozenset()
    ) -> EngineOptions:
        """The options of an engine, from those of a Primus and its ``transport``.

        Args:
            primus: the server.
            transport: those of its ``transport`` options that are for the engine.
            more: the names of the options that only one engine has.

        Raises:
            OptionError: an option is unknown, or cannot work.
        """
        known = more | {"close_timeout", "subprotocols"}
        if unknown := set(transport) - known:
            raise OptionError(
                f"transport={dict(transport)!r}: unknown {', '.join(sorted(unknown))}; the "
                f"{primus.transformer_name} transformer takes {', '.join(sorted(known))}"
            )
        return cls(
            max_length=primus.options.max_length,
            compression=primus.options.compression,
            close_timeout=float(transport.get("close_timeout", CLOSE_TIMEOUT)),
            subprotocols=tuple(transport.get("subprotocols") or ()),
            more={name: transport[name] for name in more & set(transport)},
        )


class Engine:
    """Answers upgrades with the HTTP server's own WebSocket; engines of our own do better.

    An engine that takes over raw transports overrides `upgrade`, comes back here for hosts that
    have none, and hands every transport to `entered` and `left`.
    """

    options_of_its_own: ClassVar[frozenset[str]] = frozenset()
    """The names of ``transport`` options that only this engine has."""

    takes_transports: ClassVar[bool] = False
    """Whether it takes over every raw transport that it can have."""

    def __init__(self, primus: Server, options: EngineOptions) -> None:
        self.primus = primus
        self.options = options
        self._transports: dict[Transport, Wire | None] = {}
        self._witnesses: dict[Transport, Witness] = {}
        self._closing: Patience[Transport] = Patience(
            SYSTEM_CLOCK, options.close_timeout, methodcaller("abort")
        )
        """The transports whose peers have to finish closing."""
        self._all_gone: asyncio.Event | None = None

    async def upgrade(self, request: Request, opened: Opened) -> Response | None:
        """Take over an upgrade.

        Args:
            request: the upgrade, which has passed the middleware.
            opened: called once the WebSocket is open.

        Returns:
            `None`, or a `Response` that refuses a handshake which cannot be answered.
        """
        socket = request.websocket()
        try:
            refusal = await socket.accept(
                request.response_headers,
                subprotocols=self.options.subprotocols,
                max_length=self.options.max_length,
                compression=self.options.compression,
            )
        except ConnectionError:
            return Response.error(400)
        if refusal is not None:
            return refusal
        transport = HostedTransport(
            socket, self.options.max_length, self.options.close_timeout, self.primus.limits
        )
        self.entered(transport, socket.wire)
        try:
            opened(transport)
            await transport.run()
        finally:
            transport.abort()
            self.left(transport)
        return None

    def answered(self, request: Request) -> list[tuple[str, str]]:
        """The headers that an engine of our own answers with, beside those of every handshake."""
        added = request.response_headers
        headers = list(added.items()) if added else []
        if self.options.subprotocols:
            subprotocol = chosen_subprotocol(request.headers, self.options.subprotocols)
            if subprotocol is not None:
                headers.append(("Sec-WebSocket-Protocol", subprotocol))
        return headers

    def entered(
        self, transport: Transport, wire: Wire | None = None, witness: Witness | None = None
    ) -> None:
        """Register an open WebSocket; with its wire and `HandOver.witness`, where there are any."""
        self._transports[transport] = wire
        if witness is not None:
            self._witnesses[transport] = witness
            witness.opened(transport)
        self.primus.writes.keep(wire, transport)

    def left(self, transport: Transport) -> None:
        """Handle the loss of the wire of a WebSocket."""
        self._closing.discard(transport)
        self.primus.writes.discard(self._transports.pop(transport, None))
        if self._witnesses and (witness := self._witnesses.pop(transport, None)) is not None:
            witness.left()
        if not self._transports and self._all_gone is not None:
            self._all_gone.set()

    async def close(self) -> None:
        """Wait until every peer has finished closing; drop those whose time is over."""
        if not self._transports:
            return
        self._all_gone = asyncio.Event()
        try:
            async with Within(self.options.close_timeout + 1.0):
                await self._all_gone.wait()
        except TimeoutError:
            for transport in tuple(self._transports):
                transport.abort()
            with suppress(TimeoutError):
                async with asyncio.timeout(ABORTED):
                    await self._all_gone.wait()
