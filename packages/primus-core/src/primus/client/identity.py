"""What a client knows of its connection: the server's id for it, and how far away that is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from primus.client.reading import Reading
from primus.connection import OPEN
from primus.errors import TransportError
from primus.protocol import Close, Control, Id, Ping, pong

if TYPE_CHECKING:
    from primus.client.address import Address
    from primus.client.fit import Fit
    from primus.options import ClientOptions
    from primus.pipeline import Pipeline

__all__ = ["Identified"]


class Identified(Reading):
    """A client that answers the control messages of its server."""

    def __init__(
        self, address: Address, fit: Fit, options: ClientOptions, pipeline: Pipeline
    ) -> None:
        super().__init__(address, fit, options, pipeline)
        self._id: str | None = None
        self._ids: list[asyncio.Future[str]] = []

    @property
    def latency(self) -> float:
        """The last round trip to the server, in seconds; 0 before the first."""
        return self._heartbeat.latency

    async def id(self) -> str:
        """The id that this connection has on the server; waits for the connection to open.

        Raises:
            TransportError: the socket has ended, or was never opened.
        """
        known = self._known_id()
        if known is not None:
            return known
        if self._over:
            raise TransportError("there is no connection that could have an id")
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ids.append(answer)
        if self._state == OPEN and not self._heartbeat.asking:
            self._heartbeat.ask()
        return await answer

    def _known_id(self) -> str | None:
        if self._state != OPEN or self._transport is None:
            return None
        return self._id

    def _gone(self, error: Exception | None) -> None:
        self._id = None
        super()._gone(error)

    def _conclude(self) -> None:
        self._id = None
        ids, self._ids = self._ids, []
        for waiting in ids:
            if not waiting.done():
                waiting.set_exception(
                    TransportError("the connection ended before the server told its id")
                )
        super()._conclude()

    def _control(self, message: Control) -> None:
        match message:
            case Ping(stamp):
                if self._spied:
                    self.dispatch("incoming::ping", stamp)
                    self.dispatch("outgoing::pong", stamp)
                self._heartbeat.pinged()
                self._reply("pong", pong(stamp))
            case Id(id):
                self._id = id
                self._heartbeat.answered()
                ids, self._ids = self._ids, []
                for waiting in ids:
                    if not waiting.done():
                        waiting.set_result(id)
                if self._spied:
                    self.dispatch("incoming::id", id)
            case Close():
                self._server_closed = True
            case _:
                self.log.debug("%r: ignored a control message", self)
