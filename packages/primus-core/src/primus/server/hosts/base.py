"""`Host`: what connects a Primus to an HTTP server."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

from primus.contracts import Server

__all__ = ["Host", "Serving"]


class Serving(Protocol):
    """An HTTP server of our own, as its host knows it."""

    url: str
    """Where it listens; empty before."""
    port: int
    answers_requests: bool
    """Whether it answers requests without aiohttp."""

    def serve(self, primus: Server, app: Any = None) -> None:
        """Serve a Primus, and an application of aiohttp behind it."""

    def stop_listening(self) -> None:
        """Accept no more connections; those there are go on."""

    async def adopt(self, connection: socket.socket, early: bytes) -> None:
        """Serve a connection that another process has accepted, and has read `early` from."""

    async def stop(self, since: float) -> None:
        """Stop it; the end of the Primus has begun at `since`, in seconds of the loop."""


class Host(ABC):
    """Brings the requests of one HTTP server to one Primus."""

    offers: ClassVar[frozenset[str]] = frozenset()
    """What transformers may need; see `Transformer.needs`."""

    name: ClassVar[str] = "this server"
    """What errors call the kind of server."""

    server: Serving | None = None
    """A server of our own, where the requests come from that."""

    @property
    @abstractmethod
    def listening(self) -> tuple[str, int] | None:
        """URL and port, when the HTTP server is our own."""

    @abstractmethod
    async def close(self, *, stop: bool) -> None:
        """The Primus has been destroyed; with `stop`, stop an HTTP server that is our own."""
