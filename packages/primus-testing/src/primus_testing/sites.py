"""HTTP servers that tests run applications on, one for each kind of host.

Their applications answer ``/original`` with ``original listener``, and send back in capitals what
comes over the WebSocket at ``/own``: so a test sees what is left to the application.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, ClassVar

from aiohttp import web

from primus.server.hosts.aiohttp import AiohttpHost
from primus.server.listen import Listening, OwnServer
from primus.server.primus import Primus
from primus.workers.elsewhere import Elsewhere
from primus.workers.hatch import Hatch
from primus.workers.notes import path_of
from primus.workers.whereabouts import Place
from primus_testing.recorder import DEADLINE, eventually
from primus_testing.scripted import stop_accepting, stop_sites

PATIENCE = 2.0
"""Seconds that WebSockets get to finish closing before uvicorn shuts them down."""

__all__ = [
    "SITES",
    "AiohttpSite",
    "AsgiSite",
    "HandedSite",
    "OwnSite",
    "RelayedSite",
    "Site",
    "UvicornSite",
    "WrappedSite",
]


class Site(ABC):
    """A server on a free port.

    Args:
        primus: what it serves.
        app: the application that the Primus is attached to.
    """

    def __init__(self, primus: Primus, app: Any) -> None:
        self.primus = primus
        self.app = app

    @staticmethod
    @abstractmethod
    def application() -> Any:
        """An application to attach to."""

    @abstractmethod
    async def start(self, address: str, port: int = 0) -> int:
        """Listen at that address; the port, which is a free one for 0."""

    @abstractmethod
    async def stop(self) -> None:
        """Shut the application down, then the server. Calling it again does nothing."""


class AiohttpSite(Site):
    """aiohttp.

    Args:
        primus: what it serves.
        app: the application that the Primus is attached to.
        tls: the server's side of TLS, if it speaks that.
    """

    def __init__(
        self, primus: Primus, app: web.Application, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(primus, app)
        self.tls = tls
        # Lingering is for the rest of a body that was refused, even when its client has gone.
        self.runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, lingering_time=0.1, keepalive_timeout=1
        )

    @staticmethod
    def application() -> web.Application:
        """Two routes."""

        async def original(request: web.Request) -> web.Response:
            return web.Response(text="original listener")

        async def own(request: web.Request) -> web.WebSocketResponse:
            opened = web.WebSocketResponse()
            await opened.prepare(request)
            async for message in opened:
                await opened.send_str(message.data.upper())
            return opened

        app = web.Application()
        app.router.add_get("/original", original)
        app.router.add_get("/own", own)
        return app

    @property
    def waiting(self) -> Collection[object]:
        """The connections of which the server expects requests."""
        assert self.runner.server is not None
        return self.runner.server.connections

    async def start(self, address: str, port: int = 0) -> int:
        """Listen."""
        await self.runner.setup()
        await web.TCPSite(self.runner, address, port, ssl_context=self.tls).start()
        return int(self.runner.addresses[0][1])

    async def stop(self) -> None:
        """Clean up, which shuts the application down."""
        await stop_sites(self.runner)
        await self.runner.cleanup()


class OwnSite(AiohttpSite):
    """aiohttp behind the entrance of `Primus.create_server`."""

    @property
    def waiting(self) -> Collection[object]:
        """The connections of which the server expects requests."""
        assert self.primus.host is not None
        server = self.primus.host.server
        assert isinstance(server, OwnServer)
        assert server._pending is not None
        return server._pending.deadlines.due

    async def start(self, address: str, port: int = 0) -> int:
        """Listen."""
        assert isinstance(self.primus.host, AiohttpHost)
        server = OwnServer()
        server.serve(self.primus, self.app)
        self.primus.host.own(server)
        await server.start(Listening(address, port), self.tls)
        self.primus.initialise()
        return server.port

    async def stop(self) -> None:
        """Destroy the Primus, which stops its server."""
        await self.primus.destroy(reconnect=True)


class HandedSite(OwnSite):
    """The second of two workers: a client gets to the first, which hands its connections over."""

    elsewhere: ClassVar[type[Elsewhere]] = Elsewhere
    """How the first one brings requests to the second."""

    async def start(self, address: str, port: int = 0) -> int:
        """Listen; the port is that of the first one."""
        await super().start(address)
        primus = self.primus
        assert primus.host is not None
        assert primus.host.server is not None
        self._folder = tempfile.mkdtemp(prefix="primus-")
        primus.elsewhere = Elsewhere(primus, self._place(primus.node, 1))
        path = path_of(self._folder, primus.node)
        self._hatch = Hatch(primus, path, primus.host.server.adopt)
        self._hatch.open()

        options = primus.options
        self.first = first = Primus(
            app := self.application(),
            transformer=type(primus.transformer),
            pathname=primus.pathname,
            transport=options.transport,
            max_length=options.max_length,
            clock=options.clock,
            node="first",
        )
        first.elsewhere = passing = self.elsewhere(first, self._place("first", 0))
        passing.whereabouts.update([("first", 0, False), (primus.node, 1, True)])
        self._site = OwnSite(first, app)
        return await self._site.start(address, port)

    def _place(self, node: str, slot: int) -> Place:
        return Place(node, slot, 2, self._folder, "secret")

    async def stop(self) -> None:
        """Destroy both."""
        await self._site.stop()
        await super().stop()
        self._hatch.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Relaying(Elsewhere):
    """Hands nothing over, as if all connections carried several sessions."""

    def take(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Let it stay."""
        return False


class RelayedSite(HandedSite):
    """The second of two workers: a client gets to the first, which passes its requests on."""

    elsewhere = Relaying


class AsgiSite(Site):
    """uvicorn, in the loop of the test. It has to be installed."""

    websockets: ClassVar[str] = "auto"
    """Which of its WebSocket implementations to run."""

    requests: ClassVar[str] = "h11"
    """Which of its HTTP implementations: by itself it takes httptools, which bounds no heads."""

    settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """More options for its ``Config``, or others in place of those here."""

    def __init__(self, primus: Primus, app: Any) -> None:
        super().__init__(primus, app)
        self.served: Callable[..., Awaitable[None]] = primus.asgi
        """The application that it runs, which a test may put middleware around."""

    @staticmethod
    def application() -> Callable[..., Awaitable[None]]:
        """An application of no framework."""
        return _application

    @property
    def state(self) -> Any:
        """uvicorn's connections and tasks."""
        return self._server.server_state

    async def start(self, address: str, port: int = 0) -> int:
        """Start up and listen."""
        import uvicorn

        chosen: dict[str, Any] = {
            "ws": self.websockets,
            "http": self.requests,
            "lifespan": "on",
            "log_config": None,
            "access_log": False,
            "proxy_headers": False,
            "server_header": False,
        }
        config = uvicorn.Config(self.served, **{**chosen, **self.settings})
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        # asyncio sets TCP_NODELAY on what is TCP by name, and without it answers take 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
        await self._server.startup(sockets=[listener])
        self._stopped = False
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        """What uvicorn does at its shutdown, but without its pauses."""
        if self._stopped:
            return
        self._stopped = True
        state = self._server.server_state
        for listening in self._server.servers:
            await stop_accepting(listening)
        with suppress(AssertionError):  # of a peer that does not answer
            await eventually(lambda: not any(map(_is_closing, state.connections)), PATIENCE)
        for connection in tuple(state.connections):
            connection.shutdown()
        await eventually(lambda: not state.connections and not state.tasks)
        async with asyncio.timeout(DEADLINE):
            await self._server.lifespan.shutdown()


class UvicornSite(AsgiSite):
    """uvicorn with the WebSockets and the requests of `primus.uvicorn`."""

    websockets = "primus.uvicorn:WebSockets"
    requests = "primus.uvicorn:Requests"


class WrappedSite(UvicornSite):
    """The same, with an application around the Primus, which is called for each upgrade."""

    def __init__(self, primus: Primus, app: Any) -> None:
        super().__init__(primus, app)
        inner = self.served

        async def wrapper(scope: Any, receive: Any, send: Any) -> None:
            await inner(scope, receive, send)

        self.served = wrapper


def _is_closing(connection: Any) -> bool:
    """Whether it is a WebSocket that has sent its close frame and waits for that of the peer."""
    return getattr(connection, "close_sent", False)


SITES: dict[str, type[Site]] = {
    "aiohttp": AiohttpSite,
    "own": OwnSite,
    "handed": HandedSite,
    "relayed": RelayedSite,
    "asgi": AsgiSite,
    "uvicorn": UvicornSite,
    "wrapped": WrappedSite,
}
"""The kinds of host by their names."""


async def _application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError("no lifespan here")
    if scope["type"] == "websocket":
        await receive()
        if scope["path"] == "/own":
            await _own(receive, send)
        else:
            await _answer(send, "websocket.http", 404, b"not found")
            for _ in ("of the answer", "of the connection"):
                await receive()  # else uvicorn 0.54 logs that the handshake is incomplete
    elif scope["path"] == "/original":
        await _answer(send, "http", 200, b"original listener")
    else:
        await _answer(send, "http", 404, b"not found")


async def _answer(send: Any, kind: str, status: int, body: bytes) -> None:
    await send({"type": f"{kind}.response.start", "status": status, "headers": []})
    await send({"type": f"{kind}.response.body", "body": body})


async def _own(receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"].upper()})
