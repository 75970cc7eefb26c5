"""A transformer that needs no network: a whole Primus and its clients in one event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from primus.browser import Browser
from primus.errors import HandshakeError, TransportError
from primus.http import HandOver, Request, Response
from primus.transformer import Connector, DialOptions, Transformer
from primus_testing.memory import MemoryTransport, memory_pair
from primus_testing.requests import make_request

if TYPE_CHECKING:
    from primus.contracts import Attachable
    from primus.server.primus import Primus

__all__ = ["MemoryConnector", "MemoryTransformer"]


class MemoryTransformer(Transformer):
    """Joins sparks and sockets by pairs of `MemoryTransport`.

    The host name in a client's URL says which Primus it means: the one that was made last with
    ``transport={"host": "name"}``; the default is ``memory``, as in ``http://memory/primus``.
    """

    name = "memory"

    hosts: ClassVar[WeakValueDictionary[str, MemoryTransformer]] = WeakValueDictionary()
    """The transformers that can be reached, by host name."""

    def __init__(self, primus: Primus) -> None:
        super().__init__(primus)
        self.host = str(primus.options.transport.get("host", "memory"))
        self.hosts[self.host] = self

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"http://{self.host}"

    async def request(self, request: Request) -> Response:
        """A plain request cannot be served."""
        return Response(426, "Upgrade Required", content_type="text/plain")

    async def upgrade(self, request: Request) -> Response | None:
        """Make a spark, and leave the other end of its wire to the connector."""
        ours, theirs = memory_pair()
        request.native.set_result(theirs)
        theirs.pause_reading()
        self.primus.accept(ours, request)
        return None

    async def close(self) -> None:
        """Refuse connections from now on."""
        if self.hosts.get(self.host) is self:
            del self.hosts[self.host]

    @classmethod
    def connector(cls) -> Connector:
        """The client half."""
        return MemoryConnector()

    @classmethod
    def browser(cls) -> Browser:
        """A browser half that compiles, and connects to nothing."""
        return Browser(client="export default function connect(wire) {}\n")


class MemoryConnector(Connector):
    """Opens wires to a Primus in the same process, through all of its middleware."""

    async def open(self, dial: DialOptions, connection: Attachable) -> MemoryTransport:
        """A wire to the Primus that is called like the host in ``dial.url``.

        Raises:
            TransportError: there is none.
            HandshakeError: it refused.
        """
        url = urlsplit(dial.url)
        transformer = MemoryTransformer.hosts.get(url.hostname or "")
        if transformer is None:
            raise TransportError(f"there is no Primus called {url.hostname!r}")
        wire: asyncio.Future[MemoryTransport] = asyncio.get_running_loop().create_future()
        request = make_request(
            f"{url.path}?{url.query}" if url.query else url.path,
            headers={
                "Host": url.hostname or "",
                "Connection": "Upgrade",
                "Upgrade": "memory",
                **dial.options.get("headers", {}),
            },
            detach=_nothing_to_detach,
            native=wire,
        )
        response = await transformer.primus.handle(request)
        if response is not None:
            raise HandshakeError(
                f"unexpected server response: {response.status}",
                status=response.status,
                headers=response.headers_for(request),
                body=response.body,
            )
        transport = wire.result()
        connection.attach(transport)
        return transport


def _nothing_to_detach() -> HandOver:
    raise ConnectionResetError("a wire in memory has no transport to hand over")
