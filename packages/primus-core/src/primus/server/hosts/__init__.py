"""Hosts: what connects a Primus to an HTTP server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from primus.errors import AttachError

if TYPE_CHECKING:
    from primus.server.primus import Primus
    from primus.transformer import Transformer

__all__ = ["Host", "attach"]


class Host(ABC):
    """Brings the requests of one HTTP server to one Primus."""

    offers: ClassVar[frozenset[str]] = frozenset()
    """What transformers may need; see `Transformer.needs`."""

    @property
    @abstractmethod
    def listening(self) -> tuple[str, int] | None:
        """URL and port, when the HTTP server is our own."""

    @abstractmethod
    async def close(self, *, stop: bool) -> None:
        """The Primus has been destroyed; with `stop`, stop an HTTP server that is our own."""


def attach(primus: Primus, server: Any, transformer: type[Transformer]) -> Host:
    """Attach a Primus to a server.

    Raises:
        AttachError: the server is of no known kind, or cannot carry the transformer.
    """
    from aiohttp.web import Application

    if not isinstance(server, Application):
        raise AttachError(
            f"cannot attach to {server!r}: give an aiohttp.web.Application, or use "
            "Primus.create_server() for a server of its own"
        )
    from primus.server.hosts.aiohttp import AiohttpHost

    missing = transformer.needs - AiohttpHost.offers
    if missing:
        raise AttachError(
            f"the transformer {transformer.name!r} needs {', '.join(sorted(missing))}, "
            "which aiohttp does not offer"
        )
    return AiohttpHost(primus, server)
